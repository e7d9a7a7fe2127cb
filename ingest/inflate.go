package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// inflaters are kept from one request to the next, since each brings tens of
// kilobytes of tables.
type inflaters struct {
	source bytes.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
}

// The windows of zstd: what a decoder holds of what it has inflated already.
const (
	zstdWindowKept = 128 << 10 // the largest that decoders have which are kept
	zstdWindowMax  = 8 << 20   // the largest that RFC 8878 asks all decoders to take
)

// inflate decompresses q.body into q.inflated and makes it the text.
func (q *request) inflate() *problem {
	q.source.Reset(q.body)
	if q.coding == codingGzip {
		return q.inflateGzip()
	}
	return q.inflateZstd()
}

func (q *request) inflateGzip() *problem {
	if !q.charge(gzipCost) {
		return overloaded()
	}
	if q.gzip == nil {
		q.gzip = new(gzip.Reader)
	}
	err := q.gzip.Reset(&q.source)
	p, _ := q.inflateFrom(q.gzip, err)
	return p
}

func (q *request) inflateZstd() (p *problem) {
	if !q.charge(zstdCost) {
		return overloaded()
	}
	var err error
	if q.zstd == nil {
		if q.zstd, err = q.newDecoder(zstdWindowKept); err != nil {
			return q.notInflated(err)
		}
	}
	err = q.zstd.Reset(&q.source)
	p, err = q.inflateFrom(q.zstd, err)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return q.inflateWide()
	}
	return p
}

// inflateWide is inflate for frames of a large window, with a decoder that holds
// one no longer than this takes.
func (q *request) inflateWide() *problem {
	if !q.charge(zstdWindowMax) {
		return overloaded()
	}
	defer q.refund(zstdWindowMax)
	wide, err := q.newDecoder(zstdWindowMax)
	if err != nil {
		return q.notInflated(err)
	}
	defer wide.Close()
	q.source.Reset(q.body)
	err = wide.Reset(&q.source)
	p, _ := q.inflateFrom(wide, err)
	return p
}

func (q *request) newDecoder(window uint64) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(uint64(q.limits.BodyBytesMax)+1))
}

// inflateFrom reads all of src, unless it could not be set on the body, as err
// says. With a problem it returns what src failed with.
func (q *request) inflateFrom(src io.Reader, err error) (*problem, error) {
	if err != nil {
		return q.notInflated(err), err
	}
	var p *problem
	q.inflated, p = q.readGrowing(q.inflated[:0], src, growth{q.limits.BodyBytesMax, 2}, q.checkInflated, func(cause error, _ int64) *problem {
		err = cause
		return q.notInflated(cause)
	})
	q.text = q.inflated
	return p, err
}

// ratioFree is how much any body may inflate to, whatever its ratio.
const ratioFree = 1 << 20

func (q *request) checkInflated(n int64) *problem {
	if n > q.limits.BodyBytesMax {
		return tooLarge("inflated_too_large", fmt.Sprintf("the body inflates to more than %d bytes: send less at a time", q.limits.BodyBytesMax))
	}
	if n > ratioFree && n > int64(len(q.body))*q.limits.RatioMax {
		return tooLarge("inflated_too_large", fmt.Sprintf("the body inflates to more than %d times its size, as no events do", q.limits.RatioMax))
	}
	return nil
}

func (q *request) notInflated(err error) *problem {
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return tooLarge("inflated_too_large", fmt.Sprintf("the zstd frame wants more memory than %d bytes", q.limits.BodyBytesMax))
	}
	name := "gzip"
	if q.coding == codingZstd {
		name = "zstd"
	}
	return badRequest("not_inflated", "the body is not whole "+name+", as Content-Encoding says it is; nothing was stored")
}

package s3

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The sizes of reading: what is in memory at once is two parts, one batch and
// the window of a decompressor.
const (
	partBytes    = 4 << 20
	partsAhead   = 1
	windowMax    = 8 << 20 // of zstd
	sniffBytes   = 512
	magicGzip    = "\x1f\x8b"
	magicZstd    = "\x28\xb5\x2f\xfd"
	byteOrder    = "\xef\xbb\xbf"
	magicUnread1 = "\xff\xfe" // UTF-16
	magicUnread2 = "\xfe\xff"
)

// A text is an object's content, decompressed. Offsets count its bytes.
type text struct {
	*bufio.Reader
	compressed bool
	close      []func() error
}

// open opens an object at an offset of its text. A compressed one is told by its
// first bytes, never by its name; it cannot be entered in the middle, so it is
// decompressed from its beginning and passed over.
func open(ctx context.Context, store Store, o Object, size, offset int64) (t *text, err error) {
	t = &text{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	raw := newRanged(ctx, store, o, 0, min(size, sniffBytes), sniffBytes, 1)
	head, err := io.ReadAll(raw)
	if err := errors.Join(err, raw.Close()); err != nil {
		return t, err
	}
	switch {
	case bytes.HasPrefix(head, []byte(magicGzip)):
		err = t.decompress(t.ranged(ctx, store, o, size, 0), offset, func(in io.Reader) (io.Reader, error) { return gzip.NewReader(in) })
	case bytes.HasPrefix(head, []byte(magicZstd)):
		err = t.decompress(t.ranged(ctx, store, o, size, 0), offset, func(in io.Reader) (io.Reader, error) {
			d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(windowMax), zstd.WithDecoderLowmem(true))
			if err == nil {
				t.close = append(t.close, func() error { d.Close(); return nil })
			}
			return d, err
		})
	case offset > size:
		err = beyond(offset, size)
	default:
		t.Reader = bufio.NewReaderSize(t.ranged(ctx, store, o, size, offset), 64<<10)
	}
	return t, err
}

func (t *text) ranged(ctx context.Context, store Store, o Object, size, offset int64) io.Reader {
	r := newRanged(ctx, store, o, offset, size, partBytes, partsAhead)
	t.close = append(t.close, r.Close)
	return r
}

func (t *text) decompress(in io.Reader, offset int64, with func(io.Reader) (io.Reader, error)) error {
	t.compressed = true
	from := &source{in: in}
	out, err := with(bufio.NewReaderSize(from, 64<<10))
	if err != nil {
		return from.blame(err)
	}
	t.Reader = bufio.NewReaderSize(blaming{out, from}, 64<<10)
	switch n, err := io.CopyN(io.Discard, t.Reader, offset); {
	case errors.Is(err, io.EOF):
		return beyond(offset, n)
	case err != nil:
		return fmt.Errorf("decompress up to byte %d: %w", offset, err)
	}
	return nil
}

// beyond is the error of an offset that nobody can have come to: to read nothing
// there would be to call the object done.
func beyond(offset, size int64) error {
	return fmt.Errorf("%w: the ledger says that it is settled up to byte %d, but its text ends at %d: "+
		"the entry is wrong; lambda replay KEY has the object read from its beginning", errMalformed, offset, size)
}

// Close ends the reading, last opened first.
func (t *text) Close() error {
	var errs []error
	for i := len(t.close) - 1; i >= 0; i-- {
		errs = append(errs, t.close[i]())
	}
	return errors.Join(errs...)
}

// A source remembers the error of what it reads, so that a text that cannot be
// decompressed is told from one that could not be read.
type source struct {
	in  io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func (s *source) blame(err error) error {
	if s.err != nil {
		return s.err
	}
	return fmt.Errorf("%w: decompress it: %v", errMalformed, err)
}

// blaming is a decompressor's output.
type blaming struct {
	io.Reader
	from *source
}

func (b blaming) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = b.from.blame(err)
	}
	return n, err
}

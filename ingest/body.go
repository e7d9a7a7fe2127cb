package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// readBody reads the request's body into q.body, as sent, and leaves the
// decompressed text in q.text. All that it holds is charged to the budget
// before it is read.
func (q *request) readBody(r *http.Request) *problem {
	limit := q.limits.BodyBytesMax
	size := r.ContentLength
	if size > limit {
		return q.bodyTooLarge()
	}
	if size == 0 {
		return emptyBody()
	}
	if 0 < size && size <= readWhole {
		if !q.charge(bodyCost * size) {
			return overloaded()
		}
		q.body = grown(q.body[:0], int(size))[:size]
		if n, err := io.ReadFull(r.Body, q.body); err != nil {
			return q.bodyProblem(err, int64(n))
		}
	} else if p := q.readAsItComes(r.Body, size); p != nil {
		return p
	}
	q.text = q.body
	q.wire = int64(len(q.body))
	if q.coding != codingNone {
		return q.inflate()
	}
	return nil
}

// readWhole is the largest body whose memory is taken before it has come: for
// a larger one it is taken as the body comes, since to announce costs nothing.
const readWhole = 64 << 10

// readAsItComes reads a large body, or one that does not say how long it is.
func (q *request) readAsItComes(body io.Reader, size int64) *problem {
	limit := q.limits.BodyBytesMax
	by := growth{most: limit, times: 2}
	if size > 0 {
		by.most, by.times = size, readAhead
	}
	var p *problem
	q.body, p = q.readGrowing(q.body[:0], body, by, func(n int64) *problem {
		if n > limit {
			return q.bodyTooLarge()
		}
		return nil
	}, q.bodyProblem)
	return p
}

// A growth is how the room for a body grows: to so many times what has come, most
// bytes in the end.
type growth struct {
	most  int64
	times int
}

const (
	readFirst = 4 << 10 // the room for the first bytes of a body

	// readAhead is the growth of a body that says how long it is: fewer of its
	// bytes are copied than with doubling, and left to the garbage collector.
	readAhead = 4
)

// readGrowing appends all of src, by.most bytes unless check refuses them, to
// dst, charging for it as it grows. It asks check after each read, and failed
// what a read error means.
func (q *request) readGrowing(dst []byte, src io.Reader, by growth, check func(n int64) *problem, failed func(err error, n int64) *problem) ([]byte, *problem) {
	for room := 0; ; {
		if len(dst) == room {
			more := min(max((by.times-1)*room, readFirst), int(by.most)+1-room) // one more, to see the end
			if !q.charge(bodyCost * int64(more)) {
				return dst, overloaded()
			}
			room += more
			dst = grown(dst, room-len(dst))
		}
		n, err := src.Read(dst[len(dst):room])
		dst = dst[:len(dst)+n]
		if p := check(int64(len(dst))); p != nil {
			return dst, p
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, failed(err, int64(len(dst)))
		}
	}
}

// grown returns b with room for n more bytes.
func grown(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	return append(make([]byte, 0, len(b)+n), b...)
}

func emptyBody() *problem {
	return badRequest("empty", "the body holds no event: send one object, an array of objects, or one object a line")
}

func (q *request) bodyTooLarge() *problem {
	return tooLarge("body_too_large", fmt.Sprintf("a body may have %d bytes, compressed or not: send less at a time", q.limits.BodyBytesMax))
}

// bodyProblem says why a body could not be read to its end.
func (q *request) bodyProblem(err error, n int64) *problem {
	var tooMany *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		p := newProblem(http.StatusRequestTimeout, "body_timeout", "the body came too slowly",
			fmt.Sprintf("%d bytes came in the time that a body may take; nothing was stored: send less at a time", n))
		p.header = [2]string{"Connection", "close"}
		return p
	case errors.As(err, &tooMany):
		return q.bodyTooLarge()
	}
	p := badRequest("body_incomplete", fmt.Sprintf("the body ended early, after %d bytes; nothing was stored", n))
	p.header = [2]string{"Connection", "close"}
	return p
}

// discardTime is how long the rest of a refused body is waited for.
const discardTime = 2 * time.Second

// discard reads what is left of a refused body, at most another body's worth: a
// connection that is closed with bytes unread is reset, and then the answer is
// lost to a client that writes all of its request before it reads. Who asked
// whether to send the body, or announces far more, reads the answer first.
func (q *request) discard(w http.ResponseWriter, r *http.Request) {
	limit := q.limits.BodyBytesMax
	if r.Header.Get("Expect") != "" || r.ContentLength > 2*limit {
		return
	}
	if q.used == 0 { // nothing points into the buffers: others may have the memory
		q.body, q.inflated, q.text = nil, nil, nil
		q.budget.give(q.charged)
		q.charged = 0
	}
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Now().Add(discardTime)) == nil {
		io.CopyN(io.Discard, r.Body, 2*limit)
	}
}

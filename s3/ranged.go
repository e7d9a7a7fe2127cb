package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// partAttempts is how often a part is asked for anew without a byte coming.
const partAttempts = 5

// A ranged reads a pinned object from an offset to its end, by ranges, with
// the next ones under way while one is read. It is for one goroutine; Close
// ends and awaits what is under way.
type ranged struct {
	ctx    context.Context // of the reading as a whole: it ends with Close
	cancel context.CancelFunc
	store  Store
	object Object
	size   int64
	part   int64
	next   int64       // where the next part begins
	parts  []chan part // under way, in their order
	now    []byte      // what is left of the part being read
	err    error
}

type part struct {
	bytes []byte
	err   error
}

// newRanged begins to read. Ahead parts are in memory beside the one that is
// being read.
func newRanged(ctx context.Context, store Store, o Object, offset, size, partBytes int64, ahead int) *ranged {
	r := &ranged{store: store, object: o, size: size, part: partBytes, next: offset}
	r.ctx, r.cancel = context.WithCancel(ctx)
	for range ahead {
		r.ask()
	}
	return r
}

// ask starts to fetch the next part, if there is one.
func (r *ranged) ask() {
	if r.next >= r.size {
		return
	}
	from, length := r.next, min(r.part, r.size-r.next)
	r.next += length
	answer := make(chan part, 1)
	r.parts = append(r.parts, answer)
	go func() {
		bytes, err := r.fetch(from, length)
		answer <- part{bytes, err}
	}()
}

// fetch reads one part, going on at the very byte where a connection breaks.
func (r *ranged) fetch(from, length int64) ([]byte, error) {
	buf := make([]byte, length)
	got, failed := 0, 0
	for {
		n, err := r.try(buf[got:], from+int64(got))
		got += n
		if got == len(buf) {
			return buf, nil
		}
		if n > 0 {
			failed = 0
		}
		if failed++; failed == partAttempts || errors.Is(err, ErrGone) || r.ctx.Err() != nil {
			return nil, err
		}
		timer := time.NewTimer(50 * time.Millisecond << failed)
		select {
		case <-r.ctx.Done():
			timer.Stop()
			return nil, r.ctx.Err()
		case <-timer.C:
		}
	}
}

func (r *ranged) try(buf []byte, from int64) (int, error) {
	body, err := r.store.Read(r.ctx, r.object, from, int64(len(buf)))
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(body, buf)
	if err := errors.Join(err, body.Close()); err != nil {
		return n, fmt.Errorf("read %v at byte %d: %w", r.object, from+int64(n), err)
	}
	return n, nil
}

// Read reads what comes next.
func (r *ranged) Read(p []byte) (int, error) {
	if len(r.now) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if len(r.parts) == 0 {
			return 0, io.EOF
		}
		answer := <-r.parts[0]
		r.parts = r.parts[1:]
		if r.now, r.err = answer.bytes, answer.err; r.err != nil {
			return 0, r.err
		}
		r.ask()
	}
	n := copy(p, r.now)
	r.now = r.now[n:]
	return n, nil
}

// Close ends what is under way, and waits for it.
func (r *ranged) Close() error {
	r.cancel()
	for _, answer := range r.parts {
		<-answer
	}
	r.parts, r.now, r.err = nil, nil, errors.New("read after Close")
	return nil
}

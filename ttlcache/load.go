package ttlcache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// ErrClosed is what GetOrLoad returns once the cache is closed.
var ErrClosed = errors.New("ttlcache: the cache is closed")

// errGoexit is what waiters get from a load that ended its goroutine.
var errGoexit = errors.New("ttlcache: the load called runtime.Goexit")

// A PanicError is what GetOrLoad panics with, in every goroutine that waits,
// when load has panicked.
type PanicError struct {
	Value any    // what load panicked with
	Stack []byte // where
}

// Error shows the panic and load's stack.
func (p *PanicError) Error() string {
	return fmt.Sprintf("ttlcache: load panicked: %v\n\n%s", p.Value, p.Stack)
}

// A flight is one load under way and those who wait for it.
type flight[V any] struct {
	cancel  context.CancelCauseFunc
	waiters int // guarded by store.mu

	landed   chan struct{} // closed when the fields below are set
	value    V
	err      error
	panicked *PanicError
}

// GetOrLoad returns k's value, calling load for it if there is none. However
// many goroutines ask for k at once, one load runs; the others wait for it.
//
// load returns the value and its ttl: 0 is the default, and with a negative
// ttl those who wait get the value but it is not stored. Nothing is stored
// with an error, which all who wait get as it is. To remember that something
// does not exist, return a value that says so, with a ttl of its own.
//
// Each caller waits no longer than its own ctx. load runs on its own goroutine
// with a context that has the values of the first caller's and ends when
// nobody waits any more, after Options.LoadTimeout, or when the cache is
// closed. If load panics, every waiting caller panics with a *PanicError (and
// nobody, if nobody waits any more). What was Set or Deleted while load ran is
// not overwritten.
func (c *Cache[K, V]) GetOrLoad(ctx context.Context, k K, load func(ctx context.Context, k K) (V, time.Duration, error)) (V, error) {
	s := c.store()
	v, f, err := s.join(ctx, k, load)
	if f == nil {
		return v, err
	}
	select {
	case <-f.landed:
	case <-ctx.Done():
		s.leave(k, f)
		return v, ctx.Err()
	}
	if f.panicked != nil {
		panic(f.panicked)
	}
	return f.value, f.err
}

// join returns k's value, or the flight that will bring it, or an error.
func (s *store[K, V]) join(ctx context.Context, k K, load func(context.Context, K) (V, time.Duration, error)) (v V, f *flight[V], err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.live(k); e != nil {
		e.visited = true
		return e.value, nil, nil
	}
	if s.closed {
		return v, nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return v, nil, err
	}
	f = s.flights[k]
	if f == nil {
		f = s.depart(ctx, k, load)
	}
	f.waiters++
	return v, f, nil
}

// depart starts a load. The caller holds mu; Close waits for the goroutine.
func (s *store[K, V]) depart(ctx context.Context, k K, load func(context.Context, K) (V, time.Duration, error)) *flight[V] {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f := &flight[V]{cancel: cancel, landed: make(chan struct{})}
	s.flights[k] = f
	s.running[f] = struct{}{}
	s.loads.Go(func() {
		defer cancel(nil)
		if s.loadTimeout != NoExpiry {
			limited, stop := context.WithTimeout(ctx, s.loadTimeout)
			defer stop()
			ctx = limited
		}
		s.fly(ctx, k, f, load)
	})
	return f
}

// fly runs load and lets go of all who wait, whatever load does.
func (s *store[K, V]) fly(ctx context.Context, k K, f *flight[V], load func(context.Context, K) (V, time.Duration, error)) {
	var ttl time.Duration
	f.err = errGoexit // until load returns
	defer func() {
		if p := recover(); p != nil {
			f.panicked = &PanicError{Value: p, Stack: debug.Stack()}
		}
		s.land(k, f, ttl)
	}()
	f.value, ttl, f.err = load(ctx, k)
}

// land stores what f brought, unless k was written meanwhile or nobody waits.
func (s *store[K, V]) land(k K, f *flight[V], ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, f)
	if s.flights[k] == f {
		delete(s.flights, k)
		if f.err == nil && f.panicked == nil {
			s.set(k, f.value, ttl)
		}
	}
	close(f.landed)
}

// leave is for a caller whose ctx has ended. The last one to leave ends the
// load, and the next to ask for k starts another.
func (s *store[K, V]) leave(k K, f *flight[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.cancel(context.Canceled)
	if s.flights[k] == f {
		delete(s.flights, k)
	}
}

// detach makes sure that a load of k which began before now stores nothing,
// and that who asks from now on does not get what it brings. The caller holds mu.
func (s *store[K, V]) detach(k K) { delete(s.flights, k) }

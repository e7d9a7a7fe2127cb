package ttlcache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// A Loader finds the value of a key that the cache does not have, and says how
// long it lives: 0 is the default, and with a negative ttl those who wait get
// the value but it is not stored. With an error nothing is stored; ErrNotFound,
// wrapped or not, says that there is no value: see Options.NegativeTTL.
type Loader[K comparable, V any] func(ctx context.Context, k K) (V, time.Duration, error)

var (
	// ErrClosed is what Load, GetOrLoad and Restore return once the cache is closed.
	ErrClosed = errors.New("ttlcache: the cache is closed")

	// ErrNotFound is what a Loader returns for a key that has no value.
	ErrNotFound = errors.New("ttlcache: not found")

	// ErrNoLoader is what Load returns if Options.Loader is not set, and
	// GetOrLoad if load is nil.
	ErrNoLoader = errors.New("ttlcache: Load needs Options.Loader, or use GetOrLoad")

	// errGoexit is what waiters get from a load that ended its goroutine.
	errGoexit = errors.New("ttlcache: the load called runtime.Goexit")
)

// A PanicError is what Load and GetOrLoad panic with, in every goroutine that
// waits, when the load has panicked.
type PanicError struct {
	Value any    // what the load panicked with
	Stack []byte // where
}

// Error shows the panic and the load's stack.
func (p *PanicError) Error() string {
	return fmt.Sprintf("ttlcache: load panicked: %v\n\n%s", p.Value, p.Stack)
}

// loading is how values are loaded.
type loading[K comparable, V any] struct {
	loader     Loader[K, V]
	timeout    time.Duration
	jitter     float64
	ahead      int64
	revalidate int64
	ifError    int64
	absentTTL  time.Duration
	absent     *Cache[K, struct{}] // keys of which a load said ErrNotFound; nil if that is not kept
}

func newLoading[K comparable, V any](o Options[K, V]) loading[K, V] {
	l := loading[K, V]{
		loader: o.Loader, timeout: o.LoadTimeout, jitter: o.Jitter, ahead: int64(o.RefreshAhead),
		revalidate: int64(o.StaleWhileRevalidate), ifError: int64(o.StaleIfError), absentTTL: o.NegativeTTL,
	}
	if l.absentTTL > 0 {
		l.absent = New(Options[K, struct{}]{MaxEntries: min(o.MaxEntries, defaultMaxEntries)})
	}
	return l
}

// found ends the memory that there is no k.
func (l *loading[K, V]) found(k K) {
	if l.absent != nil {
		l.absent.Delete(k)
	}
}

// forget ends it for all keys.
func (l *loading[K, V]) forget() {
	if l.absent != nil {
		l.absent.Clear()
	}
}

func (l *loading[K, V]) close() {
	if l.absent != nil {
		l.absent.Close()
	}
}

// missing reports whether it is known that there is no k.
func (l *loading[K, V]) missing(k K) bool {
	if l.absent == nil {
		return false
	}
	_, known := l.absent.Get(k)
	return known
}

// shortened is ttl with the jitter.
func (l *loading[K, V]) shortened(ttl, byDefault time.Duration) time.Duration {
	if ttl == 0 {
		ttl = byDefault
	}
	if ttl <= 0 || ttl == NoExpiry || l.jitter == 0 {
		return ttl
	}
	return max(1, ttl-time.Duration(rand.Float64()*l.jitter*float64(ttl)))
}

// A flight is one load under way and those who wait for it.
type flight[V any] struct {
	cancel  context.CancelCauseFunc
	waiters int // guarded by the shard's mu; the cache is one of them if it loads for itself

	spare      V // the answer if the load fails before spareUntil
	spareUntil int64

	landed   chan struct{} // closed when the fields below are set
	value    V
	err      error
	panicked *PanicError
}

// running is all loads that have not returned, so that Close can end them and
// wait.
type running[V any] struct {
	loads sync.WaitGroup

	mu      sync.Mutex
	flights map[*flight[V]]struct{}
	closed  bool
}

// begin runs a load on a goroutine of its own; false if it is too late.
func (r *running[V]) begin(f *flight[V], load func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	if r.flights == nil {
		r.flights = map[*flight[V]]struct{}{}
	}
	r.flights[f] = struct{}{}
	r.loads.Go(func() {
		defer r.end(f)
		load()
	})
	return true
}

func (r *running[V]) end(f *flight[V]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.flights, f)
}

// close ends all loads and waits for them.
func (r *running[V]) close() {
	r.mu.Lock()
	r.closed = true
	for f := range r.flights {
		f.cancel(ErrClosed)
	}
	r.mu.Unlock()
	r.loads.Wait()
}

// Load is GetOrLoad with Options.Loader.
func (c *Cache[K, V]) Load(ctx context.Context, k K) (V, error) {
	return c.GetOrLoad(ctx, k, c.store().loading.loader)
}

// GetOrLoad returns k's value, calling load for it if there is none. However
// many goroutines ask for k at once, one load runs; the others wait for it and
// get what it returns, an error too. See Options for what is answered before a
// load has returned, or after it has failed.
//
// Each caller waits no longer than its own ctx. load runs on its own goroutine
// with a context that has the values of the first caller's and ends when
// nobody waits any more, after Options.LoadTimeout, or when the cache is
// closed. If load or Options.Cost panics, every waiting caller panics with a *PanicError (and
// nobody, if nobody waits any more or the cache loads for itself). What was
// Set, Touched or Deleted while load ran is not overwritten.
func (c *Cache[K, V]) GetOrLoad(ctx context.Context, k K, load Loader[K, V]) (V, error) {
	if load == nil {
		var none V
		return none, ErrNoLoader
	}
	s := c.store()
	h := s.hasher.of(k)
	sh := s.shard(h)
	if s.loading.ahead == 0 {
		if v, ok := s.get(sh, h, k); ok {
			s.count(sh, true)
			return v, nil
		}
	}
	v, f, err := s.join(ctx, sh, h, k, load)
	if f == nil {
		return v, err
	}
	select {
	case <-f.landed:
	case <-ctx.Done():
		sh.leave(k, f)
		return v, ctx.Err()
	}
	if f.panicked != nil {
		panic(f.panicked)
	}
	return f.value, f.err
}

// join returns k's value, or the flight that will bring it, or an error.
func (s *store[K, V]) join(ctx context.Context, sh *shard[K, V], h uint64, k K, load Loader[K, V]) (v V, f *flight[V], err error) {
	sh.lock()
	defer sh.unlock()
	t, i, live := s.look(sh, h, k)
	s.count(sh, live)
	if live {
		e := &t.entries[i]
		s.use(e)
		if s.loading.ahead > 0 && e.due() != never && e.due()-s.clock.now() < s.loading.ahead {
			s.refresh(ctx, sh, h, k, load)
		}
		return e.value, nil, nil
	}
	var stale *entry[K, V]
	if i >= 0 {
		stale = &t.entries[i]
		if !s.closed.Load() && s.clock.now()-stale.due() < s.loading.revalidate {
			s.refresh(ctx, sh, h, k, load)
			sh.counts.stale++
			return stale.value, nil, nil
		}
	}
	return s.joinFlight(ctx, sh, h, k, stale, load)
}

// joinFlight is for a key that has to be loaded; stale is its old value, if
// there is one.
func (s *store[K, V]) joinFlight(ctx context.Context, sh *shard[K, V], h uint64, k K, stale *entry[K, V], load Loader[K, V]) (v V, f *flight[V], err error) {
	switch {
	case s.closed.Load():
		return v, nil, ErrClosed
	case ctx.Err() != nil:
		return v, nil, ctx.Err()
	case s.loading.missing(k):
		return v, nil, ErrNotFound
	}
	if f = sh.flights[k]; f == nil {
		if f = s.depart(ctx, sh, h, k, stale, load); f == nil {
			return v, nil, ErrClosed
		}
	}
	f.waiters++
	return v, f, nil
}

// refresh loads k for the cache itself, unless it is being loaded.
func (s *store[K, V]) refresh(ctx context.Context, sh *shard[K, V], h uint64, k K, load Loader[K, V]) {
	if sh.flights[k] != nil {
		return
	}
	if f := s.depart(ctx, sh, h, k, nil, load); f != nil {
		f.waiters++
		sh.counts.refreshes++
	}
}

// depart starts a load, or returns nil if the cache is closed. The caller has
// sh.lock; Close waits for the goroutine.
func (s *store[K, V]) depart(ctx context.Context, sh *shard[K, V], h uint64, k K, stale *entry[K, V], load Loader[K, V]) *flight[V] {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f := &flight[V]{cancel: cancel, landed: make(chan struct{})}
	if stale != nil && s.loading.ifError > 0 {
		f.spare, f.spareUntil = stale.value, stale.due()+s.loading.ifError
	}
	begun := s.running.begin(f, func() {
		defer cancel(nil)
		if s.loading.timeout != NoExpiry {
			limited, stop := context.WithTimeout(ctx, s.loading.timeout)
			defer stop()
			ctx = limited
		}
		s.fly(ctx, sh, h, k, f, load)
	})
	if !begun {
		cancel(ErrClosed)
		return nil
	}
	sh.counts.loads++
	if !itself(k) {
		return f // nothing could take it out again
	}
	if sh.flights == nil {
		sh.flights = map[K]*flight[V]{}
	}
	sh.flights[k] = f
	sh.flying.Store(int32(len(sh.flights)))
	return f
}

// fly runs load and lets go of all who wait, whatever load does.
func (s *store[K, V]) fly(ctx context.Context, sh *shard[K, V], h uint64, k K, f *flight[V], load Loader[K, V]) {
	w := write[K, V]{hash: h, key: k}
	f.err = errGoexit // until load returns
	defer func() {
		if p := recover(); p != nil {
			f.panicked = &PanicError{Value: p, Stack: debug.Stack()}
		}
		s.land(sh, &w, f)
	}()
	v, ttl, err := load(ctx, k)
	if err == nil {
		w.value, w.ttl, w.cost = v, s.loading.shortened(ttl, s.defaultTTL), s.weigh(k, v)
	}
	f.value, f.err = v, err
}

// land keeps what f brought, unless its key was written meanwhile or nobody
// waits.
func (s *store[K, V]) land(sh *shard[K, V], w *write[K, V], f *flight[V]) {
	k, failed := w.key, f.err != nil || f.panicked != nil
	var told removals[K, V]
	sh.lock()
	if failed {
		sh.counts.failures++
	}
	if sh.flights[k] == f {
		sh.detach(k)
		if !failed {
			s.put(sh, w, &told)
		} else if f.panicked == nil && errors.Is(f.err, ErrNotFound) {
			s.lose(sh, w.hash, k, &told)
		} else if f.panicked == nil && s.clock.now() < f.spareUntil {
			f.value, f.err = f.spare, nil
			sh.counts.stale++
		}
	}
	close(f.landed)
	sh.unlock()
	s.settle(w.hash, told)
}

// lose is for a key that has no value any more where it is loaded from.
func (s *store[K, V]) lose(sh *shard[K, V], h uint64, k K, told *removals[K, V]) {
	if t, i := sh.find(h, k); i >= 0 {
		s.drop(sh, t, i, whyGone(&t.entries[i], s.clock.now(), Deleted), told)
		sh.shrink(t, sh.at(h))
	}
	if s.loading.absent != nil {
		s.loading.absent.Set(k, struct{}{}, s.loading.absentTTL)
	}
}

// leave is for a caller whose ctx has ended. The last one to leave ends the
// load, and the next to ask for k starts another.
func (sh *shard[K, V]) leave(k K, f *flight[V]) {
	sh.lock()
	defer sh.unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.cancel(context.Canceled)
	if sh.flights[k] == f {
		sh.detach(k)
	}
}

// detach makes sure that a load of k which began before now stores nothing,
// and that who asks from now on does not get what it brings. The caller has the
// shard's lock.
func (sh *shard[K, V]) detach(k K) {
	if len(sh.flights) > 0 {
		delete(sh.flights, k)
		sh.flying.Store(int32(len(sh.flights)))
	}
}

package ttlcache

import (
	"fmt"
	"iter"
	"math"
	"sync/atomic"
	"time"
)

// NoExpiry is the ttl of an entry that stays until it is deleted or evicted.
const NoExpiry time.Duration = math.MaxInt64

// Unlimited as Options.MaxEntries means that memory alone is the limit.
const Unlimited = -1

// defaultMaxEntries is what the zero Options mean.
const defaultMaxEntries = 1 << 20

// maxCostMax is so far from what an int64 holds that the sum of the costs does
// not overflow while a thousand goroutines have stored what has yet to leave.
const maxCostMax = 1 << 52

// Options are a cache's limits and habits. The zero Options are those of the
// zero Cache. New panics if a field has a value that is not allowed.
type Options[K comparable, V any] struct {
	// MaxEntries is how many entries are held at most when no method is
	// running. 0 means 1,048,576, or Unlimited if MaxCost is set; Unlimited
	// means no limit. Expired entries make room first, then those least likely
	// to be asked for again.
	MaxEntries int

	// MaxCost is how large the sum of all entries' costs may be, at most 1<<52.
	// 0 means no limit. An entry that costs more by itself is not kept: it is evicted at
	// once, and OnRemove is told.
	MaxCost int64

	// Cost is what an entry counts for MaxCost, its size in bytes, say. It is
	// asked once for each value stored; less than 0 is 0. It must be set if and
	// only if MaxCost is.
	Cost func(K, V) int64

	// DefaultTTL is meant by a ttl of 0. 0 means NoExpiry; it must not be
	// negative.
	DefaultTTL time.Duration

	// CountUse makes Stats count hits, misses and replaced values. It costs each
	// Get and Set some nanoseconds, and more where many processors use the same
	// keys.
	CountUse bool

	// OnRemove is told of every value that leaves the cache, once: why, and
	// outside of all locks, so that it may use the cache (but not Close it). It
	// runs on the goroutine whose call removed the value, before the call
	// returns, or on the sweep's for what expired; sweeping goes on when it
	// returns. A panic in it is a panic of that goroutine.
	OnRemove func(k K, v V, why Reason)

	// Loader is what Load asks for values.
	Loader Loader[K, V]

	// LoadTimeout is how long one load may take before its context ends. 0
	// means 30 s; NoExpiry means no limit but its waiters'.
	LoadTimeout time.Duration

	// NegativeTTL is how long it is remembered that a load said ErrNotFound;
	// Load and GetOrLoad then say so without asking. 0 means not at all. A Set
	// ends it.
	NegativeTTL time.Duration

	// Jitter is the share of its ttl, from 0 to less than 1, by which a loaded
	// value's life is shortened at most, at random, so that values that came
	// together are not all loaded again together.
	Jitter float64

	// RefreshAhead makes Load and GetOrLoad load a value again, in the
	// background, when they return one that has less than this left to live.
	// It should be less than the ttl. 0 means not.
	RefreshAhead time.Duration

	// StaleWhileRevalidate is for how long after its deadline Load and
	// GetOrLoad still return a value, and load it again in the background. 0
	// means not at all. For all other methods it has expired at its deadline.
	StaleWhileRevalidate time.Duration

	// StaleIfError is for how long after its deadline Load and GetOrLoad still
	// return a value if it cannot be loaded again. 0 means not at all.
	StaleIfError time.Duration
}

// settled checks o and puts in what 0 means.
func (o Options[K, V]) settled() Options[K, V] {
	switch {
	case o.MaxEntries < Unlimited, o.MaxCost < 0:
		panic(fmt.Sprintf("ttlcache: negative limit in Options: MaxEntries %d, MaxCost %d", o.MaxEntries, o.MaxCost))
	case o.MaxCost > maxCostMax:
		panic(fmt.Sprintf("ttlcache: Options.MaxCost is %d, must be at most %d", o.MaxCost, int64(maxCostMax)))
	case (o.MaxCost > 0) != (o.Cost != nil):
		panic("ttlcache: Options need both MaxCost and Cost, or neither")
	case min(o.DefaultTTL, o.LoadTimeout, o.NegativeTTL, o.RefreshAhead, o.StaleWhileRevalidate, o.StaleIfError) < 0:
		panic("ttlcache: negative duration in Options")
	case !(o.Jitter >= 0 && o.Jitter < 1):
		panic(fmt.Sprintf("ttlcache: Options.Jitter is %v, must be from 0 to less than 1", o.Jitter))
	}
	if o.MaxEntries == 0 && o.MaxCost == 0 {
		o.MaxEntries = defaultMaxEntries
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = math.MaxInt
	}
	if o.MaxCost == 0 {
		o.MaxCost = math.MaxInt64
	}
	if o.DefaultTTL == 0 {
		o.DefaultTTL = NoExpiry
	}
	if o.LoadTimeout == 0 {
		o.LoadTimeout = 30 * time.Second
	}
	o.StaleWhileRevalidate = min(o.StaleWhileRevalidate, never)
	o.StaleIfError = min(o.StaleIfError, never)
	return o
}

// A Cache is a map from K to V whose entries end. It is safe for any number of
// goroutines. The zero Cache is ready and has the zero Options; a Cache must
// not be copied.
//
// Wherever a method takes a ttl: 0 means Options.DefaultTTL; NoExpiry, or more
// than 36 years, means that the entry does not expire; and a negative ttl means
// that it has expired already, so that storing it is the same as deleting the
// key. A deadline is exact to the nanosecond: an entry is alive before it and
// dead from then on. A cache lasts for 36 years: one made longer ago stores
// nothing any more, and a deadline beyond that is as good as none.
//
// A key that does not equal itself, NaN, is held like any other but found by
// nothing, and many of them make a cache slow.
//
// V is returned as it was stored: what a pointer, slice or map in it refers to
// is shared by all who get it.
type Cache[K comparable, V any] struct {
	made atomic.Pointer[store[K, V]] // nil until the first call
}

// New returns a cache with these options.
func New[K comparable, V any](o Options[K, V]) *Cache[K, V] {
	c := new(Cache[K, V])
	c.made.Store(newStore(o))
	return c
}

// store returns the cache's body, making it for a zero Cache.
func (c *Cache[K, V]) store() *store[K, V] {
	if s := c.made.Load(); s != nil {
		return s
	}
	return c.makeStore()
}

func (c *Cache[K, V]) makeStore() *store[K, V] {
	c.made.CompareAndSwap(nil, newStore(Options[K, V]{}))
	return c.made.Load()
}

// Get returns the value of k, if there is one that has not expired.
func (c *Cache[K, V]) Get(k K) (V, bool) {
	s := c.made.Load() // store by hand, which is a little too long to be inlined
	if s == nil {
		s = c.makeStore()
	}
	h := s.hasher.of(k)
	sh := s.shard(h)
	v, ok, done := s.glance(sh, h, k)
	if !done {
		v, ok = s.get(sh, h, k)
	}
	s.count(sh, ok)
	return v, ok
}

// Set makes v the value of k for the time ttl, in one step: no other goroutine
// sees the new value with the old deadline. A load of k that is under way
// still answers those who wait for it, but no longer stores.
func (c *Cache[K, V]) Set(k K, v V, ttl time.Duration) {
	s := c.made.Load() // as in Get
	if s == nil {
		s = c.makeStore()
	}
	// Field by field: a literal is built elsewhere and copied, at a tenth of
	// all that a Set costs.
	var w write[K, V]
	w.hash = s.hasher.of(k)
	w.key = k
	w.value = v
	w.ttl = ttl
	sh := s.shard(w.hash)
	if !s.inPlace || !s.replace(sh, &w) {
		s.set(sh, &w)
		return
	}
	if s.countUse {
		sh.counts.inPlace.Add(1)
	}
	s.loading.found(k)
}

// set is Set with the shard's lock.
func (s *store[K, V]) set(sh *shard[K, V], w *write[K, V]) {
	w.cost = s.weigh(w.key, w.value)
	var told removals[K, V]
	sh.lock()
	sh.detach(w.key)
	s.put(sh, w, &told)
	sh.unlock()
	s.loading.found(w.key)
	s.settle(w.hash, told)
}

// SetIfAbsent stores v only when k has no live value, and returns the value
// that k then has and whether it is v. Of many goroutines that try at once, one
// gets true. If k has no value, v and true are also returned where v is not
// kept: with a negative ttl, if it costs more than Options.MaxCost, or once the
// cache is closed.
func (c *Cache[K, V]) SetIfAbsent(k K, v V, ttl time.Duration) (V, bool) {
	s := c.store()
	w := write[K, V]{s.hasher.of(k), k, v, ttl, s.weigh(k, v)}
	sh := s.shard(w.hash)
	var told removals[K, V]
	sh.lock()
	if t, i, live := s.look(sh, w.hash, k); live {
		e := &t.entries[i]
		s.use(e)
		v = e.value
		sh.unlock()
		s.count(sh, true)
		return v, false
	}
	sh.detach(k)
	s.put(sh, &w, &told)
	sh.unlock()
	s.count(sh, false)
	s.loading.found(k)
	s.settle(w.hash, told)
	return v, true
}

// Touch gives k's value the time ttl from now, and reports whether there is
// one. It never brings back a value that has expired.
func (c *Cache[K, V]) Touch(k K, ttl time.Duration) bool {
	s := c.store()
	h := s.hasher.of(k)
	sh := s.shard(h)
	var told removals[K, V]
	sh.lock()
	t, i := sh.find(h, k)
	now := s.clock.now()
	touched := i >= 0 && t.entries[i].due() > now
	if touched {
		sh.detach(k)
		s.extend(sh, t, i, s.deadline(now, ttl), now, &told)
	}
	sh.unlock()
	s.report(told)
	return touched
}

// extend gives the live entry in slot i another deadline.
func (s *store[K, V]) extend(sh *shard[K, V], t *table[K, V], i int, due, now int64, told *removals[K, V]) {
	e := &t.entries[i]
	if due <= now {
		at := sh.at(s.hasher.of(e.key))
		s.drop(sh, t, i, Deleted, told)
		sh.shrink(t, at)
		return
	}
	s.use(e)
	e.stamp.Store(stampOf(due, e.uses()))
	s.lower(sh, t, i, due)
}

// Delete removes k and reports whether it had a live value. A load of k that
// is under way no longer stores.
func (c *Cache[K, V]) Delete(k K) bool {
	s := c.store()
	h := s.hasher.of(k)
	sh := s.shard(h)
	var told removals[K, V]
	sh.lock()
	sh.detach(k)
	t, i := sh.find(h, k)
	why := Expired
	if i >= 0 {
		why = whyGone(&t.entries[i], s.clock.now(), Deleted)
		s.drop(sh, t, i, why, &told)
		sh.shrink(t, sh.at(h))
	}
	sh.unlock()
	s.loading.found(k)
	s.report(told)
	return why == Deleted
}

// TTL returns how long k's value still has to live, which is more than 0, or
// NoExpiry; false when there is no live value.
func (c *Cache[K, V]) TTL(k K) (time.Duration, bool) {
	s := c.store()
	h := s.hasher.of(k)
	sh := s.shard(h)
	sh.lock()
	defer sh.unlock()
	t, i := sh.find(h, k)
	if i < 0 {
		return 0, false
	}
	due, now := t.entries[i].due(), s.clock.now()
	switch {
	case due <= now:
		return 0, false
	case due == never:
		return NoExpiry, true
	}
	return time.Duration(due - now), true
}

// Len returns how many live entries there are. It looks at the entries only
// where some have expired and are not removed yet. Entries that come or go
// while it runs may be counted or not.
func (c *Cache[K, V]) Len() int {
	s := c.store()
	n := 0
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		n += sh.live(s.clock.now())
		sh.mu.Unlock()
	}
	return n
}

// All ranges over the entries in no particular order. An entry that is there
// from beginning to end is seen once; one that comes or goes meanwhile may be
// seen or not; none is seen that has expired by its turn. The loop's body may
// use the cache: no lock is held, and no more than two thousand entries are
// copied at a time.
func (c *Cache[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		s := c.store()
		for e := range s.walk {
			if e.due > s.clock.now() && !yield(e.key, e.value) {
				return
			}
		}
	}
}

// A copied is an entry as it was.
type copied[K comparable, V any] struct {
	pair[K, V]
	due int64
}

// walk yields copies of the entries, table by table.
func (s *store[K, V]) walk(yield func(*copied[K, V]) bool) {
	var some []copied[K, V]
	for i := range s.shards {
		sh := &s.shards[i]
		// next is the first hash, without the bits that chose the shard, that
		// was not looked at. Tables may be split and merged between two turns.
		for next, more := uint64(0), true; more; {
			some, next, more = s.copyTable(sh, next, some[:0])
			for i := range some {
				if !yield(&some[i]) {
					return
				}
			}
		}
	}
}

// copyTable appends the entries of the table that hash from belongs to, those
// before from excepted, and returns where the next table begins.
func (s *store[K, V]) copyTable(sh *shard[K, V], from uint64, to []copied[K, V]) ([]copied[K, V], uint64, bool) {
	sh.lock()
	defer sh.unlock()
	t := sh.table(from >> sh.skip)
	if t == nil {
		return to, 0, false
	}
	for i := range t.used {
		e := t.at(i)
		if s.hasher.of(e.key)<<sh.skip >= from {
			to = append(to, copied[K, V]{e.pair, e.due()})
		}
	}
	// The last hash of the table, and one more: 0 after the last table.
	next := from>>(64-t.depth)<<(64-t.depth) + 1<<(64-t.depth)
	return to, next, next != 0
}

// Clear removes every entry that is there when it begins. Loads that are under
// way no longer store.
func (c *Cache[K, V]) Clear() {
	s := c.store()
	s.loading.forget()
	s.clear()
}

// Close empties the cache, ends the contexts of its loads and waits for them
// and for the sweep to return; a load or callback must not call it. A closed
// cache stays usable and holds nothing: Get finds nothing, Set stores nothing,
// Load returns ErrClosed. Close may be called again, and always returns nil.
//
// A cache that is forgotten without Close is collected, with all it had.
func (c *Cache[K, V]) Close() error {
	s := c.store()
	s.closed.Store(true)
	s.loading.close()
	s.clear()
	s.alarm.stop()
	s.running.close()
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	return nil
}

package ttlcache

import (
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// NoExpiry is the ttl of an entry that stays until it is deleted or evicted.
const NoExpiry time.Duration = math.MaxInt64

// Unlimited as Options.MaxEntries means that memory alone is the limit.
const Unlimited = -1

// Options are a cache's limits. The zero Options are those of the zero Cache.
type Options struct {
	// MaxEntries is how many entries are held at most. 0 means 1,048,576;
	// Unlimited means no limit. Expired entries make room first.
	MaxEntries int

	// DefaultTTL is meant by a ttl of 0. 0 means NoExpiry; it must not be
	// negative.
	DefaultTTL time.Duration

	// LoadTimeout is how long one load of GetOrLoad may take before its
	// context ends. 0 means 30 s; NoExpiry means no limit but its waiters'.
	LoadTimeout time.Duration
}

const (
	defaultMaxEntries  = 1 << 20
	defaultLoadTimeout = 30 * time.Second
)

// A Cache is a map from K to V whose entries end. It is safe for any number of
// goroutines. The zero Cache is ready and has the zero Options; a Cache must
// not be copied.
//
// Wherever a method takes a ttl: 0 means Options.DefaultTTL, NoExpiry means
// that the entry does not expire, and a negative ttl means that it has expired
// already, so that storing it is the same as deleting the key.
//
// V is returned as it was stored: what a pointer, slice or map in it refers to
// is shared by all who get it.
type Cache[K comparable, V any] struct {
	made atomic.Pointer[store[K, V]] // nil until the first write
}

// New returns a cache with the given limits. Negative limits other than
// Unlimited panic.
func New[K comparable, V any](o Options) *Cache[K, V] {
	c := new(Cache[K, V])
	c.made.Store(newStore[K, V](o))
	return c
}

// store is the body of a cache. It is apart from Cache so that the timer can
// hold it weakly wherever the Cache lies.
type store[K comparable, V any] struct {
	base        time.Time // the zero of the cache's clock
	maxEntries  int
	defaultTTL  time.Duration
	loadTimeout time.Duration

	loads sync.WaitGroup // the load goroutines

	mu      sync.Mutex
	entries map[K]*entry[K, V]
	recency sieve[K, V]
	due     deadlines[K, V]
	alarm   *time.Timer // runs sweep; nil until an entry expires
	wake    int64       // when alarm goes off, in the cache's clock; never when it is not set
	flights map[K]*flight[V]
	running map[*flight[V]]struct{} // every load not yet returned, also those no longer in flights
	closed  bool
}

// An entry is one key's value. Everything in it is guarded by store.mu.
type entry[K comparable, V any] struct {
	key     K
	value   V
	expires int64 // first instant at which it is dead, or never
	place   int   // index in deadlines, -1 when it never expires

	older, newer *entry[K, V] // sieve's list
	visited      bool
}

// never is later than every instant of a cache's clock.
const never = math.MaxInt64

func newStore[K comparable, V any](o Options) *store[K, V] {
	if o.MaxEntries < Unlimited || o.DefaultTTL < 0 || o.LoadTimeout < 0 {
		panic("ttlcache: negative limit in Options")
	}
	s := &store[K, V]{
		base: time.Now(), maxEntries: o.MaxEntries, defaultTTL: o.DefaultTTL, loadTimeout: o.LoadTimeout,
		entries: map[K]*entry[K, V]{}, flights: map[K]*flight[V]{}, running: map[*flight[V]]struct{}{}, wake: never,
	}
	if s.maxEntries == 0 {
		s.maxEntries = defaultMaxEntries
	}
	if s.defaultTTL == 0 {
		s.defaultTTL = NoExpiry
	}
	if s.loadTimeout == 0 {
		s.loadTimeout = defaultLoadTimeout
	}
	return s
}

// store returns the cache's body, making it for a zero Cache.
func (c *Cache[K, V]) store() *store[K, V] {
	if s := c.made.Load(); s != nil {
		return s
	}
	c.made.CompareAndSwap(nil, newStore[K, V](Options{}))
	return c.made.Load()
}

// now is the time since the cache was made, in nanoseconds, monotonic.
func (s *store[K, V]) now() int64 { return int64(time.Since(s.base)) }

// Get returns the value of k, if there is one that has not expired.
func (c *Cache[K, V]) Get(k K) (V, bool) {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.live(k); e != nil {
		e.visited = true
		return e.value, true
	}
	var none V
	return none, false
}

// Set makes v the value of k for the time ttl, in one step: no other goroutine
// sees the new value with the old deadline. A load of k that is under way
// still answers those who wait for it, but no longer stores.
func (c *Cache[K, V]) Set(k K, v V, ttl time.Duration) {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detach(k)
	s.set(k, v, ttl)
}

// SetIfAbsent stores v only when k has no live value, and returns the value
// that k then has and whether it is v. Of many goroutines that try at once, one
// gets true. A negative ttl stores nothing, and returns v and true, if k has no
// value.
func (c *Cache[K, V]) SetIfAbsent(k K, v V, ttl time.Duration) (V, bool) {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.live(k); e != nil {
		e.visited = true
		return e.value, false
	}
	s.detach(k)
	s.set(k, v, ttl)
	return v, true
}

// Delete removes k and reports whether it had a live value. A load of k that
// is under way no longer stores.
func (c *Cache[K, V]) Delete(k K) bool {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detach(k)
	e := s.live(k)
	if e == nil {
		return false
	}
	s.remove(e)
	return true
}

// TTL returns how long k's value still has to live, which is more than 0, or
// NoExpiry; false when there is no live value.
func (c *Cache[K, V]) TTL(k K) (time.Duration, bool) {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	e := s.entries[k]
	switch {
	case e == nil || e.expires <= now:
		return 0, false
	case e.expires == never:
		return NoExpiry, true
	}
	return time.Duration(e.expires - now), true
}

// Len returns how many entries are held. It may count, for about a
// millisecond, entries that have expired and are not removed yet.
func (c *Cache[K, V]) Len() int {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// All ranges over the entries as they were when the range began, in no
// particular order, leaving out those that have expired by the time it is
// their turn. The loop's body may use the cache. It needs memory in proportion
// to the number of entries.
func (c *Cache[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		s := c.store()
		for _, e := range s.snapshot() {
			if e.expires > s.now() && !yield(e.key, e.value) {
				return
			}
		}
	}
}

// snapshot copies the entries: they themselves may change once mu is free.
func (s *store[K, V]) snapshot() []entry[K, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make([]entry[K, V], 0, len(s.entries))
	for _, e := range s.entries {
		held = append(held, entry[K, V]{key: e.key, value: e.value, expires: e.expires})
	}
	return held
}

// Clear removes every entry. Loads that are under way no longer store.
func (c *Cache[K, V]) Clear() {
	s := c.store()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// Close empties the cache, ends the contexts of its loads and waits for them
// to return; a load must not call it. A closed cache stays usable and holds
// nothing: Get finds nothing, Set stores nothing, GetOrLoad returns ErrClosed.
// Close may be called again, and always returns nil.
func (c *Cache[K, V]) Close() error {
	s := c.store()
	s.mu.Lock()
	s.closed = true
	s.clear()
	for f := range s.running {
		f.cancel(ErrClosed)
	}
	s.mu.Unlock()
	s.loads.Wait()
	return nil
}

// live returns k's entry if it has not expired. The caller holds mu.
func (s *store[K, V]) live(k K) *entry[K, V] {
	e := s.entries[k]
	if e == nil {
		return nil
	}
	if e.expires != never && e.expires <= s.now() {
		s.remove(e)
		return nil
	}
	return e
}

// set stores v, evicting if the cache is full. The caller holds mu.
func (s *store[K, V]) set(k K, v V, ttl time.Duration) {
	if s.closed {
		return
	}
	now := s.now()
	expires := s.deadline(now, ttl)
	e := s.entries[k]
	if expires <= now {
		if e != nil {
			s.remove(e)
		}
		return
	}
	if e == nil {
		s.makeRoom(now)
		e = &entry[K, V]{key: k, place: -1, expires: never}
		s.entries[k] = e
		s.recency.add(e)
	} else {
		e.visited = true
	}
	e.value = v
	s.due.move(e, expires)
	s.setAlarm(now)
}

// deadline is when an entry stored now dies. It cannot overflow.
func (s *store[K, V]) deadline(now int64, ttl time.Duration) int64 {
	if ttl == 0 {
		ttl = s.defaultTTL
	}
	if ttl < 0 {
		return now
	}
	if int64(ttl) >= never-now {
		return never
	}
	return now + int64(ttl)
}

// makeRoom makes sure that one more entry fits, evicting the dead before the
// living. The caller holds mu.
func (s *store[K, V]) makeRoom(now int64) {
	for s.maxEntries != Unlimited && len(s.entries) >= s.maxEntries {
		if e := s.due.first(); e != nil && e.expires <= now {
			s.remove(e)
			continue
		}
		s.remove(s.recency.victim())
	}
}

// remove takes e out of all structures. The caller holds mu.
func (s *store[K, V]) remove(e *entry[K, V]) {
	delete(s.entries, e.key)
	s.recency.remove(e)
	s.due.move(e, never)
}

// clear drops all entries and the memory they took. The caller holds mu.
func (s *store[K, V]) clear() {
	for k := range s.flights {
		s.detach(k)
	}
	s.entries = map[K]*entry[K, V]{}
	s.recency = sieve[K, V]{}
	s.due = nil
	if s.alarm != nil {
		s.alarm.Stop()
		s.wake = never
	}
}

package ttlcache

import (
	"math"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// store is the body of a cache. It is apart from Cache so that a timer can
// hold it weakly wherever the Cache lies.
//
// A shard's lock is never held together with another's, nor while the code of a
// user runs, Compute's function excepted. The locks of alarm and running may be
// taken under a shard's.
type store[K comparable, V any] struct {
	clock  clock
	hasher hasher[K]
	shift  uint8 // from a hash to the index of its shard
	shards []shard[K, V]
	like   features

	inPlace  bool // a Set may replace a value without the lock
	countUse bool

	limited    bool // there is MaxEntries or MaxCost
	maxEntries int64
	maxCost    int64
	costOf     func(K, V) int64
	defaultTTL time.Duration
	onRemove   func(K, V, Reason)
	loading    loading[K, V]
	grace      int64 // how long after its deadline an entry is kept for stale answers

	held, cost atomic.Int64 // kept only if limited
	closed     atomic.Bool

	alarm    alarm
	sweeping sync.Mutex // held by the goroutine that sweeps
	running  running[V]
}

// never is later than every instant of a cache's clock, by some 36 years.
const never = 1 << 60

const (
	shardsMax        = 1024
	entriesShardedBy = 256 // no more shards than leave so many entries to each
)

func newStore[K comparable, V any](o Options[K, V]) *store[K, V] {
	o = o.settled()
	s := &store[K, V]{
		clock: newClock(), hasher: newHasher[K](),
		maxEntries: int64(o.MaxEntries), maxCost: o.MaxCost, costOf: o.Cost,
		defaultTTL: o.DefaultTTL, onRemove: o.OnRemove, loading: newLoading(o),
		grace: int64(max(o.StaleWhileRevalidate, o.StaleIfError)), countUse: o.CountUse,
	}
	s.limited = s.maxEntries != math.MaxInt64 || s.maxCost != math.MaxInt64
	s.like = features{ordered: s.limited, weighed: s.maxCost != math.MaxInt64, words: wordsOf[K, V]()}
	s.inPlace = s.like.words.few && !s.like.weighed && s.onRemove == nil
	s.alarm.at.Store(never)
	s.shards = make([]shard[K, V], shardsFor(s.maxEntries))
	skip := uint8(bits.Len(uint(len(s.shards) - 1)))
	s.shift = 64 - skip
	for i := range s.shards {
		sh := &s.shards[i]
		sh.skip, sh.hasher, sh.like = skip, &s.hasher, s.like
		sh.order = newOrder(s.like)
		sh.due.Store(never)
	}
	return s
}

// shardsFor is a power of two: many shards for many processors, few for a cache
// so small that they would leave the order nothing to choose from.
func shardsFor(entries int64) int {
	n := min(shardsMax, 16*int64(runtime.GOMAXPROCS(0)), max(1, entries/entriesShardedBy))
	return 1 << (bits.Len64(uint64(n)) - 1)
}

// shard is where keys with this hash are.
func (s *store[K, V]) shard(h uint64) *shard[K, V] { return &s.shards[h>>s.shift] }

// weigh is what k and v cost. The user's code runs here.
func (s *store[K, V]) weigh(k K, v V) int64 {
	if s.costOf == nil {
		return 0
	}
	return max(0, s.costOf(k, v))
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

// settle brings the cache within its limits when the shard that was written
// to, h's, could not give enough, and then runs the callback. That shard comes
// last, so that what was just stored stays.
func (s *store[K, V]) settle(h uint64, told removals[K, V]) {
	if s.limited && s.full() {
		start := int(h>>s.shift) + 1
		for i := range s.shards {
			sh := &s.shards[(start+i)%len(s.shards)]
			sh.lock()
			done := s.makeRoom(sh, s.clock.now(), &told)
			sh.unlock()
			if done {
				break
			}
		}
	}
	if told != nil {
		s.report(told)
	}
}

// clear empties the cache shard by shard.
func (s *store[K, V]) clear() {
	for i := range s.shards {
		var told removals[K, V]
		sh := &s.shards[i]
		sh.lock()
		sh.flights = nil
		sh.flying.Store(0)
		now := s.clock.now()
		for _, t := range sh.each {
			for i := range t.used {
				s.drop(sh, t, i, whyGone(t.at(i), now, Deleted), &told)
			}
		}
		sh.order = newOrder(s.like)
		sh.directory.use(nil)
		sh.unlock()
		s.report(told)
	}
}

package ttlcache

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Reason is why a value left the cache.
type Reason uint8

// Why values leave.
const (
	Expired  Reason = iota // its deadline had passed
	Evicted                // it made room for others, or never had any
	Replaced               // another value was stored under its key while it lived
	Deleted                // Delete, Clear or Close, or a negative ttl, or a load that said ErrNotFound
	reasons
)

// String is the reason in a word.
func (r Reason) String() string {
	if r < reasons {
		return [...]string{"expired", "evicted", "replaced", "deleted"}[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// counts are what a shard counts, guarded by its mu, those excepted that are
// counted without it.
type counts struct {
	hits, misses, inPlace             atomic.Uint64 // inPlace are values replaced without the lock
	loads, failures, refreshes, stale uint64
	gone                              [reasons]uint64
	late                              int64
}

// Stats are counts since the cache was made, and what it is now. Shard after
// shard is asked, so they are exact only if nothing changes meanwhile.
type Stats struct {
	// These three are 0 without Options.CountUse.
	Hits     uint64 // reads that found a live value: Get, SetIfAbsent, Compute, Load, GetOrLoad
	Misses   uint64 // and that did not
	Replaced uint64 // values that left because another was stored while they lived

	Loads      uint64 // loads begun
	LoadErrors uint64 // loads that returned an error or panicked; ErrNotFound is one
	Refreshes  uint64 // loads begun by the cache for itself: refresh-ahead and stale-while-revalidate
	Stale      uint64 // expired values that Load and GetOrLoad returned, as the options allow

	Expired, Evicted, Deleted uint64 // values that left for other reasons

	Entries int   // values held, those that have expired and are not removed yet included
	Cost    int64 // the sum of their costs; 0 without Options.MaxCost
	Bytes   int64 // memory of the cache itself: keys and values included, but not what these point to

	// Lateness is the longest that an expired value has stayed in memory after
	// its deadline, and after the time for which stale answers are allowed,
	// before the sweep removed it.
	Lateness time.Duration
}

// HitRatio is the share of reads that found a value, 0 if there were none.
func (s Stats) HitRatio() float64 {
	if s.Hits == 0 {
		return 0
	}
	return float64(s.Hits) / float64(s.Hits+s.Misses)
}

// count counts a read of a key in sh, if that is asked for.
func (s *store[K, V]) count(sh *shard[K, V], hit bool) {
	switch {
	case !s.countUse:
	case hit:
		sh.counts.hits.Add(1)
	default:
		sh.counts.misses.Add(1)
	}
}

// Stats returns the cache's counts.
func (c *Cache[K, V]) Stats() Stats {
	s := c.store()
	all := Stats{Cost: s.cost.Load(), Bytes: int64(unsafe.Sizeof(*s))}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		all.add(&sh.counts)
		all.Entries += sh.count
		all.Bytes += sh.bytes()
		sh.mu.Unlock()
	}
	if !s.countUse {
		all.Replaced = 0 // only those that took the lock
	}
	return all
}

func (s *Stats) add(c *counts) {
	s.Hits += c.hits.Load()
	s.Misses += c.misses.Load()
	s.Loads += c.loads
	s.LoadErrors += c.failures
	s.Refreshes += c.refreshes
	s.Stale += c.stale
	s.Expired += c.gone[Expired]
	s.Evicted += c.gone[Evicted]
	s.Replaced += c.gone[Replaced] + c.inPlace.Load()
	s.Deleted += c.gone[Deleted]
	s.Lateness = max(s.Lateness, time.Duration(c.late))
}

// bytes is the memory of a shard.
func (sh *shard[K, V]) bytes() int64 {
	n := int64(unsafe.Sizeof(*sh)) + sh.order.bytes()
	if x := sh.index.Load(); x != nil {
		n += int64(unsafe.Sizeof(*x)) + int64(cap(x.tables))*int64(wordSize)
	}
	for _, t := range sh.each {
		n += int64(unsafe.Sizeof(*t)) + int64(cap(t.groups))*int64(unsafe.Sizeof(group{})) +
			int64(cap(t.entries))*int64(unsafe.Sizeof(entry[K, V]{})) + int64(cap(t.places))*4 + int64(cap(t.costs))*8
	}
	return n
}

func (o *order) bytes() int64 {
	if o == nil {
		return 0
	}
	return int64(unsafe.Sizeof(*o)) + 4*int64(cap(o.ghosts)+cap(o.queues[smallQueue].ring)+cap(o.queues[mainQueue].ring))
}

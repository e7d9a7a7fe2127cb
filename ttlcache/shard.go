package ttlcache

import (
	"sync"
	"sync/atomic"
	"time"
)

// A shard is a part of a cache with a lock of its own.
type shard[K comparable, V any] struct {
	due atomic.Int64 // nothing in the directory is due earlier; written under mu

	mu sync.Mutex
	directory[K, V]
	order   order
	flights map[K]*flight[V] // loads whose result will be stored; nil until there is one
	counts  counts

	_ [64]byte // neighbours in an array share no cache line
}

// A removal is what the removal callback is told.
type removal[K comparable, V any] struct {
	key    K
	value  V
	reason Reason
}

// A removals collects, while a lock is held, what to tell when it is free.
type removals[K comparable, V any] []removal[K, V]

// look is k's slot if it holds a live value; otherwise its dead value's, and
// then live is false, or -1. The time is read after the slot.
func (s *store[K, V]) look(sh *shard[K, V], h uint64, k K) (t *table[K, V], i int, live bool) {
	if t, i = sh.find(h, k); i < 0 {
		return t, i, false
	}
	return t, i, s.clock.alive(t.entries[i].due())
}

// use counts a use of a live entry, for the order.
func (s *store[K, V]) use(e *entry[K, V]) {
	if s.limited && e.uses() < usesMax {
		e.stamp++
	}
}

// A write is a value on its way into the cache.
type write[K comparable, V any] struct {
	hash  uint64
	key   K
	value V
	ttl   time.Duration
	cost  int64
}

// put stores a value whatever was there before. The caller holds sh.mu.
func (s *store[K, V]) put(sh *shard[K, V], w *write[K, V], told *removals[K, V]) {
	if s.closed.Load() {
		return
	}
	t, i := sh.find(w.hash, w.key)
	now := s.clock.now()
	due := s.deadline(now, w.ttl)
	if due <= now {
		if i >= 0 {
			s.drop(sh, t, i, whyGone(&t.entries[i], now, Deleted), told)
			sh.shrink(t, sh.at(w.hash))
		}
		return
	}
	if i < 0 {
		s.insert(sh, w, due, now, 0, told)
		return
	}
	s.overwrite(sh, t, i, w, due, now, told)
}

// overwrite gives slot i, which may be dead, a new value and deadline.
func (s *store[K, V]) overwrite(sh *shard[K, V], t *table[K, V], i int, w *write[K, V], due, now int64, told *removals[K, V]) {
	e := &t.entries[i]
	why := whyGone(e, now, Replaced)
	uses := e.uses()
	if why == Replaced && s.limited {
		uses = min(uses+1, usesMax)
	}
	if s.like.weighed {
		s.drop(sh, t, i, why, told)
		s.insert(sh, w, due, now, uses, told)
		return
	}
	sh.counts.gone[why]++
	s.tell(told, e, why)
	e.value = w.value
	e.stamp = stampOf(due, uses)
	s.lower(sh, t, i, due)
}

// whyGone is the reason for which an entry goes now, if it is alive.
func whyGone[K comparable, V any](e *entry[K, V], now int64, alive Reason) Reason {
	if e.due() <= now {
		return Expired
	}
	return alive
}

// insert stores a value under a key that has none, and makes room for it.
func (s *store[K, V]) insert(sh *shard[K, V], w *write[K, V], due, now int64, uses uint64, told *removals[K, V]) {
	if s.limited {
		if w.cost > s.maxCost {
			sh.counts.gone[Evicted]++
			s.tell(told, &entry[K, V]{key: w.key, value: w.value}, Evicted)
			return
		}
		s.held.Add(1)
		if s.like.weighed {
			s.cost.Add(w.cost)
		}
		s.makeRoom(sh, now, told)
	}
	t, i := sh.claim(w.hash)
	t.entries[i] = entry[K, V]{stampOf(due, uses), w.key, w.value}
	if t.places != nil {
		t.places[i] = sh.order.add(refOf(w.hash, sh.skip))
		s.tidy(sh)
	}
	if t.costs != nil {
		t.costs[i] = w.cost
	}
	s.lower(sh, t, i, due)
}

// lower makes sure that slot i is swept when it is due.
func (s *store[K, V]) lower(sh *shard[K, V], t *table[K, V], i int, due int64) {
	if t.lower(i, due) && due < sh.due.Load() {
		sh.due.Store(due)
		s.wakeAt(due + s.grace)
	}
}

// drop removes slot i. The caller shrinks the table when it needs it no more.
func (s *store[K, V]) drop(sh *shard[K, V], t *table[K, V], i int, why Reason, told *removals[K, V]) {
	sh.counts.gone[why]++
	s.tell(told, &t.entries[i], why)
	if s.limited {
		s.held.Add(-1)
		if t.costs != nil {
			s.cost.Add(-t.costs[i])
		}
		if t.places != nil && t.places[i] != noPlace {
			sh.order.remove(t.places[i])
		}
	}
	sh.release(t, i)
}

// noPlace is the place of an entry that has just been taken out of its queue.
const noPlace = 1<<32 - 1

// tell notes a removal for the callback, if there is one.
func (s *store[K, V]) tell(told *removals[K, V], e *entry[K, V], why Reason) {
	if s.onRemove != nil {
		*told = append(*told, removal[K, V]{e.key, e.value, why})
	}
}

// full reports whether something must go.
func (s *store[K, V]) full() bool {
	return s.held.Load() > s.maxEntries || s.cost.Load() > s.maxCost
}

// makeRoom removes entries of a shard, the dead before the living, until the
// cache is within its limits, and reports whether it came to that.
func (s *store[K, V]) makeRoom(sh *shard[K, V], now int64, told *removals[K, V]) bool {
	for s.full() {
		if limit := now - s.grace; sh.due.Load() <= limit {
			s.expireOne(sh, limit, told)
			continue
		}
		if !s.evict(sh, told) {
			return false
		}
	}
	return true
}

// evict removes the entry that the order chooses, and reports whether there
// was one.
func (s *store[K, V]) evict(sh *shard[K, V], told *removals[K, V]) bool {
	examined := 0
	for q, ref := range sh.order.victims {
		h := hashOf(ref, sh.skip)
		t := sh.tables[sh.at(h)]
		i := s.placed(sh, t, h, ref, q)
		e := &t.entries[i]
		examined++
		if uses := e.uses(); uses > 0 && examined < examineMax {
			t.places[i] = sh.order.push(mainQueue, ref)
			if q == mainQueue {
				e.stamp--
			} else {
				e.stamp -= uses
			}
			continue
		}
		if q == smallQueue {
			sh.order.remember(ref)
		}
		t.places[i] = noPlace
		s.drop(sh, t, i, Evicted, told)
		sh.shrink(t, sh.at(h))
		return true
	}
	return false
}

// placed is the slot of what was just popped from queue q.
func (s *store[K, V]) placed(sh *shard[K, V], t *table[K, V], h uint64, ref, q uint32) int {
	queue := &sh.order.queues[q]
	i := t.findPlace(h, (queue.head-1)&numberMask<<1|q)
	if i < 0 {
		panic("ttlcache: an entry in the order is not in its table")
	}
	return i
}

// tidy moves on the oldest of a queue that is mostly holes, so that it cannot
// grow by entries that come and go without an eviction.
func (s *store[K, V]) tidy(sh *shard[K, V]) {
	for q := range sh.order.queues {
		queue := &sh.order.queues[q]
		for range 4 {
			if !queue.sparse() {
				break
			}
			ref := queue.pop()
			h := hashOf(ref, sh.skip)
			t := sh.tables[sh.at(h)]
			i := s.placed(sh, t, h, ref, uint32(q))
			t.places[i] = sh.order.push(uint32(q), ref)
		}
	}
}

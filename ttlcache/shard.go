package ttlcache

import (
	"sync"
	"sync/atomic"
	"time"
)

// A shard is a part of a cache with a lock of its own, which is not needed to
// read: see place.go.
type shard[K comparable, V any] struct {
	changes atomic.Uint64 // odd while something is being changed by who holds mu
	directory[K, V]
	flying atomic.Int32 // how many flights there are
	due    atomic.Int64 // nothing in the directory is due earlier; written under mu

	mu      sync.Mutex
	order   *order           // nil in a cache without limits
	flights map[K]*flight[V] // loads whose result will be stored; nil until there is one
	counts  counts

	_ [8]byte // to whole cache lines, so that neighbours share none: TestShardsShareNoCacheLine
}

// lock begins a change. What is read without the lock meanwhile counts for nothing.
func (sh *shard[K, V]) lock() {
	sh.mu.Lock()
	sh.changes.Add(1)
}

func (sh *shard[K, V]) unlock() {
	sh.changes.Add(1)
	sh.mu.Unlock()
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
	return t, i, s.clock.alive(t.at(i).due())
}

// use counts a use of a live entry, for the order.
func (s *store[K, V]) use(e *entry[K, V]) {
	if s.limited {
		e.use(e.stamp.Load())
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

// put stores a value whatever was there before. The caller has sh.lock.
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
	s.tell(told, &e.pair, why)
	t.write(i, e.key, w.value)
	e.stamp.Store(stampOf(due, uses))
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
			s.tell(told, &pair[K, V]{w.key, w.value}, Evicted)
			return
		}
		s.held.Add(1)
		if s.like.weighed {
			s.cost.Add(w.cost)
		}
		s.makeRoom(sh, now, told)
	}
	t, i := sh.claim(w.hash)
	t.write(i, w.key, w.value)
	t.entries[i].stamp.Store(stampOf(due, uses))
	if t.places != nil {
		ref := refOf(w.hash, sh.skip)
		t.places[i] = sh.order.push(s.queueFor(sh, ref), ref)
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
	s.tell(told, &t.at(i).pair, why)
	if s.limited {
		s.held.Add(-1)
		if t.costs != nil {
			s.cost.Add(-t.costs[i])
		}
		if t.places != nil {
			sh.order.remove(t.places[i])
		}
	}
	sh.release(t, i)
}

// tell notes a removal for the callback, if there is one.
func (s *store[K, V]) tell(told *removals[K, V], p *pair[K, V], why Reason) {
	if s.onRemove != nil {
		*told = append(*told, removal[K, V]{p.key, p.value, why})
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
	for examined := 1; ; examined++ {
		q := sh.order.next()
		t, i := sh.oldest(q)
		if i < 0 {
			return false
		}
		if e := t.at(i); e.uses() > 0 && examined < examineMax {
			sh.another(t, i, q)
			continue
		}
		ref := sh.order.ref(t.places[i])
		if q == smallQueue {
			sh.order.remember(ref)
		}
		s.drop(sh, t, i, Evicted, told)
		sh.shrink(t, sh.at(hashOf(ref, sh.skip)))
		return true
	}
}

// oldest is the entry that stands first in a queue; the slot is -1 if there is none.
func (sh *shard[K, V]) oldest(q uint32) (*table[K, V], int) {
	queue := &sh.order.queues[q]
	if queue.held == 0 {
		return nil, -1
	}
	place := placeOf(queue.head, q)
	h := hashOf(sh.order.ref(place), sh.skip)
	t := sh.table(h)
	i := t.findPlace(h, place)
	if i < 0 {
		panic("ttlcache: an entry in the order is not in its table")
	}
	return t, i
}

// another gives the used entry in slot i, which is in queue q, another round:
// one for each use in the main queue.
func (sh *shard[K, V]) another(t *table[K, V], i int, q uint32) {
	e := t.at(i)
	if q == mainQueue {
		e.stamp.Store(e.stamp.Load()&^writing - 1)
	} else {
		e.stamp.Store(e.stamp.Load() &^ writing &^ usesMax)
	}
	sh.requeue(t, i, mainQueue)
}

// requeue makes the entry in slot i the newest of a queue.
func (sh *shard[K, V]) requeue(t *table[K, V], i int, q uint32) {
	ref := sh.order.ref(t.places[i])
	sh.order.remove(t.places[i])
	t.places[i] = sh.order.push(q, ref)
}

// queueFor is where a new entry begins: in the small queue, or, if it was here
// lately, in the main queue. But only if what is oldest there was not used
// since it came or was last asked; that gets another round instead. So of a
// loop over more keys than there is room for, a part stays and is found, where
// otherwise each would drive out the next (W-TinyLFU does the same by counting:
// Einziger et al., ACM ToS 13(4), 2017).
func (s *store[K, V]) queueFor(sh *shard[K, V], ref uint32) uint32 {
	if !sh.order.returns(ref) {
		return sh.order.first(sh.counts.gone[Evicted])
	}
	if t, i := sh.oldest(mainQueue); i >= 0 && t.at(i).uses() > 0 {
		sh.another(t, i, mainQueue)
		return smallQueue
	}
	return mainQueue
}

// tidy moves on the oldest of a queue that is mostly holes, so that it cannot
// grow by entries that come and go without an eviction.
func (s *store[K, V]) tidy(sh *shard[K, V]) {
	for q := range sh.order.queues {
		for range 4 {
			if !sh.order.queues[q].sparse() {
				break
			}
			t, i := sh.oldest(uint32(q))
			sh.requeue(t, i, uint32(q))
		}
	}
}

package ttlcache

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// How a Get reads, and a Set replaces a value, without a shard's lock.
//
// Who changes a shard holds its mu and makes changes odd meanwhile (lock,
// unlock). A reader notes changes, reads, and looks at changes again: if they
// are odd or others now, it has read nothing (a sequence lock: Lameter,
// "Effective Synchronization on Linux/NUMA Systems", Gelato 2005). All that
// it reads is read and written by sync/atomic, so Go's memory model says what
// it sees, and the race detector looks on.
//
// A Set that replaces a live value by one that dies later moves nothing and
// has no minimum to lower, so it needs no more than the entry: it marks the
// stamp as being written, stores the value, then the new stamp, with the later
// deadline. A reader notes the stamp, too, before it reads the value; if that
// is the same afterwards, no such Set came in between, because deadlines that
// are stored in this way only grow.
//
// A Set that has marked a stamp looks at changes then; who changes the shard
// looks at the stamp after it has made changes odd (table.at). The two loads
// and the two stores have one order, so at least one of the two sees the other:
// the Set takes its mark away and takes the lock, or the other one waits for
// the Set's last store.
//
// Of what such a Set stores, the mark alone must be seen by all before it goes
// on. The value and the new stamp may come later, in this order (release): who
// looks between that and the Set's return sees the mark, and waits.

// glances is how often a Get or Set tries before it takes the lock.
const glances = 16

// glance looks k up without the lock; done is false if something was written
// meanwhile, or if values are too large for this.
func (s *store[K, V]) glance(sh *shard[K, V], h uint64, k K) (v V, ok, done bool) {
	changes := sh.changes.Load()
	if changes&1 != 0 || !s.like.words.few {
		return v, false, false
	}
	t := sh.only.Load()
	if t == nil || !t.atHand() { // fetch by hand: the call is a twentieth of a Get of a small cache
		t = sh.fetch(h)
	}
	return s.read(sh, changes, s.seek(sh, changes, t, h, &k))
}

// read is the value of what seek has found, nil if nothing; changes are what
// they were before that.
func (s *store[K, V]) read(sh *shard[K, V], changes uint64, e *entry[K, V]) (v V, ok, done bool) {
	if e == nil {
		return v, false, sh.changes.Load() == changes
	}
	stamp := e.stamp.Load()
	var seen entry[K, V]
	s.like.words.load(unsafe.Pointer(&seen.pair), unsafe.Pointer(&e.pair), s.like.words.value)
	live := s.clock.alive(dueOf(stamp))
	// A use that was counted meanwhile is no other value.
	if now := e.stamp.Load(); stamp&writing != 0 || (now^stamp)&^usesMax != 0 || sh.changes.Load() != changes {
		return v, false, false
	}
	if !live {
		return v, false, true
	}
	if s.limited {
		e.use(stamp)
	}
	return seen.value, true, true
}

// get is for who has glanced in vain.
func (s *store[K, V]) get(sh *shard[K, V], h uint64, k K) (v V, ok bool) {
	for n := 0; n < glances && s.like.words.few && sh.changes.Load()&1 == 0; n++ { // a change may take long
		if v, ok, done := s.glance(sh, h, k); done {
			return v, ok
		}
	}
	sh.lock() // not only mu: others could go on replacing the value without end
	defer sh.unlock()
	if t, i, live := s.look(sh, h, k); live {
		s.use(&t.entries[i])
		return t.entries[i].value, true
	}
	return v, false
}

// seek is k's entry in t, h's table, nil if there is none, as far as it can be
// said without the lock: the caller must see that sh.changes are still the same.
func (s *store[K, V]) seek(sh *shard[K, V], changes uint64, t *table[K, V], h uint64, k *K) *entry[K, V] {
	if t == nil {
		return nil
	}
	g := t.home(h)
	word := s.hasher.kind == hashWord8 && wordSize == 8
	for range t.groups { // what is being changed might have no end
		control := t.groups[g].control.Load()
		for m := matchHash(control, h); m != 0; m &= m - 1 {
			e := &t.entries[g*groupSlots+lane(m)]
			if word {
				if atomic.LoadUint64((*uint64)(unsafe.Pointer(&e.key))) == *(*uint64)(unsafe.Pointer(k)) {
					return e
				}
			} else if s.same(sh, changes, e, k) {
				return e
			}
		}
		if matchEmpty(control) != 0 {
			return nil
		}
		g = t.after(g)
	}
	return nil
}

// same reports whether e's key is k. Keys change only with sh.changes, which
// is asked before a key is used that has pointers in it.
func (s *store[K, V]) same(sh *shard[K, V], changes uint64, e *entry[K, V], k *K) bool {
	if s.hasher.kind == hashText {
		text := *(*string)(unsafe.Pointer(k))
		words := (*[2]uintptr)(unsafe.Pointer(&e.key))
		if atomic.LoadUintptr(&words[1]) != uintptr(len(text)) {
			return false
		}
		data := atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&e.key)))
		return sh.changes.Load() == changes && unsafe.String((*byte)(data), len(text)) == text
	}
	var seen entry[K, V]
	s.like.words.load(unsafe.Pointer(&seen.pair), unsafe.Pointer(&e.pair), 0)
	return sh.changes.Load() == changes && seen.key == *k
}

// replace stores another value for a key that has a live one, if that can be
// done without the lock, and reports whether it has.
func (s *store[K, V]) replace(sh *shard[K, V], w *write[K, V]) bool {
	changes := sh.changes.Load()
	if changes&1 != 0 {
		return false
	}
	t := sh.fetch(w.hash)
	now := s.clock.now() // while the memory answers
	return s.swap(sh, changes, s.seek(sh, changes, t, w.hash, &w.key), w, now)
}

// swap stores the value in what seek has found, nil if nothing; changes are
// what they were before that, and now is a time since the Set began.
func (s *store[K, V]) swap(sh *shard[K, V], changes uint64, e *entry[K, V], w *write[K, V], now int64) bool {
	if e == nil {
		return false
	}
	for range glances {
		old := e.stamp.Load()
		if old&writing != 0 {
			continue
		}
		stamp, later := s.later(old, now, w.ttl)
		if !later { // or a Set with the same ttl has been faster
			stamp, later = s.later(old, s.clock.now(), w.ttl)
		}
		if !later {
			return false
		}
		if !e.stamp.CompareAndSwap(old, old|writing) {
			continue // a use was counted, or another Set was faster
		}
		if sh.changes.Load() != changes || sh.flying.Load() != 0 {
			e.stamp.CompareAndSwap(old|writing, old) // unless who changes the shard has stored another
			return false
		}
		if s.like.words.single {
			release((*uintptr)(unsafe.Pointer(&e.value)), *(*uintptr)(unsafe.Pointer(&w.value)))
		} else {
			s.storeValue(e, w)
		}
		releaseStamp((*uint64)(unsafe.Pointer(&e.stamp)), stamp)
		return true
	}
	return false
}

// storeValue stores a value of any number of words.
func (s *store[K, V]) storeValue(e *entry[K, V], w *write[K, V]) {
	var from entry[K, V]
	from.key, from.value = w.key, w.value
	s.like.words.store(unsafe.Pointer(&e.pair), unsafe.Pointer(&from.pair), s.like.words.value)
}

// later is the stamp of a value that is stored at now in the place of a live
// one with the stamp old, if its deadline is later: it is if both have the same
// ttl and old was read before the clock.
func (s *store[K, V]) later(old uint64, now int64, ttl time.Duration) (stamp uint64, later bool) {
	due, former := s.deadline(now, ttl), int64(old>>usesBits)
	if due == never {
		due = max(never, former+1)
	}
	uses := old & usesMax
	if s.limited {
		uses = min(uses+1, usesMax)
	}
	return stampOf(due, uses), due > former && dueOf(old) > now
}

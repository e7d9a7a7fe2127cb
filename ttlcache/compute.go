package ttlcache

import "time"

// An Action is what Compute does with what its function returned.
type Action uint8

// What Compute can do.
const (
	Keep   Action = iota // leave everything as it is; value and ttl are not looked at
	Store                // store the value for the ttl
	Amend                // store the value and let the deadline be; the same as Store if there was no live value
	Remove               // delete the key
)

// Compute changes k's value in one step: f is given the live value, if there is
// one, and says what to do. No other goroutine comes in between. It returns the
// value that k has afterwards and whether there is one.
//
// f runs while a part of the cache is locked: it must be short and must not use
// the cache. If it panics, nothing has changed.
func (c *Cache[K, V]) Compute(k K, f func(v V, ok bool) (V, time.Duration, Action)) (V, bool) {
	s := c.store()
	h := s.hasher.of(k)
	v, ok, told := s.compute(s.shard(h), h, k, f)
	s.loading.found(k)
	s.settle(h, told)
	return v, ok
}

func (s *store[K, V]) compute(sh *shard[K, V], h uint64, k K, f func(V, bool) (V, time.Duration, Action)) (v V, ok bool, told removals[K, V]) {
	sh.lock()
	defer sh.unlock()
	t, i, live := s.look(sh, h, k)
	var old, none V
	var due int64
	if live {
		s.use(&t.entries[i])
		old, due = t.entries[i].value, t.entries[i].due()
	}
	s.count(sh, live)
	v, ttl, action := f(old, live)
	switch {
	case action == Keep && live && s.clock.alive(due): // f has taken its time
		return old, true, nil
	case action == Keep:
		return none, false, nil
	}
	w := write[K, V]{h, k, v, ttl, s.weigh(k, v)}
	sh.detach(k)
	switch {
	case action == Remove && i >= 0:
		s.drop(sh, t, i, whyGone(&t.entries[i], s.clock.now(), Deleted), &told)
		sh.shrink(t, sh.at(h))
	case action == Amend && live && !s.closed.Load():
		s.overwrite(sh, t, i, &w, due, s.clock.now(), &told)
	case action == Amend, action == Store:
		s.put(sh, &w, &told)
	}
	if t, i, live = s.look(sh, h, k); live {
		return t.entries[i].value, true, told
	}
	return none, false, told
}

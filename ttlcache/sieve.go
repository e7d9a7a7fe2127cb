package ttlcache

// sieve chooses which entry makes room, after Zhang et al., "SIEVE is Simpler
// than LRU" (NSDI 2024): entries stay in order of arrival, a read only marks
// one as visited, and a hand moves from old to new, unmarking what it passes
// and taking the first that nobody has visited since it came by.
type sieve[K comparable, V any] struct {
	oldest, newest, hand *entry[K, V]
}

// add puts e in as the newest.
func (s *sieve[K, V]) add(e *entry[K, V]) {
	e.older = s.newest
	if s.newest != nil {
		s.newest.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

// victim is the entry to evict. There must be one. It takes at most one round:
// after that every mark is gone.
func (s *sieve[K, V]) victim() *entry[K, V] {
	for {
		if s.hand == nil {
			s.hand = s.oldest
		}
		e := s.hand
		if !e.visited {
			return e
		}
		e.visited = false
		s.hand = e.newer
	}
}

// remove takes e out.
func (s *sieve[K, V]) remove(e *entry[K, V]) {
	if s.hand == e {
		s.hand = e.newer
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	e.older, e.newer = nil, nil
}

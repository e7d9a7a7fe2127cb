package callback

import "sync"

type store struct {
	mu   sync.Mutex
	data map[string]int
}

func (s *store) Each(f func(string, int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.data {
		f(k, v)
	}
}

func (s *store) Delete(k string) {
	s.mu.Lock() // want certain double-lock: ...takes s.mu, which it holds since line 11
	defer s.mu.Unlock()
	delete(s.data, k)
}

func Purge(s *store) {
	s.Each(func(k string, v int) {
		if v == 0 {
			s.Delete(k)
		}
	})
}

// PurgeInto takes another store's lock, in one order only.
func PurgeInto(s, t *store) {
	s.Each(func(k string, v int) { t.put(k, v) })
}

func (s *store) put(k string, v int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[k] = v
}

func (s *store) Later(f func()) {
	s.mu.Lock()
	s.mu.Unlock()
	f()
}

func Kept(s *store) { s.Later(func() { s.Delete("x") }) }

//go:build lockorder

package lockorder_test

import (
	"fmt"

	"github.com/penstock-io/penstock/lockorder"
)

// A Store and its index, each with a lock of its own.
type Store struct {
	mu    lockorder.Mutex
	rows  map[string]int
	index *Index
}

// An Index is the keys in the order they came.
type Index struct {
	mu   lockorder.Mutex
	keys []string
}

// Put takes the store's lock, then the index's.
func (s *Store) Put(key string, row int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[key] = row
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	s.index.keys = append(s.index.keys, key)
}

// First takes them the other way round.
func (s *Store) First() int {
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[s.index.keys[0]]
}

// The two orders need not meet in time: with -tags lockorder the second call is
// told of before it waits.
func Example() {
	defer lockorder.OnViolation(func(v lockorder.Violation) { fmt.Println(v.Message) })()
	s := &Store{rows: map[string]int{}, index: &Index{}}
	s.Put("a", 7)
	fmt.Println(s.First())
	// Output:
	// deadlock: (*Store).Put takes s.mu then s.index.mu, (*Store).First takes s.index.mu then s.mu
	// 7
}

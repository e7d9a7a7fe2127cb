// Package observed has an order of locks that its source does not show: the
// function is called through reflection.
package observed

import (
	"reflect"

	"github.com/penstock-io/penstock/lockorder"
)

type Store struct {
	mu    lockorder.Mutex
	rows  int
	index *Index
}

type Index struct {
	mu    lockorder.Mutex
	store *Store
}

// Put takes Store.mu, then Index.mu: the source shows it.
func (s *Store) Put() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows++
	s.index.mu.Lock()
	s.index.mu.Unlock()
}

// Drop takes Index.mu, then Store.mu: only a run shows it.
func (x *Index) Drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	reflect.ValueOf(x.store).MethodByName("Empty").Call(nil)
}

func (s *Store) Empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = 0
}

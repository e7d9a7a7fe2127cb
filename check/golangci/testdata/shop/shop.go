// Package shop has one deadlock and one SQL injection.
package shop

import (
	"database/sql"
	"sync"
)

// A Shop sells.
type Shop struct {
	db    *sql.DB
	stock sync.Mutex
	till  sync.Mutex
}

// Open opens a shop's database.
func Open(name string) (*Shop, error) {
	db, err := sql.Open("sqlite3", name)
	return &Shop{db: db}, err
}

// Sell takes the stock's lock first.
func (s *Shop) Sell() {
	s.stock.Lock()
	s.till.Lock()
	defer s.stock.Unlock()
	defer s.till.Unlock()
}

// Count takes the till's lock first.
func (s *Shop) Count() {
	s.till.Lock()
	s.stock.Lock()
	defer s.till.Unlock()
	defer s.stock.Unlock()
}

// Orders are a user's.
func (s *Shop) Orders(user string) (*sql.Rows, error) {
	return s.db.Query("SELECT * FROM orders WHERE user_id = " + user)
}

package a

import (
	"database/sql"
	"sync"
)

type shop struct {
	db    *sql.DB
	stock sync.Mutex
	till  sync.Mutex
}

func (s *shop) sell() {
	s.stock.Lock()
	defer s.stock.Unlock()
	s.till.Lock() // want `deadlock: .*sell takes s.stock then s.till.*\[lock-order\]`
	defer s.till.Unlock()
}

func (s *shop) count() {
	s.till.Lock()
	defer s.till.Unlock()
	s.stock.Lock()
	defer s.stock.Unlock()
}

// Open runs both at once.
func Open() {
	s := &shop{}
	s.db, _ = sql.Open("sqlite", "shop.db")
	go s.sell()
	go s.count()
}

// Orders is called by anyone.
func (s *shop) Orders(user string) (*sql.Rows, error) {
	return s.db.Query("SELECT * FROM orders WHERE user_id = " + user) // want `SQL injection: user is put into the text of a query, as a value \[sql-injection\]`
}

func (s *shop) known(user string) (*sql.Rows, error) {
	return s.db.Query("SELECT * FROM orders WHERE user_id = " + user) // penstock: allow the caller checks it
}

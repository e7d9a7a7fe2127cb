package main

import "sync"

type Account struct {
	mu      sync.Mutex
	balance int
}

func transfer(from, to *Account, amount int) {
	from.mu.Lock()
	defer from.mu.Unlock()
	to.mu.Lock() // want certain lock-order: ...transfer takes a.mu then b.mu, transfer takes b.mu then a.mu
	defer to.mu.Unlock()
	from.balance -= amount
	to.balance += amount
}

func main() {
	a, b := open(1), open(2)
	go transfer(a, b, 1)
	go transfer(b, a, 1)
	select {}
}
func open(n int) *Account { return &Account{balance: n} }

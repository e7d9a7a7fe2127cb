package main

import (
	"sync"
	"time"
)

type Account struct {
	mu      sync.Mutex
	balance int
}

func (a *Account) Deposit(n int) {
	a.mu.Lock() // want certain lock-order: deadlock: main.func1 takes a.mu then b.mu, main.func2 takes b.mu then a.mu
	defer a.mu.Unlock()
	a.balance += n
}

func (a *Account) Transfer(to *Account, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.balance -= n
	time.Sleep(50 * time.Millisecond)
	to.Deposit(n)
}

func main() {
	a, b := &Account{}, &Account{}
	var wg sync.WaitGroup
	wg.Go(func() { a.Transfer(b, 1) })
	wg.Go(func() { b.Transfer(a, 1) })
	wg.Wait()
}

package main

import "sync"

type Account struct {
	mu      sync.Mutex
	balance int
}

func transfer(from, to *Account, amount int) {
	from.mu.Lock()
	defer from.mu.Unlock()
	to.mu.Lock() // want likely unordered-locks: ...from.mu then to.mu
	defer to.mu.Unlock()
	from.balance -= amount
	to.balance += amount
}

func main() {
	accounts := map[string]*Account{"a": {}, "b": {}}
	go transfer(accounts["a"], accounts["b"], 1)
	go transfer(accounts["b"], accounts["a"], 1)
	select {}
}

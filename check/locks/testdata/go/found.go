package main

import (
	"net/http"
	"os"
	"sync"
)

type Account struct {
	mu      sync.Mutex
	balance int
}

func transfer(from, to *Account, amount int) {
	from.mu.Lock()
	to.mu.Lock() // want likely unordered-locks: ...from.mu then to.mu
	from.balance -= amount
	to.balance += amount
	to.mu.Unlock()
	from.mu.Unlock()
}

var accounts = map[string]*Account{}

func find(name string) *Account { return accounts[name] }

func run(name, other string) { transfer(find(name), find(other), 1) }

func main() {
	var wg sync.WaitGroup
	wg.Add(2)
	go func() { defer wg.Done(); run(os.Args[1], os.Args[2]) }()
	go func() { defer wg.Done(); run(os.Args[2], os.Args[1]) }()
	wg.Wait()
	_ = http.ErrAbortHandler
}

package main

import (
	"sync"
	"time"
)

type Account struct {
	sync.Mutex
	balance int
}

func transfer(from, to *Account, wg *sync.WaitGroup) {
	defer wg.Done()
	from.Lock()
	defer from.Unlock()
	time.Sleep(50 * time.Millisecond)
	to.Lock() // want certain lock-order: deadlock: transfer takes a.Mutex then b.Mutex, transfer takes b.Mutex then a.Mutex
	defer to.Unlock()
}

func main() {
	var a, b Account
	var wg sync.WaitGroup
	wg.Add(2)
	go transfer(&a, &b, &wg)
	go transfer(&b, &a, &wg)
	wg.Wait()
}

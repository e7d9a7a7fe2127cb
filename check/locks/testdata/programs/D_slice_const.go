package main

import (
	"sync"
	"time"
)

var mus = make([]sync.Mutex, 2)

func main() {
	var wg sync.WaitGroup
	wg.Go(func() {
		mus[0].Lock()
		time.Sleep(50 * time.Millisecond)
		mus[1].Lock() // want certain lock-order: deadlock: main.func1 takes mus[0] then mus[1], main.func2 takes mus[1] then mus[0]
		mus[1].Unlock()
		mus[0].Unlock()
	})
	wg.Go(func() {
		mus[1].Lock()
		time.Sleep(50 * time.Millisecond)
		mus[0].Lock()
		mus[0].Unlock()
		mus[1].Unlock()
	})
	wg.Wait()
}

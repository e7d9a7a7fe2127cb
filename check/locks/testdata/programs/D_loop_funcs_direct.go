package main

import (
	"sync"
	"time"
)

var a, b sync.Mutex

func f() {
	a.Lock()
	time.Sleep(50 * time.Millisecond)
	b.Lock() // want certain lock-order: deadlock: f takes a then b, g takes b then a
	b.Unlock()
	a.Unlock()
}

func g() {
	b.Lock()
	time.Sleep(50 * time.Millisecond)
	a.Lock()
	a.Unlock()
	b.Unlock()
}

func main() {
	var wg sync.WaitGroup
	for _, fn := range []func(){f, g} {
		wg.Go(fn)
	}
	wg.Wait()
}

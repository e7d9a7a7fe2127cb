package main

import (
	"sync"
	"time"
)

var a, b sync.Mutex

func f() {
	a.Lock()
	time.Sleep(10 * time.Millisecond)
	b.Lock()
	b.Unlock()
	a.Unlock()
}

func g() {
	b.Lock()
	time.Sleep(10 * time.Millisecond)
	a.Lock()
	a.Unlock()
	b.Unlock()
}

func main() {
	for _, fn := range []func(){f, g} {
		var wg sync.WaitGroup
		wg.Go(fn)
		wg.Wait()
	}
}

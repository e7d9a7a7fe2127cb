package main

import (
	"sync"
	"time"
)

type node struct{ mu sync.Mutex }

func link(x, y *node) {
	x.mu.Lock()
	time.Sleep(10 * time.Millisecond)
	y.mu.Lock()
	y.mu.Unlock()
	x.mu.Unlock()
}

func main() {
	a, b := &node{}, &node{}
	var wg sync.WaitGroup
	wg.Go(func() { link(a, b) })
	wg.Wait()
	wg.Go(func() { link(b, a) })
	wg.Wait()
}

package main

import (
	"sync"
	"time"
)

type node struct{ mu sync.Mutex }

func link(x, y *node) {
	x.mu.Lock()
	time.Sleep(50 * time.Millisecond)
	y.mu.Lock() // want likely unordered-locks: deadlock when called both ways round: link takes x.mu then y.mu, two locks of one class in the order of its arguments
	y.mu.Unlock()
	x.mu.Unlock()
}

func main() {
	a, b, c := &node{}, &node{}, &node{}
	var wg sync.WaitGroup
	for _, p := range [][2]*node{{a, b}, {b, c}, {c, a}} {
		wg.Go(func() { link(p[0], p[1]) })
	}
	wg.Wait()
}

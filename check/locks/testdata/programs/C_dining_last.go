package main

import (
	"sync"
	"time"
)

const n = 5

var forks [n]sync.Mutex

func eat(i int) {
	l, r := &forks[i], &forks[(i+1)%n]
	if i == n-1 {
		l, r = r, l
	}
	l.Lock()
	time.Sleep(10 * time.Millisecond)
	r.Lock()
	r.Unlock()
	l.Unlock()
}

func main() {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { eat(i) })
	}
	wg.Wait()
}

package main

import (
	"sync"
	"time"
)

const n = 5

var forks [n]sync.Mutex

func eat(i int) {
	l, r := i, (i+1)%n
	if l > r {
		l, r = r, l
	}
	forks[l].Lock()
	time.Sleep(10 * time.Millisecond)
	forks[r].Lock()
	forks[r].Unlock()
	forks[l].Unlock()
}

func main() {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { eat(i) })
	}
	wg.Wait()
}

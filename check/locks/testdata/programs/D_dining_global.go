package main

import (
	"sync"
	"time"
)

const n = 5

var forks [n]sync.Mutex

func eat(i int) {
	l, r := i, (i+1)%n
	forks[l].Lock()
	time.Sleep(50 * time.Millisecond)
	forks[r].Lock() // want likely unordered-locks: deadlock in a ring: each thread of eat takes forks[l] then forks[r], which is another's first
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

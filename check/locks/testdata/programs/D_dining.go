package main

import (
	"sync"
	"time"
)

const n = 5

func main() {
	forks := make([]sync.Mutex, n)
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			forks[i].Lock()
			time.Sleep(50 * time.Millisecond)
			forks[(i+1)%n].Lock() // want likely unordered-locks: deadlock in a ring: each thread of main.func1 takes forks[i] then forks[(i+1)%n], which is another's first
			forks[(i+1)%n].Unlock()
			forks[i].Unlock()
		}()
	}
	wg.Wait()
}

package main

import (
	"sync"
	"time"
)

var mu sync.Mutex

func main() {
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
	}()
	mu.Lock()
	wg.Wait() // want likely wait-under-lock: deadlock: main holds mu while it waits for the end of main.func1, which takes mu
	mu.Unlock()
}

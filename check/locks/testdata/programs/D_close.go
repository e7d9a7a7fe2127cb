package main

import (
	"sync"
	"time"
)

var mu sync.Mutex

func main() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
	}()
	mu.Lock()
	defer mu.Unlock()
	<-done // want likely wait-under-lock: deadlock: main holds mu while it waits at <-done, and main.func1 needs mu to get to close(done)
}

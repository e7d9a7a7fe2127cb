package main

import (
	"sync"
	"time"
)

var mu sync.Mutex

func main() {
	ch := make(chan int)
	go func() {
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		ch <- 1 // want likely wait-under-lock: deadlock: main.func1 holds mu while it waits at ch <-, and main needs mu to get to <-ch
	}()
	mu.Lock()
	<-ch // want likely wait-under-lock: deadlock: main holds mu while it waits at <-ch, and main.func1 needs mu to get to ch <-
	mu.Unlock()
}

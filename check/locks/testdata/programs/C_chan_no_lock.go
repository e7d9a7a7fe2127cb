package main

import (
	"sync"
	"time"
)

var mu sync.Mutex

func main() {
	ch := make(chan int)
	go func() {
		mu.Lock()
		time.Sleep(10 * time.Millisecond)
		mu.Unlock()
		ch <- 1
	}()
	<-ch
	mu.Lock()
	mu.Unlock()
}

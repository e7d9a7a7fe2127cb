package main

import (
	"sync"
	"time"
)

var mu sync.Mutex

func main() {
	ch := make(chan int, 1)
	go func() {
		mu.Lock()
		defer mu.Unlock()
		select {
		case ch <- 1:
		default:
		}
	}()
	time.Sleep(20 * time.Millisecond)
	mu.Lock()
	select {
	case <-ch:
	case <-time.After(time.Second):
	}
	mu.Unlock()
}

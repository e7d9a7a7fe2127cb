package main

import (
	"sync"
	"time"
)

var mu sync.RWMutex

func main() {
	mu.RLock()
	time.Sleep(time.Millisecond)
	mu.Lock() // want certain double-lock: deadlock with itself: main takes mu, which it holds since line 11
	mu.Unlock()
	mu.RUnlock()
}

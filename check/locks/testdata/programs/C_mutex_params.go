package main

import (
	"sync"
	"time"
)

func both(a, b *sync.Mutex) {
	a.Lock()
	time.Sleep(50 * time.Millisecond)
	b.Lock()
	b.Unlock()
	a.Unlock()
}

func main() {
	var x, y, z sync.Mutex
	done := make(chan bool)
	go func() { both(&x, &y); done <- true }()
	go func() { both(&y, &z); done <- true }()
	go func() { both(&x, &z); done <- true }()
	<-done
	<-done
	<-done
}

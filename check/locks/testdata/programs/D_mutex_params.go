package main

import (
	"sync"
	"time"
)

func both(a, b *sync.Mutex) {
	a.Lock()
	time.Sleep(50 * time.Millisecond)
	b.Lock() // want certain lock-order: deadlock: main.func1 takes x then y, main.func2 takes y then x
	b.Unlock()
	a.Unlock()
}

func main() {
	var x, y sync.Mutex
	done := make(chan bool)
	go func() { both(&x, &y); done <- true }()
	go func() { both(&y, &x); done <- true }()
	<-done
	<-done
}

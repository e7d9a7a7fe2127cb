package main

import (
	"sync"
	"time"
)

type S struct {
	mu sync.Mutex
	ch chan int
}

func (s *S) produce() {
	s.mu.Lock()
	s.ch <- 1 // want likely wait-under-lock: deadlock: (*S).produce holds s.mu while it waits at ch <-, and (*S).consume needs s.mu to get to <-ch
	s.mu.Unlock()
}

func (s *S) consume() {
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	<-s.ch // want likely wait-under-lock: deadlock: (*S).consume holds s.mu while it waits at <-ch, and (*S).produce needs s.mu to get to ch <-
}

func main() {
	s := &S{ch: make(chan int)}
	var wg sync.WaitGroup
	wg.Go(s.produce)
	wg.Go(s.consume)
	wg.Wait()
}

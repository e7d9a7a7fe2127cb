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
	s.ch <- 1
	s.mu.Unlock()
}

func (s *S) consume() {
	<-s.ch
	s.mu.Lock()
	defer s.mu.Unlock()
}

func main() {
	s := &S{ch: make(chan int, 1)}
	var wg sync.WaitGroup
	wg.Go(s.produce)
	wg.Go(s.consume)
	wg.Wait()
	time.Sleep(1)
}

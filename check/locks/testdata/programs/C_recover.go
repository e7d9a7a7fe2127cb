package main

import (
	"sync"
	"time"
)

type S struct {
	mu   sync.Mutex
	busy bool
}

func (s *S) enter() {
	if s.busy {
		panic("busy")
	}
	s.mu.Lock()
	s.busy = true
}

func (s *S) leave() { s.busy = false; s.mu.Unlock() }

func (s *S) inner() {
	defer func() { recover() }()
	s.enter()
	s.leave()
}

func main() {
	s := &S{}
	s.enter()
	s.inner()
	s.leave()
	time.Sleep(1)
}

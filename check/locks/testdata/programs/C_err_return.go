package main

import (
	"errors"
	"sync"
)

type S struct {
	mu   sync.Mutex
	busy bool
}

func (s *S) enter() error {
	if s.busy {
		return errors.New("busy")
	}
	s.mu.Lock()
	s.busy = true
	return nil
}

func (s *S) leave() { s.busy = false; s.mu.Unlock() }

func (s *S) inner() {
	if err := s.enter(); err != nil {
		return
	}
	s.leave()
}

func main() {
	s := &S{}
	if s.enter() == nil {
		s.inner()
		s.leave()
	}
}

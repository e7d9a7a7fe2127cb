// Package waited waits under a lock for goroutines that need it.
package waited

import "sync"

type S struct {
	mu, other sync.Mutex
	n         int
}

func (s *S) Deferred() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Add(1)
	go func() { defer wg.Done(); s.mu.Lock(); s.n++; s.mu.Unlock() }()
	wg.Wait() // want likely wait-under-lock: ...(*S).Deferred holds s.mu while it waits for the end of (*S).Deferred.func1
}

func (s *S) Go() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Go(func() { s.mu.Lock(); s.n++; s.mu.Unlock() })
	wg.Wait() // want likely wait-under-lock: ...(*S).Go holds s.mu while it waits for the end of (*S).Go.func1
}

func (s *S) AtTheEnd() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 3 {
		wg.Add(1)
		go func() {
			s.mu.Lock()
			s.n++
			s.mu.Unlock()
			wg.Done()
		}()
	}
	wg.Wait() // want likely wait-under-lock: ...(*S).AtTheEnd holds s.mu while it waits for the end of (*S).AtTheEnd.func1
}

func (s *S) Channel() {
	done := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() { s.mu.Lock(); s.n++; s.mu.Unlock(); close(done) }()
	<-done // want likely wait-under-lock: ...(*S).Channel holds s.mu while it waits at <-done
}

func (s *S) Handed() int {
	c := make(chan int)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() { s.mu.Lock(); c <- 1; s.mu.Unlock() }()
	return <-c // want likely wait-under-lock: ...(*S).Handed holds s.mu while it waits at <-c
}

// Before tells that it is done before it takes the lock.
func (s *S) Before() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Add(1)
	go func() {
		wg.Done()
		s.mu.Lock()
		s.n++
		s.mu.Unlock()
	}()
	wg.Wait()
}

// Another waits for others than those that need the lock.
func (s *S) Another() {
	var wg, late sync.WaitGroup
	s.mu.Lock()
	late.Go(func() { s.mu.Lock(); s.n++; s.mu.Unlock() })
	wg.Go(func() { s.other.Lock(); s.other.Unlock() })
	wg.Wait()
	s.mu.Unlock()
	late.Wait()
}

// Each takes the locks of others.
func (s *S) Each(all []*S) {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range all {
		wg.Go(func() { t.mu.Lock(); t.n++; t.mu.Unlock() })
	}
	wg.Wait()
}

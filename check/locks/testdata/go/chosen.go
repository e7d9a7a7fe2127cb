package main

import "sync"

// A want is net/http's wantConn: done says that the answer is already there, so that who
// cancels takes it without a wait, or closes the channel itself.
type want struct {
	mu     sync.Mutex
	done   bool
	result chan int
}

func (w *want) deliver(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	w.done = true
	w.result <- n
	close(w.result)
}

func (w *want) cancel() {
	w.mu.Lock()
	if w.done {
		<-w.result
	} else {
		close(w.result)
	}
	w.done = true
	w.mu.Unlock()
}

// A wish is one whose waiter does not ask whether the answer is there.
type wish struct {
	mu     sync.Mutex
	result chan int
}

func (w *wish) deliver(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result <- n
	close(w.result)
}

func (w *wish) cancel() {
	w.mu.Lock()
	<-w.result // want likely wait-under-lock: deadlock: (*wish).cancel holds w.mu while it waits at <-result
	w.mu.Unlock()
}

func main() {
	w, v := &want{result: make(chan int, 1)}, &wish{result: make(chan int, 1)}
	var wg sync.WaitGroup
	wg.Go(func() { w.deliver(1) })
	wg.Go(func() { w.cancel() })
	wg.Go(func() { w.cancel() })
	wg.Go(func() { v.deliver(1) })
	wg.Go(func() { v.cancel() })
	wg.Wait()
}

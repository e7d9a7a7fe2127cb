package main

import (
	"sync"
	"time"
)

type gate struct{ mu sync.Mutex }

type worker struct {
	g    *gate
	a, b sync.Mutex
}

func (w *worker) one() {
	w.g.mu.Lock()
	defer w.g.mu.Unlock()
	w.a.Lock()
	time.Sleep(10 * time.Millisecond)
	w.b.Lock() // want note lock-order: locks in opposite orders, kept apart by mu: (*worker).one takes w.a then w.b, (*worker).two takes w.b then w.a
	w.b.Unlock()
	w.a.Unlock()
}

func (w *worker) two() {
	w.g.mu.Lock()
	defer w.g.mu.Unlock()
	w.b.Lock()
	time.Sleep(10 * time.Millisecond)
	w.a.Lock()
	w.a.Unlock()
	w.b.Unlock()
}

func main() {
	w := &worker{g: &gate{}}
	var wg sync.WaitGroup
	wg.Go(w.one)
	wg.Go(w.two)
	wg.Wait()
}

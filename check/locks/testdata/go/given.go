package main

import "sync"

type box struct {
	mu    sync.Mutex
	other sync.Mutex
}

func (b *box) lock() *sync.Mutex { return &b.mu }

func (b *box) one() {
	b.lock().Lock()
	defer b.lock().Unlock()
	b.other.Lock() // want likely lock-order: ...(*box).one takes b.mu then b.other
	b.other.Unlock()
}

func (b *box) two() {
	b.other.Lock()
	defer b.other.Unlock()
	b.lock().Lock()
	b.lock().Unlock()
}

func (b *box) twice() {
	b.mu.Lock()
	b.lock().Lock() // want certain double-lock: ...(*box).twice takes b.mu
	b.lock().Unlock()
	b.mu.Unlock()
}

func main() {
	b := &box{}
	go b.one()
	go b.two()
	go b.twice()
	select {}
}

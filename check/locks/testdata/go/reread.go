package reread

import "sync"

type gated struct {
	gate sync.Mutex
	mu   sync.RWMutex
	n    int
}

func (g *gated) len() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.n
}

// Twice reads again, but no writer gets past the gate that it holds.
func (g *gated) Twice() int {
	g.gate.Lock()
	defer g.gate.Unlock()
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.len() * 2
}

func (g *gated) Set(n int) {
	g.gate.Lock()
	defer g.gate.Unlock()
	g.mu.Lock()
	g.n = n
	g.mu.Unlock()
}

type open struct {
	gate sync.Mutex
	mu   sync.RWMutex
	n    int
}

func (o *open) len() int {
	o.mu.RLock() // want likely recursive-read: ...reads o.mu again
	defer o.mu.RUnlock()
	return o.n
}

// Twice reads again, and Reset comes round the gate.
func (o *open) Twice() int {
	o.gate.Lock()
	defer o.gate.Unlock()
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.len() * 2
}

func (o *open) Set(n int) {
	o.gate.Lock()
	defer o.gate.Unlock()
	o.mu.Lock()
	o.n = n
	o.mu.Unlock()
}

func (o *open) Reset() {
	o.mu.Lock()
	o.n = 0
	o.mu.Unlock()
}

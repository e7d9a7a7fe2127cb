// Package main takes locks by way of method values, which have no place in the source.
package main

import "sync"

var k1, k2, mu, other sync.Mutex

type guarded struct{ sync.Mutex }

type locker interface {
	Lock()
	Unlock()
}

func one() {
	k1.Lock()
	k2.Lock() // want certain lock-order: ...one takes k1 then k2, two takes k2 then k1
	k2.Unlock()
	k1.Unlock()
}

func two() {
	k2.Lock()
	f := k1.Lock
	f()
	k1.Unlock()
	k2.Unlock()
}

func twice() {
	l := mu.Lock
	l()
	l() // want certain double-lock: ...twice takes mu, which it holds since line 32
}

func do(f func()) { f() }

// handed waits for itself, which is not found yet: do does not say on which lock.
func handed() {
	other.Lock()
	do(other.Lock)
}

func promoted(x, y locker) {
	x.Lock()
	y.Lock()
	y.Unlock()
	x.Unlock()
}

func expression() {
	lock, unlock := (*sync.Mutex).Lock, (*sync.Mutex).Unlock
	lock(&mu)
	lock(&mu) // want certain double-lock: ...expression takes mu, which it holds since line 53
	unlock(&mu)
	unlock(&mu)
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) handoff() func() {
	c.mu.Lock()
	return c.mu.Unlock
}

// use gives back at once what handoff took.
func (c *counter) use() { defer c.handoff()() }

func (c *counter) add() {
	c.mu.Lock() // want certain double-lock: ...(*counter).both takes c.mu, which it holds since line 80
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) both() {
	c.use()
	c.mu.Lock()
	c.add()
	c.mu.Unlock()
}

func main() {
	go one()
	go two()
	go handed()
	go promoted(&guarded{}, &guarded{})
	go expression()
	go (&counter{}).both()
	twice()
}

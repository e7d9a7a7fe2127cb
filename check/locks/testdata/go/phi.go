// Package main takes locks of objects that a variable stands for which is set in several places.
package main

import "sync"

type node struct {
	mu         sync.Mutex
	next, prev *node
	n          int
}

func (n *node) bump() {
	n.mu.Lock() // want likely double-lock: ...everyRound takes n.mu
	n.n++
	n.mu.Unlock()
}

// up takes another one in each round.
func (n *node) up() *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := n.prev; p != nil; p = p.prev {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.n > 0 {
			return p
		}
	}
	return nil
}

// handOverHand holds two neighbours at a time.
func handOverHand(head *node) int {
	cur := head
	cur.mu.Lock()
	for cur.next != nil {
		next := cur.next
		next.mu.Lock()
		cur.mu.Unlock()
		cur = next
	}
	defer cur.mu.Unlock()
	return cur.n
}

// most keeps the one it likes best so far, and no other.
func most(head *node) *node {
	best := head
	best.mu.Lock()
	for n := head.next; n != nil; n = n.next {
		n.mu.Lock()
		if n.n > best.n {
			best.mu.Unlock()
			best = n
		} else {
			n.mu.Unlock()
		}
	}
	return best
}

var a, b = &node{}, &node{}

// twice takes the same one, whichever it is.
func twice(which bool) {
	n := a
	if which {
		n = b
	}
	n.mu.Lock()
	n.mu.Lock() // want certain double-lock: ...twice takes n.mu
	n.mu.Unlock()
}

// another takes one, and then perhaps another one.
func another(which bool) {
	n := a
	if which {
		n = b
	}
	n.mu.Lock()
	for range 2 {
		n = n.next
	}
	n.mu.Lock()
}

func everyRound(head *node) {
	for n := head; n != nil; n = n.next {
		n.mu.Lock()
		n.bump()
		n.mu.Unlock()
	}
}

func main() {
	go a.up()
	go handOverHand(a)
	go most(a)
	go twice(true)
	go another(true)
	go everyRound(a)
}

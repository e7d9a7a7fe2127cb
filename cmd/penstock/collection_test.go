package main

import (
	"runtime"
	"testing"
)

func TestCollectionPercent(t *testing.T) {
	for _, c := range []struct {
		live   uint64
		budget int64
		heap   uint64 // how large it may become, live and garbage
	}{
		{live: 5 << 20, budget: 48 << 20, heap: 48 << 20},
		{live: 20 << 20, budget: 48 << 20, heap: 48 << 20},
		{live: 50 << 20, budget: 48 << 20, heap: 58 << 20},
		{live: 50 << 20, budget: 80 << 20, heap: 80 << 20},
		{live: 500 << 20, budget: 80 << 20, heap: 508 << 20},
	} {
		got := c.live + c.live*uint64(collectionPercent(c.live, c.budget))/100
		if got > c.heap || got < c.heap-c.live/100 {
			t.Errorf("%d bytes live: the heap may become %d, want %d", c.live, got, c.heap)
		}
	}
}

func TestNextCollection(t *testing.T) {
	next := nextCollection()
	runtime.GC()
	<-next
}

package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// due stores a million entries that all expire at about one instant, beside a
// thousand that stay where the cache knows a ttl for each, and prints how long
// after it they were gone from memory, what that cost, and the slowest Get
// meanwhile.
func due(keys []uint64) {
	fmt.Printf("\n%d entries due at one instant: gone after, CPU, slowest concurrent Get\n\n", len(keys))
	for _, r := range rivals[uint64]() {
		if r.limit || r.lossy || r.seconds {
			continue
		}
		gone, cpu, slowest := dueOf(r, keys)
		fmt.Printf("| %-12s | %8.1f ms | %8.1f ms | %8.3f ms |\n", r.name, ms(gone), ms(cpu), ms(slowest))
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func dueOf(r rival[uint64], keys []uint64) (gone, cpu, slowest time.Duration) {
	const kept = 1000
	ttl := 4 * time.Second
	c := r.make(0, ttl)
	defer c.close()
	start := time.Now()
	deadline := start.Add(ttl)
	for _, k := range keys {
		c.set(k, k, time.Until(deadline))
	}
	filled := time.Now()
	if filled.After(deadline) {
		panic("the fill took too long")
	}
	last := deadline
	if r.name == "otter" || r.name == "expirable" { // the ttl runs from each Set
		last = filled.Add(ttl)
	}
	for i := range uint64(kept) {
		c.set(1<<40+i, i, time.Hour)
	}
	time.Sleep(time.Until(deadline.Add(-20 * time.Millisecond)))
	var stop atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for i := uint64(0); !stop.Load(); i++ {
			asked := time.Now()
			c.get(1<<40 + i%kept)
			slowest = max(slowest, time.Since(asked))
			time.Sleep(20 * time.Microsecond)
		}
	})
	time.Sleep(time.Until(last))
	before := cpuTime()
	for c.size() > kept && time.Since(last) < 30*time.Second {
		time.Sleep(time.Millisecond)
	}
	gone = time.Since(last)
	cpu = cpuTime() - before
	stop.Store(true)
	reader.Wait()
	return gone, cpu, slowest
}

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
		gone, cpu, slowest, ok := dueOf(r, keys)
		if !ok {
			fmt.Printf("| %-12s | not measured: the machine is too slow to store them before they are due |\n", r.name)
			continue
		}
		fmt.Printf("| %-12s | %8.1f ms | %8.1f ms | %8.3f ms |\n", r.name, ms(gone), ms(cpu), ms(slowest))
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// dueOf gives the cache longer if it could not store the entries in time.
func dueOf(r rival[uint64], keys []uint64) (gone, cpu, slowest time.Duration, ok bool) {
	for ttl := 4 * time.Second; ttl <= time.Minute && !ok; ttl *= 2 {
		gone, cpu, slowest, ok = dueAfter(r, keys, ttl)
	}
	return gone, cpu, slowest, ok
}

func dueAfter(r rival[uint64], keys []uint64, ttl time.Duration) (gone, cpu, slowest time.Duration, ok bool) {
	const kept = 1000
	c := r.make(0, ttl)
	defer c.close()
	start := time.Now()
	deadline := start.Add(ttl)
	for _, k := range keys {
		c.set(k, k, time.Until(deadline))
	}
	filled := time.Now()
	if deadline.Sub(filled) < 500*time.Millisecond {
		return 0, 0, 0, false
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
	return gone, cpu, slowest, true
}

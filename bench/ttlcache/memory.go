package main

import (
	"fmt"
	"runtime"
	"time"
)

// memory prints what an entry takes and what one garbage collection costs.
func memory[K key](kind string, keys []K) {
	fmt.Printf("\n%s keys, %d entries: bytes an entry, CPU of one GC, CPU of the first Set\n\n", kind, len(keys))
	for _, r := range rivals[K]() {
		if len(keys) > 2e6 && r.name != ours && r.name != "otter" && r.name != "theine" && r.name != "jellydator" {
			continue
		}
		bytes, gc, set := memoryOf(r, keys)
		fmt.Printf("| %-20s | %4.0f B | %8.2f ms | %5.0f ns |\n", r.name, bytes, gc/1e6, set)
	}
}

// memoryOf fills as many caches as it takes to hold a hundred thousand entries,
// so that what the heap does besides does not show, and tells a cache's share.
func memoryOf[K key](r rival[K], keys []K) (bytes, gc, set float64) {
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	size := 0
	if r.lossy || r.seconds {
		size = len(keys)
	}
	caches := make([]*cache[K], max(1, 100_000/len(keys)))
	entries := float64(len(caches) * len(keys))
	before := heap()
	start := cpuTime()
	for n := range caches {
		caches[n] = r.make(size, time.Hour)
		for i, k := range keys {
			caches[n].set(k, uint64(i), time.Hour)
		}
	}
	set = float64(cpuTime()-start) / entries
	time.Sleep(50 * time.Millisecond) // those who store later
	bytes = (heap() - before) / entries
	start = cpuTime()
	runtime.GC()
	gc = float64(cpuTime()-start) / float64(len(caches))
	for _, c := range caches {
		c.close()
	}
	return bytes, gc, set
}

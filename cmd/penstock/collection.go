package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapHeadroom is how much garbage may come together before it is collected.
const heapHeadroom = 7 << 20

// paceCollection keeps the heap at what lives plus heapHeadroom until ctx ends.
// Go's usual doubling suits neither end of this program's life: a fresh one has
// so little alive that it would collect all the time if the percentage were
// low, and one with a million identities, which have no pointers to follow and
// so cost nothing to collect, would hold twice the memory for nothing.
func paceCollection(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	set := debug.SetGCPercent(100)
	defer debug.SetGCPercent(set)
	current := 100
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		percent := collectionPercent(live[0].Value.Uint64())
		if math.Abs(float64(percent-current)) > 0.1*float64(current) {
			debug.SetGCPercent(percent)
			current = percent
		}
	}
}

// collectionPercent is heapHeadroom in percent of what lives, 10 to 150.
func collectionPercent(live uint64) int {
	return int(min(max(100*heapHeadroom/max(live, 1), 10), 150))
}

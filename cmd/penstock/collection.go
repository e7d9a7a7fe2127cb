package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapHeadroom is how much garbage may come together before it is collected,
// and restHeadroom what the runtime needs beside the heap: stacks, its own
// tables, and spans between two uses.
const (
	heapHeadroom = 12 << 20
	restHeadroom = 8 << 20
)

// paceCollection keeps the heap at what lives plus heapHeadroom until ctx ends.
// Go's usual doubling suits neither end of this program's life: a fresh one has
// so little alive that it would collect all the time if the percentage were
// low, and one with a million identities, which have no pointers to follow and
// so cost nothing to collect, would hold twice the memory for nothing. The
// limit makes the runtime give back to the system what the percentage leaves
// idle; it moves with what lives, so it never makes collection the main work.
func paceCollection(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	set := debug.SetGCPercent(100)
	defer debug.SetGCPercent(set)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	paced := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		if now := live[0].Value.Uint64(); now > paced+paced/16 || now < paced-paced/16 {
			debug.SetGCPercent(collectionPercent(now))
			debug.SetMemoryLimit(int64(now) + heapHeadroom + restHeadroom)
			paced = now
		}
	}
}

// collectionPercent is heapHeadroom in percent of what lives, 10 to 150.
func collectionPercent(live uint64) int {
	return int(min(max(100*heapHeadroom/max(live, 1), 10), 150))
}

package main

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// What the garbage collector may use: garbage comes together until the heap is
// heapBudget large, and garbageMin of it in any case. With the development
// broker in the process it is brokerBudget more: the broker makes most of the
// garbage then, a buffer for each request it reads.
const (
	heapBudget   = 48 << 20
	brokerBudget = 32 << 20
	garbageMin   = 8 << 20
)

// startPacing has paceCollection at work until stop is called, unless the
// environment says how garbage is to be collected.
func startPacing(getenv func(string) string, budget int64) (stop func()) {
	if getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var pacing sync.WaitGroup
	pacing.Go(func() { paceCollection(ctx, budget) })
	return func() {
		cancel()
		pacing.Wait()
	}
}

// paceCollection keeps the heap within its budget until ctx ends. Go's usual
// doubling suits neither end of this program's life: a fresh one has so little
// alive that it would collect all the time, and one with a million identities,
// which have no pointers to follow and so cost nothing to collect, would hold
// twice the memory for nothing.
func paceCollection(ctx context.Context, budget int64) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	current := 100
	set := debug.SetGCPercent(current)
	defer debug.SetGCPercent(set)
	for {
		metrics.Read(live)
		percent := collectionPercent(live[0].Value.Uint64(), budget)
		if math.Abs(float64(percent-current)) > 0.1*float64(current) {
			debug.SetGCPercent(percent)
			current = percent
		}
		select {
		case <-ctx.Done():
			return
		case <-nextCollection():
		}
	}
}

// nextCollection is closed after the next collection, which finds nobody
// holding the sentinel.
func nextCollection() <-chan struct{} {
	done := make(chan struct{})
	type sentinel struct{ *sentinel } // with a pointer, or it would share its place with others
	runtime.AddCleanup(new(sentinel), func(done chan struct{}) { close(done) }, done)
	return done
}

// collectionPercent is how much garbage may come together, in percent of what
// lives.
func collectionPercent(live uint64, budget int64) int {
	garbage := max(budget-int64(live), garbageMin)
	return int(100 * garbage / max(int64(live), 4<<20))
}

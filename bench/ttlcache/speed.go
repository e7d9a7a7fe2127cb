package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// mixes are what share of the operations are Sets, in tenths.
var mixes = []struct {
	name string
	sets int
}{{"get", 0}, {"set", 10}, {"90/10", 1}, {"50/50", 5}}

// A cell is the figures of one cache in one place of the table, one a round.
type cell struct{ cpu, allocs []float64 }

// speed measures all mixes for keys of one kind, at one size, with so many
// goroutines, and prints CPU nanoseconds an operation: medians of the rounds,
// in which the rivals take turns.
func speed[K key](kind string, keys []K, procs int) {
	runtime.GOMAXPROCS(procs)
	defer runtime.GOMAXPROCS(runtime.NumCPU())
	all := rivals[K]()
	cells := make([][]cell, len(all))
	asked := inOrder(keys, zipf(len(keys), operations))
	start, done := time.Now(), 0
	for round := range *rounds {
		if spent := time.Since(start); done > 0 && spent+spent/time.Duration(done) > *budget {
			break
		}
		done++
		for n := range all {
			r := (n + round) % len(all) // nobody is always the first
			if cells[r] == nil {
				cells[r] = make([]cell, len(mixes))
			}
			fill(all[r], keys, func(c *cache[K]) {
				for m, mix := range mixes {
					cpu, allocs := drive(c, asked, mix.sets, procs)
					cells[r][m].cpu = append(cells[r][m].cpu, cpu)
					cells[r][m].allocs = append(cells[r][m].allocs, allocs)
				}
			})
		}
	}
	fmt.Printf("\n%s keys, %d entries, GOMAXPROCS %d: CPU ns/op (of otter's) get | set | 90/10 | 50/50; allocations get/set; medians of %d rounds\n\n", kind, len(keys), procs, done)
	otter := max(0, slices.IndexFunc(all, func(r rival[K]) bool { return r.name == "otter" }))
	for r, rival := range all {
		fmt.Printf("| %-20s |", rival.name)
		for m := range mixes {
			cpu := median(cells[r][m].cpu)
			fmt.Printf(" %4.0f (%.2f) |", cpu, cpu/median(cells[otter][m].cpu))
		}
		fmt.Printf(" %.1f/%.1f |\n", median(cells[r][0].allocs), median(cells[r][1].allocs))
	}
}

// fill makes a cache, stores every key once, and lets run have it.
func fill[K key](r rival[K], keys []K, run func(*cache[K])) {
	size := 0
	if r.lossy || r.seconds {
		size = 2 * len(keys)
	}
	c := r.make(size, time.Hour)
	for i, k := range keys {
		c.set(k, uint64(i), time.Hour)
	}
	runtime.GC()
	run(c)
	c.close()
	c = nil
	runtime.GC()
}

// operations is how many are measured at a time.
const operations = 1 << 20

// zipf is an order in which to ask for n keys, with s = 1.01, the popular ones
// spread over all of them.
func zipf(n, count int) []uint32 {
	random := rand.New(rand.NewPCG(1, 2))
	z := rand.NewZipf(random, 1.01, 1, uint64(n-1))
	place := random.Perm(n)
	order := make([]uint32, count)
	for i := range order {
		order[i] = uint32(place[z.Uint64()])
	}
	return order
}

// inOrder is the keys in the order of asking, side by side in memory, as a key
// is that its user has just made: to find the key is not the cache's work.
func inOrder[K key](keys []K, order []uint32) []K {
	asked := make([]K, len(order))
	for i, at := range order {
		asked[i] = keys[at]
	}
	if texts, ok := any(asked).([]string); ok {
		joined := strings.Join(texts, "")
		for i, text := range texts {
			texts[i], joined = joined[:len(text)], joined[len(text):]
		}
	}
	return asked
}

// drive runs the operations on so many goroutines and returns the CPU time and
// the allocations of one.
func drive[K key](c *cache[K], asked []K, sets, procs int) (cpu, allocs float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	var all sync.WaitGroup
	for p := range procs {
		all.Go(func() {
			turn := 0
			for i := p; i < len(asked); i += procs {
				if turn < sets {
					c.set(asked[i], uint64(i), time.Hour)
				} else {
					c.get(asked[i])
				}
				if turn++; turn == 10 {
					turn = 0
				}
			}
		})
	}
	all.Wait()
	spent := cpuTime() - start
	runtime.ReadMemStats(&after)
	n := float64(len(asked))
	return float64(spent) / n, float64(after.Mallocs-before.Mallocs) / n
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

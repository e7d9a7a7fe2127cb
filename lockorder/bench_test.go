//go:build lockorder

package lockorder_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock/lockorder"
)

// BenchmarkLock times a pair of Lock and Unlock beside sync's, in turns in
// one run, and reports the median of the ratios.
func BenchmarkLock(b *testing.B) {
	var plain, plain2 sync.Mutex
	var ours, ours2 lockorder.Mutex
	var plainRW sync.RWMutex
	var oursRW lockorder.RWMutex
	for _, c := range []struct {
		name        string
		plain, ours func(n int)
	}{
		{"single", func(n int) {
			for range n {
				plain.Lock()
				plain.Unlock()
			}
		}, func(n int) {
			for range n {
				ours.Lock()
				ours.Unlock()
			}
		}},
		{"nested", func(n int) {
			for range n {
				plain.Lock()
				plain2.Lock()
				plain2.Unlock()
				plain.Unlock()
			}
		}, func(n int) {
			for range n {
				ours.Lock()
				ours2.Lock()
				ours2.Unlock()
				ours.Unlock()
			}
		}},
		{"read", func(n int) {
			for range n {
				plainRW.RLock()
				plainRW.RUnlock()
			}
		}, func(n int) {
			for range n {
				oursRW.RLock()
				oursRW.RUnlock()
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			const n = 100_000
			var ratios, plain, ours []float64
			for b.Loop() {
				p, o := timed(c.plain, n), timed(c.ours, n)
				plain, ours, ratios = append(plain, p), append(ours, o), append(ratios, o/p)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(plain), "ns/sync")
			b.ReportMetric(median(ours), "ns/lockorder")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

func timed(f func(int), n int) float64 {
	from := time.Now()
	f(n)
	return float64(time.Since(from).Nanoseconds()) / float64(n)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

//go:build bench

package csvfile

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestParseRatios prints how many times as fast as encoding/csv each way of
// reading is, interleaved, medians: `make bench-load PIECE=parse`.
func TestParseRatios(t *testing.T) {
	const rounds = 41
	text := benchText(100_000)
	rival := make([]time.Duration, rounds)
	ours := make([][]time.Duration, bestVectors()+1)
	var c Chunk
	defer func() { vectors = bestVectors() }()
	for i := range rounds {
		rival[i] = timed(func() int { return cellsByEncodingCSV(t, text) })
		for vectors = range bestVectors() + 1 {
			ours[vectors] = append(ours[vectors], timed(func() int { return cellsByScanner(t, text, &c) }))
		}
	}
	show := func(name string, took []time.Duration, note string) {
		took = slices.Sorted(slices.Values(took))
		fmt.Printf("  %-28s %5.2f GB/s  %s\n", name, float64(len(text))/float64(took[rounds/2]), note)
	}
	show("encoding/csv, ReuseRecord", rival, "")
	for v, took := range ours {
		aim := ""
		switch vectorSet(v) {
		case noVectors:
			aim = " (the aim: at least 3)"
		case bestVectors():
			aim = " (what this machine uses; the aim: at least 6)"
		}
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = float64(rival[i]) / float64(took[i])
		}
		slices.Sort(ratios)
		show("csvfile, vectors: "+vectorSet(v).String(), took, fmt.Sprintf("%.1f times as fast%s", ratios[rounds/2], aim))
	}
}

func timed(f func() int) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A trace is the keys that were asked for, one after the other.
type trace struct {
	name  string
	keys  []uint64
	sizes []int // of the caches it is run on
}

// hits runs traces through bounded caches: what is not found is stored. It
// prints hit ratios in percent.
func hits() {
	var names []string
	for _, r := range rivals[uint64]() {
		if r.bounded {
			names = append(names, r.name)
		}
	}
	fmt.Printf("\nHit ratio in percent, what is not found is stored\n\n| trace | entries | %s | ours less otter's |\n", strings.Join(names, " | "))
	for _, t := range traces() {
		for _, size := range t.sizes {
			fmt.Printf("| %s | %d |", t.name, size)
			var ratios []float64
			for _, r := range rivals[uint64]() {
				if r.bounded {
					ratios = append(ratios, hitRatio(r, t.keys, size))
					fmt.Printf(" %.1f |", ratios[len(ratios)-1])
				}
			}
			if len(ratios) > 1 {
				fmt.Printf(" %+.1f |", ratios[0]-ratios[1])
			}
			fmt.Println()
		}
	}
}

func hitRatio(r rival[uint64], keys []uint64, size int) float64 {
	c := r.make(size, time.Hour)
	defer c.close()
	found := 0
	for _, k := range keys {
		if _, ok := c.get(k); ok {
			found++
		} else {
			c.set(k, k, time.Hour)
		}
	}
	return 100 * float64(found) / float64(len(keys))
}

func traces() []trace {
	const length = 2_000_000
	all := []trace{
		{"Zipf 0.8", zipfTrace(0.8, length), []int{1000, 10_000, 50_000}},
		{"Zipf 1.01", zipfTrace(1.01, length), []int{1000, 10_000, 50_000}},
		{"Zipf 1.01 and scans", scans(length), []int{1000, 10_000, 50_000}},
		{"Zipf 1.01, popularity moves", shifting(length), []int{1000, 10_000, 50_000}},
		{"loop over 12,000", loop(length), []int{3000, 6000, 10_000, 11_000}},
	}
	if glimpse, err := glimpse(); err != nil {
		fmt.Println("without the Glimpse trace:", err)
	} else {
		all = append(all, trace{"Glimpse (LIRS paper)", glimpse, []int{500, 1000, 2000}})
	}
	return all
}

// zipfTrace asks for a million keys, with any exponent, by inversion.
func zipfTrace(s float64, length int) []uint64 {
	random := rand.New(rand.NewPCG(3, 4))
	z := newZipf(s, 1_000_000)
	keys := make([]uint64, length)
	for i := range keys {
		keys[i] = z.next(random)
	}
	return keys
}

// scans has, in each 100,000, a run of 20,000 keys that never come again.
func scans(length int) []uint64 {
	keys := zipfTrace(1.01, length)
	for i := range keys {
		if i%100_000 < 20_000 {
			keys[i] = 1<<32 + uint64(i)
		}
	}
	return keys
}

// shifting has other popular keys in each 200,000.
func shifting(length int) []uint64 {
	keys := zipfTrace(1.01, length)
	for i := range keys {
		keys[i] += uint64(i/200_000) * 300
	}
	return keys
}

func loop(length int) []uint64 {
	keys := make([]uint64, length)
	for i := range keys {
		keys[i] = uint64(i % 12_000)
	}
	return keys
}

// glimpse is the trace of a text search tool from Jiang and Zhang, "LIRS"
// (SIGMETRICS 2002), as the ristretto module carries it for its own tests.
func glimpse() ([]uint64, error) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/dgraph-io/ristretto/v2")
	dir, err := list.Output()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "sim", "gli.lirs.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var keys []uint64
	for lines := bufio.NewScanner(text); lines.Scan(); {
		if k, err := strconv.ParseUint(strings.TrimSpace(lines.Text()), 10, 64); err == nil {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

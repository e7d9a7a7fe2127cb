// Command ttlcache measures the package ttlcache beside other caches, all in
// one process and taking turns, and prints tables.
//
//	go run . -run speed -sizes 1000,100000,1000000 -rounds 5
//	go run . -run memory,due,hits
//	go run . -piece uint64-1000-1
//
// A piece is one table, in at most two minutes on a machine like those that the
// README's tables are from; go run . -piece list prints their names.
//
// Time is CPU time of the process, which has the caches' own goroutines and the
// garbage collector in it, so that other load on the machine matters little. It
// still has noise: ratios nearer to 1 than 1.1 say nothing.
//
// It is a module of its own, so that nobody who uses Penstock has its rivals
// among their dependencies.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	runs   = flag.String("run", "speed,memory,due,hits", "what to measure")
	sizes  = flag.String("sizes", "1000,100000,1000000", "entries, for speed and memory")
	kinds  = flag.String("keys", "uint64,string", "kinds of keys, for speed and memory")
	procs  = flag.String("procs", "1,2", "GOMAXPROCS, for speed")
	only   = flag.String("only", "", "caches to measure; all if empty")
	rounds = flag.Int("rounds", 5, "rounds at most, for speed; medians are printed")
	budget = flag.Duration("budget", 90*time.Second, "no round is begun that would end later than this after the first one of its table")
	piece  = flag.String("piece", "", "one table of all; list prints their names")
)

func main() {
	flag.Parse()
	if !choose(*piece) {
		return
	}
	fmt.Printf("%s, %d processors, GOMAXPROCS %d\n", runtime.Version(), runtime.NumCPU(), runtime.GOMAXPROCS(0))
	chosen := strings.Split(*runs, ",")
	for _, size := range numbers(*sizes) {
		for _, kind := range strings.Split(*kinds, ",") {
			if kind == "uint64" {
				perSize(chosen, kind, words(size))
			} else {
				perSize(chosen, kind, texts(size))
			}
		}
	}
	if slices.Contains(chosen, "due") {
		due(words(1_000_000))
	}
	if slices.Contains(chosen, "hits") {
		hits()
	}
}

func perSize[K key](chosen []string, kind string, keys []K) {
	if slices.Contains(chosen, "speed") {
		for _, p := range numbers(*procs) {
			speed(kind, keys, p)
		}
	}
	if slices.Contains(chosen, "memory") {
		memory(kind, keys)
	}
}

func numbers(list string) []int {
	var out []int
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			panic(fmt.Sprintf("-sizes and -procs are numbers with commas between: %v", err))
		}
		out = append(out, n)
	}
	return out
}

// words are keys that look random.
func words(n int) []uint64 {
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = uint64(i) * 0x9E3779B97F4A7C15
	}
	return keys
}

// texts are keys of 17 bytes.
func texts(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%016x", uint64(i)*0x9E3779B97F4A7C15)
	}
	return keys
}

// cpuTime is what the process has used, in user and kernel mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	rivals "github.com/montanaflynn/stats"
	experimental "golang.org/x/exp/stats"
	"gonum.org/v1/gonum/stat"

	"github.com/penstock-io/penstock/stats"
)

// A contender computes mean, median and mode of each part of a set.
type contender struct {
	name string
	run  func() (cost, error)
}

// cost is what one measurement took.
type cost struct{ wall, cpu time.Duration }

// timed measures f in this process.
func timed(f func() error) (cost, error) {
	cpu, start := cpuTime(), time.Now()
	err := f()
	return cost{wall: time.Since(start), cpu: cpuTime() - cpu}, err
}

// cpuTime is what the process has had of the processors, garbage collection
// and the system's work for it included.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// sink keeps results alive.
var sink float64

func contenders(s set) []contender {
	side := func(name string, f func([]float64) error) contender {
		return contender{name: name, run: func() (cost, error) { return timed(func() error { return s.each(f) }) }}
	}
	return []contender{
		side("stats.Compute", func(x []float64) error {
			s, err := stats.Compute(x, stats.Options{})
			sink += s.Mean + s.Median + s.Mode
			return err
		}),
		side("montanaflynn/stats", montanaflynn),
		side("sort and scan", sortAndScan),
		side("gonum/stat", gonum),
		side("x/exp/stats, mode by a map", xexp),
	}
}

func montanaflynn(x []float64) error {
	mean, err := rivals.Mean(x)
	if err != nil {
		return err
	}
	median, err := rivals.Median(x)
	if err != nil {
		return err
	}
	mode, err := rivals.Mode(x)
	sink += mean + median + float64(len(mode))
	return err
}

// sortAndScan is what one writes by hand.
func sortAndScan(x []float64) error {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	n := len(sorted)
	median := (sorted[(n-1)/2] + sorted[n/2]) / 2
	mode, most, run := sorted[0], 1, 1
	for i := 1; i < n; i++ {
		if sorted[i] != sorted[i-1] {
			run = 0
		}
		if run++; run > most {
			mode, most = sorted[i], run
		}
	}
	sink += sum/float64(n) + median + mode
	return nil
}

// gonum has no median of its own: its quantile of sorted values stands for it.
func gonum(x []float64) error {
	mode, _ := stat.Mode(x, nil)
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	sink += stat.Mean(x, nil) + stat.Quantile(0.5, stat.LinInterp, sorted, nil) + mode
	return nil
}

func xexp(x []float64) error {
	times := make(map[float64]int, len(x))
	mode, most := 0.0, 0
	for _, v := range x {
		times[v]++
		if times[v] > most {
			mode, most = v, times[v]
		}
	}
	sink += experimental.Mean(x) + experimental.Median(x) + mode
	return nil
}

// compare runs all sides in turn, rounds times and once to warm up, and prints
// medians and the ratios to the first.
func compare(c benchCase, sides []contender, rounds int) error {
	walls, cpus := make([][]float64, len(sides)), make([][]float64, len(sides))
	for round := range rounds + 1 {
		for i, side := range sides {
			took, err := side.run()
			if err != nil {
				return fmt.Errorf("%s: %w", side.name, err)
			}
			if round > 0 {
				walls[i] = append(walls[i], c.set.perValue(took.wall))
				cpus[i] = append(cpus[i], c.set.perValue(took.cpu))
			}
		}
	}
	fmt.Printf("\n%s\n%-28s %10s %10s %10s %10s\n", c.title, "", "wall ns", "ratio", "cpu ns", "ratio")
	for i, side := range sides {
		wall, cpu := median(walls[i]), median(cpus[i])
		fmt.Printf("%-28s %10.2f %9.1fx %10.2f %9.1fx%s\n", side.name, wall, ratio(walls[i], walls[0]), cpu, ratio(cpus[i], cpus[0]), aim(c, side))
	}
	return nil
}

// aim says what stats is to reach against a side.
func aim(c benchCase, side contender) string {
	for _, name := range []string{"montanaflynn", "sort", "numpy"} {
		if least := c.aims[name]; least > 0 && len(side.name) > len(name) && side.name[:len(name)] == name {
			return fmt.Sprintf("   (the aim: %.0fx)", least)
		}
	}
	return ""
}

// ratio is the median over the rounds of how many times as long a took as b.
func ratio(a, b []float64) float64 {
	var each []float64
	for i := range a {
		each = append(each, a[i]/b[i])
	}
	return median(each)
}

func median(x []float64) float64 {
	m, err := stats.Median(x)
	if err != nil {
		panic(err)
	}
	return m
}

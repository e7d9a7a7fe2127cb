// Stats measures package stats beside named rivals and prints ratios: all
// sides in one run on one machine, interleaved, medians, on one core.
//
//	make bench-stats                       # in the root: all tables, a minute and a half
//	go run . -only prices -rivals numpy    # here: some tables, some rivals; -h tells the rest
//
// Each side computes mean, median and mode of the same values, of which it
// may not change the order. stats computes minimum, maximum, sum and standard
// deviation besides, and its mean is exact.
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "interleaved rounds of each row")
	interpreter := flag.String("python", "python3", "a Python that has numpy and scipy; without them their rows are left out")
	large := flag.Bool("large", false, "also 10 million values")
	only := flag.String("only", "", "only tables whose title has this `text`")
	rivals := flag.String("rivals", "", "only rivals whose name has one of these `texts`, with commas")
	flag.Parse()
	if err := run(*rounds, *interpreter, *only, *rivals, *large); err != nil {
		fmt.Fprintln(os.Stderr, "bench stats:", err)
		os.Exit(1)
	}
}

func run(rounds int, interpreter, only, rivals string, large bool) error {
	fmt.Printf("mean, median and mode; nanoseconds a value, median of %d interleaved rounds\n", rounds)
	for _, c := range cases(large) {
		if !strings.Contains(c.title, only) {
			continue
		}
		sides := contenders(c.set)
		python, err := startPython(interpreter, c.set)
		switch {
		case err != nil && c.first:
			fmt.Printf("\nnumpy and scipy: left out, %v\n", err)
		case err == nil:
			sides = append(sides, contender{name: "numpy + scipy", run: python.run})
		}
		if err := compare(c, chosen(sides, rivals), rounds); err != nil {
			return err
		}
		if python != nil {
			if err := python.stop(); err != nil {
				return err
			}
		}
	}
	return nil
}

// chosen are the first side and those whose name has one of the texts of a list.
func chosen(sides []contender, list string) []contender {
	some := sides[:1:1]
	for _, side := range sides[1:] {
		for text := range strings.SplitSeq(list, ",") {
			if strings.Contains(side.name, text) {
				some = append(some, side)
				break
			}
		}
	}
	return some
}

// A set is values in parts; each part is computed by itself.
type set struct {
	values []float64
	part   int
	repeat int // how often all parts are computed in one measurement
}

// each calls f for each part, repeat times.
func (s set) each(f func(part []float64) error) error {
	for range s.repeat {
		for i := 0; i+s.part <= len(s.values); i += s.part {
			if err := f(s.values[i : i+s.part]); err != nil {
				return err
			}
		}
	}
	return nil
}

// perValue is a duration for one value.
func (s set) perValue(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / float64(s.repeat) / float64(len(s.values)/s.part*s.part)
}

// A case is one table of the output.
type benchCase struct {
	title string
	set   set
	first bool
	aims  map[string]float64 // by rival: at least so many times as fast
}

func cases(large bool) []benchCase {
	random := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float64 {
		data := make([]float64, n)
		for i := range data {
			data[i] = random.NormFloat64()
		}
		return data
	}
	prices := func(n int) []float64 {
		data := make([]float64, n)
		for i := range data {
			data[i] = math.Round(random.Float64()*100000) / 100
		}
		return data
	}
	some := func(n int) []float64 {
		data := normal(n)
		for i := range data {
			data[i] = data[random.IntN(n/10)]
		}
		return data
	}
	const million = 1_000_000
	aims := map[string]float64{"montanaflynn": 20, "sort": 10, "numpy": 5}
	small := map[string]float64{"sort": 1}
	all := []benchCase{
		{"1 000 000 normal values", set{normal(million), million, 3}, true, aims},
		{"1 000 000 prices with two decimals", set{prices(million), million, 3}, false, aims},
		{"1 000 000 values, some ten of each, no decimals", set{some(million), million, 3}, false, nil},
		{"1 000 normal values, a thousand different times", set{normal(million), 1000, 1}, false, small},
		{"1 000 normal values, the same each time", set{normal(1000), 1000, 1000}, false, small},
		{"100 normal values, many different times", set{normal(100_000), 100, 3}, false, small},
		{"10 normal values, many different times", set{normal(100_000), 10, 3}, false, small},
		{"1 normal value, many different times", set{normal(100_000), 1, 3}, false, small},
	}
	if large {
		all = append(all, benchCase{"10 000 000 normal values", set{normal(10 * million), 10 * million, 1}, false, nil})
	}
	return all
}

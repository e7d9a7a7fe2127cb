package stats_test

import (
	"errors"
	"fmt"
	"math"

	"github.com/penstock-io/penstock/stats"
)

func Example() {
	s, err := stats.Compute([]float64{12.5, 3, 3, 40, 3.5}, stats.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("mean", s.Mean, "median", s.Median, "mode", s.Mode, "times", s.ModeCount)
	// Output: mean 12.4 median 3.5 mode 3 times 2
}

// Several values may be the mode, or none stand out.
func ExampleSummary_Modes() {
	tie, _ := stats.Compute([]float64{3, 1, 3, 1, 2}, stats.Options{})
	first, _ := stats.Compute([]float64{3, 1, 3, 1, 2}, stats.Options{Tie: stats.FirstTie})
	none, _ := stats.Compute([]float64{3, 1, 2}, stats.Options{})
	fmt.Println(tie.Mode, first.Mode, tie.Modes(), none.NoMode())
	// Output: 1 3 [1 3] true
}

// Bad input is an error that says where.
func ExampleNaNError() {
	_, err := stats.Compute([]float64{1, math.NaN(), 2}, stats.Options{})
	var bad *stats.NaNError
	fmt.Println(errors.As(err, &bad), bad.Index)
	s, _ := stats.Compute([]float64{1, math.NaN(), 2}, stats.Options{NaN: stats.OmitNaN})
	fmt.Println(s.Mean, s.NaNs)
	// Output:
	// true 1
	// 1.5 1
}

// Each part of the data has its own accumulator, perhaps on another machine.
func ExampleAccumulator() {
	var monday, tuesday, both stats.Accumulator
	monday.AddSlice([]float64{10, 20})
	tuesday.AddSlice([]float64{20, 70})
	sent, _ := tuesday.MarshalBinary()

	if err := both.UnmarshalBinary(sent); err != nil {
		fmt.Println(err)
	}
	if err := both.Merge(&monday); err != nil {
		fmt.Println(err)
	}
	s, _ := both.Summary()
	fmt.Println(s.Count, s.Mean, s.Median, s.Mode)
	// Output: 4 30 20 20
}

func ExampleComputeInts() {
	s, _ := stats.ComputeInts([]int64{9007199254740993, 9007199254740993, 1}, stats.Options{})
	fmt.Println(s.Mode, s.Sum())
	// Output: 9007199254740993 18014398509481987
}

package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// checkInts holds ComputeInts against big integers.
func checkInts(t *testing.T, data []int64) {
	t.Helper()
	before := slices.Clone(data)
	s, err := ComputeInts(data, Options{Quantiles: []float64{0.3}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := ComputeInts(data, Options{Tie: FirstTie})
	if err != nil {
		t.Fatal(err)
	}
	n := len(data)
	sorted := slices.Sorted(slices.Values(data))
	times, most := map[int64]uint64{}, uint64(0)
	sum, squares := new(big.Int), new(big.Int)
	for _, x := range sorted {
		v := big.NewInt(x)
		sum.Add(sum, v)
		squares.Add(squares, v.Mul(v, v))
		times[x]++
		most = max(most, times[x])
	}
	tied := slices.DeleteFunc(slices.Compact(slices.Clone(sorted)), func(x int64) bool { return times[x] < most })
	low, high := sorted[(n-1)/2], sorted[n/2]
	mean := nearest(new(big.Rat).SetFrac(sum, big.NewInt(int64(n))))
	median := nearest(new(big.Rat).SetFrac(new(big.Int).Add(big.NewInt(low), big.NewInt(high)), big.NewInt(2)))
	rank, part := oraclePosition(n, 0.3)
	quantile := intBetween(sorted[rank], sorted[min(rank+1, n-1)], part)
	deviation := oracleDeviation(sum, squares, big.NewInt(int64(n)), big.NewInt(1))
	switch {
	case !same(s.Mean, mean) || !same(s.Median, median) || !same(s.StdDev, deviation) || s.Sum().Cmp(sum) != 0:
		t.Errorf("of %v: mean %v, want %v; median %v, want %v; deviation %v, want %v; sum %v, want %v",
			shown(data), s.Mean, mean, s.Median, median, s.StdDev, deviation, s.Sum(), sum)
	case s.Count != uint64(n) || s.Min != sorted[0] || s.Max != sorted[n-1] || s.MedianLow != low || s.MedianHigh != high:
		t.Errorf("of %v: %+v", shown(data), s)
	case s.Mode != tied[0] || s.ModeCount != most || s.ModeTies != uint64(len(tied)) || !slices.Equal(s.Modes(), tied[:min(len(tied), ModesMax)]):
		t.Errorf("of %v: mode %d, %d times, of %v, want %v", shown(data), s.Mode, s.ModeCount, s.Modes(), tied)
	case first.Mode != data[slices.IndexFunc(data, func(x int64) bool { return times[x] == most })]:
		t.Errorf("of %v: the first mode is not %d", shown(data), first.Mode)
	case !same(s.Quantiles[0].Value, quantile):
		t.Errorf("of %v: quantile 0.3 is %v, want %v", shown(data), s.Quantiles[0].Value, quantile)
	case !slices.Equal(data, before):
		t.Errorf("the values were changed: %v became %v", shown(before), shown(data))
	case s.NoMode() != (n > 1 && most == 1):
		t.Errorf("of %v: NoMode is %v", shown(data), s.NoMode())
	}
}

func intBetween(a, b int64, part *big.Rat) float64 {
	r := new(big.Rat).SetInt64(b)
	r.Sub(r, new(big.Rat).SetInt64(a)).Mul(r, part).Add(r, new(big.Rat).SetInt64(a))
	return nearest(r)
}

// TestInts goes beyond what a float64 holds.
func TestInts(t *testing.T) {
	for _, data := range [][]int64{
		{0}, {-1}, {1, 2}, {-3, -3, 5, 5, 1}, {1<<53 + 1, 1<<53 + 1, 1 << 53}, {math.MaxInt64, math.MaxInt64}, {math.MinInt64, math.MinInt64},
		{math.MinInt64, math.MaxInt64}, {math.MinInt64, 0, math.MaxInt64}, {math.MaxInt64, math.MaxInt64 - 1},
	} {
		checkInts(t, data)
	}
	s, err := ComputeInts([]int64{1<<53 + 1, 1<<53 + 1, 1 << 53}, Options{})
	if err != nil || s.Mode != 1<<53+1 {
		t.Errorf("mode %d, %v: as a float64 it would be %d", s.Mode, err, 1<<53)
	}
	random := rand.New(rand.NewPCG(25, 26))
	for range 2000 {
		data := make([]int64, 1+random.IntN(200))
		for i := range data {
			data[i] = int64(random.Uint64()) >> random.IntN(64)
		}
		checkInts(t, data)
	}
}

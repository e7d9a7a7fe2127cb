package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHistogram: every finite value is in the one bin that holds it.
func TestHistogram(t *testing.T) {
	for _, c := range []struct {
		data []float64
		n    int
		want []Bin
	}{
		{nil, 3, nil},
		{[]float64{inf, -inf}, 3, nil},
		{[]float64{2, 2}, 3, []Bin{{2, 2, 2}}},
		{[]float64{0, 1, 2, 3, 4, inf}, 2, []Bin{{0, 2, 2}, {2, 4, 3}}},
		{[]float64{-math.MaxFloat64, math.MaxFloat64, 1}, 2, []Bin{{-math.MaxFloat64, 0, 1}, {0, math.MaxFloat64, 2}}},
		{[]float64{0, denormal}, 3, []Bin{{0, denormal, 2}}},
		{[]float64{denormal, 2 * denormal, 3 * denormal}, 12, []Bin{{denormal, 2 * denormal, 1}, {2 * denormal, 3 * denormal, 2}}},
	} {
		got := accumulate(t, Options{}, c.data...).Histogram(c.n)
		if len(got) != len(c.want) {
			t.Errorf("%v: %v, want %v", c.data, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v: bin %d is %v, want %v", c.data, i, got[i], c.want[i])
			}
		}
	}
	random := rand.New(rand.NewPCG(37, 38))
	for name, data := range shapes(random, 500) {
		for _, o := range []Options{{}, {MaxDistinct: 10}} {
			bins := accumulate(t, o, data...).Histogram(7)
			total, finite := uint64(0), uint64(0)
			if min, max := slices.Min(data), slices.Max(data); !math.IsInf(min, 0) && !math.IsInf(max, 0) && (bins[0].Low != min || bins[len(bins)-1].High != max) {
				t.Errorf("%s: bins from %v to %v, values from %v to %v", name, bins[0].Low, bins[len(bins)-1].High, min, max)
			}
			for i, b := range bins {
				total += b.Count
				if b.Low == b.High && len(bins) > 1 {
					t.Errorf("%s: nothing can be in %v", name, b)
				}
				if i > 0 && b.Low != bins[i-1].High {
					t.Errorf("%s: a gap before %v", name, b)
				}
			}
			for _, x := range data {
				finite += one(!math.IsInf(x, 0))
			}
			if total != finite {
				t.Errorf("%s: %d values in bins, want %d", name, total, finite)
			}
			if o.MaxDistinct == 0 {
				checkBins(t, name, data, bins)
			}
		}
	}
}

func checkBins(t *testing.T, name string, data []float64, bins []Bin) {
	t.Helper()
	for i, b := range bins {
		want := uint64(0)
		for _, x := range data {
			want += one(x >= b.Low && (x < b.High || i == len(bins)-1 && x == b.High))
		}
		if b.Count != want {
			t.Errorf("%s: bin %v, want %d", name, b, want)
		}
	}
}

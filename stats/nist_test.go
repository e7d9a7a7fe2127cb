package stats

import (
	"math"
	"testing"
)

// alternating is the form of NIST's sets NumAcc2 to 4: a value, then 500 times
// one and another.
func alternating(middle, low, high float64) []float64 {
	data := []float64{middle}
	for range 500 {
		data = append(data, low, high)
	}
	return data
}

// TestNIST holds mean and standard deviation against the values that NIST has
// certified for its univariate reference sets (Statistical Reference Datasets),
// for the four that a formula makes. bench/stats does so for all nine. The
// certified values are of decimal data; what float64s of them give may differ
// from it in the 14th digit at most, and equals the oracle's to the last bit.
func TestNIST(t *testing.T) {
	for _, c := range []struct {
		name                    string
		data                    []float64
		mean, deviation, median float64
		r1                      float64 // the correlation of neighbours
		modes                   []float64
		count                   uint64
	}{
		{"NumAcc1", []float64{10000001, 10000003, 10000002}, 10000002, 1, 10000002, -0.5, []float64{10000001, 10000002, 10000003}, 1},
		{"NumAcc2", alternating(1.2, 1.1, 1.3), 1.2, 0.1, 1.2, -0.999, []float64{1.1, 1.3}, 500},
		{"NumAcc3", alternating(1000000.2, 1000000.1, 1000000.3), 1000000.2, 0.1, 1000000.2, -0.999, []float64{1000000.1, 1000000.3}, 500},
		{"NumAcc4", alternating(10000000.2, 10000000.1, 10000000.3), 10000000.2, 0.1, 10000000.2, -0.999, []float64{10000000.1, 10000000.3}, 500},
	} {
		s := compute(t, c.data)
		// The deviation loses what the decimals lose when they become float64s:
		// half a unit in the last place of 1e7 is 1e-8 of 0.1.
		tolerance := max(1e-14, 0x1p-53*c.mean/c.deviation)
		if math.Abs(s.Mean-c.mean) > 1e-14*c.mean || math.Abs(s.StdDev-c.deviation) > tolerance*c.deviation {
			t.Errorf("%s: mean %v, certified %v; deviation %v, certified %v", c.name, s.Mean, c.mean, s.StdDev, c.deviation)
		}
		if r1 := correlation(c.data, s); math.Abs(r1-c.r1) > 10*tolerance {
			t.Errorf("%s: r(1) %v, certified %v", c.name, r1, c.r1)
		}
		if s.Median != c.median || s.ModeCount != c.count || len(s.Modes()) != len(c.modes) || s.Modes()[0] != c.modes[0] {
			t.Errorf("%s: median %v, modes %v, %d times", c.name, s.Median, s.Modes(), s.ModeCount)
		}
		checkAll(t, c.data, Options{})
	}
}

// correlation is NIST's r(1), from the mean, a sum and the deviation.
func correlation(data []float64, s Summary) float64 {
	products := make([]float64, len(data)-1)
	for i := range products {
		products[i] = (data[i] - s.Mean) * (data[i+1] - s.Mean)
	}
	p, err := Compute(products, Options{})
	if err != nil {
		panic(err)
	}
	return p.Sum / (s.StdDev * s.StdDev * float64(len(data)-1))
}

package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// mapped is every value of data after f.
func mapped(data []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(data))
	for i, x := range data {
		out[i] = f(x)
	}
	return out
}

// samples are sets of values, of all shapes and several lengths, for tests that
// change them.
func samples() [][]float64 {
	random := rand.New(rand.NewPCG(7, 8))
	var all [][]float64
	for _, n := range []int{1, 2, 3, 8, 33, 200} {
		for _, data := range shapes(random, n) {
			all = append(all, data)
		}
	}
	return append(all, []float64{1e300, 1e-300, -1e300, 5}, []float64{negZero, 0, denormal, -denormal}, []float64{inf, 1, 2, -inf})
}

func compute(t *testing.T, data []float64) Summary {
	t.Helper()
	s, err := Compute(data, Options{Quantiles: quartiles})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPermute: the order of the values makes no difference, to the last bit.
func TestPermute(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for _, data := range samples() {
		want := compute(t, data)
		for range 5 {
			shuffled := slices.Clone(data)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			agree(t, "Compute in another order", data, compute(t, shuffled), want)
		}
	}
}

// TestNegate: what is turned round zero comes out turned round zero.
func TestNegate(t *testing.T) {
	for _, data := range samples() {
		want := compute(t, data)
		got := compute(t, mapped(data, func(x float64) float64 { return -x }))
		turned := func(what string, got, want float64) {
			t.Helper()
			if !same(got, 0-want) {
				t.Errorf("%s of %v negated is %v, want %v", what, data, got, -want)
			}
		}
		turned("the mean", got.Mean, want.Mean)
		turned("the median", got.Median, want.Median)
		turned("the sum", got.Sum, want.Sum)
		turned("the minimum", got.Min, want.Max)
		turned("the maximum", got.Max, want.Min)
		if !same(got.StdDev, want.StdDev) || got.ModeCount != want.ModeCount || got.ModeTies != want.ModeTies {
			t.Errorf("of %v negated: %+v, want as in %+v", shown(data), got, want)
		}
	}
}

// TestScale: times a power of two changes nothing but the exponent, where
// there is room for it.
func TestScale(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for _, power := range []int{-300, -1, 1, 7, 300} {
		for range 100 {
			data := make([]float64, 1+random.IntN(50))
			for i := range data {
				data[i] = math.Round(random.NormFloat64()*100) / 8
			}
			scale := func(x float64) float64 { return math.Ldexp(x, power) }
			want, got := compute(t, data), compute(t, mapped(data, scale))
			for _, x := range []struct{ got, want float64 }{
				{got.Mean, want.Mean}, {got.Median, want.Median}, {got.Mode, want.Mode}, {got.StdDev, want.StdDev},
				{got.Sum, want.Sum}, {got.Min, want.Min}, {got.Max, want.Max}, {got.Quantiles[1].Value, want.Quantiles[1].Value},
			} {
				if !same(x.got, scale(x.want)) {
					t.Fatalf("%v scaled by 2^%d: %v, want %v", shown(data), power, x.got, scale(x.want))
				}
			}
		}
	}
}

// TestShift: whole numbers shifted by a whole number, all exact.
func TestShift(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	for range 200 {
		data := make([]float64, 1<<random.IntN(7)) // a power of two: the mean is exact
		for i := range data {
			data[i] = float64(random.IntN(1000))
		}
		want, got := compute(t, data), compute(t, mapped(data, func(x float64) float64 { return x + 1<<30 }))
		if got.Mean != want.Mean+1<<30 || got.Median != want.Median+1<<30 || got.Mode != want.Mode+1<<30 ||
			!same(got.StdDev, want.StdDev) || got.ModeCount != want.ModeCount {
			t.Fatalf("%v shifted: %+v, want as in %+v", shown(data), got, want)
		}
	}
}

// TestDuplicate: every value k times leaves mean, median and mode as they are.
func TestDuplicate(t *testing.T) {
	for _, data := range samples() {
		want := compute(t, data)
		for _, k := range []uint64{2, 3, 10} {
			var more []float64
			for range k {
				more = append(more, data...)
			}
			got := compute(t, more)
			if !same(got.Mean, want.Mean) || !same(got.Median, want.Median) || !same(got.Mode, want.Mode) ||
				got.ModeCount != k*want.ModeCount || got.ModeTies != want.ModeTies || got.Count != k*want.Count {
				t.Errorf("%v, each %d times: %+v, want as in %+v", shown(data), k, got, want)
			}
		}
	}
}

// TestNoAlias: a result does not change with the values it came from, nor the
// values with a result.
func TestNoAlias(t *testing.T) {
	data := []float64{7}
	modes, _, err := Modes(data)
	if err != nil {
		t.Fatal(err)
	}
	s := compute(t, data)
	listed := s.Modes()
	modes[0], listed[0] = 1, 2
	if data[0] != 7 || s.Modes()[0] != 7 {
		t.Errorf("writing to a result changed the values to %v, or the summary to %v", data, s.Modes())
	}
	data[0] = 3
	if s.Mode != 7 || s.Modes()[0] != 7 {
		t.Errorf("changing the values changed the summary: %+v", s)
	}
}

// TestNoAllocation: nothing is allocated in the steady state.
func TestNoAllocation(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	for _, n := range []int{1, 5, 30, 100, 1000, 20000} {
		data := shapes(random, n)["normal"]
		ints := make([]int64, n)
		for i, x := range data {
			ints[i] = int64(1000 * x)
		}
		for name, f := range map[string]func() error{
			"Compute":     func() error { _, err := Compute(data, Options{}); return err },
			"Mean":        func() error { _, err := Mean(data); return err },
			"Median":      func() error { _, err := Median(data); return err },
			"ComputeInts": func() error { _, err := ComputeInts(ints, Options{}); return err },
		} {
			allocated := testing.AllocsPerRun(100, func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
			if allocated != 0 && !raceEnabled { // under the race detector pools forget at random
				t.Errorf("%s of %d values allocates %v times", name, n, allocated)
			}
		}
	}
}

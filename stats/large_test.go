package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// eachWay runs f with the vector instructions, where the machine has them, and
// without.
func eachWay(t *testing.T, f func(t *testing.T)) {
	have := vectors
	t.Run("without vectors", func(t *testing.T) {
		vectors = false
		defer func() { vectors = have }()
		f(t)
	})
	if have {
		t.Run("with vectors", f)
	}
}

// largeShapes are those of many values, with what makes one way to the sums, the
// median or the mode give up for another.
func largeShapes(random *rand.Rand, n int) map[string][]float64 {
	all := shapes(random, n)
	fill := func(name string, f func(i int) float64) {
		data := make([]float64, n)
		for i := range data {
			data[i] = f(i)
		}
		all[name] = data
	}
	fill("each twice", func(i int) float64 { return float64(i/2) + 0.5 })
	fill("one value twice", func(i int) float64 { return float64(max(i, 1)) })
	fill("timestamps", func(int) float64 { return 1.7e9 + random.Float64() })
	fill("too large to square", func(int) float64 { return random.NormFloat64() * 1e200 })
	fill("too small to square", func(int) float64 { return random.NormFloat64() * 1e-200 })
	fill("subnormal", func(i int) float64 { return float64(i-n/3) * denormal })
	fill("all cancel", func(i int) float64 { return math.Copysign(float64(i/2+1)*1e-3, float64(i%2)-0.5) })
	fill("a crowd among many", func(i int) float64 {
		if i%5 == 0 {
			return 7
		}
		return random.NormFloat64()
	})
	fill("zeros of both signs", func(i int) float64 { return math.Copysign(0, float64(i%2)-0.5) })
	return all
}

// TestLarge: what is found without sorting is the same as the oracle's.
func TestLarge(t *testing.T) {
	sizes := []int{largeMin, largeMin + 1, largeMin + 7, largeMin + blockLen - 1}
	if !testing.Short() {
		sizes = append(sizes, 40000)
	}
	eachWay(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(29, 30))
		for _, n := range sizes {
			for name, data := range largeShapes(random, n) {
				checkAll(t, data, Options{Tie: TiePolicy(n % 2)})
				if t.Failed() {
					t.Fatalf("with %d values: %s", n, name)
				}
			}
		}
	})
}

// TestLargeUsed: values of the usual shapes are not sorted as a whole, or the
// speed that is promised would be that of another way.
func TestLargeUsed(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(31, 32))
		all := largeShapes(random, 40000)
		for _, name := range []string{"normal", "few values", "prices", "equal", "ascending", "timestamps", "one value twice", "a crowd among many"} {
			w, s := new(scratch), Summary{Count: uint64(len(all[name]))}
			if !w.describeLarge(&s, all[name]) {
				t.Errorf("%s: sorted", name)
			}
		}
	})
}

// TestLargeNotFinite: a NaN or an infinity anywhere among many.
func TestLargeNotFinite(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(33, 34))
		n := largeMin + blockLen + 3
		for _, at := range []int{0, 1, largeMin, n - 4, n - 1} {
			data := shapes(random, n)["normal"]
			data[at] = inf
			checkAll(t, data, Options{})
			data[at] = nan
			var e *NaNError
			if _, err := Compute(data, Options{}); !errors.As(err, &e) || e.Index != at || e.Count != 1 {
				t.Errorf("NaN at %d: %v", at, err)
			}
			if _, err := Mean(data); !errors.As(err, &e) || e.Index != at {
				t.Errorf("NaN at %d: Mean says %v", at, err)
			}
		}
	})
}

// TestBounds: the exact sums lie within the bounds that are given for those of
// vectors, and not so far within that the bounds would never prove anything.
func TestBounds(t *testing.T) {
	if !vectors {
		t.Skip("SKIP: this machine has no AVX-512: there are no partial sums to bound")
	}
	random := rand.New(rand.NewPCG(35, 36))
	for name, data := range largeShapes(random, 20000) {
		w := new(scratch)
		var near, exact sums
		if !w.sumNearly(&near, data) {
			continue // too large
		}
		if !w.sumExactly(&exact, data) {
			t.Fatal(name)
		}
		x, xx := near.bounds(uint64(len(data)))
		for _, c := range []struct {
			what             string
			near, exact, off []uint64
			bound            float64
			shift            uint
		}{
			{"the sum", near.x[:], exact.x[:], make([]uint64, len(exact.x)), x, 0},
			{"the sum of squares", near.xx[:], exact.xx[:], make([]uint64, len(exact.xx)), xx, unit - unitSquares},
		} {
			addFloat(c.off, c.bound, c.shift)
			if !within(c.near, c.exact, c.off) {
				t.Errorf("%s: %s is farther off than %v", name, c.what, c.bound)
			}
		}
	}
}

// within reports whether |a-b| <= off.
func within(a, b, off []uint64) bool {
	d := make([]uint64, len(a))
	borrow := uint64(0)
	for i := range a {
		x := a[i] - b[i]
		next := one(a[i] < b[i]) | one(x < borrow)
		d[i] = x - borrow
		borrow = next
	}
	if d[len(d)-1]&signBit != 0 {
		negate(d)
	}
	for i := len(d) - 1; i >= 0; i-- {
		if d[i] != off[i] {
			return d[i] < off[i]
		}
	}
	return true
}

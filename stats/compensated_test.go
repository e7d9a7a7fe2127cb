package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// fewShapes make few values, with what makes rounding hard to decide: ties, sums
// that cancel, and exponents at the ends of what is allowed.
func fewShapes(random *rand.Rand) map[string]func() float64 {
	bits := func(n int) float64 { return float64(random.Int64N(1<<n)) - float64(int64(1)<<(n-1)) }
	return map[string]func() float64{
		"normal":             random.NormFloat64,
		"prices":             func() float64 { return math.Round(random.Float64()*10000) / 100 },
		"integers":           func() float64 { return bits(4) },
		"one binade":         func() float64 { return 1 + random.Float64() },
		"last bits":          func() float64 { return 1 + float64(random.IntN(8))*0x1p-52 },
		"around a power":     func() float64 { return 2 + float64(random.IntN(9)-4)*0x1p-52 },
		"53 bits":            func() float64 { return bits(53) },
		"exponents of 38":    func() float64 { return math.Ldexp(random.Float64()-0.5, random.IntN(39)) },
		"exponents of 45":    func() float64 { return math.Ldexp(random.Float64()-0.5, random.IntN(46)) },
		"exponents of 70":    func() float64 { return math.Ldexp(random.Float64()-0.5, random.IntN(71)) },
		"ties and a hair":    func() float64 { return [...]float64{1, 1 + 0x1p-52, 0x1p-37 + 0x1p-89, -0x1p-37}[random.IntN(4)] },
		"ties and less":      func() float64 { return [...]float64{1, 0x1p-53, 0x1p-70 + 0x1p-122, -0x1p-70}[random.IntN(4)] },
		"the least squares":  func() float64 { return math.Ldexp(1+random.Float64(), -400+random.IntN(4)) },
		"the great squares":  func() float64 { return math.Ldexp(1+random.Float64(), 397+random.IntN(4)) },
		"too large":          func() float64 { return random.NormFloat64() * 0x1p1000 },
		"subnormal":          func() float64 { return bits(10) * denormal },
		"far from zero":      func() float64 { return 1e4 + random.Float64() },
		"farther from zero":  func() float64 { return 1e15 + random.Float64() },
		"nearly cancelling":  func() float64 { return math.Copysign(1e8, random.Float64()-0.5) + bits(3) },
		"zeros of all kinds": func() float64 { return math.Copysign(float64(random.IntN(2)), random.Float64()-0.5) },
	}
}

// TestCompensated: what few values add up to is the same as in integers, bit for
// bit.
func TestCompensated(t *testing.T) {
	random := rand.New(rand.NewPCG(51, 52))
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	for name, shape := range fewShapes(random) {
		for range rounds {
			n := 1 + random.IntN(12)
			if random.IntN(50) == 0 {
				n = 1 + random.IntN(fewMax)
			}
			data := make([]float64, n)
			var exact sums
			for i := range data {
				data[i] = shape()
				exact.addTimes(math.Float64bits(data[i]), 1)
			}
			got, err := Compute(data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			mean, sum, sd := exact.mean(uint64(n)), exact.sum(), exact.deviation(uint64(n))
			if !same(got.Mean, mean) || !same(got.Sum, sum) || !same(got.StdDev, sd) {
				t.Fatalf("%s: of %v: mean %v, sum %v, deviation %v; want %v, %v, %v", name, data, got.Mean, got.Sum, got.StdDev, mean, sum, sd)
			}
		}
	}
}

// TestCompensatedUsed: few values of the usual kind need no wide integers, or they
// would not be as fast as is promised; and those of which the bounds prove nothing
// are not taken.
func TestCompensatedUsed(t *testing.T) {
	random := rand.New(rand.NewPCG(53, 54))
	all := fewShapes(random)
	const rounds = 2000
	for name, least := range map[string]int{
		"normal": rounds * 99 / 100, "prices": rounds * 99 / 100, "one binade": rounds * 99 / 100, "far from zero": rounds * 99 / 100,
		"too large": 0, "subnormal": 0,
	} {
		used := 0
		for range rounds {
			data := make([]float64, 10)
			low, high := inf, 0.
			for i := range data {
				data[i] = all[name]()
				if x := math.Abs(data[i]); x != 0 {
					low, high = min(low, x), max(high, x)
				}
			}
			s := Summary{Count: 10, Min: -1, Max: 1}
			used += int(one(s.totalsFew(data, math.Float64bits(low)>>fractionBits, math.Float64bits(high)>>fractionBits)))
		}
		if used < least || least == 0 && used > 0 {
			t.Errorf("%s: %d of %d, want %d at least, or none", name, used, rounds, least)
		}
	}
}

package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	inf      = math.Inf(1)
	nan      = math.NaN()
	negZero  = math.Copysign(0, -1)
	denormal = math.SmallestNonzeroFloat64
)

// quartiles are asked for in most tests.
var quartiles = []float64{0, 0.1, 0.25, 0.5, 0.75, 0.99, 1}

// TestMeaning is the table of what mean, median and mode mean where libraries
// differ.
func TestMeaning(t *testing.T) {
	const largest = math.MaxFloat64
	for _, c := range []struct {
		name               string
		data               []float64
		mean, median, mode float64
		modes              []float64
		count              uint64
	}{
		{"one value", []float64{7}, 7, 7, 7, []float64{7}, 1},
		{"two values", []float64{1, 2}, 1.5, 1.5, 1, []float64{1, 2}, 1},
		{"odd number", []float64{3, 1, 2}, 2, 2, 1, []float64{1, 2, 3}, 1},
		{"even number", []float64{1, 2, 3, 4}, 2.5, 2.5, 1, []float64{1, 2, 3, 4}, 1},
		{"one mode", []float64{5, 1, 5, 2}, 3.25, 3.5, 5, []float64{5}, 2},
		{"a tie", []float64{3, 1, 3, 1, 2}, 2, 2, 1, []float64{1, 3}, 2},
		{"all equal", []float64{4, 4, 4}, 4, 4, 4, []float64{4}, 3},
		{"negative", []float64{-1, -2, -3}, -2, -2, -3, []float64{-3, -2, -1}, 1},
		{"both signs", []float64{-5, 0, 5}, 0, 0, -5, []float64{-5, 0, 5}, 1},
		{"tenths", []float64{.1, .1, .1}, .1, .1, .1, []float64{.1}, 3},
		{"sum beyond the largest", []float64{largest, largest}, largest, largest, largest, []float64{largest}, 2},
		{"largest of both signs", []float64{largest, largest, -largest, -largest}, 0, 0, -largest, []float64{-largest, largest}, 2},
		{"cancellation", []float64{1e100, 1, -1e100}, 1. / 3, 1, -1e100, []float64{-1e100, 1, 1e100}, 1},
		{"small beside large", []float64{1e16, 1, 1}, 3333333333333334, 1, 1, []float64{1}, 2},
		{"smallest", []float64{denormal, denormal, denormal}, denormal, denormal, denormal, []float64{denormal}, 3},
		{"half the smallest", []float64{0, denormal}, 0, 0, 0, []float64{0, denormal}, 1},
		{"an infinity", []float64{1, inf}, inf, inf, 1, []float64{1, inf}, 1},
		{"opposite infinities", []float64{inf, -inf}, nan, nan, -inf, []float64{-inf, inf}, 1},
		{"opposite infinities round a value", []float64{inf, -inf, 3}, nan, 3, -inf, []float64{-inf, 3, inf}, 1},
		{"negative zeros", []float64{negZero, negZero}, 0, 0, 0, []float64{0}, 2},
		{"zeros of both signs are equal", []float64{negZero, 0, 1}, 1. / 3, 0, 0, []float64{0}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Compute(c.data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !same(s.Mean, c.mean) || !same(s.Median, c.median) || !same(s.Mode, c.mode) || s.ModeCount != c.count ||
				!slices.EqualFunc(s.Modes(), c.modes, same) || s.NoMode() != (c.count == 1 && len(c.data) > 1) {
				t.Errorf("mean %v, median %v, mode %v (%d times, of %v)", s.Mean, s.Median, s.Mode, s.ModeCount, s.Modes())
			}
			checkAll(t, c.data, Options{Quantiles: quartiles})
		})
	}
}

func TestNothing(t *testing.T) {
	for _, data := range [][]float64{nil, {}} {
		s, err := Compute(data, Options{})
		if !errors.Is(err, ErrEmpty) || len(differences(s, Summary{})) > 0 {
			t.Errorf("Compute: %+v, %v", s, err)
		}
		if _, err := Mean(data); !errors.Is(err, ErrEmpty) {
			t.Errorf("Mean: %v", err)
		}
		if _, err := Median(data); !errors.Is(err, ErrEmpty) {
			t.Errorf("Median: %v", err)
		}
		if _, _, err := Modes(data); !errors.Is(err, ErrEmpty) {
			t.Errorf("Modes: %v", err)
		}
		if _, err := ComputeSeq(slices.Values(data), Options{}); !errors.Is(err, ErrEmpty) {
			t.Errorf("ComputeSeq: %v", err)
		}
	}
	if _, err := ComputeInts(nil, Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("ComputeInts: %v", err)
	}
}

// TestNaN: a NaN is told of, left out or let through, wherever it stands.
func TestNaN(t *testing.T) {
	payload := math.Float64frombits(0xfff8_0000_dead_beef)
	for _, n := range []int{1, 2, 3, 100, 10000} {
		for _, at := range []int{0, n / 2, n - 1} {
			data, rest := make([]float64, n), make([]float64, 0, n)
			for i := range data {
				data[i] = float64(i % 17)
				if i != at {
					rest = append(rest, data[i])
				}
			}
			data[at] = payload
			want := NaNError{Index: at, Count: 1}
			isNaN := func(what string, err error) {
				t.Helper()
				var e *NaNError
				if !errors.As(err, &e) || *e != want || !errors.Is(err, ErrNaN) || errors.Is(err, ErrEmpty) {
					t.Errorf("%s with NaN at %d of %d: %v", what, at, n, err)
				}
			}
			s, err := Compute(data, Options{})
			isNaN("Compute", err)
			if len(differences(s, Summary{})) > 0 {
				t.Errorf("Compute returns %+v with its error", s)
			}
			_, err = ComputeSeq(slices.Values(data), Options{})
			isNaN("ComputeSeq", err)
			_, err = Mean(data)
			isNaN("Mean", err)
			_, err = Median(data)
			isNaN("Median", err)
			_, _, err = Modes(data)
			isNaN("Modes", err)
			checkNaNOmitted(t, data, rest)
			checkNaNPropagated(t, data)
			if len(rest) > 0 {
				checkAll(t, rest, Options{}) // what is shared between calls was left clean
			}
		}
	}
}

func checkNaNOmitted(t *testing.T, data, rest []float64) {
	t.Helper()
	s, err := Compute(data, Options{NaN: OmitNaN})
	if len(rest) == 0 {
		if !errors.Is(err, ErrAllOmitted) || !errors.Is(err, ErrEmpty) {
			t.Errorf("all NaN, left out: %v", err)
		}
		return
	}
	want := oracle(rest, Options{})
	want.NaNs = 1
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "Compute without NaN", rest, s, want)
}

func checkNaNPropagated(t *testing.T, data []float64) {
	t.Helper()
	data = append(slices.Clone(data), inf, -inf, -inf)
	s, err := Compute(data, Options{NaN: PropagateNaN, Quantiles: quartiles})
	if err != nil {
		t.Fatal(err)
	}
	if s.Count != uint64(len(data)) || s.NaNs != 1 || s.PosInfs != 1 || s.NegInfs != 2 || s.ModeCount != 0 || len(s.Quantiles) != len(quartiles) {
		t.Errorf("the counts of %+v", s)
	}
	for _, x := range []float64{s.Mean, s.Median, s.Mode, s.Min, s.Max, s.Sum, s.StdDev, s.Quantiles[3].Value} {
		if x == x {
			t.Errorf("NaN let through, and a statistic is %v: %+v", x, s)
		}
	}
	seq, err := ComputeSeq(slices.Values(data), Options{NaN: PropagateNaN, Quantiles: quartiles})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "ComputeSeq", data, seq, s)
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{
		{NaN: 3}, {Tie: 2}, {MaxDistinct: -1}, {MaxDistinct: 1<<28 + 1}, {Approx: -1}, {Approx: nan}, {Approx: 1e-4}, {Approx: 0.5},
		{MaxCells: -1}, {MaxCells: 1}, {MaxCells: maxCellsLeast - 1}, {MaxCells: maxCellsMax + 1},
		{Quantiles: []float64{nan}}, {Quantiles: []float64{-0.1}}, {Quantiles: []float64{1.1}}, {Quantiles: make([]float64, 1001)},
	} {
		if _, err := Compute([]float64{1}, o); !errors.Is(err, ErrBadOption) {
			t.Errorf("Compute with %+v: %v", o, err)
		}
		if _, err := ComputeSeq(slices.Values([]float64{1}), o); !errors.Is(err, ErrBadOption) {
			t.Errorf("ComputeSeq with %+v: %v", o, err)
		}
		if _, err := ComputeInts([]int64{1}, o); !errors.Is(err, ErrBadOption) {
			t.Errorf("ComputeInts with %+v: %v", o, err)
		}
	}
}

// TestExhaustive tries every sequence of up to five of nine values that are
// each special in a way: 66 429 of them, the ones with NaN under each policy.
func TestExhaustive(t *testing.T) {
	letters := []float64{-inf, -1, negZero, 0, denormal, 1, math.MaxFloat64, inf, nan}
	longest := 5
	if testing.Short() {
		longest = 4
	}
	var try func(word []float64)
	try = func(word []float64) {
		if t.Failed() {
			return
		}
		checkWord(t, word)
		if len(word) < longest {
			for _, x := range letters {
				try(append(word, x))
			}
		}
	}
	try(make([]float64, 0, longest))
}

func checkWord(t *testing.T, word []float64) {
	t.Helper()
	rest := slices.DeleteFunc(slices.Clone(word), math.IsNaN)
	nans := uint64(len(word) - len(rest))
	if nans == 0 && len(word) > 0 {
		checkAll(t, word, Options{Quantiles: []float64{0.3}})
		checkAll(t, word, Options{Tie: FirstTie})
		return
	}
	_, err := Compute(word, Options{})
	if errors.Is(err, ErrNaN) != (nans > 0) || errors.Is(err, ErrEmpty) != (len(word) == 0) {
		t.Fatalf("Compute of %v: %v", word, err)
	}
	s, err := Compute(word, Options{NaN: OmitNaN})
	if len(rest) == 0 {
		if !errors.Is(err, ErrEmpty) {
			t.Fatalf("Compute of %v, left out: %v", word, err)
		}
		return
	}
	want := oracle(rest, Options{})
	want.NaNs = nans
	agree(t, "Compute, NaN left out,", word, s, want)
}

// TestSizes goes round every size at which another way to sort, select or sum
// begins.
func TestSizes(t *testing.T) {
	sizes := []int{}
	for n := 1; n <= 40; n++ {
		sizes = append(sizes, n)
	}
	for _, edge := range []int{rankMax, compareMax, fewMax, runMax, 2 * runMax, pickFew, crowdFew, largeMin, narrowMax, selectFew, splitMin} {
		sizes = append(sizes, edge-1, edge, edge+1)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range sizes {
		for name, data := range shapes(random, n) {
			if n > 10000 && name != "normal" && name != "few values" && testing.Short() {
				continue
			}
			checkAll(t, data, Options{Quantiles: quartiles})
			if t.Failed() {
				t.Fatalf("with %d values: %s", n, name)
			}
		}
	}
}

// shapes are n values of many kinds, among them those that make a quickselect
// or a one-level radix sort slow.
func shapes(random *rand.Rand, n int) map[string][]float64 {
	fill := func(f func(i int) float64) []float64 {
		data := make([]float64, n)
		for i := range data {
			data[i] = f(i)
		}
		return data
	}
	return map[string][]float64{
		"normal":           fill(func(int) float64 { return random.NormFloat64() }),
		"any bits":         fill(func(int) float64 { return anyFloat(random) }),
		"few values":       fill(func(int) float64 { return float64(random.IntN(7) - 3) }),
		"prices":           fill(func(int) float64 { return float64(random.IntN(100000)) / 100 }),
		"equal":            fill(func(int) float64 { return -2.5 }),
		"ascending":        fill(func(i int) float64 { return float64(i) }),
		"descending":       fill(func(i int) float64 { return float64(-i) }),
		"organ pipe":       fill(func(i int) float64 { return float64(min(i, n-i)) }),
		"killer":           medianOfThreeKiller(n),
		"last bits differ": fill(func(int) float64 { return math.Float64frombits(0x3ff0000000000000 + random.Uint64N(1<<20)) }),
		"two crowds":       fill(func(i int) float64 { return math.Float64frombits(uint64(i%2)<<62 + random.Uint64N(1<<30)) }),
		"runs of a few":    fill(func(i int) float64 { return math.Float64frombits(uint64(i/30)<<45 + random.Uint64N(4)) }),
	}
}

// anyFloat is any float64 but NaN, rarely infinite.
func anyFloat(random *rand.Rand) float64 {
	for {
		if x := math.Float64frombits(random.Uint64()); x == x {
			return x
		}
	}
}

// medianOfThreeKiller makes a quickselect that takes its pivot from three
// values quadratic (D. Musser, "Introspective sorting and selection
// algorithms", 1997).
func medianOfThreeKiller(n int) []float64 {
	data := make([]float64, n)
	k := n / 2
	for i := range data {
		switch {
		case i >= k:
			data[i] = float64(2 * (i - k + 1))
		case i%2 == 0:
			data[i] = float64(i + 1)
		default:
			data[i] = float64(k + i + i%2)
		}
	}
	return data
}

// TestIllConditioned sums what cancels: condition numbers from 1 to 1e300.
func TestIllConditioned(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for power := 0; power <= 300; power += 10 {
		for _, n := range []int{3, 10, 101, 3000} {
			data := make([]float64, 0, 2*n+1)
			for range n {
				x := random.NormFloat64() * math.Pow10(int(random.IntN(power+1)))
				data = append(data, x, -x)
			}
			data = append(data, random.Float64())
			random.Shuffle(len(data), func(i, j int) { data[i], data[j] = data[j], data[i] })
			checkAll(t, data, Options{})
			if t.Failed() {
				t.Fatalf("with condition 1e%d", power)
			}
		}
	}
}

// TestDeviationTies rounds roots that lie exactly between two float64s, or a
// hair beside.
func TestDeviationTies(t *testing.T) {
	for _, data := range [][]float64{
		{0, 1}, {0, denormal}, {0, 0, denormal}, {-denormal, denormal}, {math.MaxFloat64, -math.MaxFloat64}, {math.MaxFloat64, math.MaxFloat64},
		{1, 1, 1}, {1, math.Nextafter(1, 2)}, {-1, 0, 1},
		{-(1<<53 - 1), 0, 1<<53 - 1}, // the root of the variance is whole
		{-0x1.fffffffffffffp+1023, 0, 0x1.fffffffffffffp+1023},
		{1e300, 1e-300}, {denormal, math.MaxFloat64}, {1e200, 1e200, 1e200, 1e200 * (1 + 1e-15)},
	} {
		checkAll(t, data, Options{})
	}
}

// TestRoot holds the integer root against its definition at the edges.
func TestRoot(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	check := func(hi, lo uint64) {
		t.Helper()
		root, exact := sqrt128(hi, lo)
		if !isRoot(root, exact, hi, lo) {
			t.Fatalf("the root of %#x:%016x is not %#x (exact: %v)", hi, lo, root, exact)
		}
	}
	for range 200000 {
		check(random.Uint64()|1<<62, random.Uint64())
		r := random.Uint64() | 1<<63
		hi, lo := square(r)
		check(hi, lo)
		if lo > 0 {
			check(hi, lo-1)
		}
		check(hi, lo+1)
	}
	for i := range uint64(1000) {
		check(math.MaxUint64, math.MaxUint64-i)
		check(math.MaxUint64-i, i)
		check(1<<62, i)
		hi, lo := square(math.MaxUint64 - i)
		check(hi, lo)
		check(hi, lo-1)
	}
}

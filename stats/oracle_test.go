package stats

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"testing"
)

// oracle is the slow and obvious Compute: rational arithmetic for what is
// summed, a sorted copy for what is ordered, a map for what is counted. data
// has at least one value and no NaN.
func oracle(data []float64, o Options) Summary {
	n := len(data)
	sorted := make([]float64, n)
	for i, x := range data {
		sorted[i] = x + 0
	}
	slices.Sort(sorted)
	s := Summary{Count: uint64(n), Min: sorted[0], Max: sorted[n-1], Exact: true, ModeExact: true}
	s.Median = oracleBetween(sorted[(n-1)/2], sorted[n/2], big.NewRat(1, 2))
	for _, p := range o.Quantiles {
		i, part := oraclePosition(n, p)
		value := sorted[i]
		if part.Sign() > 0 {
			value = oracleBetween(sorted[i], sorted[i+1], part)
		}
		s.Quantiles = append(s.Quantiles, Quantile{P: p, Value: value})
	}
	oracleMode(&s, sorted, data, o)
	oracleSums(&s, sorted)
	return s
}

func oracleMode(s *Summary, sorted, data []float64, o Options) {
	times := map[float64]uint64{}
	for _, x := range sorted {
		times[x]++
		s.ModeCount = max(s.ModeCount, times[x])
	}
	for i, x := range sorted {
		if times[x] == s.ModeCount && (i == 0 || sorted[i-1] != x) {
			s.list(x)
		}
	}
	if o.Tie == FirstTie {
		s.Mode = data[slices.IndexFunc(data, func(x float64) bool { return times[x] == s.ModeCount })] + 0
	}
}

// rational is the exact value of a finite float64.
func rational(x float64) *big.Rat {
	r := new(big.Rat).SetFloat64(x)
	if r == nil {
		panic(fmt.Sprint("not finite: ", x))
	}
	return r
}

// nearest is the float64 nearest to r, never -0.
func nearest(r *big.Rat) float64 {
	x, _ := r.Float64()
	return x + 0
}

// oraclePosition is (n-1)·p, cut into its whole part and the rest.
func oraclePosition(n int, p float64) (rank int, part *big.Rat) {
	at := rational(p)
	at.Mul(at, new(big.Rat).SetInt64(int64(n-1)))
	whole := new(big.Int).Quo(at.Num(), at.Denom())
	return int(whole.Int64()), at.Sub(at, new(big.Rat).SetInt(whole))
}

func oracleBetween(a, b float64, part *big.Rat) float64 {
	if a == b {
		return a
	}
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		return a + b
	}
	r := rational(b)
	r.Sub(r, rational(a)).Mul(r, part).Add(r, rational(a))
	return nearest(r)
}

// oracleSums counts in integers of 2^-1074, which every finite float64 is.
func oracleSums(s *Summary, data []float64) {
	sum, squares := new(big.Int), new(big.Int)
	for _, x := range data {
		switch {
		case math.IsInf(x, 1):
			s.PosInfs++
		case math.IsInf(x, -1):
			s.NegInfs++
		default:
			b := math.Float64bits(x)
			m, shift := b&fractionMask, uint(0)
			if e := b >> 52 & 0x7ff; e > 0 {
				m, shift = m|1<<52, uint(e-1)
			}
			v := new(big.Int).Lsh(new(big.Int).SetUint64(m), shift)
			if b&signBit != 0 {
				v.Neg(v)
			}
			sum.Add(sum, v)
			squares.Add(squares, v.Mul(v, v))
		}
	}
	s.MixedInf = s.PosInfs > 0 && s.NegInfs > 0
	if s.PosInfs+s.NegInfs > 0 {
		s.Mean = 0
		if s.PosInfs > 0 {
			s.Mean += math.Inf(1)
		}
		if s.NegInfs > 0 {
			s.Mean += math.Inf(-1)
		}
		s.Sum, s.StdDev = s.Mean, math.NaN()
		return
	}
	n := big.NewInt(int64(len(data)))
	one := new(big.Int).Lsh(big.NewInt(1), 1074)
	s.Sum = nearest(new(big.Rat).SetFrac(sum, one))
	s.Mean = nearest(new(big.Rat).SetFrac(sum, new(big.Int).Mul(one, n)))
	s.StdDev = oracleDeviation(sum, squares, n, one)
}

// oracleDeviation is the square root of the exact variance, to 600 bits.
func oracleDeviation(sum, squares, n, one *big.Int) float64 {
	if n.Int64() < 2 {
		return math.NaN()
	}
	above := new(big.Int).Mul(n, squares)
	above.Sub(above, new(big.Int).Mul(sum, sum))
	below := new(big.Int).Mul(n, new(big.Int).Sub(n, big.NewInt(1)))
	below.Mul(below, one).Mul(below, one)
	variance := new(big.Float).SetPrec(1200).SetRat(new(big.Rat).SetFrac(above, below))
	root, _ := new(big.Float).SetPrec(600).Sqrt(variance).Float64()
	return root
}

// same reports whether two float64s have the same bits; all NaNs are the same.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// differences says where got is not what is wanted.
func differences(got, want Summary) (diff []string) {
	check := func(name string, got, want any) {
		if g, ok := got.(float64); ok && same(g, want.(float64)) || got == want {
			return
		}
		diff = append(diff, fmt.Sprintf("%s is %v, want %v", name, got, want))
	}
	check("Count", got.Count, want.Count)
	check("Missing", got.Missing, want.Missing)
	check("NaNs", got.NaNs, want.NaNs)
	check("PosInfs", got.PosInfs, want.PosInfs)
	check("NegInfs", got.NegInfs, want.NegInfs)
	check("Mean", got.Mean, want.Mean)
	check("Sum", got.Sum, want.Sum)
	check("StdDev", got.StdDev, want.StdDev)
	check("MixedInf", got.MixedInf, want.MixedInf)
	check("Median", got.Median, want.Median)
	check("MedianErr", got.MedianErr, want.MedianErr)
	check("Mode", got.Mode, want.Mode)
	check("ModeCount", got.ModeCount, want.ModeCount)
	check("ModeTies", got.ModeTies, want.ModeTies)
	check("ModeErr", got.ModeErr, want.ModeErr)
	check("ModeExact", got.ModeExact, want.ModeExact)
	check("Min", got.Min, want.Min)
	check("Max", got.Max, want.Max)
	check("Exact", got.Exact, want.Exact)
	if !slices.EqualFunc(got.Modes(), want.Modes(), same) {
		diff = append(diff, fmt.Sprintf("Modes are %v, want %v", got.Modes(), want.Modes()))
	}
	if !slices.EqualFunc(got.Quantiles, want.Quantiles, func(a, b Quantile) bool {
		return a.P == b.P && same(a.Value, b.Value) && a.Err == b.Err
	}) {
		diff = append(diff, fmt.Sprintf("Quantiles are %v, want %v", got.Quantiles, want.Quantiles))
	}
	return diff
}

// agree fails the test where got is not what is wanted of data.
func agree(t *testing.T, what string, data []float64, got, want Summary) {
	t.Helper()
	for _, d := range differences(got, want) {
		t.Errorf("%s of %v: %s", what, shown(data), d)
	}
}

// shown is data for a message: all of it if it is short.
func shown[T any](data []T) string {
	if len(data) > 40 {
		return fmt.Sprintf("%v and %d more", data[:40], len(data)-40)
	}
	return fmt.Sprint(data)
}

// checkAll holds every way to compute against the oracle. data has no NaN.
func checkAll(t *testing.T, data []float64, o Options) {
	t.Helper()
	before := slices.Clone(data)
	want := oracle(data, o)
	got, err := Compute(data, o)
	if err != nil {
		t.Fatalf("Compute of %v: %v", shown(data), err)
	}
	agree(t, "Compute", data, got, want)
	if len(o.Quantiles) > 0 { // without them there are other ways to the same
		plain, o := want, o
		plain.Quantiles, o.Quantiles = nil, nil
		if got, err = Compute(data, o); err != nil {
			t.Fatalf("Compute of %v: %v", shown(data), err)
		}
		agree(t, "Compute without quantiles", data, got, plain)
	}
	got, err = ComputeSeq(slices.Values(data), o)
	if err != nil {
		t.Fatalf("ComputeSeq of %v: %v", shown(data), err)
	}
	agree(t, "ComputeSeq", data, got, want)
	checkSingle(t, data, want)
	if !slices.EqualFunc(data, before, same) {
		t.Fatalf("the values were changed: %v became %v", shown(before), shown(data))
	}
}

// checkSingle holds Mean, Median and Modes against the summary.
func checkSingle(t *testing.T, data []float64, want Summary) {
	t.Helper()
	if mean, err := Mean(data); err != nil || !same(mean, want.Mean) {
		t.Errorf("Mean of %v is %v, %v, want %v", shown(data), mean, err, want.Mean)
	}
	if median, err := Median(data); err != nil || !same(median, want.Median) {
		t.Errorf("Median of %v is %v, %v, want %v", shown(data), median, err, want.Median)
	}
	modes, count, err := Modes(data)
	if err != nil || count != want.ModeCount || uint64(len(modes)) != want.ModeTies ||
		!slices.Equal(modes[:min(len(modes), ModesMax)], want.Modes()) {
		t.Errorf("Modes of %v are %v, %d times, %v, want %v, %d times", shown(data), modes, count, err, want.Modes(), want.ModeCount)
	}
}

func square(r uint64) (hi, lo uint64) { return bits.Mul64(r, r) }

// isRoot reports whether root is the integer square root of hi:lo.
func isRoot(root uint64, exact bool, hi, lo uint64) bool {
	x := new(big.Int).Lsh(new(big.Int).SetUint64(hi), 64)
	x.Or(x, new(big.Int).SetUint64(lo))
	want := new(big.Int).Sqrt(x)
	return want.Cmp(new(big.Int).SetUint64(root)) == 0 && exact == (want.Mul(want, want).Cmp(x) == 0)
}

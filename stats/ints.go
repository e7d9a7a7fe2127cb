package stats

import (
	"fmt"
	"math/big"
	"math/bits"
)

// An IntSummary is what ComputeInts finds. What is one of the values is an
// int64, exactly; the rest is exact and rounded once to a float64.
type IntSummary struct {
	Count                uint64
	Mean, Median, StdDev float64 // StdDev of a sample: divided by n-1; NaN for one value
	MedianLow            int64   // the middle value, or the lower of the middle two
	MedianHigh           int64   // the middle value, or the higher of the middle two

	Mode                int64
	ModeCount, ModeTies uint64 // as in Summary
	Min, Max            int64
	Quantiles           []Quantile // as Options.Quantiles asks; nil if it does not

	sumHi  int64
	sumLo  uint64
	modes  [ModesMax]int64
	listed int
}

// NoMode reports whether no value stands out: there are several, and each
// occurs once.
func (s *IntSummary) NoMode() bool { return s.Count > 1 && s.ModeCount == 1 }

// Modes returns the values that occur ModeCount times, ascending, the first
// ModesMax of them: ModeTies says how many there are.
func (s *IntSummary) Modes() []int64 { return append([]int64(nil), s.modes[:s.listed]...) }

// Sum returns the exact sum.
func (s *IntSummary) Sum() *big.Int {
	sum := big.NewInt(s.sumHi)
	sum.Lsh(sum, 64)
	return sum.Add(sum, new(big.Int).SetUint64(s.sumLo))
}

// ComputeInts is Compute for integers, of which float64 cannot hold those
// beyond 2^53. It neither changes data nor keeps it. The errors are ErrEmpty
// and ErrBadOption.
func ComputeInts(data []int64, o Options) (IntSummary, error) {
	if err := o.check(); err != nil {
		return IntSummary{}, err
	}
	if len(data) == 0 {
		return IntSummary{}, ErrEmpty
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.keys, w.alt = room(w.keys, len(data)), room(w.alt, len(data))
	for i, x := range data {
		w.keys[i] = uint64(x) ^ signBit
	}
	w.keys, w.alt = w.sort(w.keys, w.alt)
	s := IntSummary{Count: uint64(len(data))}
	s.describe(w.keys, o)
	if o.Tie == FirstTie {
		s.Mode = firstInt(data, w.keys, int(s.ModeCount))
	}
	return s, nil
}

// intOf is the integer of a key.
func intOf(key uint64) int64 { return int64(key ^ signBit) }

// describe sets all statistics from the sorted keys.
func (s *IntSummary) describe(keys []uint64, o Options) {
	n := len(keys)
	s.Min, s.Max = intOf(keys[0]), intOf(keys[n-1])
	s.MedianLow, s.MedianHigh = intOf(keys[(n-1)/2]), intOf(keys[n/2])
	s.Median = middleInts(s.MedianLow, s.MedianHigh)
	s.totals(keys)
	for _, p := range o.Quantiles {
		rank, part := position(s.Count, p)
		next := min(rank+1, s.Count-1)
		s.Quantiles = append(s.Quantiles, Quantile{P: p, Value: betweenInts(intOf(keys[rank]), intOf(keys[next]), part)})
	}
	most := longestRun(keys)
	s.ModeCount = uint64(most)
	eachRun(keys, most, func(key uint64) bool {
		if s.listed < ModesMax {
			s.modes[s.listed] = intOf(key)
			s.listed++
		}
		s.ModeTies++
		return true
	})
	s.Mode = s.modes[0]
}

// totals sets what follows from the sum and the sum of squares.
func (s *IntSummary) totals(keys []uint64) {
	var xx [3]uint64
	for _, k := range keys {
		x := intOf(k)
		var carry uint64
		s.sumLo, carry = bits.Add64(s.sumLo, uint64(x), 0)
		s.sumHi += x>>63 + int64(carry)
		abs := magnitudeOf(x)
		hi, lo := bits.Mul64(abs, abs)
		xx[0], carry = bits.Add64(xx[0], lo, 0)
		xx[1], carry = bits.Add64(xx[1], hi, carry)
		xx[2] += carry
	}
	x, negative := magnitude128(s.sumHi, s.sumLo)
	q := leading(x[:], 0)
	q.divide(s.Count)
	s.Mean = q.round()
	if negative {
		s.Mean = -s.Mean
	}
	s.StdDev = deviation(x[:], xx[:], s.Count, 0)
}

// magnitude128 is the absolute value of hi:lo, lowest word first, and whether
// that is negative.
func magnitude128(hi int64, lo uint64) (abs [2]uint64, negative bool) {
	if hi >= 0 {
		return [2]uint64{lo, uint64(hi)}, false
	}
	low, borrow := bits.Sub64(0, lo, 0)
	high, _ := bits.Sub64(0, uint64(hi), borrow)
	return [2]uint64{low, high}, true
}

// middleInts is the exact midpoint of a and b, rounded once.
func middleInts(a, b int64) float64 {
	lo, carry := bits.Add64(uint64(a), uint64(b), 0)
	abs, negative := magnitude128(a>>63+b>>63+int64(carry), lo)
	q := leading(abs[:], -1)
	if negative {
		return -q.round()
	}
	return q.round()
}

// magnitudeOf is the absolute value, of the smallest int64 too.
func magnitudeOf(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// betweenInts is a + part·(b-a) for 0 <= part < 1, rounded once.
func betweenInts(a, b int64, part *big.Float) float64 {
	x := wide(0).SetInt64(b)
	x.Sub(x, wide(0).SetInt64(a))
	x.Mul(x, part)
	x.Add(x, wide(0).SetInt64(a))
	rounded, _ := x.Float64()
	return rounded
}

// firstInt returns the value of data that occurs most times and comes first.
func firstInt(data []int64, sorted []uint64, most int) int64 {
	tied := map[int64]bool{}
	eachRun(sorted, most, func(key uint64) bool {
		tied[intOf(key)] = true
		return true
	})
	for _, x := range data {
		if tied[x] {
			return x
		}
	}
	panic(fmt.Sprintf("stats: of %d values none occurs %d times", len(data), most))
}

package stats

import (
	"math"
	"math/bits"
)

// fewMax is how many values are computed on the stack alone.
const fewMax = compareMax

// few is Compute for at most fewMax values.
func (s *Summary) few(data []float64, o Options) error {
	if len(data) == 1 && data[0]-data[0] == 0 && len(o.Quantiles) == 0 {
		s.Count, s.Exact, s.ModeExact = 1, true, true
		s.Min, s.Max = data[0]+0, data[0]+0 // -0 becomes +0
		s.alike()
		return nil
	}
	if len(data) <= rankMax {
		var room [rankMax]uint64
		return s.fewIn(room[:len(data)], data, o)
	}
	var room [fewMax]uint64
	return s.fewIn(room[:len(data)], data, o)
}

// fewIn is few with room for the keys.
func (s *Summary) fewIn(room []uint64, data []float64, o Options) error {
	n, firstNaN := 0, -1
	least, greatest := uint64(math.MaxUint64), uint64(0) // of the absolutes
	for i, x := range data {
		b := math.Float64bits(x + 0) // -0 becomes +0
		absolute := b &^ signBit
		if absolute > exponentMask<<fractionBits { // NaN
			if firstNaN < 0 {
				firstNaN = i
			}
			continue
		}
		least, greatest = min(least, absolute-1), max(greatest, absolute) // where 0 is no least
		room[n] = keyOf(b)
		n++
	}
	keys := room[:n]
	s.Count, s.NaNs, s.Exact, s.ModeExact = uint64(n), uint64(len(data)-n), true, true
	if n < len(data) || n == 0 {
		if done, err := s.admit(o, firstNaN); done {
			if err == nil {
				s.infinities(keys)
			}
			return err
		}
	}
	sortFew(keys)
	s.Min, s.Max = valueOf(keys[0]), valueOf(keys[n-1])
	if s.Min == s.Max && greatest < exponentMask<<fractionBits && len(o.Quantiles) == 0 {
		s.alike()
		return nil
	}
	if s.NaNs > 0 || !s.totalsFew(data, (least+1)>>fractionBits, greatest>>fractionBits) {
		s.total(keys)
	}
	s.describeSorted(keys, o)
	if o.Tie == FirstTie {
		s.Mode = firstFew(data, keys, s)
	}
	return nil
}

// alike sets what there is to know of values that are all the same, and finite.
func (s *Summary) alike() {
	s.Mean, s.Sum, s.Median = s.Min, float64(s.Count)*s.Min, s.Min
	if s.Count == 1 {
		s.StdDev = math.NaN()
	}
	s.list(s.Min)
	s.ModeCount = s.Count
}

// totalsFew sets mean, sum and deviation, if it can, of values of which the least
// absolute but zero and the greatest have these exponents.
func (s *Summary) totalsFew(data []float64, least, greatest uint64) bool {
	c, ok := compensate(data, least, greatest)
	if !ok {
		return false
	}
	s.Sum = c.x + 0
	if s.Mean, ok = c.mean(len(data)); !ok {
		return false
	}
	s.StdDev, ok = c.deviation(len(data))
	return ok
}

// firstFew returns the value of data that occurs s.ModeCount times and comes
// first.
func firstFew(data []float64, sorted []uint64, s *Summary) float64 {
	for _, x := range data {
		key, times := keyOf(math.Float64bits(x+0)), uint64(0)
		for _, k := range sorted {
			times += one(k == key)
		}
		if x == x && times == s.ModeCount {
			return x + 0
		}
	}
	return s.Mode
}

// narrow holds what sums does, of at most fewMax values of which the exponents
// are within 64 of each other.
type narrow struct {
	x   [4]uint64 // two's complement, in units of 2^(unit+base)
	xx  [5]uint64 // in units of 2^(2·(unit+base))
	exp int       // unit+base
}

// add adds finite values by their keys, unless their exponents are too far
// apart.
func (s *narrow) add(keys []uint64) bool {
	base, top := uint(exponentMask), uint(0)
	for _, k := range keys {
		if m, shift := split(bitsOf(k)); m != 0 {
			base, top = min(base, shift), max(top, shift)
		}
	}
	base = min(base, top) // all are zero
	if top-base > 64 || len(keys) > fewMax {
		return false
	}
	s.exp = unit + int(base)
	for _, k := range keys {
		b := bitsOf(k)
		m, shift := split(b)
		if m == 0 {
			continue
		}
		if b&signBit == 0 {
			addAt(s.x[:], 0, m, shift-base)
		} else {
			subAt(s.x[:], 0, m, shift-base)
		}
		hi, lo := bits.Mul64(m, m)
		addAt(s.xx[:], hi, lo, 2*(shift-base))
	}
	return true
}

// magnitude is the sum's absolute value and whether it is negative.
func (s *narrow) magnitude() (abs [4]uint64, negative bool) {
	abs, negative = s.x, s.x[len(s.x)-1]&signBit != 0
	if negative {
		negate(abs[:])
	}
	return abs, negative
}

// totals sets mean, sum and deviation of n values.
func (s *narrow) totals(to *Summary, n uint64) {
	abs, negative := s.magnitude()
	mean := leading(abs[:], s.exp)
	to.Sum = mean.round()
	mean.divide(n)
	to.Mean = mean.round()
	if negative {
		to.Sum, to.Mean = 0-to.Sum, 0-to.Mean // so that zero is +0
	}
	to.StdDev = deviation(abs[:], s.xx[:], n, 2*s.exp)
}

// meanFew is Mean for at most fewMax values, if they are finite and their
// exponents not too far apart.
func meanFew(x []float64) (mean float64, ok bool) {
	var room [fewMax]uint64
	keys := room[:len(x)]
	for i, v := range x {
		if v-v != 0 {
			return 0, false
		}
		keys[i] = keyOf(math.Float64bits(v))
	}
	var t narrow
	if !t.add(keys) {
		return 0, false
	}
	abs, negative := t.magnitude()
	q := leading(abs[:], t.exp)
	q.divide(uint64(len(x)))
	if negative {
		return 0 - q.round(), true // so that zero is +0
	}
	return q.round(), true
}

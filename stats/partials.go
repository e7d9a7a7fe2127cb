package stats

import (
	"math"
	"math/bits"
)

// blockLen is how many values are summed, and looked at in other ways, while
// they are in the cache: a multiple of partialLanes.
const blockLen = 1 << 12

// partialLanes is how many values sumAVX512 takes at a time.
const partialLanes = 16

// partials are the sums of a block by sixteen lanes, as float64s: each sum and
// what was lost in rounding it.
type partials struct {
	x, xLost, xx, xxLost [partialLanes]float64
	min, max             [8]float64
}

// extremes are the least and the greatest value so far.
func (p *partials) extremes() (least, greatest float64) {
	least, greatest = p.min[0], p.max[0]
	for i := range p.min {
		least, greatest = min(least, p.min[i]), max(greatest, p.max[i])
	}
	return least, greatest
}

// addTo adds the partial sums of a block to s, unless one is not finite: then
// there is a value that is not, or one too large to be squared.
func (p *partials) addTo(s *sums) bool {
	for _, lanes := range [...]*[partialLanes]float64{&p.x, &p.xLost, &p.xx, &p.xxLost} {
		all := 0.0
		for _, x := range lanes {
			all += x - x
		}
		if all != 0 { // NaN
			return false
		}
	}
	for i := range p.x {
		addFloat(s.x[:], p.x[i], 0)
		addFloat(s.x[:], p.xLost[i], 0)
		addFloat(s.xx[:], p.xx[i], unit-unitSquares)
		addFloat(s.xx[:], p.xxLost[i], unit-unitSquares)
	}
	return true
}

// addFloat adds x, times 2^shift, to z, which counts in 2^unit.
func addFloat(z []uint64, x float64, shift uint) {
	b := math.Float64bits(x)
	m, at := split(b)
	if b&signBit == 0 {
		addAt(z, 0, m, at+shift)
	} else {
		subAt(z, 0, m, at+shift)
	}
}

// The exact sums of n values lie within these of those of partials.
//
// A lane adds m = blockLen/16 values, at most, of which the absolutes add up to
// A. What a rounding loses of a sum is exact, and at most uA, u = 2^-53; m of
// them, added up, are off by u·m·uA·m at most. The squares lose twice as much: in
// their own rounding too. That is 2m²u² = 2^-89 of A, or of the sum of squares
// XX; below, another 2^3 stand for all factors near 1. What is lost of a square
// is less than 2^-1074 off if it is below the smallest float64. And A is no
// more than √(n·XX), after Cauchy and Schwarz.
const partialsOff = 0x1p-86

// bounds are how far the exact sums may be from s, which partials added up to.
func (s *sums) bounds(n uint64) (x, xx float64) {
	q := leading(s.xx[:], unitSquares)
	all := q.round()*1.001 + float64(n)*0x1p-1022
	return math.Sqrt(float64(n)*all) * partialsOff * 1.001, all*partialsOff + float64(n)*0x1p-1073
}

// meanWithin is the mean of n values if it is the same, once rounded, for all
// sums that s and its bounds allow.
func (s *sums) meanWithin(n uint64) (mean float64, ok bool) {
	off, _ := s.bounds(n)
	low, high := *s, *s
	addFloat(low.x[:], -off, 0)
	addFloat(high.x[:], off, 0)
	mean = low.mean(n)
	return mean, mean == high.mean(n)
}

// totalsWithin sets mean, sum and deviation if they are the same, once rounded,
// for all sums that s and its bounds allow.
func (s *Summary) totalsWithin(t *sums) bool {
	x, xx := t.bounds(s.Count)
	low, high := *t, *t
	addFloat(low.x[:], -x, 0)
	addFloat(high.x[:], x, 0)
	s.Mean, s.Sum = low.mean(s.Count), low.sum()
	if s.Mean != high.mean(s.Count) || s.Sum != high.sum() {
		return false
	}
	near, _ := low.magnitude() // to zero
	far, _ := high.magnitude()
	if low.x[len(low.x)-1]&signBit != 0 {
		near, far = far, near
	}
	if (low.x[len(low.x)-1]^high.x[len(high.x)-1])&signBit != 0 {
		return false // zero is between them
	}
	addFloat(low.xx[:], -xx, unit-unitSquares)
	addFloat(high.xx[:], xx, unit-unitSquares)
	if low.xx[len(low.xx)-1]&signBit != 0 || !spreads(far[:], low.xx[:], s.Count) {
		return false
	}
	s.StdDev = deviation(far[:], low.xx[:], s.Count, unitSquares)
	return s.StdDev == deviation(near[:], high.xx[:], s.Count, unitSquares)
}

// sumNearly adds the partial sums of x, and the least and greatest value, unless
// a value is not finite or too large to be squared.
func (w *scratch) sumNearly(t *sums, x []float64) bool {
	for len(x) >= partialLanes {
		steps := min(len(x), blockLen) / partialLanes
		sumAVX512(&x[0], steps, &w.partials)
		if !w.partials.addTo(t) {
			return false
		}
		x = x[steps*partialLanes:]
	}
	return w.sumExactly(t, x)
}

// sumExactly adds the values of x and their squares, and the least and greatest
// value, unless one is not finite.
func (w *scratch) sumExactly(t *sums, x []float64) bool {
	for ; len(x) > 0; x = x[min(len(x), runMax):] {
		if !w.sumRun(t, x[:min(len(x), runMax)]) {
			return false
		}
	}
	return true
}

// sumRun is sumExactly for at most runMax values. The significands of one sign
// and exponent add up in a bin; touched lists the bins that are not zero.
func (w *scratch) sumRun(t *sums, x []float64) bool {
	n, finite := 0, true
	least, greatest := w.partials.min[0], w.partials.max[0]
	for _, v := range x {
		b := math.Float64bits(v)
		least, greatest = min(least, v), max(greatest, v)
		if e := b >> fractionBits & exponentMask; e-1 >= exponentMask-1 { // subnormal, zero or special
			if e != 0 {
				finite = false
				break
			}
			t.addTimes(b, 1)
			continue
		}
		bin := &w.bins[b>>fractionBits]
		if bin.x == 0 {
			w.touched[n%len(w.touched)] = uint16(b >> fractionBits)
			n++
		}
		m := b&fractionMask | 1<<fractionBits
		hi, lo := bits.Mul64(m, m<<11)
		bin.x += m
		bin.xxHi += hi
		bin.xxLo += lo >> 11
	}
	for _, at := range w.touched[:n] {
		bin := &w.bins[at]
		t.addRun(uint64(at)<<fractionBits, *bin)
		*bin = significands{}
	}
	w.partials.min[0], w.partials.max[0] = least, greatest
	return finite
}

// spreads reports whether n·xx is at least x², so that there is a deviation.
func spreads(x, xx []uint64, n uint64) bool {
	var difference [70]uint64
	multiply(difference[:], xx, n)
	subtractSquare(difference[:], x)
	return difference[len(difference)-1]&signBit == 0
}

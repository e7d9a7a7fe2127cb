package stats

import (
	"math"
	"math/bits"
	"slices"
)

// The parts of a float64.
const (
	fractionBits = 52
	fractionMask = 1<<fractionBits - 1
	exponentMask = 1<<11 - 1 // also the exponent of NaN and the infinities
	signBit      = 1 << 63
)

// The units that sums count in: every finite float64 is a multiple of 2^-1074,
// every square one of 2^-2148.
const (
	unit        = -1074
	unitSquares = 2 * unit
)

// keyOf maps the bits of a float64, of no NaN, to an integer that orders as the
// values do; bitsOf and valueOf are the way back. No value has key 0.
func keyOf(b uint64) uint64 { return b ^ (uint64(int64(b)>>63) | signBit) }

const (
	keyNegInf = exponentMask<<fractionBits ^ (signBit - 1) // the least key
	keyPosInf = exponentMask<<fractionBits | signBit       // the greatest
)

func bitsOf(key uint64) uint64 { return key ^ (uint64(int64(^key)>>63) | signBit) }

func valueOf(key uint64) float64 { return math.Float64frombits(bitsOf(key)) }

// sums holds the exact sum and the exact sum of squares of finite float64s, as
// fixed-point numbers wide enough for 2^64 of the largest. After R. Neal, "Fast
// exact summation using small and large superaccumulators" (arXiv 1505.05571),
// extended to squares.
type sums struct {
	x  [34]uint64 // two's complement, in units of 2^-1074
	xx [67]uint64 // in units of 2^-2148
}

// split returns a finite float64's integer significand and how far it is
// shifted from 2^-1074. A subnormal has no implicit bit and shift 0.
func split(b uint64) (significand uint64, shift uint) {
	e := b >> fractionBits & exponentMask
	normal := (e + exponentMask) >> 11 // 1 for all e but 0
	return b&fractionMask | normal<<fractionBits, uint(e - normal)
}

// runMax is how many significands, and halves of their squares, of 53 bits can
// be added in 64 bits.
const runMax = 1 << 11

// addSorted adds the finite values among sorted keys. Values of one sign and
// exponent stand together, so that their significands add up in registers.
func (s *sums) addSorted(keys []uint64) {
	for len(keys) > 0 {
		b := bitsOf(keys[0])
		significand, _ := split(b)
		implicit := significand &^ fractionMask
		flip := keys[0] ^ b
		var x, xxHi, xxLo uint64
		some := together(keys)
		for _, k := range some {
			m := (k^flip)&fractionMask | implicit
			hi, lo := bits.Mul64(m, m<<11) // so that both halves have 53 bits
			x += m
			xxHi += hi
			xxLo += lo >> 11
		}
		keys = keys[len(some):]
		if b>>fractionBits&exponentMask == exponentMask {
			continue // infinities
		}
		s.addRun(b, significands{x, xxHi, xxLo})
	}
}

// significands are sums of those of values of one sign and exponent, at most
// runMax, and of their squares: the upper and the lower 53 bits.
type significands struct{ x, xxHi, xxLo uint64 }

// addRun adds the sums of values of the sign and exponent of b.
func (s *sums) addRun(b uint64, m significands) {
	_, shift := split(b)
	if b&signBit == 0 {
		addAt(s.x[:], 0, m.x, shift)
	} else {
		subAt(s.x[:], 0, m.x, shift)
	}
	addAt(s.xx[:], 0, m.xxLo, 2*shift)
	addAt(s.xx[:], 0, m.xxHi, 2*shift+53)
}

// together returns the first of the sorted keys that have the same sign and
// exponent, at most runMax.
func together(keys []uint64) []uint64 {
	some := keys[:min(len(keys), runMax)]
	if (some[0]^some[len(some)-1])>>fractionBits == 0 {
		return some
	}
	end, _ := slices.BinarySearch(some, (some[0]>>fractionBits+1)<<fractionBits)
	return some[:end]
}

// addTimes adds one finite value n times.
func (s *sums) addTimes(b, n uint64) {
	m, shift := split(b)
	hi, lo := bits.Mul64(m, n)
	if b&signBit == 0 {
		addAt(s.x[:], hi, lo, shift)
	} else {
		subAt(s.x[:], hi, lo, shift)
	}
	hi, lo = bits.Mul64(m, m<<11)
	high, low := bits.Mul64(lo>>11, n)
	addAt(s.xx[:], high, low, 2*shift)
	high, low = bits.Mul64(hi, n)
	addAt(s.xx[:], high, low, 2*shift+53)
}

// merge adds the other sums.
func (s *sums) merge(o *sums) {
	var carry uint64
	for i := range s.x {
		s.x[i], carry = bits.Add64(s.x[i], o.x[i], carry)
	}
	carry = 0
	for i := range s.xx {
		s.xx[i], carry = bits.Add64(s.xx[i], o.xx[i], carry)
	}
}

// addAt adds hi:lo, shifted left, to z, modulo the width of z.
func addAt(z []uint64, hi, lo uint64, shift uint) {
	i, r := shift/64, shift%64
	var carry uint64
	z[i], carry = bits.Add64(z[i], lo<<r, 0)
	z[i+1], carry = bits.Add64(z[i+1], hi<<r|lo>>(64-r), carry)
	z[i+2], carry = bits.Add64(z[i+2], hi>>(64-r), carry)
	for i += 3; carry != 0 && i < uint(len(z)); i++ {
		z[i], carry = bits.Add64(z[i], 0, carry)
	}
}

// subAt is addAt for subtraction.
func subAt(z []uint64, hi, lo uint64, shift uint) {
	i, r := shift/64, shift%64
	var borrow uint64
	z[i], borrow = bits.Sub64(z[i], lo<<r, 0)
	z[i+1], borrow = bits.Sub64(z[i+1], hi<<r|lo>>(64-r), borrow)
	z[i+2], borrow = bits.Sub64(z[i+2], hi>>(64-r), borrow)
	for i += 3; borrow != 0 && i < uint(len(z)); i++ {
		z[i], borrow = bits.Sub64(z[i], 0, borrow)
	}
}

// magnitude returns the sum's absolute value and whether it is negative.
func (s *sums) magnitude() (abs [34]uint64, negative bool) {
	if s.x[len(s.x)-1]&signBit == 0 {
		return s.x, false
	}
	abs = s.x
	negate(abs[:])
	return abs, true
}

// negate turns z to what adds up to zero with it, modulo its width.
func negate(z []uint64) {
	var borrow uint64
	for i, w := range z {
		z[i], borrow = bits.Sub64(0, w, borrow)
	}
}

// sum is the exact sum, rounded once; infinite when beyond the largest float64.
func (s *sums) sum() float64 { return s.mean(1) }

// mean is the exact sum divided by n > 0, rounded once.
func (s *sums) mean(n uint64) float64 {
	abs, negative := s.magnitude()
	q := leading(abs[:], unit)
	q.divide(n)
	if negative {
		return 0 - q.round() // 0 minus, so that zero is +0
	}
	return q.round()
}

// deviation is the exact standard deviation of n values as a sample (n-1),
// rounded once; NaN of fewer than two.
func (s *sums) deviation(n uint64) float64 {
	abs, _ := s.magnitude()
	return deviation(abs[:], s.xx[:], n, unitSquares)
}

// deviation is the square root of (n·xx - x²) / (n·(n-1)), in units of 2^exp,
// exp even, rounded once. Neither operand is longer than 68 words, nor x² than xx.
func deviation(x, xx []uint64, n uint64, exp int) float64 {
	if n < 2 {
		return math.NaN()
	}
	var room [70]uint64
	difference := room[:len(xx)+2]
	multiply(difference, xx, n)
	subtractSquare(difference, x)
	q := leading(difference, exp)
	if n < 1<<32 {
		q.divide(n * (n - 1))
	} else {
		q.divide(n)
		q.divide(n - 1)
	}
	return q.sqrt()
}

// multiply sets z, which is zero and longer than x, to x·by.
func multiply(z, x []uint64, by uint64) {
	var carry uint64
	for i, w := range x {
		hi, lo := bits.Mul64(w, by)
		var c uint64
		z[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	z[len(x)] = carry
}

// subtractSquare subtracts x² from z, which is no smaller.
func subtractSquare(z, x []uint64) {
	for i, a := range x {
		if a == 0 {
			continue
		}
		for j, b := range x {
			if b != 0 {
				hi, lo := bits.Mul64(a, b)
				subAt(z, hi, lo, uint(64*(i+j)))
			}
		}
	}
}

package stats

import (
	"math"
	"math/bits"
)

// A quotient is a non-negative number on its way to being rounded once: the
// leading words of its integer significand, lowest first, times 2^exp. inexact
// says that the number is a little larger than that. Six words are enough for
// two divisions and a square root: each division by a uint64 costs at most 64
// bits, and a root needs the leading 128. Cutting off before dividing
// is sound since floor(floor(a/b)/c) = floor(a/(b·c)).
type quotient struct {
	words   [6]uint64
	exp     int
	inexact bool
}

// leading takes the leading words of x, lowest first, times 2^exp.
func leading(x []uint64, exp int) quotient {
	q := quotient{}
	top := len(x) - 1
	for top > 0 && x[top] == 0 {
		top--
	}
	low := top + 1 - len(q.words) // the word of x that becomes q's lowest; may be below 0
	q.exp = exp + 64*low
	for i := range q.words {
		if at := low + i; at >= 0 {
			q.words[i] = x[at]
		}
	}
	for i := 0; i < low; i++ {
		q.inexact = q.inexact || x[i] != 0
	}
	return q
}

// divide divides by d > 0. Four words, not counting zeros in front, are enough
// after the first division too, which leaves at least 129 bits to a second.
func (q *quotient) divide(d uint64) {
	if d == 1 {
		return
	}
	var rem uint64
	found := 0
	for i := len(q.words) - 1; i >= 0; i-- {
		if found == 4 {
			q.inexact = q.inexact || q.words[i] != 0
			q.words[i] = 0
			continue
		}
		q.words[i], rem = bits.Div64(rem, q.words[i], d)
		if found > 0 || q.words[i] != 0 {
			found++
		}
	}
	q.inexact = q.inexact || rem != 0
}

// normal returns the leading 128 bits, the highest bit set, times 2^exp. Zero
// stays zero.
func (q *quotient) normal() (hi, lo uint64, exp int, inexact bool) {
	top := len(q.words) - 1
	for top > 2 && q.words[top] == 0 {
		top--
	}
	a, b, c := q.words[top], q.words[top-1], q.words[top-2]
	n := uint(bits.LeadingZeros64(a))
	hi, lo = a<<n|b>>(64-n), b<<n|c>>(64-n)
	inexact = q.inexact || c<<n != 0
	for i := range top - 2 {
		inexact = inexact || q.words[i] != 0
	}
	return hi, lo, q.exp + 64*(top-1) - int(n), inexact
}

// round returns the nearest float64, ties to even.
func (q *quotient) round() float64 {
	hi, lo, exp, inexact := q.normal()
	return round(hi, exp+64, inexact || lo != 0)
}

// sqrt returns the float64 nearest to the square root.
func (q *quotient) sqrt() float64 {
	hi, lo, exp, inexact := q.normal()
	if hi == 0 {
		return 0
	}
	if exp&1 != 0 { // halve, so that the exponent is even; the root still has 63 bits
		inexact = inexact || lo&1 != 0
		hi, lo, exp = hi>>1, lo>>1|hi<<63, exp+1
	}
	root, exact := sqrt128(hi, lo)
	return round(root, exp/2, inexact || !exact)
}

// sqrt128 returns the integer square root of hi:lo >= 2^126, and whether it is
// exact. The first guess has 52 bits, one Newton step doubles them.
func sqrt128(hi, lo uint64) (root uint64, exact bool) {
	guess := math.Sqrt(float64(hi)+float64(lo)*0x1p-64) * 0x1p32
	root = math.MaxUint64
	if guess < 0x1p64 {
		root = uint64(guess)
	}
	high, low := bits.Mul64(root, root)
	low, borrow := bits.Sub64(lo, low, 0)
	high, _ = bits.Sub64(hi, high, borrow)
	root += uint64(int64((float64(int64(high))*0x1p64 + float64(low)) / (2 * float64(root))))
	if root>>62 == 0 {
		root = math.MaxUint64 // the step went beyond
	}
	for {
		high, low = bits.Mul64(root, root)
		if high < hi || high == hi && low <= lo {
			break
		}
		root--
	}
	for root != math.MaxUint64 {
		nextHigh, nextLow := bits.Mul64(root+1, root+1)
		if nextHigh > hi || nextHigh == hi && nextLow > lo {
			break
		}
		root, high, low = root+1, nextHigh, nextLow
	}
	return root, high == hi && low == lo
}

// round returns the float64 nearest to m·2^exp, plus a little if inexact, ties
// to even. m is 0 or has its highest bit set, or the one below.
func round(m uint64, exp int, inexact bool) float64 {
	if m == 0 {
		return 0 // an inexact zero is less than 2^-1300: see leading
	}
	n := bits.LeadingZeros64(m)
	m, exp = m<<n, exp-n
	drop := uint(64 - 53)
	if lowest := exp + 11; lowest < unit { // subnormal: fewer bits
		drop += uint(unit - lowest)
	}
	if drop > 64 {
		return 0
	}
	kept, rest := m>>drop, m<<(64-drop)
	const half = 1 << 63
	if rest > half || rest == half && (inexact || kept&1 != 0) {
		kept++
	}
	return math.Ldexp(float64(kept), exp+int(drop))
}

// middle is the exact midpoint of a and b, rounded once; it never overflows.
// Opposite infinities have none: NaN.
func middle(a, b float64) float64 {
	if m := (a + b) / 2; !math.IsInf(m, 0) {
		return m + 0 // never -0. A sum so small that halving it could round is itself exact
	}
	return a/2 + b/2
}

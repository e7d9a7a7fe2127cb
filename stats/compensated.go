package stats

import "math"

// compensated are the sums of few values and of their squares, each with what
// rounding has lost of it. Its bounds are for fewMax values.
type compensated struct{ x, xLost, xx, xxLost float64 }

// The exponents of values of which the sum is exact. What an addition loses is a
// multiple of the last bit of the least value, m, and no more than 2^-53 of the sum
// of the absolutes, so that n losses add up to less than n²·2^-53 of the greatest
// value, M: if M is less than 2^(compensatedSpread+1) of m, that is less than 2^53
// of the last bit of m, and no addition of losses is rounded. And squares neither
// overflow nor lose bits below the smallest float64.
const (
	compensatedSpread = 38
	compensatedLow    = 1023 - 400
	compensatedHigh   = 1023 + 400
)

// compensate returns the sums of data, of which the least absolute but zero and
// the greatest have these exponents, or false if they would not be exact.
func compensate(data []float64, least, greatest uint64) (c compensated, ok bool) {
	if len(data) > fewMax || greatest-least > compensatedSpread || greatest < compensatedLow || greatest > compensatedHigh {
		return c, false
	}
	var x, xLost, xx, xxLost float64
	for _, v := range data {
		sum, lost := twoSum(x, v)
		x, xLost = sum, xLost+lost
		square := float64(v * v) // converted, so that it is not fused with what follows
		squareLost := math.FMA(v, v, -square)
		sum, lost = twoSum(xx, square)
		xx, xxLost = sum, xxLost+(lost+squareLost)
	}
	x, xLost = twoSum(x, xLost)
	return compensated{x, xLost, xx, xxLost}, true
}

// twoSum is a+b, rounded, and what that lost, exactly: D. Knuth, The Art of
// Computer Programming, volume 2, 4.2.2, theorem B.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	back := sum - a
	return sum, (a - (sum - back)) + (b - back)
}

// mean is the exact sum divided by n, rounded once, or false if that cannot be
// told from here.
func (c *compensated) mean(n int) (mean float64, ok bool) {
	if c.x == 0 {
		return 0, true
	}
	count := float64(n)
	q := c.x / count
	// The rest of a division is exact.
	rest, lost := twoSum(math.FMA(-q, count, c.x), c.xLost)
	if lost != 0 {
		return 0, false
	}
	// The exact mean is q + rest/n. The quotient is rounded, but not across or onto
	// the middle t between two float64s near q, unless it is that: rest differs from
	// n·t by a bit of its own, of 2^-53 of it or more, and so by more than half a bit
	// of t.
	return q + rest/count, true
}

// deviation is the standard deviation, √((n·XX - X²) / (n·(n-1))), if it is the
// same, once rounded, for all sums that c allows.
func (c *compensated) deviation(n int) (sd float64, ok bool) {
	count := float64(n)
	above := float64(count * c.xx)
	aboveLost := math.FMA(count, c.xx, -above) + float64(count*c.xxLost)
	square := float64(c.x * c.x)
	squareLost := math.FMA(c.x, c.x, -square) + float64(2*c.x*c.xLost)
	v, lost := twoSum(above, -square)
	v, lost = twoSum(v, lost+(aboveLost-squareLost))
	// How far v+lost may be off. With u = 2^-53: what is lost of the squares is 2n
	// summands of nu·XX together, and adding them up loses 2n²u² of XX, here n times
	// as much; the products and differences of losses lose less than 16n²u².
	off := c.xx * (count * count * (2*count + 16) * 0x1.1p-106)
	if !(off <= v*0x1p-62) { // and so v > 0
		return 0, false
	}
	by := count * (count - 1)
	q := v / by
	qLost := (math.FMA(-q, by, v) + lost) / by
	// One Newton step; the next would be 2^-100 of the root at most.
	root := math.Sqrt(q)
	more := (math.FMA(-root, root, q) + qLost) / (2 * root)
	off = root * (off/v + 0x1p-69)
	sd = root + (more - off)
	return sd, sd == root+(more+off)
}

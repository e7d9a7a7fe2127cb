package stats

import "math"

// A bracket is two values between which one of a wanted rank is expected, and
// how many values of a set lie where. Its form is known to bracketAVX512.
type bracket struct {
	low, high                        float64
	below, upToLow, inside, upToHigh uint64
}

const (
	pickFew  = 1 << 11 // values that are sorted to find those of a rank
	pickMost = 8       // brackets in brackets
)

// sampled returns a bracket of the value of a rank, from a sorted sample of x of
// some four times the root of its length, which stays in w.keys.
func (w *scratch) sampled(x []float64, rank int) bracket {
	n := 4 * int(math.Sqrt(float64(len(x))))
	w.keys, w.alt = room(w.keys, n), room(w.alt, n)
	const golden = 0x9e3779b97f4a7c15
	at := uint64(golden)
	for i := range w.keys {
		// The multiples of the golden ratio spread evenly over x, and not in step
		// with any period of it.
		j := int((at >> 32) * uint64(len(x)) >> 32)
		at += golden
		w.keys[i] = keyOf(math.Float64bits(x[j] + 0))
	}
	w.keys, w.alt = w.sort(w.keys, w.alt)
	middle := int(float64(rank) / float64(len(x)) * float64(n))
	margin := 2 * int(math.Sqrt(float64(n))) // at least four standard deviations
	return bracket{
		low:  valueOf(w.keys[max(middle-margin, 0)]),
		high: valueOf(w.keys[min(middle+margin, n-1)]),
	}
}

// take counts the values of x, none of which is NaN, and writes those inside to
// what is behind the b.inside that are there already. There is room for 8 more.
func (b *bracket) take(x, inside []float64) {
	if steps := len(x) / 8; vectors && steps > 0 {
		_ = inside[b.inside+uint64(8*steps)+7]
		bracketAVX512(&x[0], steps, b, &inside[b.inside])
		x = x[8*steps:]
	}
	for _, v := range x {
		b.below += one(v < b.low)
		b.upToLow += one(v <= b.low)
		b.upToHigh += one(v <= b.high)
		inside[b.inside] = v
		b.inside += one(v > b.low && v < b.high)
	}
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// find returns what b knows of the value of a rank: itself, or its rank among
// those inside, or nothing.
func (b *bracket) find(rank uint64) (x float64, inside uint64, found, isInside bool) {
	switch {
	case rank < b.below:
		return 0, 0, false, false
	case rank < b.upToLow:
		return b.low, 0, true, false
	case rank < b.upToLow+b.inside:
		return 0, rank - b.upToLow, true, true
	case rank < b.upToHigh:
		return b.high, 0, true, false
	}
	return 0, 0, false, false
}

// resolve returns the values of two ranks, which are the same or neighbours, of
// the values that b has counted, or false if the bracket missed them.
func (w *scratch) resolve(b *bracket, inside []float64, rank, next uint64, depth int) (low, high float64, ok bool) {
	low, lowAt, ok, lowInside := b.find(rank)
	high, highAt, okHigh, highInside := b.find(next)
	if !ok || !okHigh {
		return 0, 0, false
	}
	if !lowInside && !highInside {
		return low, high, true
	}
	if !lowInside {
		lowAt = highAt
	}
	if !highInside {
		highAt = lowAt
	}
	x, y, ok := w.pick(inside[:b.inside], lowAt, highAt, depth+1)
	if lowInside {
		low = x
	}
	if highInside {
		high = y
	}
	return low, high, ok
}

// pick returns the values of x, none of which is NaN, with two ranks that are
// the same or neighbours. It fails where the samples mislead.
func (w *scratch) pick(x []float64, rank, next uint64, depth int) (low, high float64, ok bool) {
	if len(x) <= pickFew {
		w.order(x)
		return valueOf(w.keys[rank]), valueOf(w.keys[next]), true
	}
	if depth == pickMost {
		return 0, 0, false
	}
	b := w.sampled(x, int(rank))
	w.insides[depth%2] = roomFor(w.insides[depth%2], len(x)+8)
	inside := w.insides[depth%2]
	b.take(x, inside)
	return w.resolve(&b, inside, rank, next, depth)
}

package stats

import "math"

// selectFew is how many values are sorted to find the middle ones, rather than
// selected by their leading bits.
const selectFew = 1 << 13

// selectMiddle returns the keys of the values of x in the middle: the same one
// twice if their number is odd. ok is false if there is a NaN.
//
// It counts the values by the leading bits of their keys, gathers those with
// the bits of the middle one, and sorts these, which is linear too.
func (w *scratch) selectMiddle(x []float64) (low, high uint64, ok bool) {
	rank := (len(x) - 1) / 2
	if len(x) <= selectFew || uint64(len(x)) > 1<<32-1 {
		if w.order(x); len(w.keys) < len(x) {
			return 0, 0, false
		}
		return w.keys[rank], w.keys[len(x)/2], true
	}
	if w.countLeading(x) > 0 {
		clear(w.cells[:])
		return 0, 0, false
	}
	leading, below := 0, 0 // the leading bits of the middle one, and how many values are below
	for below+int(w.cells[leading]) <= rank {
		below += int(w.cells[leading])
		leading++
	}
	n := int(w.cells[leading])
	clear(w.cells[:])
	w.gather(x, uint64(leading), n)
	w.keys, w.alt = w.sort(w.keys, w.alt)
	low = w.keys[rank-below]
	switch at := len(x)/2 - below; {
	case at < n:
		high = w.keys[at]
	default:
		high = smallestAbove(x, uint64(leading))
	}
	return low, high, true
}

// countLeading counts the values of x that are not NaN by the leading bits of
// their keys, into w.cells, and returns how many are NaN.
func (w *scratch) countLeading(x []float64) (nans int) {
	for _, v := range x {
		if v != v {
			nans++
			continue
		}
		w.cells[keyOf(math.Float64bits(v+0))>>(64-cellBits)]++
	}
	return nans
}

// gather sets w.keys to those that begin with leading; there are n.
func (w *scratch) gather(x []float64, leading uint64, n int) {
	w.keys, w.alt = room(w.keys, n+1), room(w.alt, n)
	at := 0
	for _, v := range x {
		k := keyOf(math.Float64bits(v + 0))
		w.keys[at] = k // kept only if the next line moves on
		if k>>(64-cellBits) == leading {
			at++
		}
	}
	w.keys = w.keys[:n]
}

// smallestAbove returns the smallest key of x whose leading bits are greater.
func smallestAbove(x []float64, leading uint64) uint64 {
	least := uint64(math.MaxUint64)
	for _, v := range x {
		if k := keyOf(math.Float64bits(v + 0)); k>>(64-cellBits) > leading {
			least = min(least, k)
		}
	}
	return least
}

package stats

import "math"

// Mean returns the exact mean of x, rounded once. It refuses NaNs with a
// *NaNError and nothing at all with ErrEmpty. Infinities of one sign make it
// infinite, of both signs NaN.
func Mean(x []float64) (float64, error) {
	if len(x) == 0 {
		return 0, ErrEmpty
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	var t sums
	infinities := 0.0 // the sum of those
	for start := 0; start < len(x); start += runMax {
		infinities += w.sumOf(&t, x[start:min(start+runMax, len(x))])
	}
	if infinities == 0 {
		return t.mean(uint64(len(x))), nil
	}
	if err := nanError(x); err != nil {
		return 0, err
	}
	return infinities, nil
}

// nanError is what is wrong with values among which there may be NaNs.
func nanError(x []float64) error {
	e := &NaNError{}
	for i, v := range x {
		if v != v {
			if e.Count == 0 {
				e.Index = i
			}
			e.Count++
		}
	}
	if e.Count == 0 {
		return nil
	}
	return e
}

// sumOf adds the finite values of a block, of at most runMax, to t, and returns
// the sum of the others. The significands of one sign and exponent add up in a
// bin; touched lists the bins that are not zero.
func (w *scratch) sumOf(t *sums, block []float64) (others float64) {
	n := 0
	for _, x := range block {
		b := math.Float64bits(x)
		if e := b >> fractionBits & exponentMask; e-1 >= exponentMask-1 { // subnormal, zero or special
			others += w.odd(t, x)
			continue
		}
		bin := &w.bins[b>>fractionBits]
		if *bin == 0 {
			w.touched[n%len(w.touched)] = uint16(b >> fractionBits)
			n++
		}
		*bin += b&fractionMask | 1<<fractionBits
	}
	for _, at := range w.touched[:n] {
		_, shift := split(uint64(at) << fractionBits)
		if at < 1<<11 {
			addAt(t.x[:], 0, w.bins[at], shift)
		} else {
			subAt(t.x[:], 0, w.bins[at], shift)
		}
		w.bins[at] = 0
	}
	return others
}

// odd is sumOf for one value that is zero, subnormal, infinite or NaN.
func (w *scratch) odd(t *sums, x float64) (other float64) {
	b := math.Float64bits(x)
	m, shift := split(b)
	switch {
	case shift != 0:
		return x
	case b&signBit == 0:
		addAt(t.x[:], 0, m, 0)
	default:
		subAt(t.x[:], 0, m, 0)
	}
	return 0
}

// Median returns the middle value of x, or the midpoint of the middle two
// rounded once, in time linear in the length of x whatever the values. It
// refuses NaNs with a *NaNError and nothing at all with ErrEmpty.
func Median(x []float64) (float64, error) {
	if len(x) == 0 {
		return 0, ErrEmpty
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	low, high, ok := w.selectMiddle(x)
	if !ok {
		return 0, nanError(x)
	}
	return middle(valueOf(low), valueOf(high)), nil
}

// Modes returns all the values of x that occur most often, ascending, and how
// often that is. It refuses NaNs with a *NaNError and nothing at all with
// ErrEmpty.
func Modes(x []float64) (modes []float64, count uint64, err error) {
	if len(x) == 0 {
		return nil, 0, ErrEmpty
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	if w.order(x); len(w.keys) < len(x) {
		return nil, 0, nanError(x)
	}
	most := longestRun(w.keys)
	eachRun(w.keys, most, func(key uint64) bool {
		modes = append(modes, valueOf(key))
		return true
	})
	return modes, uint64(most), nil
}

package stats

import "math"

// Mean returns the exact mean of x, rounded once. It refuses NaNs with a
// *NaNError and nothing at all with ErrEmpty. Infinities of one sign make it
// infinite, of both signs NaN.
func Mean(x []float64) (float64, error) {
	n := uint64(len(x))
	if n == 0 {
		return 0, ErrEmpty
	}
	if n <= fewMax {
		if mean, ok := meanFew(x); ok {
			return mean, nil
		}
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	t := sums{}
	if vectors && w.sumNearly(&t, x) {
		if mean, ok := t.meanWithin(n); ok {
			return mean, nil
		}
	}
	t = sums{}
	if w.sumExactly(&t, x) {
		return t.mean(n), nil
	}
	if err := nanError(x); err != nil {
		return 0, err
	}
	infinite := 0.
	for _, v := range x {
		if math.IsInf(v, 0) {
			infinite += v
		}
	}
	return infinite, nil
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

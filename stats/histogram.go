package stats

import "math"

// A Bin is one bar of a histogram: Count values from Low up to, but not
// including, High; the last bin's High is included.
type Bin struct {
	Low, High float64
	Count     uint64
}

// Histogram divides the range from the least to the greatest finite value
// evenly into n > 0 bins and counts the values in each: into fewer where no float64
// lies between the edges of two, into one if all values are the same, into none if
// there are none. Infinities are left out. Where Summary.Exact is
// false, a value may be counted in the bin beside its own, if it is next to it by
// less than Options.Approx of itself, or what Options.MaxCells has made of it.
func (a *Accumulator) Histogram(n int) []Bin {
	least, greatest := math.Inf(1), math.Inf(-1)
	a.eachFinite(func(x float64, _ uint64) { least, greatest = min(least, x), max(greatest, x) })
	if r := a.rough; r != nil && r.min > keyNegInf && r.max < keyPosInf {
		least, greatest = valueOf(r.min), valueOf(r.max) // rather than the middles of cells
	}
	if least > greatest || n < 1 {
		return nil
	}
	bins := emptyBins(least, greatest, n)
	a.eachFinite(func(x float64, times uint64) {
		i := 0
		for i < len(bins)-1 && x >= bins[i].High {
			i++
		}
		bins[i].Count += times
	})
	return bins
}

// emptyBins are at most n bins, none of them so narrow that nothing can be in it.
func emptyBins(least, greatest float64, n int) []Bin {
	if least == greatest {
		return []Bin{{Low: least, High: greatest}}
	}
	var bins []Bin
	low := least
	for i := 1; i <= n; i++ {
		if high := edge(least, greatest, i, n); high > low {
			bins = append(bins, Bin{Low: low, High: high})
			low = high
		}
	}
	return bins
}

// edge is where bin i of n begins.
func edge(least, greatest float64, i, n int) float64 {
	if i == n {
		return greatest
	}
	return between(least, greatest, wide(float64(i)/float64(n)))
}

// eachFinite calls f for each finite value and how often it occurs; for the
// middle of each cell where values are no longer told apart.
func (a *Accumulator) eachFinite(f func(x float64, times uint64)) {
	finite := func(x float64, times uint64) {
		if !math.IsInf(x, 0) {
			f(x, times)
		}
	}
	if a.rough == nil {
		a.values.each(func(key, times, _ uint64) { finite(valueOf(key), times) })
		return
	}
	a.rough.cells.each(func(cell, times, _ uint64) {
		x, _ := a.rough.middle(cell)
		finite(x, times)
	})
}

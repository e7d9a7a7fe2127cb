package stats

import "math"

// largeMin is how many values are not sorted as a whole.
const largeMin = 1 << 13

// A survey is what one pass over many values finds out, while a block of them
// is in the cache.
type survey struct {
	sums         sums
	least, great float64
	exact        bool // the sums are; else they are those of partials
	middle       bracket
	missed       bool // the bracket
	crowded      bool // too many values may have occurred before
}

// describeLarge is describe, without Quantiles, of values that need not be in
// order. It fails if there are values that are not finite, or if sorting them is
// the better way.
func (w *scratch) describeLarge(s *Summary, data []float64) bool {
	v := &w.survey
	n := uint64(len(data))
	*v = survey{exact: !vectors, middle: w.sampled(data, len(data)/2)}
	pivots := [...]float64{valueOf(w.keys[4]), valueOf(w.keys[64])}
	w.partials.reset()
	if w.crowd == nil {
		w.crowd = new(crowd)
	}
	if g, ok := gridOf(w.keys, len(data)); ok {
		fits, finite := w.describeGrid(s, v, &g, data)
		if fits || !finite {
			return finite
		}
		v.sums = sums{}
	}
	if !w.surveyAll(v, data) || !w.totalsLarge(s, v, data) {
		return false
	}
	low, high, ok := 0., 0., false
	if !v.missed {
		low, high, ok = w.resolve(&v.middle, w.insides[0], (n-1)/2, n/2, 0)
	}
	if !ok {
		a, b, _ := w.selectMiddle(data)
		low, high = valueOf(a), valueOf(b)
	}
	s.Median = middle(low, high)
	return w.describeMode(s, v, data, pivots[:])
}

// totalsLarge sets what follows from the sums, the least and the greatest value.
func (w *scratch) totalsLarge(s *Summary, v *survey, data []float64) bool {
	s.Min, s.Max = v.least+0, v.great+0 // never -0
	if s.Min == s.Max {
		v.sums, v.exact = sums{}, true
		v.sums.addTimes(math.Float64bits(s.Min), s.Count)
	}
	if v.exact || !s.totalsWithin(&v.sums) {
		if !v.exact && !w.sumAgain(v, data) {
			return false
		}
		s.totals(&v.sums)
	}
	return true
}

// sum adds a block to the sums. It fails if a value is not finite, or cannot be
// squared.
func (w *scratch) sum(v *survey, block []float64) bool {
	if v.exact {
		return w.sumExactly(&v.sums, block)
	}
	return w.sumNearly(&v.sums, block)
}

// surveyAll goes over all values. It fails if one is not finite.
func (w *scratch) surveyAll(v *survey, data []float64) bool {
	n := len(data)
	w.insides[0] = roomFor(w.insides[0], n/4+2*blockLen)
	if v.crowded = !w.crowd.begin(n); v.crowded {
		w.crowd.beginTally(n)
	}
	for at := 0; at < n; at += blockLen {
		block := data[at:min(at+blockLen, n)]
		if !w.sum(v, block) {
			return false
		}
		if v.missed = v.missed || v.middle.inside+uint64(len(block)+8) > uint64(len(w.insides[0])); !v.missed {
			v.middle.take(block, w.insides[0])
		}
		w.mingle(v, data, at, at+len(block))
	}
	v.least, v.great = w.partials.extremes()
	return true
}

// mingle adds the values from at to end to the crowd: marks them as long as few
// have been there before, else counts them, and then those up to at too.
func (w *scratch) mingle(v *survey, data []float64, at, end int) {
	c, n := w.crowd, len(data)
	switch {
	case v.crowded:
		c.tally(data[at:end])
	case !c.mark(data[at:end]) || at >= 4*blockLen && at < n/8 && c.lates > at/16:
		v.crowded = true
		c.beginTally(n)
		c.tally(data[:end])
	}
}

// describeMode sets what there is to know of the mode. pivots are values with
// few below.
func (w *scratch) describeMode(s *Summary, v *survey, data, pivots []float64) bool {
	most, ok := 0, false
	if !v.crowded {
		most, ok = w.frequentShared(data, 0)
	} else {
		most, ok = w.frequentTallied(data, 0)
	}
	if !ok && !v.crowded {
		most, ok = w.frequentCounted(data, 0)
	}
	if !ok {
		return false
	}
	s.ModeCount = uint64(most)
	if most == 1 {
		return w.listLeast(s, data, pivots)
	}
	for _, key := range w.tied {
		s.list(valueOf(key))
	}
	return true
}

// listLeast lists the smallest values as modes, where each value occurs once.
func (w *scratch) listLeast(s *Summary, data, pivots []float64) bool {
	for _, p := range pivots {
		b := bracket{low: s.Min, high: p}
		for at := 0; at < len(data); at += blockLen {
			block := data[at:min(at+blockLen, len(data))]
			if b.inside+uint64(len(block)+8) > uint64(len(w.insides[0])) {
				return false
			}
			b.take(block, w.insides[0])
		}
		if b.inside < ModesMax-1 {
			continue
		}
		w.order(w.insides[0][:b.inside])
		s.list(s.Min)
		for _, k := range w.keys[:ModesMax-1] {
			s.list(valueOf(k))
		}
		s.ModeTies = s.Count
		return true
	}
	return false
}

func roomFor(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

func (p *partials) reset() {
	for i := range p.min {
		p.min[i], p.max[i] = math.Inf(1), math.Inf(-1)
	}
}

// sumAgain sets the sums to the exact ones.
func (w *scratch) sumAgain(v *survey, data []float64) bool {
	v.sums = sums{}
	return w.sumExactly(&v.sums, data)
}

package stats

import (
	"iter"
	"math"
	"slices"
	"sync"
)

// A scratch is what Compute works in. Calls share them, so that the steady
// state allocates nothing.
type scratch struct {
	sorter
	keys, alt []uint64
	tied      []uint64              // the keys of the modes, if each occurs more than once
	bins      [1 << 12]significands // of sumExactly; zero between uses
	touched   [runMax]uint16
	survey    survey
	partials  partials
	crowd     *crowd // nil until wanted
	insides   [2][]float64
	crowds    [crowdLevels][]float64
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// room is s with n places, whatever is in them.
func room(s []uint64, n int) []uint64 {
	if cap(s) < n {
		return make([]uint64, n)
	}
	return s[:n]
}

// Compute returns the statistics of data, which it neither changes nor keeps.
// With an error the Summary is zero: ErrEmpty, a *NaNError, ErrAllOmitted or
// ErrBadOption. Time is linear in the length of data; the steady state
// allocates nothing but the Quantiles.
func Compute(data []float64, o Options) (s Summary, err error) {
	if err := o.check(); err != nil {
		return Summary{}, err
	}
	if len(data) <= fewMax {
		err := s.few(data, o)
		return s, err
	}
	return computeMany(data, o)
}

// computeMany is Compute for more than fewMax values.
func computeMany(data []float64, o Options) (Summary, error) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	if len(data) >= largeMin && uint64(len(data)) < 1<<32 && len(o.Quantiles) == 0 {
		s := Summary{Count: uint64(len(data)), Exact: true, ModeExact: true}
		if w.describeLarge(&s, data) {
			if o.Tie == FirstTie {
				s.Mode = w.first(data, &s)
			}
			return s, nil
		}
	}
	firstNaN := w.order(data)
	n := len(w.keys)
	s := Summary{Count: uint64(n), NaNs: uint64(len(data) - n), Exact: true, ModeExact: true}
	if done, err := s.admit(o, firstNaN); done {
		if err == nil {
			s.infinities(w.keys)
		}
		return s, err
	}
	s.describe(w.keys, o)
	if o.Tie == FirstTie {
		w.tie(w.keys, int(s.ModeCount))
		s.Mode = w.first(data, &s)
	}
	return s, nil
}

// order sets w.keys to the sorted keys of the values that are not NaN, and
// returns where the first NaN was.
func (w *scratch) order(data []float64) (firstNaN int) {
	if len(data) > splitMin && uint64(len(data)) < 1<<32 {
		return w.orderMany(data)
	}
	w.keys, w.alt = room(w.keys, len(data)), room(w.alt, len(data))
	n := 0
	for i, x := range data {
		if x != x {
			if i == n {
				firstNaN = i
			}
			continue
		}
		w.keys[n] = keyOf(math.Float64bits(x + 0)) // -0 becomes +0
		n++
	}
	w.keys, w.alt = w.sort(w.keys[:n], w.alt[:n])
	return firstNaN
}

// orderMany is order for values that are too many for the cache: they go
// straight into the buckets of their leading bits.
func (w *scratch) orderMany(data []float64) (firstNaN int) {
	nans := w.countLeading(data)
	w.keys = room(w.keys, len(data)-nans)
	var ends bucketEnds
	n := w.assign(len(w.keys), &ends)
	keys := w.keys
	for _, x := range data {
		if x != x {
			continue
		}
		k := keyOf(math.Float64bits(x + 0)) // -0 becomes +0
		end := &ends[w.buckets[k>>(64-cellBits)]%uint16(len(ends))]
		keys[*end] = k
		*end++
	}
	from := uint32(0)
	for _, to := range ends[:n] {
		w.alt = room(w.alt, int(to-from))
		w.sortBucket(w.keys[from:to], w.alt)
		from = to
	}
	if nans > 0 {
		firstNaN = slices.IndexFunc(data, math.IsNaN)
	}
	return firstNaN
}

// admit applies the policies for NaNs and for nothing at all. done says that s
// and err are the answer.
func (s *Summary) admit(o Options, firstNaN int) (done bool, err error) {
	switch {
	case s.NaNs == 0 && s.Count == 0:
		*s = Summary{}
		return true, ErrEmpty
	case s.NaNs == 0:
		return false, nil
	case o.NaN == RejectNaN:
		err = &NaNError{Index: firstNaN, Count: s.NaNs}
		*s = Summary{}
		return true, err
	case o.NaN == PropagateNaN:
		s.Count += s.NaNs
		s.undefined(o)
		return true, nil
	case s.Count == 0:
		*s = Summary{}
		return true, ErrAllOmitted
	}
	return false, nil
}

// infinities counts those among keys.
func (s *Summary) infinities(keys []uint64) {
	for _, k := range keys {
		switch k {
		case keyNegInf:
			s.NegInfs++
		case keyPosInf:
			s.PosInfs++
		}
	}
}

// describe sets all statistics from the sorted keys of s.Count values.
func (s *Summary) describe(keys []uint64, o Options) {
	n := len(keys)
	s.Min, s.Max = valueOf(keys[0]), valueOf(keys[n-1])
	s.total(keys)
	s.describeSorted(keys, o)
}

// describeSorted sets median, quantiles and mode from sorted keys.
func (s *Summary) describeSorted(keys []uint64, o Options) {
	s.order(o, func(rank uint64) (x, off float64) { return valueOf(keys[rank]), 0 })
	most := longestRun(keys)
	s.ModeCount = uint64(most)
	eachRun(keys, most, func(key uint64) bool {
		s.list(valueOf(key))
		return most > 1 || s.listed < ModesMax
	})
	if most == 1 {
		s.ModeTies = s.Count
	}
}

// total sets what follows from the sums.
func (s *Summary) total(keys []uint64) {
	if keys[0] == keyNegInf || keys[len(keys)-1] == keyPosInf {
		s.infinities(keys)
	} else if len(keys) <= fewMax {
		var t narrow
		if t.add(keys) {
			t.totals(s, s.Count)
			return
		}
	}
	var t sums
	t.addSorted(keys)
	s.totals(&t)
}

// longestRun returns the length of the longest run of equal keys. A run that is
// longer than the longest so far is seen at its first key.
func longestRun(keys []uint64) int {
	most := 1
	for i := 0; i+most < len(keys); {
		if keys[i] == keys[i+most] {
			most++
		} else {
			i++
		}
	}
	return most
}

// eachRun calls f with the key of each run of length most, which is that of the
// longest, until it returns false.
func eachRun(keys []uint64, most int, f func(key uint64) bool) {
	for i := 0; i+most <= len(keys); {
		if keys[i] != keys[i+most-1] {
			i++
			continue
		}
		if !f(keys[i]) {
			return
		}
		i += most
	}
}

// first returns the value of data that occurs s.ModeCount times, as the values of
// w.tied do, and comes first.
func (w *scratch) first(data []float64, s *Summary) float64 {
	for _, x := range data {
		if x != x {
			continue
		}
		if s.ModeCount == 1 {
			return x + 0
		}
		if _, found := slices.BinarySearch(w.tied, keyOf(math.Float64bits(x+0))); found {
			return x + 0
		}
	}
	return s.Mode
}

// ComputeSeq is Compute for values that come one by one, in the memory of an
// Accumulator: exact as long as there are no more different ones than
// Options.MaxDistinct.
func ComputeSeq(seq iter.Seq[float64], o Options) (Summary, error) {
	a, err := NewAccumulator(o)
	if err != nil {
		return Summary{}, err
	}
	firstNaN, i := -1, 0
	for x := range seq {
		if x != x && firstNaN < 0 {
			firstNaN = i
		}
		a.Add(x)
		i++
	}
	return a.summary(firstNaN)
}

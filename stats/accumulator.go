package stats

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// An Accumulator collects values and tells their statistics at any time. The
// zero Accumulator is ready and has the zero Options. Accumulators of parts of
// the data merge to that of the whole, in any order and by any division: equal
// values give equal bits, also in the binary form.
//
// It counts each different value. When there are more than
// Options.MaxDistinct, it goes over, once, to exact sums, a histogram of
// narrow cells for median and quantiles, and the counts of the most frequent
// values, with bounds on the error of each. The order can matter from then on
// for one thing only: which value is the Mode while ModeExact is false.
//
// An Accumulator is not for use by several goroutines at once: give each its
// own and merge. It must not be copied once in use.
type Accumulator struct {
	options Options
	count   uint64 // of values that are not NaN
	missing uint64
	nans    uint64
	posInfs uint64
	negInfs uint64
	values  counts // all of them, or the most frequent if rough is not nil
	rough   *rough
}

// rough is what an Accumulator keeps besides once it has met too many different
// values to count each.
type rough struct {
	sums     sums   // of the finite values
	cells    counts // values by the leading bits of their keys
	coarse   uint   // the bits of a key that are not leading
	min, max uint64 // keys
	off      uint64 // a value's count is at least what values says, and at most off more
}

// NewAccumulator returns an Accumulator with options, or ErrBadOption.
func NewAccumulator(o Options) (*Accumulator, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Quantiles = slices.Clone(o.Quantiles)
	return &Accumulator{options: o}, nil
}

// Add adds one value. What a NaN means is said by Summary.
func (a *Accumulator) Add(x float64) {
	if x != x {
		a.nans++
		return
	}
	a.add(keyOf(math.Float64bits(x+0)), 1, a.count) // -0 becomes +0
}

// AddSlice adds all values of data, which it does not keep.
func (a *Accumulator) AddSlice(data []float64) {
	for _, x := range data {
		a.Add(x)
	}
}

// AddSeq adds all values of a sequence.
func (a *Accumulator) AddSeq(values iter.Seq[float64]) {
	for x := range values {
		a.Add(x)
	}
}

// AddMissing counts n places without a value, as the empty cells of a column. The
// count stops at 2^64-1.
func (a *Accumulator) AddMissing(n uint64) {
	if a.missing += n; a.missing < n {
		a.missing = math.MaxUint64
	}
}

// valuesMax is how many values Merge and UnmarshalBinary take, so that no count
// wraps: what Add could add to that takes centuries.
const valuesMax = 1 << 63

// total is how many values a has, NaNs included.
func (a *Accumulator) total() uint64 { return a.count + a.nans }

// add adds the value of a key n times, the first with number at.
func (a *Accumulator) add(key, n, at uint64) {
	a.count += n
	switch key {
	case keyNegInf:
		a.negInfs += n
	case keyPosInf:
		a.posInfs += n
	}
	a.values.add(key, n, at, a.options)
	if a.rough != nil {
		a.rough.add(key, n, a.options)
	}
	if a.values.len > a.options.distinct() {
		a.thin()
	}
}

// thin makes room among the values, and at the first time begins to be rough.
func (a *Accumulator) thin() {
	a.coarsen()
	a.rough.off += a.values.thin(a.options)
}

// coarsen begins to be rough.
func (a *Accumulator) coarsen() {
	if a.rough != nil {
		return
	}
	a.rough = &rough{min: math.MaxUint64, coarse: a.options.coarse()}
	a.values.each(func(key, n, _ uint64) { a.rough.add(key, n, a.options) })
}

func (r *rough) add(key, n uint64, o Options) {
	if key != keyNegInf && key != keyPosInf {
		r.sums.addTimes(bitsOf(key), n)
	}
	r.addCell(key>>r.coarse, n, o)
	r.min, r.max = min(r.min, key), max(r.max, key)
}

// addCell adds n values to a cell.
func (r *rough) addCell(cell, n uint64, o Options) {
	r.cells.add(cell, n, 0, Options{})
	r.fit(o)
}

// fit makes the cells as wide as they must be for all to have room.
func (r *rough) fit(o Options) {
	for r.cells.len > o.cells() {
		r.widen()
	}
}

// widen makes all cells twice as wide. How wide they end up depends on the values
// alone, not on their order or on what was merged: it is the least width with which
// all have room.
func (r *rough) widen() {
	old := r.cells
	r.cells = counts{}
	r.coarse++
	old.each(func(cell, n, _ uint64) { r.cells.add(cell>>1, n, 0, Options{}) })
}

// Distinct is how many different values a keeps, 16 to 48 bytes each: at most
// Options.MaxDistinct.
func (a *Accumulator) Distinct() int { return a.values.len }

// Cells is how many cells a keeps, 16 to 48 bytes each: none as long as it is exact,
// and at most Options.MaxCells.
func (a *Accumulator) Cells() int {
	if a.rough == nil {
		return 0
	}
	return a.rough.cells.len
}

// Limit sets Options.MaxDistinct, from 1 to 2^28, and Options.MaxCells, from 8192 to
// 2^21: for who has many accumulators and one memory. One that has more different
// values goes over to bounds at once, and one that has more cells to wider ones. Other
// limits are ErrBadOption.
func (a *Accumulator) Limit(distinct, cells int) error {
	if distinct == 0 || cells == 0 {
		return fmt.Errorf("%w: a limit is 0", ErrBadOption)
	}
	o := a.options
	o.MaxDistinct, o.MaxCells = distinct, cells
	if err := o.check(); err != nil {
		return err
	}
	a.options = o
	for a.values.len > distinct {
		a.thin()
	}
	if a.rough != nil {
		a.rough.fit(o)
	}
	return nil
}

// Merge adds all that b has, whose options must be the same but for the
// Quantiles: ErrIncompatible, as where b is nil. More than 2^63 values together are
// ErrTooMany. With an error nothing has changed, and b never does. With FirstTie, b's
// values count as coming after.
func (a *Accumulator) Merge(b *Accumulator) error {
	if b == nil {
		return fmt.Errorf("%w: one is nil", ErrIncompatible)
	}
	x, y := a.options, b.options
	if x.NaN != y.NaN || x.Tie != y.Tie || x.distinct() != y.distinct() || x.coarse() != y.coarse() || x.cells() != y.cells() {
		return ErrIncompatible
	}
	if a.total() > valuesMax || b.total() > valuesMax-a.total() {
		return ErrTooMany
	}
	if a == b {
		b = b.clone()
	}
	if b.rough != nil {
		a.coarsen()
	}
	behind := a.count // b's values come after these
	a.AddMissing(b.missing)
	a.nans += b.nans
	if a.rough != nil {
		a.mergeRough(b)
	} else {
		b.values.each(func(key, n, first uint64) { a.add(key, n, behind+first) })
	}
	return nil
}

// mergeRough is Merge into an accumulator that is rough.
func (a *Accumulator) mergeRough(b *Accumulator) {
	r, behind := a.rough, a.count
	a.count += b.count
	a.posInfs += b.posInfs
	a.negInfs += b.negInfs
	if b.rough != nil {
		r.sums.merge(&b.rough.sums)
		for r.coarse < b.rough.coarse {
			r.widen()
		}
		b.rough.cells.each(func(cell, n, _ uint64) {
			r.addCell(cell>>(r.coarse-b.rough.coarse), n, a.options)
		})
		r.min, r.max = min(r.min, b.rough.min), max(r.max, b.rough.max)
		r.off += b.rough.off
	}
	b.values.each(func(key, n, first uint64) {
		if b.rough == nil {
			r.add(key, n, a.options)
		}
		a.values.add(key, n, behind+first, a.options)
		if a.values.len > a.options.distinct() {
			a.thin()
		}
	})
}

// clone copies what Merge reads.
func (a *Accumulator) clone() *Accumulator {
	b := *a
	b.values = a.values.clone()
	if a.rough != nil {
		r := *a.rough
		r.cells = a.rough.cells.clone()
		b.rough = &r
	}
	return &b
}

// Summary returns the statistics of all values so far: ErrEmpty if there are
// none, and a *NaNError or ErrAllOmitted as the options say.
func (a *Accumulator) Summary() (Summary, error) { return a.summary(-1) }

func (a *Accumulator) summary(firstNaN int) (Summary, error) {
	s := Summary{
		Count: a.count, Missing: a.missing, NaNs: a.nans, PosInfs: a.posInfs, NegInfs: a.negInfs,
		Exact: true, ModeExact: true,
	}
	if done, err := s.admit(a.options, firstNaN); done {
		return s, err
	}
	keys := a.values.sorted()
	if a.rough == nil {
		a.describe(&s, keys)
	} else {
		a.describeRough(&s)
	}
	a.findMode(&s, keys)
	return s, nil
}

// describe sets all but the mode from the counts of all values.
func (a *Accumulator) describe(s *Summary, keys []uint64) {
	s.Min, s.Max = valueOf(keys[0]), valueOf(keys[len(keys)-1])
	var t sums
	through := make([]uint64, len(keys)) // how many values up to each key
	all := uint64(0)
	for i, k := range keys {
		n, _ := a.values.find(k)
		all += n
		through[i] = all
		if k != keyNegInf && k != keyPosInf {
			t.addTimes(bitsOf(k), n)
		}
	}
	s.totals(&t)
	s.order(a.options, func(rank uint64) (x, off float64) {
		i, _ := slices.BinarySearch(through, rank+1)
		return valueOf(keys[i]), 0
	})
}

// describeRough is describe from the sums and cells.
func (a *Accumulator) describeRough(s *Summary) {
	r := a.rough
	s.Exact = false
	s.Min, s.Max = valueOf(r.min), valueOf(r.max)
	s.totals(&r.sums)
	cells := r.cells.sorted()
	through := make([]uint64, len(cells))
	all := uint64(0)
	for i, c := range cells {
		n, _ := r.cells.find(c)
		all += n
		through[i] = all
	}
	s.order(a.options, func(rank uint64) (x, off float64) {
		switch rank {
		case 0:
			return s.Min, 0
		case s.Count - 1:
			return s.Max, 0
		}
		i, _ := slices.BinarySearch(through, rank+1)
		return r.middle(cells[i])
	})
}

// middle is the middle of a cell, as far as there are values, and how far one
// of its values may be off.
func (r *rough) middle(cell uint64) (x, off float64) {
	least, greatest := max(cell<<r.coarse, r.min), min(cell<<r.coarse|(1<<r.coarse-1), r.max)
	if least >= keyPosInf {
		return math.Inf(1), 0
	}
	if greatest <= keyNegInf {
		return math.Inf(-1), 0
	}
	low, high := valueOf(least), valueOf(greatest)
	if low == 0 {
		return 0, high // rather 0 than the middle of 0 and what is next to nothing
	}
	x = middle(low, high)
	off = max(x-low, high-x)
	if off > 0 {
		off += math.Abs(x - math.Nextafter(x, 0)) // x and the differences were rounded
	}
	return x, off
}

// findMode sets what there is to know of the mode. keys are those counted, in
// order.
func (a *Accumulator) findMode(s *Summary, keys []uint64) {
	most, second := uint64(0), uint64(0)
	for _, k := range keys {
		switch n, _ := a.values.find(k); {
		case n > most:
			most, second = n, most
		case n > second && n < most:
			second = n
		}
	}
	earliest := uint64(math.MaxUint64)
	s.ModeCount = most
	for _, k := range keys {
		n, first := a.values.find(k)
		if n != most {
			continue
		}
		s.list(valueOf(k))
		if a.options.Tie == FirstTie && first < earliest {
			earliest = first
			s.Mode = valueOf(k)
		}
	}
	if len(keys) == 0 { // no value was frequent enough to be kept
		s.Mode = math.NaN()
	}
	if a.rough != nil {
		s.ModeErr = a.rough.off
		s.ModeExact = s.ModeTies == 1 && most > second+s.ModeErr
	}
}

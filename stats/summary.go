package stats

import (
	"math"
	"slices"
)

// ModesMax is how many of several equally frequent values a summary lists.
const ModesMax = 16

// A Summary is what Compute and an Accumulator find. Zeros in it are +0.
type Summary struct {
	Count   uint64 // values that the statistics are of
	Missing uint64 // places without a value, as told by Accumulator.AddMissing
	NaNs    uint64 // part of Count with PropagateNaN, else left out of it
	PosInfs uint64 // part of Count
	NegInfs uint64 // part of Count

	// Mean, Sum and StdDev (of a sample: divided by n-1; NaN for one value)
	// are exact results rounded once. Infinities of one sign make Mean and Sum
	// infinite, of both signs NaN; StdDev is NaN with any.
	Mean, Sum, StdDev float64
	MixedInf          bool // there are infinities of both signs

	// Median is the middle value, or the midpoint of the middle two rounded
	// once: NaN if those are opposite infinities. MedianErr is how far it may be
	// off: 0 unless an Accumulator had to approximate.
	Median, MedianErr float64

	// Mode is the most frequent value, ModeCount how often it occurs, ModeTies
	// how many values occur that often: see Modes and NoMode. If ModeExact is
	// false, an Accumulator had to approximate: Mode occurs ModeCount to
	// ModeCount+ModeErr times, and no value more often than the latter; another
	// value may be the true mode, and which one is reported can depend on the
	// order; it is NaN and ModeCount 0 if no value stood out. If ModeExact is true and ModeErr is not 0, only the count is
	// uncertain.
	Mode                         float64
	ModeCount, ModeTies, ModeErr uint64
	ModeExact                    bool

	Min, Max  float64
	Quantiles []Quantile // as Options.Quantiles asks; nil if it does not

	Exact bool // everything but Mode, for which see ModeExact

	modes  [ModesMax]float64
	listed int
}

// A Quantile is the value below which a part P of the values lies.
type Quantile struct {
	P float64 // 0 to 1, taken as the float64 that it is: 0.1 is a little more than a tenth

	// Value is at the position (n-1)·P of the ordered values, counted from 0;
	// between two values it lies in proportion, rounded once (type 7 of Hyndman
	// and Fan, as in R, NumPy and spreadsheets). Quantile 0.5 is the median.
	Value float64
	Err   float64 // how far Value may be off
}

// NoMode reports whether no value stands out: there are several, and each
// occurs once. Mode is the smallest then, or the first.
func (s *Summary) NoMode() bool { return s.Count > 1 && s.ModeCount == 1 }

// Modes returns the values that occur ModeCount times, ascending, the first
// ModesMax of them: ModeTies says how many there are.
func (s *Summary) Modes() []float64 { return slices.Clone(s.modes[:s.listed]) }

// undefined makes every statistic NaN and leaves the counts.
func (s *Summary) undefined(o Options) {
	nan := math.NaN()
	s.Mean, s.Sum, s.StdDev, s.Median, s.Mode, s.Min, s.Max = nan, nan, nan, nan, nan, nan, nan
	for _, p := range o.Quantiles {
		s.Quantiles = append(s.Quantiles, Quantile{P: p, Value: nan})
	}
	s.Exact, s.ModeExact = true, true
}

// totals sets what follows from the sums of the finite values.
func (s *Summary) totals(t *sums) {
	switch {
	case s.PosInfs > 0 && s.NegInfs > 0:
		s.MixedInf = true
		s.Mean = math.NaN()
	case s.PosInfs > 0:
		s.Mean = math.Inf(1)
	case s.NegInfs > 0:
		s.Mean = math.Inf(-1)
	default:
		s.Mean, s.Sum, s.StdDev = t.mean(s.Count), t.sum(), t.deviation(s.Count)
		return
	}
	s.Sum, s.StdDev = s.Mean, math.NaN()
}

// list adds a value that occurs as often as the mode; they come in ascending
// order.
func (s *Summary) list(x float64) {
	if s.listed == 0 {
		s.Mode = x
	}
	if s.listed < ModesMax {
		s.modes[s.listed] = x
		s.listed++
	}
	s.ModeTies++
}

// order sets what follows from the order of the values: at returns the one
// with a given rank, from 0, and how far it may be off.
func (s *Summary) order(o Options, at func(rank uint64) (x, off float64)) {
	low, lowOff := at((s.Count - 1) / 2)
	high, highOff := at(s.Count / 2)
	s.Median, s.MedianErr = middle(low, high), max(lowOff, highOff)
	for _, p := range o.Quantiles {
		rank, part := position(s.Count, p)
		x, off := at(rank)
		if part.Sign() > 0 {
			next, nextOff := at(rank + 1)
			x, off = between(x, next, part), max(off, nextOff)
		}
		s.Quantiles = append(s.Quantiles, Quantile{P: p, Value: x, Err: off})
	}
}

package stats

import (
	"math"
	"strconv"
)

// Figures is a Summary for JSON, which has no number for NaN and the infinities:
// they are null there. A figure or quantile is null because there are no values,
// because NaNs is not 0 and PropagateNaN lets them through, because PosInfs or NegInfs
// is not 0, or because Overflows names it; a deviation also where there is one value,
// and a mode where ModeExact is false and no candidate was kept.
type Figures struct {
	Count     uint64            `json:"count"`
	Missing   uint64            `json:"missing"`
	PosInfs   uint64            `json:"pos_infs"`
	NegInfs   uint64            `json:"neg_infs"`
	NaNs      uint64            `json:"nans,omitempty"` // part of Count with PropagateNaN, else left out
	Mean      Number            `json:"mean"`
	Median    Number            `json:"median"`
	MedianErr Number            `json:"median_error"`
	Mode      Number            `json:"mode"`
	Modes     []Number          `json:"modes"` // the finite ones of Summary.Modes
	ModeCount uint64            `json:"mode_count"`
	ModeTies  uint64            `json:"mode_ties"`
	ModeErr   uint64            `json:"mode_count_error"`
	ModeExact bool              `json:"mode_exact"`
	Min       Number            `json:"min"`
	Max       Number            `json:"max"`
	Sum       Number            `json:"sum"`
	StdDev    Number            `json:"stddev"`
	Overflows []string          `json:"overflows"` // figures of finite values that are beyond the largest float64: sum, stddev
	Quantiles []QuantileFigures `json:"quantiles,omitempty"`
	Exact     bool              `json:"exact"`
}

// QuantileFigures is a Quantile for JSON.
type QuantileFigures struct {
	P     float64 `json:"p"`
	Value Number  `json:"value"`
	Err   Number  `json:"error"`
}

// Figures returns s for JSON. Where there are no values, every figure is null.
func (s *Summary) Figures() Figures {
	f := Figures{
		Count: s.Count, Missing: s.Missing, PosInfs: s.PosInfs, NegInfs: s.NegInfs, NaNs: s.NaNs,
		Mean: Number(s.Mean), Median: Number(s.Median), MedianErr: Number(s.MedianErr),
		Mode: Number(s.Mode), ModeCount: s.ModeCount, ModeTies: s.ModeTies, ModeErr: s.ModeErr, ModeExact: s.ModeExact,
		Min: Number(s.Min), Max: Number(s.Max), Sum: Number(s.Sum), StdDev: Number(s.StdDev),
		Modes: []Number{}, Overflows: []string{}, Exact: s.Exact,
	}
	if s.Count == 0 {
		nan := Number(math.NaN())
		f.Mean, f.Median, f.Mode, f.Min, f.Max, f.Sum, f.StdDev = nan, nan, nan, nan, nan, nan, nan
		f.ModeExact, f.Exact = true, true
		return f
	}
	for _, x := range s.modes[:s.listed] {
		if !math.IsInf(x, 0) {
			f.Modes = append(f.Modes, Number(x))
		}
	}
	if s.PosInfs+s.NegInfs == 0 {
		if math.IsInf(s.Sum, 0) {
			f.Overflows = append(f.Overflows, "sum")
		}
		if math.IsInf(s.StdDev, 0) {
			f.Overflows = append(f.Overflows, "stddev")
		}
	}
	for _, q := range s.Quantiles {
		f.Quantiles = append(f.Quantiles, QuantileFigures{q.P, Number(q.Value), Number(q.Err)})
	}
	return f
}

// A Number is written in the shortest form that reads back to the same float64. From
// 2^53 on that has an exponent: not all of its digits would be those of the number, and
// who reads an integer exactly would read another.
type Number float64

// String is the shortest form.
func (x Number) String() string {
	f := float64(x)
	if abs := math.Abs(f); abs >= 1<<53 || abs < 1e-6 && f != 0 {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// MarshalJSON writes the shortest form, and null for NaN and the infinities.
func (x Number) MarshalJSON() ([]byte, error) {
	if f := float64(x); f-f != 0 {
		return []byte("null"), nil
	}
	return []byte(x.String()), nil
}

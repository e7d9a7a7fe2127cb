package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/penstock-io/penstock/stats"
)

// columnStats is one line of the report. What JSON has no number for, NaN and
// the infinities, is null there.
type columnStats struct {
	Column      string          `json:"column"`
	By          *string         `json:"by,omitempty"`
	Count       uint64          `json:"count"`
	Missing     uint64          `json:"missing"`
	Bad         int64           `json:"bad"`
	NaNs        uint64          `json:"nans"`
	PosInfs     uint64          `json:"pos_infs"`
	NegInfs     uint64          `json:"neg_infs"`
	Mean        number          `json:"mean"`
	Median      number          `json:"median"`
	MedianError number          `json:"median_error"`
	Mode        number          `json:"mode"`
	Modes       []number        `json:"modes"`
	ModeCount   uint64          `json:"mode_count"`
	ModeTies    uint64          `json:"mode_ties"`
	ModeError   uint64          `json:"mode_count_error"`
	ModeExact   bool            `json:"mode_exact"`
	Min         number          `json:"min"`
	Max         number          `json:"max"`
	Sum         number          `json:"sum"`
	StdDev      number          `json:"stddev"`
	Rounded     int64           `json:"integers_rounded"` // beyond 2^53: the figures are those of the nearest float64s
	Quantiles   []quantileStats `json:"quantiles,omitempty"`
	Exact       bool            `json:"exact"`
	Histogram   []binStats      `json:"histogram,omitempty"`
}

type quantileStats struct {
	P     float64 `json:"p"`
	Value number  `json:"value"`
	Error number  `json:"error"`
}

// A number is written in the shortest form that reads back to the same float64.
type number float64

// MarshalJSON writes null for NaN and the infinities.
func (x number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(x))
}

func (x number) String() string { return strconv.FormatFloat(float64(x), 'g', -1, 64) }

// report prints all columns, or says why there is nothing to print.
func (m *measuring) report(sh shell) error {
	var all []columnStats
	for i, column := range m.columns {
		computed := 0
		for _, name := range m.names {
			s, err := m.groups[name].of[i].Summary()
			if errors.Is(err, stats.ErrEmpty) {
				continue // the group has only empty or bad cells here
			}
			if err != nil {
				return fmt.Errorf("column %s: %w", legible(column), err)
			}
			computed++
			l := m.line(i, name, &s)
			if m.config.histogram {
				l.Histogram = binsOf(m.groups[name].of[i])
			}
			all = append(all, l)
		}
		if computed == 0 {
			return m.nothing(column)
		}
	}
	m.complain(sh.stderr)
	var err error
	if m.config.json {
		err = json.NewEncoder(sh.stdout).Encode(map[string]any{
			"records": m.records.Load(), "bad_records": m.badOf[""], "integers_rounded": m.rounded(), "columns": all,
		})
	} else {
		err = m.table(sh.stdout, all)
		if err == nil && m.config.histogram {
			err = drawHistograms(sh.stdout, all, drawing(sh))
		}
	}
	if err == nil && m.bad.Load() > 0 {
		return errFindings
	}
	return err
}

// nothing says why a column has no statistics.
func (m *measuring) nothing(column string) error {
	if len(m.examples) > 0 && m.badOf[column] > 0 {
		return fmt.Errorf("column %s is not numeric: none of its %d cells is a number, as %s", legible(column), m.badOf[column], m.examples[0])
	}
	return fmt.Errorf("column %s has no values in %d records", legible(column), m.records.Load())
}

// complain tells of what was left out.
func (m *measuring) complain(out io.Writer) {
	for _, example := range m.examples {
		fmt.Fprintln(out, example)
	}
	if n := m.bad.Load(); n > 0 {
		fmt.Fprintf(out, "%d cells or records were left out\n", n)
	}
	if n := m.rounded(); n > 0 {
		fmt.Fprintf(out, "%d integers beyond 2^53 were rounded to the nearest float64\n", n)
	}
}

// rounded is how many integers a float64 does not hold.
func (m *measuring) rounded() (all int64) {
	for _, g := range m.groups {
		for _, n := range g.rounded {
			all += n
		}
	}
	return all
}

// line is that of column i of a group.
func (m *measuring) line(i int, name string, s *stats.Summary) columnStats {
	column, rounded := m.columns[i], m.groups[name].rounded[i]
	l := columnStats{
		Column: column, Count: s.Count, Missing: s.Missing, Bad: m.badOf[column], NaNs: s.NaNs, PosInfs: s.PosInfs, NegInfs: s.NegInfs,
		Mean: number(s.Mean), Median: number(s.Median), MedianError: number(s.MedianErr),
		Mode: number(s.Mode), ModeCount: s.ModeCount, ModeTies: s.ModeTies, ModeError: s.ModeErr, ModeExact: s.ModeExact,
		Min: number(s.Min), Max: number(s.Max), Sum: number(s.Sum), StdDev: number(s.StdDev), Rounded: rounded, Exact: s.Exact && rounded == 0, Modes: []number{},
	}
	if m.config.by != "" {
		l.By = &name
	}
	for _, x := range s.Modes() {
		l.Modes = append(l.Modes, number(x))
	}
	for _, q := range s.Quantiles {
		l.Quantiles = append(l.Quantiles, quantileStats{q.P, number(q.Value), number(q.Err)})
	}
	return l
}

// table prints a line for each column and group.
func (m *measuring) table(out io.Writer, all []columnStats) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "column\t")
	if m.config.by != "" {
		fmt.Fprintf(w, "%s\t", legible(m.config.by))
	}
	fmt.Fprint(w, "count\tmissing\tmean\tmedian\tmode\ttimes\tties\tmin\tmax\tsd\t")
	for _, p := range m.options.Quantiles {
		fmt.Fprintf(w, "q%v\t", p)
	}
	fmt.Fprintln(w, "exact\t")
	for _, l := range all {
		fmt.Fprintf(w, "%s\t", legible(l.Column))
		if l.By != nil {
			fmt.Fprintf(w, "%s\t", legible(*l.By))
		}
		fmt.Fprintf(w, "%d\t%d\t%v\t%v\t%s\t%d\t%d\t%v\t%v\t%v\t", l.Count, l.Missing, l.Mean, l.Median, l.mode(), l.ModeCount, l.ModeTies, l.Min, l.Max, l.StdDev)
		for _, q := range l.Quantiles {
			fmt.Fprintf(w, "%v\t", q.Value)
		}
		fmt.Fprintf(w, "%s\t\n", l.exactness())
	}
	return w.Flush()
}

// mode is the most frequent value, if one stood out.
func (l *columnStats) mode() string {
	if !l.ModeExact && math.IsNaN(float64(l.Mode)) {
		return "unknown"
	}
	return l.Mode.String()
}

// exactness says what of a line is exact, and else by how much it may be off.
func (l *columnStats) exactness() string {
	var all []string
	if l.MedianError > 0 {
		all = append(all, fmt.Sprintf("median ±%v", l.MedianError))
	}
	if !l.ModeExact {
		all = append(all, "mode uncertain")
	}
	if l.ModeError > 0 {
		all = append(all, fmt.Sprintf("times +%d", l.ModeError))
	}
	if l.Rounded > 0 {
		all = append(all, fmt.Sprintf("%d integers rounded", l.Rounded))
	}
	switch {
	case l.Exact && l.ModeExact:
		return "yes"
	case len(all) == 0:
		return "no"
	}
	return strings.Join(all, ", ")
}

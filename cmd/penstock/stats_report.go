package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/penstock-io/penstock/stats"
)

// columnStats is one line of the report.
type columnStats struct {
	Column string  `json:"column"`
	By     *string `json:"by,omitempty"`
	stats.Figures
	NaNs      uint64     `json:"nans"`             // left out
	Bad       uint64     `json:"bad"`              // cells that are no numbers
	Rounded   uint64     `json:"integers_rounded"` // beyond 2^53: the figures are those of the nearest float64s
	Histogram []binStats `json:"histogram,omitempty"`
}

// report prints all columns, or says why there is nothing to print.
func (m *measuring) report(sh shell) error {
	var all []columnStats
	for i, column := range m.columns {
		lines, err := m.linesOf(i)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(lines, func(l columnStats) bool { return l.Count > 0 }) {
			return m.nothing(column, lines)
		}
		all = append(all, lines...)
	}
	m.complain(sh.stderr)
	var err error
	if m.config.json {
		err = json.NewEncoder(sh.stdout).Encode(map[string]any{
			"records": m.records.Load(), "bad_records": m.badRecords, "integers_rounded": m.rounded(), "columns": all,
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

// linesOf are those of a column: one for each group, also where it has no values.
func (m *measuring) linesOf(column int) (lines []columnStats, err error) {
	for _, name := range m.names {
		c := m.groups[name][column]
		s, err := c.values.Summary()
		if err != nil && !errors.Is(err, stats.ErrEmpty) {
			return nil, fmt.Errorf("column %s: %w", legible(m.columns[column]), err)
		}
		l := columnStats{Column: m.columns[column], Figures: s.Figures(), NaNs: c.nans, Bad: c.bad, Rounded: c.rounded}
		l.Missing = c.missing
		l.Exact = l.Exact && c.rounded == 0
		if m.config.by != "" {
			l.By = &name
		}
		if m.config.histogram {
			l.Histogram = binsOf(c.values)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// nothing says why a column has no statistics.
func (m *measuring) nothing(column string, lines []columnStats) error {
	var missing, nans, bad uint64
	for _, l := range lines {
		missing, nans, bad = missing+l.Missing, nans+l.NaNs, bad+l.Bad
	}
	what := "has no values"
	var why []string
	if bad > 0 {
		what = "is not numeric"
		why = append(why, fmt.Sprintf("%d cells are no numbers, as %s", bad, m.firstBad[column]))
	}
	if missing > 0 {
		why = append(why, fmt.Sprintf("%d cells are empty", missing))
	}
	if nans > 0 {
		why = append(why, fmt.Sprintf("%d cells are NaN, which --nan omit leaves out", nans))
	}
	if m.badRecords > 0 {
		why = append(why, fmt.Sprintf("%d records are bad, as %s", m.badRecords, m.firstBad[""]))
	}
	if why == nil {
		return fmt.Errorf("column %s has no values: there are no records", legible(column))
	}
	return fmt.Errorf("column %s %s in %d records: %s", legible(column), what, m.records.Load(), strings.Join(why, "; "))
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
func (m *measuring) rounded() (all uint64) {
	for _, g := range m.groups {
		for _, c := range g {
			all += c.rounded
		}
	}
	return all
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
		if l.Count == 0 {
			fmt.Fprintf(w, "0\t%d\t%s\n", l.Missing, strings.Repeat("-\t", 9+len(m.options.Quantiles)))
			continue
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
	if l.MedianErr > 0 {
		all = append(all, fmt.Sprintf("median ±%v", l.MedianErr))
	}
	if !l.ModeExact {
		all = append(all, "mode uncertain")
	}
	if l.ModeErr > 0 {
		all = append(all, fmt.Sprintf("times +%d", l.ModeErr))
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

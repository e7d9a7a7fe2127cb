package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/internal/progress"
	"github.com/penstock-io/penstock/stats"
)

const (
	groupsMax     = 1000    // of --by
	distinctMax   = 1 << 22 // different values that all groups and columns together tell apart, some 48 bytes each
	groupDistinct = 1 << 10 // different values that each of them does beyond
	badShownMax   = 10      // bad cells that are shown
)

// statsConfig is what `penstock stats` is told.
type statsConfig struct {
	columns   string
	by        string
	nan, tie  string
	quantiles string
	approx    float64
	badMax    int64
	json      bool
	histogram bool
	csv       csvConfig
}

func defineStats(flags *flag.FlagSet) runner {
	c := &statsConfig{}
	flags.StringVar(&c.columns, "column", "", "`NAMES` of the columns to compute, with commas; a name with a comma in double quotes")
	flags.StringVar(&c.by, "by", "", "`NAME` of a column: compute for each of its values, of which there may be 1000")
	flags.StringVar(&c.nan, "nan", "reject", "what a cell that says NaN means: reject or omit")
	flags.StringVar(&c.tie, "tie", "smallest", "which of several most frequent values is the mode: smallest or first")
	flags.StringVar(&c.quantiles, "quantiles", "", "besides the median, with commas, as 0.9,0.99")
	flags.Float64Var(&c.approx, "approx", 0, "relative error, 0.001 to 0.25, that median and quantiles may have beyond a million different values of a column, or four million of all groups and columns together; 0 is 0.001")
	flags.Int64Var(&c.badMax, "max-bad", -1, "compute nothing when more cells than so many are no numbers; -1 is no limit")
	flags.BoolVar(&c.json, "json", false, "print a JSON object")
	flags.BoolVar(&c.histogram, "hist", false, "draw a histogram of each column")
	flags.StringVar(&c.csv.delimiter, "delimiter", ",", "the `character` between cells; tab for a tab")
	flags.StringVar(&c.csv.columns, "columns", "", "`NAMES` of the columns, with commas, of files without a header")
	flags.StringVar(&c.csv.encoding, "encoding", "utf8", "utf8, latin1 or utf16")
	flags.BoolVar(&c.csv.lenient, "lenient", false, "let quotes stand anywhere in a cell")
	flags.IntVar(&c.csv.record, "record-bytes-max", csvfile.DefaultRecordBytesMax, "longest record that is taken")
	return c.run
}

func (c *statsConfig) run(ctx context.Context, sh shell, args []string) error {
	files, err := expand(args)
	if err != nil {
		return err
	}
	if c.columns == "" {
		return usagef("which column? say --column NAME, or several with commas")
	}
	columns, err := columnNames(c.columns)
	if err != nil {
		return err
	}
	if c.badMax < -1 {
		return usagef("--max-bad %d: say how many, or -1 for no limit", c.badMax)
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	m := &measuring{config: c, options: o, columns: columns, groups: map[string]*group{}, badOf: map[string]int64{}}
	bar := progress.Options{Out: sh.stderr}
	if terminal(sh.stderr) {
		bar.Form = progress.Bar
	}
	all := sizeOf(files)
	stop := progress.Start(ctx, bar, func() progress.Sample {
		return progress.Sample{Bytes: m.bytes.Load(), BytesAll: all, Records: m.records.Load(), Rejected: m.bad.Load()}
	})
	err = m.readAll(ctx, files)
	stop()
	if err != nil {
		return err
	}
	return m.report(sh)
}

// columnNames are those of --column: a line of CSV.
func columnNames(list string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(list))
	names, err := r.Read()
	if err != nil {
		return nil, usagef("--column %q: write names with commas between them, as a,b or '\"a,b\",c'", list)
	}
	if _, err := r.Read(); err != io.EOF {
		return nil, usagef("--column %q: write all names in one line", list)
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usagef("--column names %q twice", name)
		}
	}
	return names, nil
}

// sizeOf is how many bytes the files have together, 0 if one does not say.
func sizeOf(files []string) (all int64) {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		all += info.Size()
	}
	return all
}

// options are those of the accumulators.
func (c *statsConfig) options() (stats.Options, error) {
	o := stats.Options{Approx: c.approx}
	switch c.nan {
	case "reject":
	case "omit":
		o.NaN = stats.OmitNaN
	default:
		return o, usagef("--nan %q: say reject or omit", c.nan)
	}
	switch c.tie {
	case "smallest":
	case "first":
		o.Tie = stats.FirstTie
	default:
		return o, usagef("--tie %q: say smallest or first", c.tie)
	}
	for _, text := range strings.FieldsFunc(c.quantiles, func(r rune) bool { return r == ',' }) {
		p, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return o, usagef("--quantiles: %q is not a number", text)
		}
		o.Quantiles = append(o.Quantiles, p)
	}
	if _, err := stats.NewAccumulator(o); err != nil {
		return o, usagef("%v", err)
	}
	return o, nil
}

// measuring is one run of `penstock stats`.
type measuring struct {
	config  *statsConfig
	options stats.Options
	columns []string
	groups  map[string]*group
	names   []string // of the groups, as they came

	bytes, records, bad atomic.Int64 // for the bar
	badOf               map[string]int64
	examples            []string // of bad cells and records
}

// A group has for each column an accumulator, and how many integers a float64
// does not hold.
type group struct {
	of      []*stats.Accumulator
	rounded []int64
}

func (m *measuring) readAll(ctx context.Context, files []string) error {
	o, encoding, err := m.config.csv.options()
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := m.read(ctx, name, o, encoding); err != nil {
			return err
		}
	}
	return nil
}

func (m *measuring) read(ctx context.Context, name string, o csvfile.Options, encoding csvfile.Encoding) (err error) {
	in, err := csvfile.Open(name, encoding)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	sc, err := csvfile.NewScanner(in, o)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	at, by, err := m.places(name, sc.Columns())
	if err != nil {
		return err
	}
	before := m.bytes.Load()
	for row, err := range sc.Rows() {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if m.records.Add(1)%4096 == 0 {
			done, _ := in.Progress()
			m.bytes.Store(before + done)
			if err := errors.Join(ctx.Err(), m.bound()); err != nil {
				return err
			}
		}
		if err := m.take(name, row, at, by); err != nil {
			return err
		}
	}
	done, _ := in.Progress()
	m.bytes.Store(before + done)
	return nil
}

// bound keeps the memory of all accumulators together within its limit: what
// each may keep is halved at least, whenever there are too many groups for it.
func (m *measuring) bound() error {
	if m.options.MaxDistinct == groupDistinct {
		return nil // each keeps its least
	}
	all := 0
	for _, g := range m.groups {
		for _, a := range g.of {
			all += a.Distinct()
		}
	}
	if all <= distinctMax {
		return nil
	}
	m.options.MaxDistinct = max(groupDistinct, distinctMax/(2*len(m.groups)*len(m.columns)))
	for _, g := range m.groups {
		for _, a := range g.of {
			if err := a.Limit(m.options.MaxDistinct); err != nil {
				return err
			}
		}
	}
	return nil
}

// places finds the columns in a file; by is -1 without --by.
func (m *measuring) places(name string, have []string) (at []int, by int, err error) {
	find := func(column string) int {
		i := slices.Index(have, column)
		switch {
		case err != nil:
		case i < 0:
			err = fmt.Errorf("%s has no column %q: it has %s", name, column, legibleNames(have))
		case slices.Contains(have[i+1:], column):
			err = fmt.Errorf("%s has more than one column %q: give each a name of its own", name, column)
		}
		return i
	}
	for _, column := range m.columns {
		at = append(at, find(column))
	}
	by = -1
	if m.config.by != "" {
		by = find(m.config.by)
	}
	return at, by, err
}

// take adds a record's cells.
func (m *measuring) take(name string, row csvfile.Row, at []int, by int) error {
	line := row.Position().Line
	if reject := row.Err(); reject != nil {
		return m.spoil("", fmt.Sprintf("%s:%d: %s", name, line, reject.Detail))
	}
	g, err := m.group(row, by)
	if err != nil {
		return err
	}
	for i, j := range at {
		cell := bytes.TrimSpace(row.Cell(j))
		if len(cell) == 0 {
			g.of[i].AddMissing(1)
			continue
		}
		x, wrong := readNumber(string(cell))
		if wrong != "" {
			if err := m.spoil(m.columns[i], fmt.Sprintf("%s:%d: %s: %s is %s", name, line, legible(m.columns[i]), clipped(cell), wrong)); err != nil {
				return err
			}
			continue
		}
		if x != x && m.options.NaN == stats.RejectNaN {
			return fmt.Errorf("%s:%d: %s is NaN: --nan omit leaves such cells out", name, line, legible(m.columns[i]))
		}
		g.of[i].Add(x)
		if stats.Rounds(string(cell), x) {
			g.rounded[i]++
		}
	}
	return nil
}

// group is the one a record belongs to.
func (m *measuring) group(row csvfile.Row, by int) (*group, error) {
	var name []byte
	if by >= 0 {
		name = row.Cell(by)
	}
	if g := m.groups[string(name)]; g != nil {
		return g, nil
	}
	if len(m.groups) == groupsMax {
		return nil, fmt.Errorf("column %s has more than %d different values: choose another for --by", legible(m.config.by), groupsMax)
	}
	return m.newGroup(string(name))
}

func (m *measuring) newGroup(name string) (*group, error) {
	g := &group{rounded: make([]int64, len(m.columns))}
	for range m.columns {
		a, err := stats.NewAccumulator(m.options)
		if err != nil {
			return nil, err
		}
		g.of = append(g.of, a)
	}
	m.groups[name] = g
	m.names = append(m.names, name)
	return g, nil
}

// readNumber reads a decimal number, an infinity or NaN, or says what the text is.
func readNumber(text string) (x float64, wrong string) {
	x, err := strconv.ParseFloat(text, 64)
	switch {
	case strings.ContainsAny(text, "xX_") || err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, "not a number"
	case err != nil:
		return 0, "beyond the largest float64"
	case stats.Vanishes(text, x):
		return 0, "too near to 0 for a float64"
	}
	return x, ""
}

// spoil counts what could not be taken and keeps the first of it.
func (m *measuring) spoil(column, what string) error {
	m.badOf[column]++
	if len(m.examples) < badShownMax {
		m.examples = append(m.examples, what)
	}
	if n := m.bad.Add(1); m.config.badMax >= 0 && n > m.config.badMax {
		return fmt.Errorf("%s: more than --max-bad %d cells or records are bad, nothing is computed", what, m.config.badMax)
	}
	return nil
}

// legible is a name for people: quoted if it has what a terminal would obey or a
// table break at.
func legible(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

func legibleNames(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = legible(name)
	}
	return strings.Join(all, ", ")
}

// clipped is a cell for a message, at most 64 bytes of it.
func clipped(cell []byte) string {
	if len(cell) > 64 {
		return strconv.Quote(string(cell[:64])) + "…"
	}
	return strconv.Quote(string(cell))
}

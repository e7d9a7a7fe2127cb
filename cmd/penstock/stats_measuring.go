package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/stats"
)

// What all groups and columns together may keep.
const (
	groupsMax     = 1000     // of --by
	groupNamesMax = 16 << 20 // bytes
	distinctMax   = 1 << 22  // different values that are told apart, some 48 bytes each
	entriesMax    = 10 << 20 // those, and the cells that medians are estimated from, as large
)

// What each group and column may keep: so much at first, and so much always.
const (
	firstDistinct, leastDistinct = 1 << 20, 1 << 10
	firstCells, leastCells       = 1 << 16, 1 << 13
)

const badShownMax = 10 // bad cells that are shown

// measuring is one run of `penstock stats`.
type measuring struct {
	config  *statsConfig
	options stats.Options
	columns []string
	groups  map[string]group
	names   []string // of the groups, as they came
	named   int      // bytes of those

	bytes, records, bad atomic.Int64 // for the bar; bad cells and records
	badRecords          int64
	firstBad            map[string]string // the first bad cell of each column, and the first bad record under ""
	examples            []string          // the first of all
}

// A group has for each column what its cells are.
type group []*cells

// cells are those of a column in one group.
type cells struct {
	values  *stats.Accumulator
	missing uint64
	nans    uint64 // left out
	bad     uint64 // no numbers
	rounded uint64 // integers that a float64 does not hold
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

// bound keeps what all accumulators keep within the limits: what each may keep is
// lowered for all alike where they are too many for it, first values, then cells. It
// fails where that is not enough.
func (m *measuring) bound() error {
	values, entries := m.kept()
	if values > distinctMax && m.options.MaxDistinct > leastDistinct {
		m.options.MaxDistinct = max(leastDistinct, distinctMax/(2*len(m.groups)*len(m.columns)))
		if err := m.limit(); err != nil {
			return err
		}
		_, entries = m.kept()
	}
	for ; entries > entriesMax; _, entries = m.kept() {
		if m.options.MaxCells == leastCells {
			return fmt.Errorf("%d groups of %d columns have too many different values to be kept: compute fewer columns at once, or choose another for --by", len(m.groups), len(m.columns))
		}
		m.options.MaxCells /= 2
		if err := m.limit(); err != nil {
			return err
		}
	}
	return nil
}

// kept is how many values all accumulators keep, and how many values and cells.
func (m *measuring) kept() (values, entries int) {
	for _, g := range m.groups {
		for _, c := range g {
			values += c.values.Distinct()
			entries += c.values.Cells()
		}
	}
	return values, values + entries
}

// limit holds all accumulators to the options.
func (m *measuring) limit() error {
	for _, g := range m.groups {
		for _, c := range g {
			if err := c.values.Limit(m.options.MaxDistinct, m.options.MaxCells); err != nil {
				return err
			}
		}
	}
	return nil
}

// places finds the columns in a file; by is -1 without --by.
func (m *measuring) places(name string, have []string) (at []int, by int, err error) {
	for _, column := range m.columns {
		i, err := columnIn(column, name, have)
		if err != nil {
			return nil, 0, err
		}
		at = append(at, i)
	}
	if m.config.by == "" {
		return at, -1, nil
	}
	by, err = columnIn(m.config.by, name, have)
	return at, by, err
}

// columnIn finds a column in a file that has these.
func columnIn(column, file string, have []string) (int, error) {
	i := slices.Index(have, column)
	switch {
	case i >= 0 && slices.Contains(have[i+1:], column):
		return 0, fmt.Errorf("%s has more than one column %q: give each a name of its own", file, column)
	case i >= 0:
		return i, nil
	}
	hint := ""
	near := slices.IndexFunc(have, func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(column)) })
	switch {
	case column == "":
		hint = "; is there a comma too many?"
	case near >= 0:
		hint = fmt.Sprintf("; do you mean %q?", have[near])
	case len(have) == 1:
		hint = "; is it the file's --delimiter that stands between them?"
	}
	return 0, fmt.Errorf("%s has no column %q: it has %s%s", file, column, legibleNames(have), hint)
}

// take adds a record's cells.
func (m *measuring) take(name string, row csvfile.Row, at []int, by int) error {
	line := row.Position().Line
	if reject := row.Err(); reject != nil {
		m.badRecords++
		return m.spoil("", fmt.Sprintf("%s:%d: %s", name, line, reject.Detail))
	}
	g, err := m.group(row, by)
	if err != nil {
		return err
	}
	for i, j := range at {
		cell := bytes.TrimSpace(row.Cell(j))
		if wrong := g[i].take(cell); wrong != "" {
			err = m.spoil(m.columns[i], fmt.Sprintf("%s:%d: %s: %s is %s", name, line, legible(m.columns[i]), clipped(cell), wrong))
		}
		if g[i].nans > 0 && m.config.nan == "reject" {
			err = fmt.Errorf("%s:%d: %s is NaN: --nan omit leaves such cells out", name, line, legible(m.columns[i]))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take adds a cell, or says what is wrong with it.
func (c *cells) take(cell []byte) (wrong string) {
	if len(cell) == 0 {
		c.missing++
		return ""
	}
	text := string(cell)
	x, wrong := readNumber(text)
	switch {
	case wrong != "":
		c.bad++
	case x != x:
		c.nans++
	default:
		c.values.Add(x)
		if stats.Rounds(text, x) {
			c.rounded++
		}
	}
	return wrong
}

// group is the one a record belongs to.
func (m *measuring) group(row csvfile.Row, by int) (group, error) {
	var name []byte
	if by >= 0 {
		name = row.Cell(by)
	}
	if g, ok := m.groups[string(name)]; ok {
		return g, nil
	}
	if m.named += len(name); m.named > groupNamesMax {
		return nil, fmt.Errorf("the values of column %s are longer than %d bytes together: choose another for --by", legible(m.config.by), groupNamesMax)
	}
	if len(m.groups) == groupsMax {
		return nil, fmt.Errorf("column %s has more than %d different values: choose another for --by", legible(m.config.by), groupsMax)
	}
	return m.newGroup(string(name))
}

func (m *measuring) newGroup(name string) (group, error) {
	var g group
	for range m.columns {
		a, err := stats.NewAccumulator(m.options)
		if err != nil {
			return nil, err
		}
		g = append(g, &cells{values: a})
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
	if _, ok := m.firstBad[column]; !ok {
		m.firstBad[column] = what
	}
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

// legibleNames are the first of many names for a message.
func legibleNames(names []string) string {
	const most = 20
	var all []string
	for _, name := range names[:min(len(names), most)] {
		if name != strings.TrimSpace(name) || len(name) > clippedMax {
			name = clipped([]byte(name))
		}
		all = append(all, legible(name))
	}
	if more := len(names) - most; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}

const clippedMax = 64 // bytes

// clipped is a cell for a message.
func clipped(cell []byte) string {
	if len(cell) > clippedMax {
		return strconv.Quote(string(cell[:clippedMax])) + "…"
	}
	return strconv.Quote(string(cell))
}

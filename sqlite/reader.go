package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A Reader reads pages of streams' tables for package reads. SQLite has no
// roles and no row-level security: that a user sees only his own rows rests on
// the query alone, and the file is opened so that nothing can be written.
type Reader struct {
	db      *sql.DB
	timeout time.Duration
}

// ReaderOptions bound what reading may cost.
type ReaderOptions struct {
	Timeout time.Duration // of a page, waiting for a connection included; 0 means 400 ms
}

// OpenReader opens the file for reading only. It need not be there yet. The
// caller closes the Reader.
func OpenReader(file string, o ReaderOptions) (*Reader, error) {
	if o.Timeout <= 0 {
		o.Timeout = 400 * time.Millisecond
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", (o.Timeout / 2).Milliseconds()), "query_only(on)", "trusted_schema(off)"}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", file, err)
	}
	db.SetMaxOpenConns(8)
	return &Reader{db: db, timeout: o.Timeout}, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.db.Close() }

// Rows returns the stream.Rows of one stream's table.
func (r *Reader) Rows(s *stream.Stream) stream.Rows {
	var sorted atomic.Bool // the table's columns were looked at
	return func(ctx context.Context, read *stream.Read, p stream.Page) ([][]penstock.Value, error) {
		ctx, cancel := context.WithTimeout(ctx, r.timeout)
		defer cancel()
		if !sorted.Load() {
			if err := r.checkColumns(ctx, s); err != nil {
				return nil, fmt.Errorf("sqlite: read table %s: %w", s.Table.Name, err)
			}
			sorted.Store(true)
		}
		text, args := pageSQL(s, read, p)
		found, err := r.db.QueryContext(ctx, text, args...)
		if err != nil {
			return nil, fmt.Errorf("sqlite: read a page of %s: %w", s.Table.Name, err)
		}
		defer found.Close()
		rows, err := collect(s, read, found)
		if err != nil {
			return nil, fmt.Errorf("sqlite: read a page of %s: %w", s.Table.Name, err)
		}
		return rows, nil
	}
}

// checkColumns makes sure that what rows are found and sorted by compares as
// numbers where it is one: SQLite would compare any types, in silence.
func (r *Reader) checkColumns(ctx context.Context, s *stream.Stream) error {
	for _, read := range s.Reads {
		for _, slot := range append([]int{read.By, read.Newest}, s.Table.PrimaryKey...) {
			f := s.Fields[slot]
			if f.Type != stream.Int && f.Type != stream.Time {
				continue
			}
			var declared string
			err := r.db.QueryRowContext(ctx, "SELECT upper(type) FROM pragma_table_xinfo(?) WHERE lower(name) = lower(?)", s.Table.Name, f.Name).Scan(&declared)
			if err != nil {
				return fmt.Errorf("look at column %s: %w", f.Name, err)
			}
			if !strings.Contains(declared, "INT") {
				return fmt.Errorf("column %s has type %q, by which rows cannot be sorted as %s; declare it INTEGER", f.Name, declared, f.Type)
			}
		}
	}
	return nil
}

// pageSQL is the statement of a page and its arguments. All names are of the
// stream file and quoted; of a request there are only parameters.
func pageSQL(s *stream.Stream, read *stream.Read, p stream.Page) (string, []any) {
	name := func(slot int) string { return quote(s.Fields[slot].Name) }
	var where []string
	var args []any
	add := func(slot int, compare string, v penstock.Value) {
		where, args = append(where, name(slot)+compare), append(args, parameter(v))
	}
	add(read.By, " = ?", p.User)
	if !p.Tenant.Missing() {
		add(read.Tenant, " = ?", p.Tenant)
	}
	if !p.Filter.Missing() {
		add(p.FilterSlot, " = ?", p.Filter)
	}
	if !p.From.Missing() {
		add(read.Newest, " >= ?", p.From)
	}
	if !p.To.Missing() {
		add(read.Newest, " < ?", p.To)
	}
	order := append([]int{read.Newest}, s.Table.PrimaryKey...)
	var names, sorted, shown []string
	for _, slot := range order {
		names, sorted = append(names, name(slot)), append(sorted, name(slot)+" DESC")
	}
	if p.After != nil {
		where = append(where, "("+strings.Join(names, ", ")+") < ("+strings.TrimSuffix(strings.Repeat("?, ", len(order)), ", ")+")")
		for _, v := range p.After {
			args = append(args, parameter(v))
		}
	}
	for _, slot := range append(append([]int{}, read.Columns...), order...) {
		shown = append(shown, name(slot))
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM " + quote(s.Table.Name) + " WHERE " + strings.Join(where, " AND ") +
		" ORDER BY " + strings.Join(sorted, ", ") + " LIMIT ?", append(args, p.Limit)
}

func parameter(v penstock.Value) any {
	switch v.Kind {
	case penstock.Int:
		return v.Num
	case penstock.Time:
		return v.Num*1e6 + int64(v.Nanos)/1000
	}
	return v.String()
}

// collect reads the rows in the types of their fields.
func collect(s *stream.Stream, read *stream.Read, found *sql.Rows) ([][]penstock.Value, error) {
	slots := append(append(append([]int{}, read.Columns...), read.Newest), s.Table.PrimaryKey...)
	cells, into := make([]any, len(slots)), make([]any, len(slots))
	for i := range cells {
		into[i] = &cells[i]
	}
	var rows [][]penstock.Value
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]penstock.Value, len(slots))
		for i, cell := range cells {
			var err error
			if row[i], err = fromCell(s.Fields[slots[i]], cell); err != nil {
				return nil, fmt.Errorf("column %s: %w", s.Fields[slots[i]].Name, err)
			}
		}
		rows = append(rows, row)
	}
	return rows, found.Err()
}

func fromCell(f stream.Field, cell any) (penstock.Value, error) {
	switch x := cell.(type) {
	case nil:
		return penstock.Value{Kind: penstock.Null}, nil
	case string:
		v := penstock.TextValue(x)
		if f.Type == stream.JSON {
			v.Kind = penstock.JSON
		}
		return v, nil
	case []byte:
		return penstock.TextValue(string(x)), nil
	case int64:
		switch f.Type {
		case stream.Bool:
			return penstock.BoolValue(x != 0), nil
		case stream.Decimal:
			return penstock.DecimalValue(x, f.Scale), nil
		case stream.Time:
			return stream.ShownTime(time.UnixMicro(x))
		}
		return penstock.IntValue(x), nil
	}
	return penstock.Value{}, fmt.Errorf("%w: a %T cannot be shown as %s; leave it out of columns", stream.ErrRow, cell, f.Type)
}

// pageIndexes are the statements of the indexes that make a page cost the same
// at any depth and, of a filter, however few rows have its value.
func (t *Table) pageIndexes() []string {
	s := t.o.Stream
	var all []string
	for i, r := range s.Reads {
		for k, found := range r.FoundBy() {
			name := t.name + "_page_" + strconv.Itoa(i+1)
			if k > 0 {
				name += "_" + strconv.Itoa(k)
			}
			var columns []string
			for _, slot := range found {
				columns = append(columns, quote(s.Fields[slot].Name))
			}
			for _, slot := range append([]int{r.Newest}, s.Table.PrimaryKey...) {
				columns = append(columns, quote(s.Fields[slot].Name)+" DESC")
			}
			all = append(all, "CREATE INDEX IF NOT EXISTS "+quote(name)+" ON "+quote(t.name)+" ("+strings.Join(columns, ", ")+")")
		}
	}
	return all
}

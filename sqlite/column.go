package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A column is one column of the table and the slot that fills it.
type column struct {
	name     string
	slot     int // -1 for Extra
	field    stream.Field
	declared string // the column's type when we make it
	note     string // what a reader must know of its values
	textual  bool   // the column is TEXT: what else would be a number of units is written out
	numeric  bool   // SQLite makes a number of a text that looks like one
}

// extraName is the column for members that the schema admits but does not name.
const extraName = "extra"

// plan sets columns, key and time from the stream.
func (t *Table) plan() {
	s := t.o.Stream
	t.time, t.extra = -1, -1
	for _, c := range s.Columns() {
		f := s.Fields[c.Slot]
		declared, note := declaredType(f)
		t.columns = append(t.columns, column{name: c.Name, slot: c.Slot, field: f, declared: declared, note: note})
	}
	place := func(slot int) int {
		return slices.IndexFunc(t.columns, func(c column) bool { return c.name == s.Fields[slot].Name })
	}
	for _, slot := range s.Table.PrimaryKey {
		t.key = append(t.key, place(slot))
	}
	if s.Time >= 0 {
		t.time = place(s.Time)
	}
	named := slices.ContainsFunc(t.columns, func(c column) bool { return strings.EqualFold(c.name, extraName) })
	if s.Open() && !named {
		t.extra = len(t.columns)
		t.columns = append(t.columns, column{name: extraName, slot: -1, field: stream.Field{Type: stream.JSON}, declared: "TEXT", note: "json"})
	}
}

// checkNames makes sure that SQLite, to which A and a are one name, can tell the
// columns apart.
func (t *Table) checkNames() error {
	for i, c := range t.columns {
		if k := slices.IndexFunc(t.columns[:i], func(b column) bool { return strings.EqualFold(b.name, c.name) }); k >= 0 {
			return fmt.Errorf("sqlite: the fields %s and %s of stream %s differ only in case, and SQLite cannot tell such columns apart: rename one", t.columns[k].name, c.name, t.o.Stream.Name)
		}
	}
	return nil
}

func declaredType(f stream.Field) (declared, note string) {
	switch f.Type {
	case stream.Bool:
		return "INTEGER", "boolean"
	case stream.Int:
		return "INTEGER", ""
	case stream.Decimal:
		if f.Scale == 0 {
			return "INTEGER", ""
		}
		return "INTEGER", fmt.Sprintf("decimal(%d,%d) in units of 10^-%d", f.Precision, f.Scale, f.Scale)
	case stream.Number:
		return "BLOB", "a number as received: INTEGER if it is a whole one that fits, else TEXT"
	case stream.Time:
		return "INTEGER", "microseconds since 1970, UTC"
	case stream.JSON:
		return "TEXT", "json"
	}
	return "TEXT", ""
}

// catalogueSQL reads the columns. In a STRICT table ANY keeps each value as it
// is, as a column without a type does in others.
const catalogueSQL = `
SELECT c.name, CASE WHEN upper(c.type) = 'ANY' AND l.strict THEN '' ELSE upper(c.type) END, c."notnull" AND c.dflt_value IS NULL AND c.pk = 0, c.hidden, l.type <> 'view'
FROM pragma_table_list AS l, pragma_table_xinfo(l.name) AS c WHERE l.schema = 'main' AND lower(l.name) = lower(?)`

// readCatalogue compares the table as it is with the stream's fields.
func (t *Table) readCatalogue(ctx context.Context) error {
	rows, err := t.db.QueryContext(ctx, catalogueSQL, t.into)
	if err != nil {
		return err
	}
	defer rows.Close()
	matched := 0
	for rows.Next() {
		var name, declared string
		var demanding bool
		var hidden int
		if err := rows.Scan(&name, &declared, &demanding, &hidden, &t.counted); err != nil {
			return err
		}
		i := slices.IndexFunc(t.columns, func(c column) bool { return strings.EqualFold(c.name, name) })
		switch {
		case i >= 0 && hidden > 0:
			return fmt.Errorf("column %s is generated, but the stream has a field of that name; rename one", name)
		case i >= 0:
			matched++
			if err := t.columns[i].match(declared); err != nil {
				return err
			}
		case demanding:
			return fmt.Errorf("column %s is NOT NULL without a default, and the stream has no such field; give it a default", name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if matched < len(t.columns) {
		return t.missing(ctx)
	}
	if t.o.Mode == penstock.Upsert {
		return t.checkUnique(ctx)
	}
	return nil
}

// missing names the first column that the table lacks.
func (t *Table) missing(ctx context.Context) error {
	for _, c := range t.columns {
		var there bool
		err := t.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pragma_table_xinfo(?) WHERE lower(name) = lower(?))", t.into, c.name).Scan(&there)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("it has no column %s; add it with ALTER TABLE %s ADD %s %s", c.name, quote(t.name), quote(c.name), c.declared)
		}
	}
	return fmt.Errorf("two of its columns differ only in case; rename one")
}

// match decides how values go into a column of the declared type, by SQLite's
// rules of affinity, and refuses one that would take some value for another.
func (c *column) match(declared string) error {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(declared, part) })
	}
	integer := has("INT")
	c.textual = !integer && has("CHAR", "CLOB", "TEXT")
	blob := !integer && !c.textual && (declared == "" || has("BLOB"))
	real := !integer && !c.textual && !blob && has("REAL", "FLOA", "DOUB")
	c.numeric = !c.textual && !blob
	switch c.field.Type {
	case stream.Decimal, stream.Time:
		if !integer && !c.textual {
			return fmt.Errorf("column %s has type %q, in which a %s is not exact; declare it INTEGER (%s) or TEXT", c.name, declared, typeNames[c.field.Type], c.note)
		}
	case stream.Int:
		if real {
			return fmt.Errorf("column %s has type %q, in which a whole number keeps its first 15 digits only; declare it INTEGER", c.name, declared)
		}
	case stream.Text, stream.Any:
		// Of other names, as DATE or UUID, SQLite makes the same, but their texts
		// are hardly ever numbers.
		if integer || real || has("NUM", "DEC", "BOOL") {
			return fmt.Errorf("column %s has type %q, in which the text 007 becomes the number 7; declare it TEXT, or the field as what it is", c.name, declared)
		}
	}
	return nil
}

var typeNames = map[stream.Type]string{stream.Decimal: "decimal", stream.Time: "time"}

// looksLikeNumber reports whether SQLite takes a text for a number.
func looksLikeNumber(text []byte) bool {
	text, _, _ = bytes.Cut(text, []byte{0}) // it looks no further
	text = bytes.Trim(text, " \t\n\v\f\r")
	if len(text) == 0 || bytes.ContainsAny(text, "xX_") { // which ParseFloat takes, and SQLite does not
		return false
	}
	if last := text[len(text)-1]; last != '.' && (last < '0' || last > '9') { // as of "inf"
		return false
	}
	_, err := strconv.ParseFloat(string(text), 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// checkUnique makes sure that SQLite can tell two rows of one key.
func (t *Table) checkUnique(ctx context.Context) error {
	_, err := t.db.ExecContext(ctx, "EXPLAIN "+t.insertSQL(1), make([]any, len(t.columns))...)
	if err != nil {
		return fmt.Errorf("mode upsert needs a unique key over %s; add it with CREATE UNIQUE INDEX %s ON %s (%s): %w",
			t.names(t.key), quote(t.name+"_key"), quote(t.name), t.names(t.key), err)
	}
	return nil
}

// value is v as the driver binds it. Texts point into the event's memory: they
// are bound and stepped before Write returns.
func (c *column) value(v *penstock.Value) (_ any, why string) {
	switch v.Kind {
	case penstock.Absent, penstock.Null:
		return nil, ""
	case penstock.Text:
		if c.field.Type == stream.JSON {
			return quoted(v), ""
		}
		if c.numeric && looksLikeNumber(v.Bytes) {
			return nil, "the column makes a number of it; declare it TEXT"
		}
		return unsafe.String(unsafe.SliceData(v.Bytes), len(v.Bytes)), ""
	case penstock.Bool:
		if c.textual {
			return v.String(), ""
		}
		return v.Num, ""
	case penstock.Time:
		if c.textual {
			return v.AsTime().Truncate(time.Microsecond).Format(time.RFC3339Nano), ""
		}
		return v.Num*1e6 + int64(v.Nanos)/1000, "" // of the years 0 to 9999, which is all that a stream takes
	}
	return c.number(v)
}

func (c *column) number(v *penstock.Value) (_ any, why string) {
	if c.textual || v.Kind == penstock.JSON {
		return v.String(), ""
	}
	switch {
	case c.field.Type == stream.Decimal && v.Kind == penstock.Int:
		n := v.Num
		for range c.field.Scale {
			if n > 1<<63/10-1 || n < -(1<<63/10-1) {
				return nil, "the column holds numbers of up to 18 digits"
			}
			n *= 10
		}
		return n, ""
	case c.field.Type == stream.Decimal && v.Kind == penstock.Decimal && v.Scale == c.field.Scale, v.Kind == penstock.Int:
		return v.Num, ""
	case c.field.Type == stream.Number && v.Kind == penstock.Number:
		if n, err := strconv.ParseInt(string(v.Bytes), 10, 64); err == nil && string(v.Bytes) != "-0" {
			return n, ""
		}
		if _, err := strconv.ParseFloat(string(v.Bytes), 64); c.numeric && err != nil {
			return nil, "the column holds numbers of at most 1.8e308"
		}
		return v.String(), ""
	}
	return nil, "the column holds whole numbers from -2^63 to 2^63-1"
}

func quoted(v *penstock.Value) string {
	text, _ := jsontext.AppendQuote(nil, v.Bytes)
	return string(text)
}

func extraValue(extra []byte) any {
	if len(extra) == 0 {
		return nil
	}
	return "{" + string(extra) + "}"
}

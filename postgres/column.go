package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A column is one column of the table and the slot that fills it.
type column struct {
	name    string
	slot    int // -1 for Extra
	field   stream.Field
	natural string // the column's type in SQL when we make it
	oid     uint32 // of the type that is copied
	actual  string // its type in the table, in SQL
	stage   string // its type in the temporary table, which is what is copied
	encode  encoder
}

// extraName is the column for members that the schema admits but does not name.
const extraName = "extra"

// plan sets columns, key and time from the stream.
func (t *Table) plan() {
	s := t.o.Stream
	t.time, t.extra = -1, -1
	for _, c := range s.Columns() {
		f := s.Fields[c.Slot]
		natural, oid := naturalType(f)
		t.columns = append(t.columns, column{name: c.Name, slot: c.Slot, field: f, natural: natural, oid: oid})
	}
	place := func(slot int) int {
		return slices.IndexFunc(t.columns, func(c column) bool { return c.slot >= 0 && c.name == s.Fields[slot].Name })
	}
	for _, slot := range s.Table.PrimaryKey {
		t.key = append(t.key, place(slot))
	}
	if s.Time >= 0 {
		t.time = place(s.Time)
	}
	named := slices.ContainsFunc(t.columns, func(c column) bool { return c.name == extraName })
	if s.Open() && !named {
		t.extra = len(t.columns)
		t.columns = append(t.columns, column{name: extraName, slot: -1, field: stream.Field{Type: stream.JSON}, natural: "json", oid: pgtype.JSONOID})
	}
}

// naturalType is the column type that holds every value of a field.
func naturalType(f stream.Field) (natural string, oid uint32) {
	switch f.Type {
	case stream.Bool:
		return "boolean", pgtype.BoolOID
	case stream.Int:
		return "bigint", pgtype.Int8OID
	case stream.Decimal:
		return fmt.Sprintf("numeric(%d,%d)", f.Precision, f.Scale), pgtype.NumericOID
	case stream.Number:
		return "numeric", pgtype.NumericOID
	case stream.Time:
		return "timestamptz", pgtype.TimestamptzOID
	case stream.JSON:
		return "json", pgtype.JSONOID // not jsonb: it keeps the bytes, \u0000 and repeated names too
	}
	return "text", pgtype.TextOID
}

// catalogueSQL reads the columns, and of a domain what it is made of.
const catalogueSQL = `
WITH RECURSIVE base (attnum, type, modifier) AS (
  SELECT attnum, atttypid, atttypmod FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT attnum, typbasetype, typtypmod FROM base JOIN pg_type ON oid = type WHERE typtype = 'd')
SELECT a.attname, b.type, b.modifier, format_type(a.atttypid, a.atttypmod),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> ''
FROM pg_attribute a JOIN base b USING (attnum) JOIN pg_type t ON t.oid = b.type
WHERE a.attrelid = to_regclass($1) AND t.typtype <> 'd'`

// readCatalogue compares the table as it is with the stream's fields.
func (t *Table) readCatalogue(ctx context.Context) error {
	rows, err := t.pool.Query(ctx, catalogueSQL, t.into.Sanitize())
	if err != nil {
		return err
	}
	there := map[string]*tableColumn{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c tableColumn, err error) {
		err = row.Scan(&c.name, &c.oid, &c.modifier, &c.typ, &c.demanding, &c.generated)
		there[c.name] = &c
		return c, err
	})
	if err != nil {
		return fmt.Errorf("read its columns: %w", err)
	}
	if err := t.match(there); err != nil {
		return err
	}
	for _, c := range there {
		if c.demanding && !slices.ContainsFunc(t.columns, func(mine column) bool { return mine.name == c.name }) {
			return fmt.Errorf("column %s is NOT NULL without a default, and the stream has no such field; give it a default", c.name)
		}
	}
	if err := t.checkCasts(ctx); err != nil {
		return err
	}
	if err := t.checkTexts(ctx); err != nil {
		return err
	}
	if t.o.Mode == penstock.Upsert {
		return t.checkUnique(ctx)
	}
	return nil
}

// checkTexts makes sure that each column takes the texts that the schema lists
// for its field: else every event that has one would be a reject.
func (t *Table) checkTexts(ctx context.Context) error {
	for _, c := range t.columns {
		texts := t.o.Stream.Texts(c.slot)
		if texts == nil || c.actual == c.natural {
			continue
		}
		_, err := t.pool.Exec(ctx, "SELECT unnest($1::text[])::"+c.actual, texts)
		var refused *pgconn.PgError
		if errors.As(err, &refused) && (strings.HasPrefix(refused.Code, "22") || strings.HasPrefix(refused.Code, "23")) {
			return fmt.Errorf("column %s is %s, and the schema lists texts that it does not take: %s; alter the column to %s, or mend the list", c.name, c.actual, refused.Message, c.natural)
		}
		if err != nil {
			return fmt.Errorf("try the texts of column %s: %w", c.name, err)
		}
	}
	return nil
}

// checkCasts makes sure that the server can make each column's type of the
// field's, where they differ: else it would refuse every batch for ever.
func (t *Table) checkCasts(ctx context.Context) error {
	for _, c := range t.columns {
		if c.stage == c.actual {
			continue
		}
		_, err := t.pool.Exec(ctx, "SELECT NULL::"+c.stage+"::"+c.actual)
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "42846" {
			return fmt.Errorf("column %s is %s, which cannot be made of the field's %s; alter the column to %s", c.name, c.actual, c.stage, c.natural)
		}
		if err != nil {
			return fmt.Errorf("try the cast of column %s: %w", c.name, err)
		}
	}
	return nil
}

// all are the places of all columns.
func (t *Table) all() []int {
	all := make([]int, len(t.columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// checkUnique makes sure that the server can tell two rows of one key.
func (t *Table) checkUnique(ctx context.Context) error {
	var keys []string
	for _, i := range t.key {
		keys = append(keys, t.columns[i].name)
	}
	var ok bool
	err := t.pool.QueryRow(ctx, `
SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
  AND i.indexprs IS NULL AND i.indnkeyatts = cardinality($2::text[])
  AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts-1]))
    = (SELECT array_agg(k ORDER BY k) FROM unnest($2::text[]) k))`, t.into.Sanitize(), keys).Scan(&ok)
	if err == nil && !ok {
		err = fmt.Errorf("mode upsert needs a unique key over %s; add it with ALTER TABLE %s ADD PRIMARY KEY (%s)", t.names(t.key), t.name.Sanitize(), t.names(t.key))
	}
	return err
}

// stageName is the temporary table that rows go through where COPY alone will
// not do: to be cast by the server, or to be merged.
const stageName = "penstock_stage"

// placeName numbers the rows of a batch in the temporary table.
const placeName = "penstock_place"

// compose writes the statements, all names quoted, once and for all.
func (t *Table) compose() {
	list := t.names(t.all())
	if !t.staged {
		t.copySQL = "COPY " + t.into.Sanitize() + " (" + list + ") FROM STDIN (FORMAT binary)"
		return
	}
	t.copySQL = "COPY " + stageName + " (" + list + ", " + placeName + ") FROM STDIN (FORMAT binary)"
	var cast []string
	for _, c := range t.columns {
		cast = append(cast, quote(c.name)+"::"+c.actual)
	}
	t.mergeSQL = "INSERT INTO " + t.into.Sanitize() + " AS there (" + list + ") SELECT " + strings.Join(cast, ", ") + " FROM " + stageName + " ORDER BY " + placeName
	if t.o.Mode == penstock.Upsert {
		t.mergeSQL = t.upsertSQL(list, strings.Join(cast, ", "))
	}
}

// upsertSQL takes of each key in the batch the row with the latest time, and of
// equal times the last; it writes over what is there unless that is later. Keys
// are taken in their order, so that two batches at once do not deadlock.
func (t *Table) upsertSQL(list, cast string) string {
	key := t.names(t.key)
	latest, later := "", ""
	if t.time >= 0 {
		name := quote(t.columns[t.time].name)
		latest = name + " DESC NULLS LAST, "
		later = " WHERE there." + name + " IS NULL OR excluded." + name + " >= there." + name
	}
	var set []string
	for i, c := range t.columns {
		if !slices.Contains(t.key, i) {
			set = append(set, quote(c.name)+" = excluded."+quote(c.name))
		}
	}
	do := "DO NOTHING"
	if len(set) > 0 {
		do = "DO UPDATE SET " + strings.Join(set, ", ") + later
	}
	return "INSERT INTO " + t.into.Sanitize() + " AS there (" + list + ") SELECT DISTINCT ON (" + key + ") " + cast + " FROM " + stageName +
		" ORDER BY " + key + ", " + latest + placeName + " DESC ON CONFLICT (" + key + ") " + do
}

// makeStage makes the temporary table of a connection.
func (t *Table) makeStage(ctx context.Context, conn *pgx.Conn) error {
	if !t.staged {
		return nil
	}
	var lines []string
	for _, c := range t.columns {
		lines = append(lines, quote(c.name)+" "+c.stage)
	}
	_, err := conn.Exec(ctx, "CREATE TEMP TABLE "+stageName+" ("+strings.Join(lines, ", ")+", "+placeName+" int4) ON COMMIT DELETE ROWS")
	return err
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/penstock-io/penstock"
)

// doubled are the primary keys that stood in a load more than once.
type doubled struct {
	table   *Table
	removed int64
	keys    map[string]struct{} // as appendKey writes them
}

func (d *doubled) again(e *penstock.Event) bool {
	if len(d.keys) == 0 {
		return false
	}
	key, ok := d.table.appendKey(nil, e)
	if !ok {
		return false
	}
	_, ok = d.keys[string(key)]
	return ok
}

// Finish ends a load: it makes the primary key and the indexes that have waited
// for it, and in mode Replace puts what was loaded in the table's place. It may
// be repeated, and gives the same answer until Forget.
func (t *Table) Finish(ctx context.Context) (penstock.Finished, error) {
	d := &doubled{table: t, keys: map[string]struct{}{}}
	err := t.locked(ctx, func(tx pgx.Tx) error {
		if t.o.Mode == penstock.Replace {
			if err := t.swap(ctx, tx); err != nil {
				return err
			}
		}
		if err := t.makeDeferred(ctx, tx, d); err != nil {
			return err
		}
		return d.read(ctx, tx)
	})
	if err != nil {
		return penstock.Finished{}, fmt.Errorf("postgres: finish table %s: %w", t.o.Stream.Table.Name, err)
	}
	return penstock.Finished{Doubled: len(d.keys), Removed: d.removed, Again: d.again, Forget: t.forget}, nil
}

// makeDeferred runs the statements that waited.
func (t *Table) makeDeferred(ctx context.Context, tx pgx.Tx, d *doubled) error {
	rows, err := tx.Query(ctx, "SELECT statement FROM "+t.ledger.deferred+" WHERE table_name = $1 AND statement <> $2 ORDER BY place", t.o.Stream.Table.Name, rowsOut)
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, statement := range statements {
		err := attempt(ctx, tx, statement)
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "23505" {
			if d.removed, err = t.takeOut(ctx, tx); err == nil {
				err = attempt(ctx, tx, statement)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM "+t.ledger.deferred+" WHERE table_name = $1 AND statement <> $2", t.o.Stream.Table.Name, rowsOut)
	if err == nil && d.removed > 0 {
		_, err = tx.Exec(ctx, "INSERT INTO "+t.ledger.deferred+" (table_name, job, place, statement) VALUES ($1, $2, -1, $3)", t.o.Stream.Table.Name, t.o.Job, rowsOut)
	}
	return err
}

// rowsOut stands among the statements that wait for as long as rows that were
// taken out are to be loaded again.
const rowsOut = ""

// attempt runs one statement so that its failure does not end the transaction.
func attempt(ctx context.Context, tx pgx.Tx, statement string) error {
	return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		_, err := inner.Exec(ctx, statement)
		return err
	})
}

// beside is a table in the same schema.
func (t *Table) beside(name string) pgx.Identifier {
	return append(append(pgx.Identifier{}, t.name[:len(t.name)-1]...), shorten(name, nameBytesMax))
}

// again is the table of doubled keys.
func (t *Table) again() pgx.Identifier { return t.beside("penstock_again_" + t.name[len(t.name)-1]) }

// nameBytesMax is how much of a name PostgreSQL tells names apart by.
const nameBytesMax = 63

// shorten keeps a name within so many bytes.
func shorten(name string, most int) string {
	if len(name) <= most {
		return name
	}
	name = name[:most]
	for !utf8.ValidString(name) {
		name = name[:len(name)-1]
	}
	return name
}

// takeOut moves the doubled keys into a table of their own and deletes their rows.
func (t *Table) takeOut(ctx context.Context, tx pgx.Tx) (removed int64, err error) {
	key := t.names(t.key)
	if _, err := tx.Exec(ctx, "CREATE TABLE "+t.again().Sanitize()+" AS SELECT "+key+" FROM "+t.name.Sanitize()+" GROUP BY "+key+" HAVING count(*) > 1"); err != nil {
		return 0, err
	}
	var same []string
	for _, i := range t.key {
		same = append(same, "r."+quote(t.columns[i].name)+" = a."+quote(t.columns[i].name))
	}
	tag, err := tx.Exec(ctx, "DELETE FROM "+t.name.Sanitize()+" r USING "+t.again().Sanitize()+" a WHERE "+strings.Join(same, " AND "))
	return tag.RowsAffected(), err
}

// read reads the doubled keys, in the form in which events have them.
func (d *doubled) read(ctx context.Context, tx pgx.Tx) error {
	there, err := d.table.exists(ctx, tx, d.table.again())
	if err != nil || !there {
		return err
	}
	rows, err := tx.Query(ctx, "SELECT "+d.table.names(d.table.key)+" FROM "+d.table.again().Sanitize(), pgx.QueryResultFormats{pgx.BinaryFormatCode})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key []byte
		for _, value := range rows.RawValues() {
			key = appendSized(key, value)
		}
		d.keys[string(key)] = struct{}{}
	}
	return rows.Err()
}

// forget drops the record of the doubled keys, once their rows are loaded.
func (t *Table) forget(ctx context.Context) error {
	err := t.locked(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM "+t.ledger.deferred+" WHERE table_name = $1 AND statement = $2", t.o.Stream.Table.Name, rowsOut); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+t.again().Sanitize())
		return err
	})
	if err != nil {
		return fmt.Errorf("postgres: drop the table of doubled keys: %w", err)
	}
	return nil
}

// appendKey appends the event's primary key as the server sends it; ok is
// false when the event has none.
func (t *Table) appendKey(dst []byte, e *penstock.Event) (_ []byte, ok bool) {
	for _, i := range t.key {
		v := &e.Values[t.columns[i].slot]
		if v.Missing() {
			return dst, false
		}
		var why string
		if dst, why = t.columns[i].encode(dst, v); why != "" {
			return dst, false
		}
	}
	return dst, true
}

func appendSized(dst, value []byte) []byte {
	n := len(value)
	return append(append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), value...)
}

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
)

// statementRows is how many rows one statement inserts, as far as SQLite's
// limit on parameters allows: more gain nothing.
const statementRows = 50

// parametersMax is SQLite's own default limit.
const parametersMax = 32_766

// faultsMax is how many bad events one Write looks for. There may be more: the
// next Write finds them.
const faultsMax = 1000

// An entry is what a transaction writes into the ledger before any row.
type entry interface {
	// enter makes the entry and returns the events that are still to be
	// written; the others are in the table already, as settle tells.
	enter(ctx context.Context, conn *sql.Conn, events []*penstock.Event) (todo []*penstock.Event, err error)

	// settle settles an event that is in the table.
	settle(e *penstock.Event, written bool)
}

// A sink writes batches under one kind of entry.
type sink struct {
	table *Table
	entry entry
}

// Write puts the pending events and the ledger's entry into the file in one
// transaction. When rows are refused, it finds which, commits nothing, rejects
// those and returns a *penstock.Refusal: once their letters are durable, Write
// again commits the rest.
func (s *sink) Write(ctx context.Context, b *penstock.Batch) error {
	events := b.Pending().Events
	if len(events) == 0 && len(b.Events) > 0 {
		return nil
	}
	t := s.table
	t.writing.Lock()
	defer t.writing.Unlock()
	todo, err := s.commit(ctx, events)
	if err == nil {
		at := 0
		for _, e := range events {
			written := at < len(todo) && e == todo[at]
			if written {
				at++
			}
			s.entry.settle(e, written)
		}
		return nil
	}
	t.rollback(ctx)
	if why := culprit(err); why != nil {
		return s.refuse(ctx, events, why)
	}
	t.drop() // whatever is wrong with it, the next Write has a new connection
	return fmt.Errorf("sqlite: write %d rows to %s: %w", len(events), t.name, err)
}

// culprit is the reject in an error that is an event's fault.
func culprit(err error) *penstock.Reject {
	if why := penstock.AsReject(err); why != nil {
		return why
	}
	return fault(err)
}

func (s *sink) commit(ctx context.Context, events []*penstock.Event) (todo []*penstock.Event, err error) {
	if todo, err = s.begin(ctx, events); err != nil {
		return nil, err
	}
	if err := s.table.insert(ctx, todo); err != nil {
		return nil, err
	}
	if _, err := s.table.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return todo, nil
}

func (s *sink) begin(ctx context.Context, events []*penstock.Event) ([]*penstock.Event, error) {
	if err := s.table.connect(ctx); err != nil {
		return nil, err
	}
	if _, err := s.table.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	return s.entry.enter(ctx, s.table.conn, events)
}

// refuse rejects the events at fault and reports that the others were not
// written either. A single event is at fault itself.
func (s *sink) refuse(ctx context.Context, events []*penstock.Event, first *penstock.Reject) error {
	if len(events) == 1 {
		events[0].Reject(first)
		return nil
	}
	bad, err := s.judge(ctx, events)
	s.table.rollback(ctx)
	if err != nil {
		s.table.drop()
		return fmt.Errorf("sqlite: find which of %d rows is refused (%s): %w", len(events), first.Detail, err)
	}
	for e, why := range bad {
		e.Reject(why)
	}
	return &penstock.Refusal{Why: first}
}

// judge writes row by row, in order, so that of two events that exclude each
// other the first is good. A row that SQLite refuses undoes itself alone.
func (s *sink) judge(ctx context.Context, events []*penstock.Event) (map[*penstock.Event]*penstock.Reject, error) {
	todo, err := s.begin(ctx, events)
	if err != nil {
		return nil, err
	}
	bad := map[*penstock.Event]*penstock.Reject{}
	for _, e := range todo {
		err := s.table.one.run(ctx, []*penstock.Event{e})
		if err == nil {
			continue
		}
		why := culprit(err)
		if why == nil {
			return nil, err
		}
		bad[e] = why
		if s.table.rolledBack(ctx) || len(bad) == faultsMax {
			break
		}
	}
	return bad, nil
}

// rolledBack reports whether a trigger's RAISE(ROLLBACK) has ended the
// transaction: only then can another begin.
func (t *Table) rolledBack(ctx context.Context) bool {
	_, err := t.conn.ExecContext(ctx, "BEGIN")
	return err == nil
}

// connect makes the writer's connection and its statements. The caller holds
// writing, as everybody does who calls what is below.
func (t *Table) connect(ctx context.Context) (err error) {
	if t.conn != nil {
		return nil
	}
	if t.conn, err = t.db.Conn(ctx); err != nil {
		t.conn = nil
		return err
	}
	rows := max(1, min(statementRows, parametersMax/len(t.columns)))
	if t.many, err = t.prepareInsert(ctx, rows); err == nil {
		t.one, err = t.prepareInsert(ctx, 1)
	}
	if err != nil {
		t.drop()
	}
	return err
}

// drop closes the writer's connection.
func (t *Table) drop() {
	if t.conn == nil {
		return
	}
	for _, i := range []*insert{t.many, t.one} {
		if i != nil {
			i.stmt.Close()
		}
	}
	t.conn.Close()
	t.conn, t.many, t.one = nil, nil, nil
}

func (t *Table) rollback(ctx context.Context) {
	if t.conn == nil {
		return
	}
	// It fails when SQLite has rolled back itself, which is as good.
	t.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
}

// insert writes the events in their order.
func (t *Table) insert(ctx context.Context, events []*penstock.Event) error {
	for len(events) >= t.many.rows {
		if err := t.many.run(ctx, events[:t.many.rows]); err != nil {
			return err
		}
		events = events[t.many.rows:]
	}
	for i := range events {
		if err := t.one.run(ctx, events[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// An insert is a prepared statement for a fixed number of rows.
type insert struct {
	table *Table
	rows  int
	stmt  driver.Stmt
	args  []driver.NamedValue
}

// prepareInsert prepares the statement at the driver, which spares each value
// database/sql's conversions.
func (t *Table) prepareInsert(ctx context.Context, rows int) (*insert, error) {
	i := &insert{table: t, rows: rows, args: make([]driver.NamedValue, rows*len(t.columns))}
	for n := range i.args {
		i.args[n].Ordinal = n + 1
	}
	err := t.conn.Raw(func(conn any) (err error) {
		i.stmt, err = conn.(driver.ConnPrepareContext).PrepareContext(ctx, t.insertSQL(rows))
		return err
	})
	if err != nil {
		return nil, err // not i: its stmt may be a nil of the driver's own type
	}
	return i, nil
}

// run writes i.rows events.
func (i *insert) run(ctx context.Context, events []*penstock.Event) error {
	at := 0
	for _, e := range events {
		if len(e.Extra) > 0 && i.table.extra < 0 {
			return penstock.NewReject(CodeColumn, "", "the event has members that the schema does not name, and the table has no column %s (TEXT) for them", extraName)
		}
		for n := range i.table.columns {
			c := &i.table.columns[n]
			if c.slot < 0 {
				i.args[at].Value = extraValue(e.Extra)
				at++
				continue
			}
			value, why := c.value(&e.Values[c.slot])
			if why != "" {
				return penstock.NewReject(CodeColumn, pointer(c.name), "the value does not fit the column %s: %s", c.name, why)
			}
			i.args[at].Value = value
			at++
		}
	}
	result, err := i.stmt.(driver.StmtExecContext).ExecContext(ctx, i.args)
	if err != nil {
		return err
	}
	return i.table.arrived(result, len(events))
}

// arrived makes sure that a statement has written its rows. An upsert writes
// fewer where a row gives way to a later one of its key, and what a trigger has
// left out cannot be told from that.
func (t *Table) arrived(result driver.Result, rows int) error {
	if t.o.Mode == penstock.Upsert || !t.counted {
		return nil
	}
	n, err := result.RowsAffected()
	if err != nil || n >= int64(rows) {
		return err
	}
	return penstock.NewReject(CodeTrigger, "", "a trigger of the table, or its ON CONFLICT IGNORE, has left the row out; let it keep the row, or RAISE(ABORT) with the reason")
}

// insertSQL is the statement that writes rows rows.
func (t *Table) insertSQL(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(t.columns)), ", ") + ")"
	values := strings.TrimSuffix(strings.Repeat(row+", ", rows), ", ")
	text := "INSERT INTO " + quote(t.into) + " (" + t.names(t.all()) + ") VALUES " + values
	if t.o.Mode == penstock.Upsert {
		text += t.upsertSQL()
	}
	return text
}

// upsertSQL writes over what is there unless that has a later time.
func (t *Table) upsertSQL() string {
	var set []string
	for i, c := range t.columns {
		if !slices.Contains(t.key, i) {
			set = append(set, quote(c.name)+" = excluded."+quote(c.name))
		}
	}
	text := " ON CONFLICT (" + t.names(t.key) + ") DO "
	if len(set) == 0 {
		return text + "NOTHING"
	}
	text += "UPDATE SET " + strings.Join(set, ", ")
	if t.time >= 0 {
		there, new := quote(t.into)+"."+quote(t.columns[t.time].name), "excluded."+quote(t.columns[t.time].name)
		text += " WHERE " + there + " IS NULL OR " + new + " >= " + there
	}
	return text
}

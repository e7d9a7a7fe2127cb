package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
)

// faultsMax is how many bad events one Write looks for. There may be more: the
// next Write finds them.
const faultsMax = 1000

// An entry is what a transaction writes into the ledger before any row.
type entry interface {
	// enter makes the entry and returns the events that are still to be
	// written; the others are in the table already, as settle tells.
	enter(ctx context.Context, conn *pgx.Conn, events []*penstock.Event) (todo []*penstock.Event, err error)

	// settle settles an event that is in the table.
	settle(e *penstock.Event, written bool)

	// leave is called when the transaction is committed.
	leave(ctx context.Context)
}

// A sink writes batches under one kind of entry.
type sink struct {
	table *Table
	entry entry
}

// Write puts the pending events and the ledger's entry into the database in one
// transaction. When rows are refused, it finds which, commits nothing, rejects
// those and returns a *penstock.Refusal: once their letters are durable, Write
// again commits the rest.
func (s *sink) Write(ctx context.Context, b *penstock.Batch) error {
	events := b.Pending().Events
	if len(events) == 0 && len(b.Events) > 0 {
		return nil
	}
	conn, err := s.table.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("postgres: connect: %w", err)
	}
	w := writing{sink: s, conn: conn.Conn()}
	todo, err := w.commit(ctx, events)
	if err == nil {
		conn.Release() // another chunk may have it while this one's events are settled
		s.settle(ctx, events, todo)
		return nil
	}
	defer conn.Release()
	w.rollback(ctx)
	if w.unfit(err) || fault(err) != nil {
		return w.refuse(ctx, events, err)
	}
	return fmt.Errorf("postgres: write %d rows to %s: %w", len(events), s.table.o.Stream.Table.Name, err)
}

// A writing is one Write on its connection.
type writing struct {
	*sink
	conn *pgx.Conn
	rows *rows // of the last COPY
}

func (w *writing) unfit(err error) bool { return errors.Is(err, errUnfit) }

// rollback ends a transaction that failed. A connection that cannot is closed,
// and the pool makes another.
func (w *writing) rollback(ctx context.Context) {
	if w.conn.IsClosed() || w.conn.PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := w.conn.Exec(ctx, "ROLLBACK"); err != nil {
		w.conn.Close(ctx)
	}
}

// settle settles the events of a transaction that is committed; todo are those
// that it has written.
func (s *sink) settle(ctx context.Context, events, todo []*penstock.Event) {
	at := 0
	for _, e := range events {
		written := at < len(todo) && e == todo[at]
		if written {
			at++
		}
		s.entry.settle(e, written)
	}
	s.entry.leave(ctx)
}

// commit is the whole transaction, and returns the events that it has written.
func (w *writing) commit(ctx context.Context, events []*penstock.Event) (todo []*penstock.Event, err error) {
	if todo, err = w.begin(ctx, events); err != nil {
		return nil, err
	}
	if err := w.copy(ctx, todo); err != nil {
		return nil, err
	}
	if _, err := w.conn.Exec(ctx, "COMMIT"); err != nil {
		return nil, fmt.Errorf("commit (what became of it the next attempt tells): %w", err)
	}
	return todo, nil
}

// begin has deferred constraints checked with each statement, so that a refused
// row is found before the commit.
func (w *writing) begin(ctx context.Context, events []*penstock.Event) ([]*penstock.Event, error) {
	if _, err := w.conn.Exec(ctx, "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return nil, err
	}
	return w.entry.enter(ctx, w.conn, events)
}

// copy writes the rows into the table, through the temporary one if need be.
func (w *writing) copy(ctx context.Context, events []*penstock.Event) error {
	if len(events) == 0 {
		return nil
	}
	w.rows = &rows{table: w.table, events: events}
	tag, err := w.conn.PgConn().CopyFrom(ctx, w.rows, w.table.copySQL)
	w.rows.end()
	if w.rows.why != nil {
		return errUnfit
	}
	if err == nil && w.table.staged {
		tag, err = w.conn.Exec(ctx, w.table.mergeSQL)
	}
	if err != nil {
		return err
	}
	return w.table.arrived(tag, events)
}

// refuse rejects the events at fault and reports that the others were not
// written either. A single event is at fault itself.
func (w *writing) refuse(ctx context.Context, events []*penstock.Event, why error) error {
	first := fault(why)
	if w.unfit(why) {
		first = w.rows.why
	}
	if len(events) == 1 {
		events[0].Reject(first)
		return nil
	}
	bad, err := w.judge(ctx, events)
	w.rollback(ctx)
	if err != nil {
		return fmt.Errorf("postgres: find which of %d rows is refused (%s): %w", len(events), first.Detail, err)
	}
	for _, b := range bad {
		b.event.Reject(b.why)
	}
	return &penstock.Refusal{Why: first}
}

// A culprit is an event that the table refuses.
type culprit struct {
	event *penstock.Event
	why   *penstock.Reject
}

// judge finds the events at fault: first those that do not fit, without asking
// the server, then those that the server refuses, by halves.
func (w *writing) judge(ctx context.Context, events []*penstock.Event) (bad []culprit, err error) {
	var row []byte
	for i, e := range events {
		if e.Letter {
			continue // is no row
		}
		var why *penstock.Reject
		if row, why = w.table.appendRow(row[:0], e, i); why != nil && len(bad) < faultsMax {
			bad = append(bad, culprit{e, why})
		}
	}
	if len(bad) > 0 {
		return bad, nil
	}
	todo, err := w.begin(ctx, events)
	if err != nil {
		return nil, err
	}
	err = w.halve(ctx, todo, &bad)
	return bad, err
}

// halve writes the events within the transaction, but for those at fault. The
// order is kept: of two events that exclude each other, the first is good.
func (w *writing) halve(ctx context.Context, events []*penstock.Event, bad *[]culprit) error {
	if len(*bad) >= faultsMax {
		return nil
	}
	if _, err := w.conn.Exec(ctx, "SAVEPOINT half"); err != nil {
		return err
	}
	err := w.copy(ctx, events)
	if err == nil && w.table.staged {
		_, err = w.conn.Exec(ctx, "TRUNCATE "+stageName)
	}
	if err == nil {
		_, err = w.conn.Exec(ctx, "RELEASE SAVEPOINT half")
		return err
	}
	why := fault(err)
	if why == nil {
		return err
	}
	if _, err := w.conn.Exec(ctx, "ROLLBACK TO SAVEPOINT half; RELEASE SAVEPOINT half"); err != nil {
		return err
	}
	if len(events) == 1 {
		*bad = append(*bad, culprit{events[0], why})
		return nil
	}
	if err := w.halve(ctx, events[:len(events)/2], bad); err != nil {
		return err
	}
	return w.halve(ctx, events[len(events)/2:], bad)
}

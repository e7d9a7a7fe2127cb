package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/penstock-io/penstock"
)

// Follow returns a sink for the events of a topic's partitions, each a door
// whose events come in order and one Write at a time. The door's position goes
// into the ledger with the rows, under the consumer's name, so an event is in
// the table once, however often it is read: what stands below the position is
// settled and not written again.
//
// Dead letters among the events are kept in the ledger's table penstock_rejects,
// in the same transaction. So what is rejected on the way and what the table
// refuses is neither lost nor there twice when the sink is, without Letters, To
// of a DeadLetters inside a Bisect.
func (t *Table) Follow(consumer string) penstock.Sink {
	return &sink{table: t, entry: &followEntry{t, consumer}}
}

// Positions are where the consumer goes on, by door.
func (t *Table) Positions(ctx context.Context, consumer string) (map[string]uint64, error) {
	rows, err := t.db.QueryContext(ctx, "SELECT door, next FROM penstock_offsets WHERE consumer = ? AND table_name = ?", consumer, t.name)
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the positions of %s: %w", consumer, err)
	}
	defer rows.Close()
	at := map[string]uint64{}
	for rows.Next() {
		var door string
		var next int64
		if err := rows.Scan(&door, &next); err != nil {
			return nil, fmt.Errorf("sqlite: read the positions of %s: %w", consumer, err)
		}
		at[door] = uint64(next)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlite: read the positions of %s: %w", consumer, err)
	}
	return at, nil
}

type followEntry struct {
	table    *Table
	consumer string
}

// enter moves the positions of all doors in the batch on to behind it.
func (f *followEntry) enter(ctx context.Context, conn *sql.Conn, events []*penstock.Event) ([]*penstock.Event, error) {
	before := map[string]int64{}
	for _, e := range events {
		if _, ok := before[e.Origin.Door]; !ok {
			var next int64
			err := conn.QueryRowContext(ctx, "SELECT next FROM penstock_offsets WHERE consumer = ? AND table_name = ? AND door = ?",
				f.consumer, f.table.name, e.Origin.Door).Scan(&next)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
			before[e.Origin.Door] = next
		}
	}
	after := map[string]int64{}
	for _, e := range events {
		after[e.Origin.Door] = max(after[e.Origin.Door], int64(e.Origin.Position)+1)
	}
	for door, next := range after {
		if next <= before[door] {
			continue
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO penstock_offsets (consumer, table_name, door, next) VALUES (?, ?, ?, ?) "+
			"ON CONFLICT DO UPDATE SET next = excluded.next", f.consumer, f.table.name, door, next); err != nil {
			return nil, err
		}
	}
	var rows []*penstock.Event
	for _, e := range events {
		switch {
		case int64(e.Origin.Position) < before[e.Origin.Door]: // in the file already
		case e.Letter:
			if err := keep(ctx, conn, f.consumer, e); err != nil {
				return nil, fmt.Errorf("keep a dead letter: %w", err)
			}
		default:
			rows = append(rows, e)
		}
	}
	return rows, nil
}

func (f *followEntry) settle(e *penstock.Event, _ bool) { e.Deliver(penstock.Place{}) }

// keep writes a letter into the ledger's table penstock_rejects.
func keep(ctx context.Context, conn *sql.Conn, consumer string, e *penstock.Event) error {
	header := map[string]string{}
	for _, h := range e.Headers {
		header[h.Name] = string(h.Value)
	}
	event := e.Body
	if event == nil {
		event = []byte{}
	}
	_, err := conn.ExecContext(ctx, "INSERT INTO penstock_rejects (consumer, door, place, id, event, code, pointer, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		consumer, e.Origin.Door, int64(e.Origin.Position), string(e.ID), event, header[penstock.HeaderCode], header[penstock.HeaderPointer], header[penstock.HeaderDetail])
	return err
}

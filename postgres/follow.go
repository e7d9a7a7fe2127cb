package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
)

// Follow returns a sink for the events of a topic's partitions, each a door
// whose events come in order and one Write at a time. The door's position goes
// into the ledger with the rows, under the consumer's name, so an event is in
// the table once, however often it is read: what stands below the position is
// settled and not written again. Two members of a consumer group that both
// believe the partition theirs do no harm.
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
	rows, err := t.pool.Query(ctx, "SELECT door, next FROM "+t.ledger.offsets+" WHERE consumer = $1 AND table_name = $2", consumer, t.o.Stream.Table.Name)
	if err != nil {
		return nil, fmt.Errorf("postgres: read the positions of %s: %w", consumer, err)
	}
	at := map[string]uint64{}
	var door string
	var next int64
	if _, err := pgx.ForEachRow(rows, []any{&door, &next}, func() error {
		at[door] = uint64(next)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("postgres: read the positions of %s: %w", consumer, err)
	}
	return at, nil
}

type followEntry struct {
	table    *Table
	consumer string
}

// enter moves the positions of all doors in the batch on to behind it. The rows
// stay locked until the commit, so whoever else has the same partition waits,
// and then sees how far this one came.
func (f *followEntry) enter(ctx context.Context, conn *pgx.Conn, events []*penstock.Event) ([]*penstock.Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	ends := map[string]int64{}
	var doors []string
	for _, e := range events {
		if _, ok := ends[e.Origin.Door]; !ok {
			doors = append(doors, e.Origin.Door)
		}
		ends[e.Origin.Door] = max(ends[e.Origin.Door], int64(e.Origin.Position)+1)
	}
	slices.Sort(doors) // all in one order, or two batches could wait for each other
	next := make([]int64, len(doors))
	for i, door := range doors {
		next[i] = ends[door]
	}
	before, err := f.advance(ctx, conn, doors, next)
	if err != nil {
		return nil, err
	}
	var rows, letters []*penstock.Event
	for _, e := range events {
		switch {
		case int64(e.Origin.Position) < before[e.Origin.Door]: // in the database already
		case e.Letter:
			letters = append(letters, e)
		default:
			rows = append(rows, e)
		}
	}
	if err := f.keep(ctx, conn, letters); err != nil {
		return nil, fmt.Errorf("keep %d dead letters: %w", len(letters), err)
	}
	return rows, nil
}

// advance sets the positions and returns what they were.
func (f *followEntry) advance(ctx context.Context, conn *pgx.Conn, doors []string, next []int64) (map[string]int64, error) {
	name := f.table.o.Stream.Table.Name
	offsets := f.table.ledger.offsets
	batch := &pgx.Batch{}
	batch.Queue("INSERT INTO "+offsets+" (consumer, table_name, door, next) SELECT $1, $2, d, 0 FROM unnest($3::text[]) d ORDER BY d ON CONFLICT DO NOTHING",
		f.consumer, name, doors)
	before := map[string]int64{}
	batch.Queue("SELECT door, next FROM "+offsets+" WHERE consumer = $1 AND table_name = $2 AND door = ANY ($3) ORDER BY door FOR UPDATE",
		f.consumer, name, doors).Query(func(rows pgx.Rows) error {
		var door string
		var at int64
		_, err := pgx.ForEachRow(rows, []any{&door, &at}, func() error {
			before[door] = at
			return nil
		})
		return err
	})
	batch.Queue("UPDATE "+offsets+" o SET next = greatest(o.next, n.next) FROM unnest($3::text[], $4::bigint[]) n(door, next) "+
		"WHERE o.consumer = $1 AND o.table_name = $2 AND o.door = n.door", f.consumer, name, doors, next)
	return before, conn.SendBatch(ctx, batch).Close()
}

func (f *followEntry) settle(e *penstock.Event, _ bool) { e.Deliver(penstock.Place{}) }

func (f *followEntry) leave(context.Context) {}

// keep writes the letters into the ledger's table penstock_rejects.
func (f *followEntry) keep(ctx context.Context, conn *pgx.Conn, letters []*penstock.Event) error {
	if len(letters) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, e := range letters {
		header := map[string]string{}
		for _, h := range e.Headers {
			header[h.Name] = string(h.Value)
		}
		batch.Queue("INSERT INTO "+f.table.ledger.rejects+" (consumer, door, place, id, event, code, pointer, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
			f.consumer, e.Origin.Door, int64(e.Origin.Position), printable(string(e.ID)), nonNil(e.Body), header[penstock.HeaderCode],
			printable(header[penstock.HeaderPointer]), printable(header[penstock.HeaderDetail]))
	}
	return conn.SendBatch(ctx, batch).Close()
}

// printable is a text as PostgreSQL can store it.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// nonNil tells the driver that the bytes are none, not null.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/penstock-io/penstock"
)

// ledger are the tables that stand beside the stream's.
var ledger = []string{
	`penstock_chunks (
  job TEXT NOT NULL, table_name TEXT NOT NULL, source TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, first INTEGER NOT NULL, records INTEGER NOT NULL,
  loaded INTEGER NOT NULL, rejects INTEGER NOT NULL, loader TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (job, source, start))`,
	`penstock_sources (job TEXT NOT NULL, table_name TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (job, source))`,
	`penstock_offsets (consumer TEXT NOT NULL, table_name TEXT NOT NULL, door TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (consumer, table_name, door))`,
	`penstock_rejects (consumer TEXT NOT NULL, door TEXT NOT NULL, place INTEGER NOT NULL, id BLOB, event BLOB NOT NULL, code TEXT NOT NULL,
  pointer TEXT NOT NULL, detail TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (consumer, door, place))`,
	`penstock_deferred (table_name TEXT NOT NULL, place INTEGER NOT NULL, statement TEXT NOT NULL, PRIMARY KEY (table_name, place))`,
	`penstock_replaced (job TEXT PRIMARY KEY, table_name TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
	`penstock_tables (table_name TEXT PRIMARY KEY, id TEXT NOT NULL)`,
}

// forgetTable takes out of the ledger whatever it says of a table of this name
// that is there no more: nothing of that is in the one that is made now.
func (t *Table) forgetTable(ctx context.Context, conn *sql.Conn) error {
	for _, of := range []string{"penstock_chunks", "penstock_sources", "penstock_offsets", "penstock_replaced", "penstock_deferred", "penstock_tables"} {
		result, err := conn.ExecContext(ctx, "DELETE FROM "+of+" WHERE table_name = ?", t.name)
		if err != nil {
			return fmt.Errorf("forget the table that was there: %w", err)
		}
		if n, err := result.RowsAffected(); err == nil && n > 0 {
			t.log.Warn("the table was dropped since it was last written: the ledger forgets what was in it", "table", t.name, "ledger", of, "entries", n)
		}
	}
	return nil
}

// ID tells the table from one of its name in another file, or that this package
// has made after it was dropped.
func (t *Table) ID(ctx context.Context) (id string, err error) {
	err = t.db.QueryRowContext(ctx, "SELECT id FROM penstock_tables WHERE table_name = ?", t.name).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("sqlite: which table %s is: %w", t.name, err)
	}
	return id, nil
}

// sourceSQL asks what a source was like, and whether it is loaded by another name
// and not by its own. What has no fingerprint is no file.
const sourceSQL = `
SELECT fingerprint, coalesce((SELECT source FROM penstock_sources other WHERE other.job = s.job AND other.fingerprint = s.fingerprint AND s.fingerprint <> ''
  AND EXISTS (SELECT 1 FROM penstock_chunks c WHERE c.job = s.job AND c.source = other.source AND c.records > 0)
  AND NOT EXISTS (SELECT 1 FROM penstock_chunks c WHERE c.job = s.job AND c.source = s.source) LIMIT 1), '')
FROM penstock_sources s WHERE job = ? AND source = ?`

// Source records what a source of the job looked like when it was first loaded,
// or returns an error when it has changed since: then no chunk of the ledger
// says anything about it any more.
func (t *Table) Source(ctx context.Context, job, source, fingerprint string) error {
	if job == "" || len(job) > 200 {
		return fmt.Errorf("sqlite: the job's name %q has %d bytes; give it 1 to 200", job, len(job))
	}
	var was, twin string
	err := t.transact(ctx, func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "INSERT INTO penstock_sources (job, source, fingerprint, table_name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", job, source, fingerprint, t.name); err != nil {
			return err
		}
		return conn.QueryRowContext(ctx, sourceSQL, job, source).Scan(&was, &twin)
	})
	if err != nil {
		return fmt.Errorf("sqlite: note source %s: %w", source, err)
	}
	if twin != "" {
		return fmt.Errorf("source %s is, by all that can be seen, %s, which is loaded: give it the same name, or load it as another job to have it twice", source, twin)
	}
	if was != fingerprint {
		return fmt.Errorf("source %s has changed since this job began (it was %s and is %s): what is loaded of it cannot be told from what is not; "+
			"put the file back, or load it as another job", source, was, fingerprint)
	}
	return nil
}

// Done lists the job's chunks that are in the ledger, by source and start.
func (t *Table) Done(ctx context.Context, job string) ([]penstock.Chunk, error) {
	rows, err := t.db.QueryContext(ctx, "SELECT job, source, start, length, first, records, rejects, loader FROM penstock_chunks WHERE job = ? ORDER BY source, start", job)
	if err != nil {
		return nil, fmt.Errorf("sqlite: read the ledger: %w", err)
	}
	defer rows.Close()
	var done []penstock.Chunk
	for rows.Next() {
		var c penstock.Chunk
		var first int64
		if err := rows.Scan(&c.Job, &c.Source, &c.Start, &c.Length, &first, &c.Count, &c.Rejects, &c.Loader); err != nil {
			return nil, fmt.Errorf("sqlite: read the ledger: %w", err)
		}
		c.First = uint64(first)
		done = append(done, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlite: read the ledger: %w", err)
	}
	return done, nil
}

// Loader is what the ledger calls this Table: letters and digits, another for each.
func (t *Table) Loader() string { return t.loader }

// Claim tells whether the chunk is loaded. No loader takes it: a file has one
// writer, so there is no work to share out.
func (t *Table) Claim(ctx context.Context, c penstock.Chunk) (penstock.ChunkState, error) {
	var done bool
	err := t.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM penstock_chunks WHERE job = ? AND source = ? AND start = ?)", c.Job, c.Source, c.Start).Scan(&done)
	switch {
	case err != nil:
		return 0, fmt.Errorf("sqlite: look for a chunk of %s: %w", c.Source, err)
	case done:
		return penstock.ChunkDone, nil
	}
	return penstock.ChunkFree, nil
}

// Chunk returns the sink that loads the chunk. The batch is the whole chunk: as
// soon as a Write has returned nil, the chunk is in the ledger. Write an empty
// batch for a chunk of which nothing is left to load, so that it is, too.
//
// An event that is rejected was refused by the table or does not fit it; its
// letter must be durable before Write is called again, so wrap the sink in
// DeadLetters and that in Bisect. A chunk that is in the ledger already is not
// written: its events are dropped or, if it was this Table that loaded it,
// delivered.
func (t *Table) Chunk(c penstock.Chunk) penstock.Sink {
	return &sink{table: t, entry: &chunkEntry{table: t, chunk: c}}
}

// A chunkEntry is the ledger's row for a chunk. It is for one Write at a time.
type chunkEntry struct {
	table *Table
	chunk penstock.Chunk
	ours  bool // the chunk is in the ledger by this Table
	most  int  // events that the first Write had: what later ones lack was rejected
}

func (c *chunkEntry) enter(ctx context.Context, conn *sql.Conn, events []*penstock.Event) ([]*penstock.Event, error) {
	c.most = max(c.most, len(events))
	k := c.chunk
	result, err := conn.ExecContext(ctx, "INSERT INTO penstock_chunks (job, source, start, length, first, records, loaded, rejects, loader, table_name) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		k.Job, k.Source, k.Start, k.Length, int64(k.First), k.Count, len(events), k.Rejects+int64(c.most-len(events)), c.table.loader, c.table.name)
	if err != nil {
		return nil, err
	}
	if n, err := result.RowsAffected(); n == 1 || err != nil {
		return events, err
	}
	var loader string
	err = conn.QueryRowContext(ctx, "SELECT loader FROM penstock_chunks WHERE job = ? AND source = ? AND start = ?", k.Job, k.Source, k.Start).Scan(&loader)
	c.ours = loader == c.table.loader
	return nil, err
}

func (c *chunkEntry) settle(e *penstock.Event, written bool) {
	if written || c.ours {
		e.Deliver(penstock.Place{})
		return
	}
	e.Drop(penstock.Place{})
}

// Finish ends a load: it makes the indexes that have waited for it, and in mode
// Replace puts what was loaded in the table's place. It may be repeated.
func (t *Table) Finish(ctx context.Context) (penstock.Finished, error) {
	f := penstock.Finished{
		Again:  func(*penstock.Event) bool { return false }, // the key is there from the beginning
		Forget: func(context.Context) error { return nil },
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	t.drop() // its statements name the table that may be replaced
	err := t.transact(ctx, func(conn *sql.Conn) error {
		if t.o.Mode == penstock.Replace {
			if err := t.swap(ctx, conn); err != nil {
				return err
			}
		}
		return t.makeDeferred(ctx, conn)
	})
	if err != nil {
		return f, fmt.Errorf("sqlite: finish table %s: %w", t.name, err)
	}
	return f, nil
}

// makeDeferred runs the statements that waited for the end of a load.
func (t *Table) makeDeferred(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "SELECT statement FROM penstock_deferred WHERE table_name = ? ORDER BY place", t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var statements []string
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			return err
		}
		statements = append(statements, statement)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	_, err = conn.ExecContext(ctx, "DELETE FROM penstock_deferred WHERE table_name = ?", t.name)
	return err
}

// shadow is the table that the job loads, to replace the one that is there.
func (t *Table) shadow() string {
	sum := sha256.Sum256([]byte(t.o.Job))
	return "penstock_new_" + hex.EncodeToString(sum[:4]) + "_" + t.name
}

// createShadow makes the shadow, unless the job has replaced the table already.
func (t *Table) createShadow(ctx context.Context, conn *sql.Conn) error {
	var done, there bool
	err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM penstock_replaced WHERE job = ?)", t.o.Job).Scan(&done)
	if err != nil || done {
		return err
	}
	t.into = t.shadow()
	if there, err = t.exists(ctx, conn, t.into); err != nil || there {
		return err
	}
	if _, err := conn.ExecContext(ctx, t.definition(t.into)); err != nil {
		return fmt.Errorf("make the table that replaces it: %w", err)
	}
	return nil
}

// swap puts what was loaded in the place of what was there, once. The table
// itself stays, with its indexes, triggers and views.
func (t *Table) swap(ctx context.Context, conn *sql.Conn) error {
	result, err := conn.ExecContext(ctx, "INSERT INTO penstock_replaced (job, table_name) VALUES (?, ?) ON CONFLICT DO NOTHING", t.o.Job, t.name)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		return err
	}
	columns := t.names(t.all())
	if _, err := conn.ExecContext(ctx, "DELETE FROM "+quote(t.name)); err != nil {
		return fmt.Errorf("replace its rows: %w", err)
	}
	result, err = conn.ExecContext(ctx, "INSERT INTO "+quote(t.name)+" ("+columns+") SELECT "+columns+" FROM "+quote(t.shadow()))
	if err != nil {
		return fmt.Errorf("replace its rows: %w", err)
	}
	if err := t.checkSwapped(ctx, conn, result); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "DROP TABLE "+quote(t.shadow())); err != nil {
		return fmt.Errorf("replace its rows: %w", err)
	}
	t.into = t.name
	return nil
}

// checkSwapped refuses to replace the table where it leaves rows out, whose
// events are told to be in it.
func (t *Table) checkSwapped(ctx context.Context, conn *sql.Conn, result sql.Result) error {
	written, err := result.RowsAffected()
	if err != nil {
		return err
	}
	var loaded int64
	err = conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(t.shadow())).Scan(&loaded)
	if err == nil && written < loaded {
		err = fmt.Errorf("a trigger of the table, or its ON CONFLICT IGNORE, has left %d of %d rows out; drop it, and run the same command again: nothing is replaced yet", loaded-written, loaded)
	}
	return err
}

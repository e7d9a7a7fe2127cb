package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/penstock-io/penstock"
)

// Source records what a source of the job looked like when it was first loaded,
// or returns an error when it has changed since: then no chunk of the ledger
// says anything about it any more.
func (t *Table) Source(ctx context.Context, job, source, fingerprint string) error {
	if job == "" || len(job) > 200 {
		return fmt.Errorf("postgres: the job's name %q has %d bytes; give it 1 to 200", job, len(job))
	}
	// Two statements: one alone would not see what another loader has inserted
	// since it began, and so find neither its own row nor the other's.
	batch := &pgx.Batch{}
	batch.Queue("INSERT INTO "+t.ledger.sources+" (job, source, fingerprint, table_name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		job, source, fingerprint, t.o.Stream.Table.Name)
	var was, twin string
	batch.Queue(t.sourceSQL(), job, source).QueryRow(func(row pgx.Row) error { return row.Scan(&was, &twin) })
	if err := t.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("postgres: note source %s: %w", source, err)
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

// sourceSQL asks what a source was like, and whether it is loaded by another name
// and not by its own. What has no fingerprint is no file.
func (t *Table) sourceSQL() string {
	chunks := "EXISTS (SELECT FROM " + t.ledger.chunks + " c WHERE c.job = s.job AND c.source = "
	return "SELECT fingerprint, coalesce((SELECT source FROM " + t.ledger.sources + " other WHERE other.job = s.job AND other.fingerprint = s.fingerprint AND s.fingerprint <> '' AND " +
		chunks + "other.source AND c.records > 0) AND NOT " + chunks + "s.source) LIMIT 1), '') FROM " + t.ledger.sources + " s WHERE job = $1 AND source = $2"
}

// Done lists the job's chunks that are in the ledger, by source and start.
func (t *Table) Done(ctx context.Context, job string) ([]penstock.Chunk, error) {
	done, err := collectChunks(t.pool.Query(ctx, t.chunksSQL(), job))
	if err != nil {
		return nil, fmt.Errorf("postgres: read the ledger: %w", err)
	}
	return done, nil
}

// chunksSQL lists a job's chunks.
func (t *Table) chunksSQL() string {
	return "SELECT job, source, start, length, first, records, rejects, loader FROM " + t.ledger.chunks + " WHERE job = $1 ORDER BY source, start"
}

func collectChunks(rows pgx.Rows, err error) ([]penstock.Chunk, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c penstock.Chunk, err error) {
		err = row.Scan(&c.Job, &c.Source, &c.Start, &c.Length, &c.First, &c.Count, &c.Rejects, &c.Loader)
		return c, err
	})
}

// Loader is what the ledger calls this Table: letters and digits, another for each.
func (t *Table) Loader() string { return t.loader }

// Claim takes the chunk for this loader, unless it is loaded or another loader
// has it in work. It only shares out the work: that a chunk is loaded once the
// ledger sees to. A claim ends when the chunk is written, or with the Table.
func (t *Table) Claim(ctx context.Context, c penstock.Chunk) (penstock.ChunkState, error) {
	t.claiming.Lock()
	defer t.claiming.Unlock()
	if t.claims == nil || t.claims.IsClosed() {
		config := t.pool.Config().ConnConfig.Copy()
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return 0, fmt.Errorf("postgres: connect: %w", err)
		}
		t.claims = conn
	}
	var free, done bool
	err := t.claims.QueryRow(ctx, "SELECT pg_try_advisory_lock($1), EXISTS (SELECT FROM "+t.ledger.chunks+" WHERE job = $2 AND source = $3 AND start = $4)",
		lockOf(c), c.Job, c.Source, c.Start).Scan(&free, &done)
	switch {
	case err != nil:
		return 0, fmt.Errorf("postgres: claim a chunk of %s: %w", c.Source, err)
	case done && free:
		return penstock.ChunkDone, t.unclaim(ctx, c)
	case done:
		return penstock.ChunkDone, nil
	case free:
		return penstock.ChunkFree, nil
	}
	return penstock.ChunkTaken, nil
}

// unclaim gives the chunk's lock back. The caller holds claiming.
func (t *Table) unclaim(ctx context.Context, c penstock.Chunk) error {
	if t.claims == nil || t.claims.IsClosed() {
		return nil
	}
	_, err := t.claims.Exec(ctx, "SELECT pg_advisory_unlock($1)", lockOf(c)) // false, with a warning, where there was no claim
	return err
}

func lockOf(c penstock.Chunk) int64 {
	h := sha256.New()
	for _, part := range []string{c.Job, c.Source, strconv.FormatInt(c.Start, 10)} {
		h.Write(strconv.AppendInt(nil, int64(len(part)), 10))
		h.Write([]byte(part))
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}

// Chunk returns the sink that loads the chunk. The batch is the whole chunk: as
// soon as a Write has returned nil, the chunk is in the ledger. Write an empty
// batch for a chunk of which nothing is left to load, so that it is, too.
//
// An event that is rejected was refused by the table or does not fit it; its
// letter must be durable before Write is called again, so wrap the sink in
// DeadLetters and that in Bisect. A chunk that is in the ledger already is not
// written: its events are dropped or, if it was this Table whose commit went
// unanswered, delivered.
func (t *Table) Chunk(c penstock.Chunk) penstock.Sink {
	return &sink{table: t, entry: &chunkEntry{table: t, chunk: c}}
}

// Later is Chunk for a load that ends in Secure: a Write returns when the chunk
// is committed, and does not wait until that is on the server's disk. A server
// that crashes within the next second may have forgotten the chunk, its rows
// together with its entry in the ledger.
func (t *Table) Later(c penstock.Chunk) penstock.Sink {
	return &sink{table: t, entry: &chunkEntry{table: t, chunk: c, later: true}}
}

// A chunkEntry is the ledger's row for a chunk. It is for one Write at a time.
type chunkEntry struct {
	table *Table
	chunk penstock.Chunk
	later bool // its commit does not wait for the disk
	ours  bool // the chunk is in the ledger by this Table
	most  int  // events that the first Write had: what later ones lack was rejected
}

func (c *chunkEntry) enter(ctx context.Context, conn *pgx.Conn, events []*penstock.Event) ([]*penstock.Event, error) {
	c.most = max(c.most, len(events))
	k := c.chunk
	batch := &pgx.Batch{}
	if c.later {
		batch.Queue("SET LOCAL synchronous_commit = off")
	}
	made := false
	batch.Queue("INSERT INTO "+c.table.ledger.chunks+" (job, source, start, length, first, records, loaded, rejects, loader, table_name) "+
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
		k.Job, k.Source, k.Start, k.Length, int64(k.First), k.Count, len(events), k.Rejects+int64(c.most-len(events)), c.table.loader, c.table.o.Stream.Table.Name).
		Exec(func(tag pgconn.CommandTag) error {
			made = tag.RowsAffected() == 1
			return nil
		})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	if made {
		return events, nil
	}
	var loader string
	err := conn.QueryRow(ctx, "SELECT loader FROM "+c.table.ledger.chunks+" WHERE job = $1 AND source = $2 AND start = $3", k.Job, k.Source, k.Start).Scan(&loader)
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

// leave gives the claim back. A lost claims connection has done so already.
func (c *chunkEntry) leave(ctx context.Context) {
	c.table.claiming.Lock()
	defer c.table.claiming.Unlock()
	if c.table.unclaim(ctx, c.chunk) != nil {
		c.table.claims.Close(ctx)
	}
}

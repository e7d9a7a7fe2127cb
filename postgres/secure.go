package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
)

// Secure has the server make durable all that it has committed, and returns the
// job's chunks that are in the ledger then, by source and start. What Later has
// written and Secure does not return was forgotten in a crash, and is to be
// written again.
//
// It reads the ledger and changes it in one transaction, whose commit waits for
// the disk. Whatever it has read was committed before, so it stands before that
// commit in the server's log, and the log is on the disk up to there. A crash in
// between ends the transaction, and Secure fails.
func (t *Table) Secure(ctx context.Context, job string) (done []penstock.Chunk, err error) {
	err = pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if done, err = collectChunks(tx.Query(ctx, t.chunksSQL(), job)); err != nil || len(done) == 0 {
			return err
		}
		// A commit that has nothing to write waits for nothing.
		first := done[0]
		_, err := tx.Exec(ctx, "UPDATE "+t.ledger.chunks+" SET at = at WHERE job = $1 AND source = $2 AND start = $3", job, first.Source, first.Start)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: make the ledger durable: %w", err)
	}
	return done, nil
}

// waitForDisk has the connection's commits wait for the disk where the server is
// set up not to. A setting that waits for more than that stays.
func waitForDisk(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
	return err
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ledgerNames are the quoted names of the ledger's tables, which stand in the
// schema of the table itself.
type ledgerNames struct {
	chunks, sources, offsets, rejects, deferred, replaced string
}

func newLedgerNames(table pgx.Identifier) ledgerNames {
	beside := func(name string) string {
		return append(append(pgx.Identifier{}, table[:len(table)-1]...), name).Sanitize()
	}
	return ledgerNames{
		chunks:   beside("penstock_chunks"),
		sources:  beside("penstock_sources"),
		offsets:  beside("penstock_offsets"),
		rejects:  beside("penstock_rejects"),
		deferred: beside("penstock_deferred"),
		replaced: beside("penstock_replaced"),
	}
}

// makeLedger makes the ledger's tables if they are not there.
func (t *Table) makeLedger(ctx context.Context, tx pgx.Tx) error {
	for _, statement := range []string{
		t.ledger.chunks + ` (
  job text NOT NULL, table_name text NOT NULL, source text NOT NULL, start bigint NOT NULL, length bigint NOT NULL, first bigint NOT NULL,
  records bigint NOT NULL, loaded bigint NOT NULL, rejects bigint NOT NULL, loader text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job, source, start))`,
		t.ledger.sources + ` (job text NOT NULL, table_name text NOT NULL, source text NOT NULL, fingerprint text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (job, source))`,
		t.ledger.offsets + ` (consumer text NOT NULL, table_name text NOT NULL, door text NOT NULL, next bigint NOT NULL, PRIMARY KEY (consumer, table_name, door))`,
		t.ledger.rejects + ` (consumer text NOT NULL, door text NOT NULL, place bigint NOT NULL, id text, event bytea NOT NULL, code text NOT NULL,
  pointer text NOT NULL, detail text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, door, place))`,
		t.ledger.deferred + ` (table_name text NOT NULL, job text NOT NULL, place int NOT NULL, statement text NOT NULL, PRIMARY KEY (table_name, place))`,
		t.ledger.replaced + ` (job text PRIMARY KEY, table_name text NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
	} {
		// Asked first: CREATE needs a right on the schema, also of what is there.
		name, _, _ := strings.Cut(statement, " (")
		var there bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", name).Scan(&there); err != nil {
			return fmt.Errorf("look for the ledger beside it: %w", err)
		}
		if there {
			continue
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+statement); err != nil {
			return fmt.Errorf("make the ledger beside it: %w", err)
		}
	}
	return nil
}

// checkUnfinished refuses a table into which another job's load is under way
// without its primary key, or with rows taken out that it must load again: one
// job's end would take rows of both, and only that job knows its own again.
func (t *Table) checkUnfinished(ctx context.Context, tx pgx.Tx) error {
	var sources string
	err := tx.QueryRow(ctx, "SELECT coalesce((SELECT string_agg(s.source, ', ' ORDER BY s.source) FROM "+t.ledger.sources+" s WHERE s.job = d.job), 'another job') FROM "+
		t.ledger.deferred+" d WHERE d.table_name = $1 AND d.job <> $2 LIMIT 1", t.o.Stream.Table.Name, t.o.Job).Scan(&sources)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the ledger (the role needs SELECT, INSERT, UPDATE and DELETE on the penstock_ tables beside it): %w", err)
	}
	return fmt.Errorf("the load of %s into it has not come to its end, where its primary key is made: run that load again first, or drop the table", sources)
}

// forgetTable takes out of the ledger whatever it says of a table of this name
// that is there no more: nothing of that is in the one that is made now.
func (t *Table) forgetTable(ctx context.Context, tx pgx.Tx) error {
	for _, of := range []string{t.ledger.chunks, t.ledger.sources, t.ledger.offsets, t.ledger.replaced, t.ledger.deferred} {
		tag, err := tx.Exec(ctx, "DELETE FROM "+of+" WHERE table_name = $1", t.o.Stream.Table.Name)
		if err != nil {
			return fmt.Errorf("forget the table that was there: %w", err)
		}
		if tag.RowsAffected() > 0 {
			t.log.Warn("the table was dropped since it was last written: the ledger forgets what was in it", "table", t.o.Stream.Table.Name, "ledger", of, "entries", tag.RowsAffected())
		}
	}
	_, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+t.again().Sanitize())
	return err
}

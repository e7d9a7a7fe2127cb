package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// shadow is the table that the job loads, to replace the one that is there.
func (t *Table) shadow() pgx.Identifier {
	sum := sha256.Sum256([]byte(t.o.Job))
	return t.beside("penstock_new_" + hex.EncodeToString(sum[:4]) + "_" + t.name[len(t.name)-1])
}

// createShadow makes the shadow, with the table's own checks and indexes but
// without its triggers, unless the job has replaced the table already.
func (t *Table) createShadow(ctx context.Context, tx pgx.Tx) error {
	var done bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+t.ledger.replaced+" WHERE job = $1)", t.o.Job).Scan(&done)
	if err != nil || done {
		return err
	}
	t.into = t.shadow()
	_, err = tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+t.into.Sanitize()+" (LIKE "+t.name.Sanitize()+
		" INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING IDENTITY INCLUDING INDEXES)")
	if err != nil {
		return fmt.Errorf("make the table that replaces it: %w", err)
	}
	return nil
}

// swap puts what was loaded in the place of what was there, once. The table
// itself stays, with all that hangs on it: rights, policies, triggers, views,
// foreign keys. Its readers wait for the commit and see all of the old or all
// of the new.
func (t *Table) swap(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, "INSERT INTO "+t.ledger.replaced+" (job, table_name) VALUES ($1, $2) ON CONFLICT DO NOTHING", t.o.Job, t.o.Stream.Table.Name)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, "TRUNCATE "+t.name.Sanitize()); err != nil {
		return fmt.Errorf("replace its rows: %w", err)
	}
	columns := t.names(t.all())
	tag, err = tx.Exec(ctx, "INSERT INTO "+t.name.Sanitize()+" ("+columns+") SELECT "+columns+" FROM "+t.shadow().Sanitize())
	if err != nil {
		return fmt.Errorf("replace its rows: %w", err)
	}
	if err := t.checkSwapped(ctx, tx, tag.RowsAffected()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DROP TABLE "+t.shadow().Sanitize()); err != nil {
		return fmt.Errorf("replace its rows: %w", err)
	}
	return nil
}

// checkSwapped refuses to replace the table where it leaves rows out, whose
// events are told to be in it.
func (t *Table) checkSwapped(ctx context.Context, tx pgx.Tx, written int64) error {
	may, err := leavesOut(ctx, tx, t.name)
	if err != nil || !may {
		return err
	}
	var loaded int64
	err = tx.QueryRow(ctx, "SELECT count(*) FROM "+t.shadow().Sanitize()).Scan(&loaded)
	if err == nil && written < loaded {
		err = fmt.Errorf("a trigger or rule of the table has left %d of %d rows out, without an error; drop or disable it, and run the same command again: nothing is replaced yet", loaded-written, loaded)
	}
	return err
}

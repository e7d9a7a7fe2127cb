package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/penstock-io/penstock"
)

// leavesOutSQL tells whether a relation may take rows and not keep them: by a
// trigger before the insert, its own or a partition's, that returns NULL, or by
// a rule. A view has one, and may have such a table behind it.
const leavesOutSQL = `
SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($1) AND (relkind NOT IN ('r', 'p') OR relhasrules))
  OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid IN (SELECT to_regclass($1) UNION SELECT relid FROM pg_partition_tree(to_regclass($1)))
    AND tgtype & 7 = 7 AND NOT tgisinternal AND tgenabled <> 'D')` // 1 for each row, 2 before, 4 an insert

func leavesOut(ctx context.Context, tx pgx.Tx, name pgx.Identifier) (does bool, err error) {
	err = tx.QueryRow(ctx, leavesOutSQL, name.Sanitize()).Scan(&does)
	return does, err
}

// arrived makes sure that the statement which wrote the events' rows has written
// as many. An upsert writes fewer where a row gives way to a later one of its
// key, and what a trigger has left out cannot be told from that.
func (t *Table) arrived(tag pgconn.CommandTag, events []*penstock.Event) error {
	if t.o.Mode == penstock.Upsert || tag.RowsAffected() >= int64(len(events)) {
		return nil
	}
	return penstock.NewReject(CodeTrigger, "", "a trigger or rule of the table has left the row out, without an error; let it keep the row, or raise an exception that says why not")
}

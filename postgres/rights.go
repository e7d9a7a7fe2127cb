package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/penstock-io/penstock"
)

// rights are what writing needs of a role.
type rights struct {
	who      string
	database string
	temp     bool   // temporary tables
	secured  bool   // row-level security binds it
	missing  string // rights on the table's columns
	unlisted string // commands for which no policy lets a row through
	ledger   string // of the ledger's tables, those it may not write
}

const rightsSQL = `
SELECT current_user::text, current_database()::text, has_database_privilege(current_database(), 'TEMPORARY'), row_security_active(to_regclass($1)),
  (SELECT coalesce(string_agg(DISTINCT p, ', ' ORDER BY p), '') FROM unnest($2::text[], $3::text[]) n(c, p) WHERE NOT has_column_privilege(to_regclass($1), c, p)),
  (SELECT coalesce(string_agg(DISTINCT p, ', ' ORDER BY p), '') FROM unnest($3::text[]) n(p) WHERE NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = to_regclass($1) AND polpermissive
    AND polcmd IN ('*', CASE p WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' ELSE 'r' END)
    AND (SELECT bool_or(r = 0 OR pg_has_role(current_user, CASE r WHEN 0 THEN current_user::regrole ELSE r END, 'MEMBER')) FROM unnest(polroles) r))),
  (SELECT coalesce(string_agg(n, ', '), '') FROM unnest($4::text[]) n WHERE NOT (has_table_privilege(n, 'INSERT') AND has_table_privilege(n, 'SELECT') AND has_table_privilege(n, 'UPDATE')))`

// checkRights says at start which right the role lacks to write the table, as
// otherwise each batch would be tried for ever.
func (t *Table) checkRights(ctx context.Context) error {
	columns, needs := t.needs()
	var r rights
	err := t.pool.QueryRow(ctx, rightsSQL, t.into.Sanitize(), columns, needs, []string{t.ledger.offsets, t.ledger.rejects, t.ledger.chunks, t.ledger.sources}).
		Scan(&r.who, &r.database, &r.temp, &r.secured, &r.missing, &r.unlisted, &r.ledger)
	if err != nil {
		return fmt.Errorf("read the rights on it: %w", err)
	}
	table, who := t.into.Sanitize(), quote(r.who)
	switch {
	case r.missing != "":
		return fmt.Errorf("role %s may not write it: GRANT %s ON %s TO %s", r.who, r.missing, table, who)
	case r.ledger != "":
		return fmt.Errorf("role %s may not write the ledger beside it: GRANT INSERT, SELECT, UPDATE, DELETE ON %s TO %s", r.who, r.ledger, who)
	case t.staged && !r.temp:
		return fmt.Errorf("role %s may not make the temporary table that rows go through: GRANT TEMPORARY ON DATABASE %s TO %s", r.who, quote(r.database), who)
	case r.secured && !t.staged:
		return fmt.Errorf("its row-level security binds role %s, which can then not COPY into it: connect as the table's owner, or ALTER ROLE %s BYPASSRLS", r.who, who)
	case r.secured && r.unlisted != "":
		return fmt.Errorf("its row-level security binds role %s and has no policy that lets it %s: connect as the table's owner, or ALTER ROLE %s BYPASSRLS, "+
			"or CREATE POLICY penstock_writes ON %s TO %s USING (true) WITH CHECK (true)", r.who, r.unlisted, who, table, who)
	}
	return nil
}

const remedySQL = `
SELECT current_user::text, n.nspname::text, has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
  (SELECT coalesce(string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY c.relname), '') FROM pg_class c
   WHERE c.relnamespace = n.oid AND c.relname LIKE 'penstock\_%' AND c.relkind = 'r'
   AND NOT (has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))
FROM pg_namespace n WHERE n.nspname = coalesce($1::text, current_schema()::text, 'public')`

// withRemedy adds to the server's refusal of a right on the schema, or on the
// ledger in it, the statement that grants it.
func (t *Table) withRemedy(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" && refused.Code != "3F000" { // insufficient privilege, no schema to create in
		return err
	}
	var schema *string
	if len(t.name) > 1 {
		schema = &t.name[0]
	}
	var who, in, ledger string
	var uses, creates bool
	if t.pool.QueryRow(ctx, remedySQL, schema).Scan(&who, &in, &uses, &creates, &ledger) != nil {
		return err // the first one says more
	}
	var grant string
	switch {
	case !uses:
		grant = "USAGE, CREATE ON SCHEMA " + quote(in)
	case ledger != "":
		grant = "INSERT, SELECT, UPDATE, DELETE ON " + ledger
	case !creates:
		grant = "CREATE ON SCHEMA " + quote(in)
	default:
		return err
	}
	return fmt.Errorf("%w: role %s lacks a right, which the schema's owner gives it by: GRANT %s TO %s", err, who, grant, quote(who))
}

// needs pairs columns with the rights on them that the statements ask for.
func (t *Table) needs() (columns, rights []string) {
	add := func(i int, right string) { columns, rights = append(columns, t.columns[i].name), append(rights, right) }
	for i := range t.columns {
		add(i, "INSERT")
		if t.o.Mode != penstock.Upsert {
			continue
		}
		if slices.Contains(t.key, i) || i == t.time {
			add(i, "SELECT")
		}
		if !slices.Contains(t.key, i) {
			add(i, "UPDATE")
		}
	}
	return columns, rights
}

// Package native has queries of pgx itself.
package native

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type store struct{ *pgxpool.Pool }

func (s store) byNames(ctx context.Context, names []string) (pgx.Rows, error) {
	return s.Query(ctx, "SELECT id FROM users WHERE name IN ("+strings.Join(names, ", ")+") AND active")
}

func (s store) rename(ctx context.Context, tx pgx.Tx, id int, name string) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("UPDATE users SET name = '%s' WHERE id = $1", name), id)
	return err
}

// A querier is what a generator puts in front of the driver.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func count(ctx context.Context, q querier, word string) pgx.Row {
	query := "SELECT count(*) FROM users WHERE name LIKE '" + word + "%'"
	return q.QueryRow(ctx, query)
}

// one hands its arguments on, so its callers can bind.
func one(ctx context.Context, q querier, sql string, args ...any) pgx.Row {
	return q.QueryRow(ctx, sql, args...)
}

func caller(ctx context.Context, q querier, name string) pgx.Row {
	return one(ctx, q, "SELECT id FROM users WHERE name = '"+name+"'")
}

// fixed has no finding: the name is one of two, quoted, or matched.
func fixed(ctx context.Context, q querier, column, table string) pgx.Row {
	if column != "id" && column != "name" {
		return nil
	}
	return q.QueryRow(ctx, "SELECT "+column+" FROM "+pgx.Identifier{table}.Sanitize())
}

// What follows is found and not mended: the values are made for standing between
// quotes, or stand where no parameter can.

func (s store) among(ctx context.Context, ids []string) (pgx.Rows, error) {
	return s.Query(ctx, "SELECT id FROM users WHERE id IN ('"+strings.Join(ids, "','")+"')")
}

func (s store) since(ctx context.Context, days string) (pgx.Rows, error) {
	return s.Query(ctx, "SELECT id FROM users WHERE seen > now() - interval '"+days+" days'")
}

func (s store) escaped(ctx context.Context, name string) (pgx.Rows, error) {
	return s.Query(ctx, "SELECT id FROM users WHERE name = '"+strings.ReplaceAll(name, "'", "''")+"'")
}

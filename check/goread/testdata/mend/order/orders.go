// Package order has values that do something when they are asked for: they are
// asked in the same order once the query is mended, or it is not mended.
package order

import (
	"bufio"
	"context"
	"database/sql"
	"net/http"

	_ "github.com/jackc/pgx/v5/stdlib"
)

func behindAnArgument(db *sql.DB, in *bufio.Scanner) (*sql.Rows, error) {
	return db.Query("SELECT id FROM orders WHERE number = $1 AND name = '"+in.Text()+"'", in.Text())
}

func behindAStatement(db *sql.DB, in *bufio.Scanner) (*sql.Rows, error) {
	query := "SELECT id FROM orders WHERE name = '" + in.Text() + "'"
	in.Scan()
	return db.Query(query)
}

func moved(db *sql.DB, names []string) (*sql.Rows, error) {
	i := 0
	query := "SELECT id FROM orders WHERE name = '" + names[i] + "'"
	i++
	return db.Query(query)
}

func alone(ctx context.Context, db *sql.DB, in *bufio.Scanner) (*sql.Rows, error) {
	return db.QueryContext(ctx, "SELECT id FROM orders WHERE name = '"+in.Text()+"'")
}

func inOrder(db *sql.DB, in *bufio.Scanner) (*sql.Rows, error) {
	return db.Query("SELECT id FROM orders WHERE name = '" + in.Text() + "' AND note = '" + in.Text() + "'")
}

func ofARequest(db *sql.DB, r *http.Request) (*sql.Rows, error) {
	query := "SELECT id FROM orders WHERE name = '" + r.FormValue("name") + "'"
	return db.QueryContext(r.Context(), query)
}

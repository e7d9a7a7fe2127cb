// Package stdlib has one query for each way to build one with database/sql and
// PostgreSQL behind it.
package stdlib

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	_ "github.com/jackc/pgx/v5/stdlib"
)

func GetUserOrders(db *sql.DB, userID string) (*sql.Rows, error) {
	query := fmt.Sprintf("SELECT * FROM orders WHERE user_id = %s", userID)
	return db.Query(query)
}

func quoted(db *sql.DB, r *http.Request) *sql.Row {
	return db.QueryRowContext(r.Context(), "SELECT id FROM users WHERE name = '"+r.FormValue("name")+"' AND active")
}

func like(ctx context.Context, tx *sql.Tx, word string, most string) (*sql.Rows, error) {
	return tx.QueryContext(ctx, fmt.Sprintf(`
		SELECT id FROM orders
		WHERE note LIKE '%%%s%%' AND price > 100 %% 7
		LIMIT %s`, word, most))
}

func existing(db *sql.DB, id int, name string) error {
	_, err := db.Exec("UPDATE users SET name = '"+name+"' WHERE id = $1", id)
	return err
}

func several(db *sql.DB, a, b string, n int) error {
	_, err := db.Exec("INSERT INTO t (a, b, n) VALUES ('" + a + "', '" + b + "', " + fmt.Sprint(n) + ")")
	return err
}

func partly(db *sql.DB, table tableName, a string) error {
	_, err := db.Exec(fmt.Sprintf("DELETE FROM t_%d WHERE a = '%s'", table, a))
	return err
}

type tableName int

func lines(db *sql.DB, a, b string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t" +
		" WHERE a = '" + a + "'" +
		" AND b = '" + b + "'" +
		" ORDER BY id")
}

func order(db *sql.DB, column string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t ORDER BY " + column)
}

func twice(db *sql.DB, a string) error {
	query := "DELETE FROM t WHERE a = '" + a + "'"
	if _, err := db.Exec(query); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

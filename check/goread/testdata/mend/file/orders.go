// Package file has queries of SQLite, whose placeholder is a question mark.
package file

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"

	_ "modernc.org/sqlite"
)

type server struct{ db *sql.DB }

func (s *server) orders(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	rows, err := s.db.Query("SELECT id FROM orders WHERE user_id = "+user+" AND year = ?", 2026)
	if err == nil {
		rows.Close()
	}
}

func some(db *sql.DB, ids []string) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM orders WHERE id IN (%s)", strings.Join(ids, ",")))
}

func search(db *sql.DB, first, last string) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM users WHERE name = '%s %s'", first, last))
}

// built makes the text in more than one statement.
func built(db *sql.DB, name string) (*sql.Rows, error) {
	var b strings.Builder
	b.WriteString("SELECT id FROM users")
	if name != "" {
		fmt.Fprintf(&b, " WHERE name = '%s'", name)
	}
	return db.Query(b.String())
}

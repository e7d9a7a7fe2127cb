// Package steps has queries whose text is built in several statements, with
// SQLite behind them, and such whose values can't be moved.
package steps

import (
	"database/sql"
	"fmt"
	"strings"

	_ "modernc.org/sqlite"
)

func Builder(db *sql.DB, name, note string) (*sql.Rows, error) {
	var b strings.Builder
	b.WriteString("SELECT id FROM t WHERE note <> 'what?'")
	if name != "" {
		fmt.Fprintf(&b, " AND name = '%s'", name)
	}
	if note != "" {
		b.WriteString(" AND note LIKE '%" + note + "%'")
	}
	b.WriteByte(' ')
	b.WriteString("ORDER BY id")
	return db.Query(b.String())
}

func Added(db *sql.DB, a, b string) (*sql.Rows, error) {
	query := "SELECT id FROM t WHERE name = '" + a + "'"
	if b != "" {
		query += fmt.Sprintf(" OR name = '%s'", b)
	}
	return db.Query(query)
}

func Loop(db *sql.DB, names []string) (*sql.Rows, error) {
	query := "SELECT id FROM t WHERE 1 = 0"
	for _, name := range names {
		query += " OR name = '" + name + "'"
	}
	return db.Query(query)
}

func Twice(db *sql.DB, name string) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM t WHERE name = '%[1]s' OR note = '%[1]s'", name))
}

func Question(db *sql.DB, id int, name string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note <> 'what?' AND id = ? AND name = '"+name+"'", id)
}

// From here on advice only.

type source interface {
	Next() string
	Join() string // not strings.Join
}

func Crossed(db *sql.DB, s source) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = ? AND name = '"+s.Next()+"'", s.Next())
}

func Later(db *sql.DB, s source) (*sql.Rows, error) {
	query := "SELECT id FROM t WHERE name = '" + s.Next() + "'"
	s.Next()
	return db.Query(query)
}

func Named(db *sql.DB, s source) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = ? AND name = '"+s.Join()+"'", s.Join())
}

func Joined(db *sql.DB, name string) (*sql.Rows, error) {
	parts := []string{"SELECT id FROM t WHERE 1 = 1"}
	parts = append(parts, "AND name = '"+name+"'")
	return db.Query(strings.Join(parts, " "))
}

func Column(db *sql.DB, name, column string) (*sql.Rows, error) {
	query := "SELECT id FROM t WHERE name = '" + name + "'"
	query += " ORDER BY " + column
	return db.Query(query)
}

func Statement(db *sql.DB, name string) error {
	_, err := db.Exec("CREATE TABLE u (a TEXT DEFAULT '" + name + "')")
	return err
}

func Quoted(db *sql.DB, name string) (*sql.Rows, error) {
	query := "SELECT id FROM t WHERE name = '"
	query += name
	query += "'"
	return db.Query(query)
}

// Package dressed puts values into texts that are something else as parameters: a
// value that prints itself is bound as the text it was, and what is escaped, or a
// part of a word or of a literal with quotes in it, is not bound.
package dressed

import (
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"strings"

	_ "modernc.org/sqlite"
)

func address(db *sql.DB, ip net.IP) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE ip = '%s'", ip))
}

func failure(db *sql.DB, err error) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%v'", err))
}

func named(db *sql.DB, s fmt.Stringer) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%s'", s))
}

func raw(db *sql.DB, b []byte) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%s'", b))
}

func numbers(db *sql.DB, b []byte) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%v'", b))
}

func anything(db *sql.DB, v any) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%v'", v))
}

func anyString(db *sql.DB, v any) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%s'", v))
}

func doubled(db *sql.DB, name string) {
	db.Query("SELECT id FROM o WHERE note = 'o''" + name + "'")
}

func digits(db *sql.DB, n string) {
	db.Query("SELECT id FROM o WHERE id = " + n + "0")
}

func fraction(db *sql.DB, n string) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE id = %s.5", n))
}

func escapedBefore(db *sql.DB, name string) {
	name = strings.ReplaceAll(name, "'", "''")
	db.Query("SELECT id FROM o WHERE note = '" + name + "'")
}

func quotedBefore(db *sql.DB, name string) {
	db.Query("SELECT id FROM o WHERE note = " + strconv.Quote(name))
}

func esc(s string) string { return strings.ReplaceAll(s, "'", "''") }

func escapedElsewhere(db *sql.DB, name string) {
	db.Query("SELECT id FROM o WHERE note = '" + esc(name) + "'")
}

func behindAnother(db *sql.DB, n int, s string) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE h = '%d' AND note = '%s'", n, s))
}

func shortened(db *sql.DB, s string) {
	db.Query(fmt.Sprintf("SELECT id FROM o WHERE note = '%.3s'", s))
}

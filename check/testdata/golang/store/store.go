// Package store is one half of a program that works: what it is handed, the other half has made.
package store

import (
	"database/sql"
	"strings"
)

// Row is what is kept.
type Row struct{ Note, Plain string }

// ByNote has its value escaped by who calls it.
func ByNote(db *sql.DB, note string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = '" + note + "'")
}

// ByRow has a field escaped by who fills it.
func ByRow(db *sql.DB, r Row) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = '" + r.Note + "'")
}

// ByPlain is handed the value itself.
func ByPlain(db *sql.DB, r Row) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = '" + r.Plain + "'")
}

// ByID is handed SQL by some.
func ByID(db *sql.DB, id string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE id = " + id)
}

// Escaped doubles quotes, step by step.
func Escaped(s string) string { return again(s) }

func again(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c == '\'' {
			b.WriteString("''")
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Package sqlx has the signatures of github.com/jmoiron/sqlx that the programs beside it use.
package sqlx

import (
	"context"
	"database/sql"
)

type (
	DB   struct{ *sql.DB }
	Tx   struct{ *sql.Tx }
	Rows struct{ *sql.Rows }
	Ext  interface {
		Queryx(query string, args ...interface{}) (*Rows, error)
	}
	Queryer interface {
		Queryx(query string, args ...interface{}) (*Rows, error)
	}
)

func (*DB) Get(dest interface{}, query string, args ...interface{}) error { return nil }
func (*DB) Queryx(query string, args ...interface{}) (*Rows, error)       { return nil, nil }
func (*DB) MustExec(query string, args ...interface{}) sql.Result         { return nil }
func (*DB) NamedExec(query string, arg interface{}) (sql.Result, error)   { return nil, nil }
func (*Tx) SelectContext(_ context.Context, dest interface{}, q string, args ...interface{}) error {
	return nil
}
func Get(q Queryer, dest interface{}, query string, args ...interface{}) error { return nil }

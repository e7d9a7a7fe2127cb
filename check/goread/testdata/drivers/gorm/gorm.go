// Package gorm has the signatures of gorm.io/gorm that the programs beside it use.
package gorm

type DB struct{ Error error }

func (db *DB) Raw(sql string, values ...interface{}) *DB         { return db }
func (db *DB) Exec(sql string, values ...interface{}) *DB        { return db }
func (db *DB) Where(query interface{}, args ...interface{}) *DB  { return db }
func (db *DB) Or(query interface{}, args ...interface{}) *DB     { return db }
func (db *DB) Select(query interface{}, args ...interface{}) *DB { return db }
func (db *DB) Order(value interface{}) *DB                       { return db }
func (db *DB) Find(dest interface{}, conds ...interface{}) *DB   { return db }
func (db *DB) Scan(dest interface{}) *DB                         { return db }

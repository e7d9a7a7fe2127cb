// Package drivers has one query for each way to send one through sqlx and gorm.
package drivers

import (
	"context"
	"fmt"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
	"gorm.io/gorm"
)

type order struct{ ID int }

func get(db *sqlx.DB, name string) (o order, err error) {
	err = db.Get(&o, "SELECT * FROM orders WHERE name = '"+name+"'") // want --fix
	return o, err
}

func selected(ctx context.Context, tx *sqlx.Tx, name string) (o []order, err error) {
	err = tx.SelectContext(ctx, &o, fmt.Sprintf("SELECT * FROM orders WHERE name = '%s'", name)) // want --fix
	return o, err
}

func queryx(db sqlx.Ext, name string) (*sqlx.Rows, error) {
	return db.Queryx("SELECT * FROM orders WHERE name = '" + name + "'") // want --fix
}

func must(db *sqlx.DB, name string) {
	db.MustExec("DELETE FROM orders WHERE name = '" + name + "'") // want --fix
}

func named(db *sqlx.DB, name string) error {
	_, err := db.NamedExec("UPDATE orders SET name = :name WHERE name = '"+name+"'", map[string]any{"name": name}) // want advice
	return err
}

func whole(db *sqlx.DB, o *order, name string) error {
	if err := sqlx.Get(db, o, "SELECT * FROM orders WHERE name = '"+name+"'"); err != nil { // want --fix
		return err
	}
	return db.Get(o, "SELECT * FROM orders WHERE name = ?", name)
}

func raw(db *gorm.DB, name string) (o []order) {
	db.Raw("SELECT * FROM orders WHERE name = '" + name + "'").Scan(&o) // want --fix
	return o
}

func exec(db *gorm.DB, name string) error {
	return db.Exec(fmt.Sprintf("DELETE FROM orders WHERE name = '%s'", name)).Error // want --fix
}

func where(db *gorm.DB, name, column string) (o []order) {
	db.Where("name = '" + name + "'").Find(&o)                      // want --fix
	db.Where("name = ?", name).Or("note = '" + name + "'").Find(&o) // want --fix
	db.Order(column + " DESC").Find(&o)                             // want advice
	db.Find(&o, "name = '"+name+"'")                                // want --fix
	db.Select("count(" + column + ")").Find(&o)                     // want advice
	db.Where(&order{ID: 1}).Find(&o)
	db.Where("name = ?", name).Order("id DESC").Find(&o)
	return o
}

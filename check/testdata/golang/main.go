// Command golang is a program that works: each of its queries is one that a fix once broke, or could. It prints
// what they find, which is the same when it was mended.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/penstock-io/penstock/check/testdata/golang/store"
)

var db *sql.DB

func main() {
	var err error
	if db, err = sql.Open("sqlite", ":memory:"); err != nil {
		panic(err)
	}
	db.SetMaxOpenConns(1)
	db.Exec("CREATE TABLE t (id INTEGER, name TEXT, note TEXT)")
	db.Exec(`INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'o''neil'), (3, 'c', 'what?'), (4, 'd', '2')`)
	note, num, list := os.Getenv("NOTE"), os.Getenv("NUM"), strings.Split(os.Getenv("LIST"), ",") // o'neil, 2, 1,3
	for _, c := range []struct {
		name string
		run  func() (*sql.Rows, error)
	}{
		{"escaped two steps before", func() (*sql.Rows, error) { return twoSteps(note) }},
		{"escaped by a caller", func() (*sql.Rows, error) { return store.ByNote(db, store.Escaped(note)) }},
		{"escaped in a field", func() (*sql.Rows, error) {
			return store.ByRow(db, store.Row{Note: strings.NewReplacer("'", "''").Replace(note), Plain: note})
		}},
		{"plain in a field", func() (*sql.Rows, error) { return store.ByPlain(db, store.Row{Plain: num}) }},
		{"SQL from a caller", func() (*sql.Rows, error) { return store.ByID(db, "(SELECT max(id) FROM t)") }},
		{"number from a caller", func() (*sql.Rows, error) { return store.ByID(db, num) }},
		{"escaped in a map", func() (*sql.Rows, error) { return inMap(note) }},
		{"escaped by a variable", func() (*sql.Rows, error) { return byVariable(note) }},
		{"having", func() (*sql.Rows, error) { return having("1") }},
		{"expression", func() (*sql.Rows, error) { return expression("1") }},
		{"alias", func() (*sql.Rows, error) { return alias(num) }},
		{"alias in another step", func() (*sql.Rows, error) { return stepped(num) }},
		{"length in a list", func() (*sql.Rows, error) { return lengths(list) }},
		{"listed", func() (*sql.Rows, error) { return listed(list) }},
		{"list in one text", func() (*sql.Rows, error) { return oneText("1, 3") }},
		{"condition", func() (*sql.Rows, error) { return condition("id < 3") }},
		{"limit", func() (*sql.Rows, error) { return limit("1, 2") }},
		{"column", func() (*sql.Rows, error) { return column("id") }},
		{"table", func() (*sql.Rows, error) { return table("t") }},
		{"glued", func() (*sql.Rows, error) { return glued(num) }},
		{"own quotes", func() (*sql.Rows, error) { return ownQuotes("b") }},
		{"like", func() (*sql.Rows, error) { return like("what") }},
		{"value", func() (*sql.Rows, error) { return value(num) }},
		{"mixed", func() (*sql.Rows, error) { return mixed(num, "b") }},
		{"escaped for a function value", func() (*sql.Rows, error) { f := valued; return f(store.Escaped(note)) }},
		{"escaped for one in a table", func() (*sql.Rows, error) {
			return map[string]func(string) (*sql.Rows, error){"f": tabled}["f"](store.Escaped(note))
		}},
		{"escaped for one that is passed", func() (*sql.Rows, error) { return on(note, store.Escaped, passed) }},
		{"prints itself with quotes", func() (*sql.Rows, error) { return printed(literal{num}) }},
		{"prints itself between quotes", func() (*sql.Rows, error) { return printedBetween(plain{num}) }},
	} {
		fmt.Println(c.name, shown(c.run()))
	}
}

func shown(rows *sql.Rows, err error) (out []string) {
	if err != nil {
		return []string{err.Error()}
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		rows.Scan(&s)
		out = append(out, s)
	}
	return out
}

func twoSteps(s string) (*sql.Rows, error) {
	e := strings.ReplaceAll(s, "'", "''")
	n := strings.TrimSpace(e)
	return db.Query("SELECT id FROM t WHERE note = '" + n + "'")
}

func inMap(s string) (*sql.Rows, error) {
	m := map[string]string{}
	m["note"] = store.Escaped(s)
	return db.Query(fmt.Sprintf("SELECT id FROM t WHERE note = '%s'", m["note"]))
}

var double = func(s string) string { return strings.ReplaceAll(s, "'", "''") }

func byVariable(s string) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM t WHERE note = '%s'", double(s)))
}

func having(c string) (*sql.Rows, error) {
	return db.Query("SELECT name, count(*) AS c FROM t GROUP BY name HAVING c >= " + c)
}

func expression(n string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE length(name) = " + n)
}

func alias(n string) (*sql.Rows, error) {
	return db.Query("SELECT id + 1 AS s FROM t WHERE s > " + n)
}

func stepped(n string) (*sql.Rows, error) {
	q := "SELECT id + 1 AS s FROM t WHERE id > 0"
	if n != "" {
		q += " AND s > " + n
	}
	return db.Query(q)
}

func lengths(list []string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE length(name) IN (" + strings.Join(list, ",") + ")")
}

func listed(list []string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE id IN (" + strings.Join(list, ",") + ")")
}

func oneText(list string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE id IN (" + list + ")")
}

func condition(c string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE name <> '' AND " + c)
}

func limit(n string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t LIMIT " + n)
}

func column(c string) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT max(%s) FROM t", c))
}

func table(name string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM '" + name + "'")
}

func glued(n string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE id = 0x" + n)
}

func ownQuotes(s string) (*sql.Rows, error) {
	s = "'" + s + "'"
	return db.Query("SELECT id FROM t WHERE name = " + s)
}

func like(s string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note LIKE '%" + s + "%'")
}

func value(n string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE id = " + n)
}

func mixed(n, name string) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM t WHERE id = %s AND name = '%s'", n, name))
}

func valued(s string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = '" + s + "'")
}

func tabled(s string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = '" + s + "'")
}

func passed(s string) (*sql.Rows, error) {
	return db.Query("SELECT id FROM t WHERE note = '" + s + "'")
}

func on(s string, escape func(string) string, query func(string) (*sql.Rows, error)) (*sql.Rows, error) {
	return query(escape(s))
}

type literal struct{ s string }

func (l literal) String() string { return "'" + l.s + "'" }

func printed(l literal) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM t WHERE note = %v", l))
}

type plain struct{ s string }

func (p plain) String() string { return p.s }

func printedBetween(p plain) (*sql.Rows, error) {
	return db.Query(fmt.Sprintf("SELECT id FROM t WHERE note = '%v'", p))
}

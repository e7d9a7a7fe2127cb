package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSourcesGo: how sure a finding in Go is, by who chooses the value; as in
// check/sqlinject's TestSources.
func TestSourcesGo(t *testing.T) {
	const head = `package store

import (
	"bufio"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
)

var (
	_ = bufio.NewScanner
	_ = flag.Arg
	_ = fmt.Sprintf
	_ = io.ReadAll
	_ = os.Getenv
	_ http.Handler
)

`
	for body, want := range map[string]string{
		`func f(db *sql.DB, r *http.Request) { db.Exec("DELETE FROM t WHERE id = " + r.FormValue("id")) }`:                  "certain",
		`func f(db *sql.DB) { db.Exec("DELETE FROM t WHERE id = " + flag.Arg(0)) }`:                                         "certain",
		`func f(db *sql.DB) { s := bufio.NewScanner(os.Stdin); s.Scan(); db.Exec("DELETE FROM t WHERE id = " + s.Text()) }`: "certain",
		`func f(db *sql.DB, r *http.Request) { b, _ := io.ReadAll(r.Body); db.Exec(string(b)) }`:                            "certain",
		`func f(db *sql.DB) { b, _ := io.ReadAll(os.Stdin); db.Exec(string(b)) }`:                                           "",
		`func f(db *sql.DB) { db.Exec(flag.Arg(0)) }`:                                                                       "",
		`func f(db *sql.DB) { db.Exec("DELETE FROM t WHERE id = " + os.Getenv("ID")) }`:                                     "likely",
		`var prefix = os.Getenv("PREFIX")
func f(db *sql.DB) { db.Exec("DELETE FROM " + prefix + "t") }`: "possible",
		`func f(db *sql.DB) { b, _ := os.ReadFile("schema.sql"); db.Exec(string(b)) }`:                                                                          "",
		`func f(db *sql.DB, name string) { b, _ := os.ReadFile(name); db.Exec(string(b)) }`:                                                                     "",
		`func f(db *sql.DB) { b, _ := os.ReadFile(flag.Arg(0)); db.Exec(string(b)) }`:                                                                           "",
		`func f(db *sql.DB) { r, _ := os.Open("schema.sql"); defer r.Close(); b, _ := io.ReadAll(r); db.Exec(string(b)) }`:                                      "",
		`func f(db *sql.DB) { b, _ := os.ReadFile("name"); db.Exec("DELETE FROM t WHERE n = '" + string(b) + "'") }`:                                            "possible",
		`func f(db *sql.DB) { r, _ := os.Open("names"); s := bufio.NewScanner(r); for s.Scan() { db.Exec("DELETE FROM t WHERE n = '" + s.Text() + "'") } }`:     "possible",
		`func f(db *sql.DB, n string) { r, _ := os.Open(n); s := bufio.NewScanner(r); for s.Scan() { db.Exec("DELETE FROM t WHERE n = '" + s.Text() + "'") } }`: "likely",
		`func f(db *sql.DB) { var n string; db.QueryRow("SELECT n FROM t").Scan(&n); db.Exec("DELETE FROM t WHERE n = '" + n + "'") }`:                          "likely",
		`func f(db *sql.DB) { var n string; db.QueryRow("SELECT name FROM sqlite_master").Scan(&n); db.Exec("DROP TABLE " + n) }`:                               "possible",
		`func f(db *sql.DB) { var n string; db.QueryRow("SELECT sql FROM sqlite_master").Scan(&n); db.Exec(n) }`:                                                "",
		`func f(db *sql.DB) { var n int; db.QueryRow("SELECT n FROM t").Scan(&n); db.Exec(fmt.Sprintf("DELETE FROM t WHERE n = %d", n)) }`:                      "",
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"go.mod": "module store\n\ngo 1.26\n", "store.go": head + body + "\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, f := range checked(t, dir).Findings {
			got = append(got, f.Level.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q, want %q, in\n%s", got, want, body)
		}
	}
}

// TestGuardsGo: what a test of a value, or of all values of a list, proves in Go; as in
// check/sqlinject's TestGuards.
func TestGuardsGo(t *testing.T) {
	const head = `package store

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
)

var (
	_       = slices.Contains[[]string]
	errName = errors.New("name")
	list    = []string{"id", "name"}
	allowed = map[string]bool{"id": true, "name": true}
)

func f(db *sql.DB, x string, xs []string, m map[string]string) error {
`
	const foot = "\n\t_, err := db.Exec(\"SELECT \" + strings.Join(xs, \", \") + x)\n\treturn err\n}\n"
	for body, want := range map[string]int{
		"x = \"\"\n\tfor _, c := range xs {\n\t\tif !allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}":                                                       0,
		"x = \"\"\n\tfor _, c := range xs {\n\t\tif _, ok := allowed[c]; !ok {\n\t\t\treturn errName\n\t\t}\n\t}":                                          0,
		"x = \"\"\n\tfor i, c := range xs {\n\t\tif !slices.Contains(list, c) {\n\t\t\tpanic(i)\n\t\t}\n\t}":                                               0,
		"x = \"\"\n\tfor _, c := range xs {\n\t\tif c == \"\" || !allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}":                                          0,
		"for _, c := range xs {\n\t\tif !allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}\n\tx = xs[0]":                                                      0,
		"xs = []string{}\n\tfor k := range m {\n\t\tif !allowed[k] {\n\t\t\treturn errName\n\t\t}\n\t}\n\tx = \"\"\n\tfor k := range m {\n\t\tx += k\n\t}": 0,
		"x = \"\"\n\tfor _, c := range xs {\n\t\tif allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}":                                                        1,
		"x = \"\"\n\tfor _, c := range xs {\n\t\tif c != \"\" && !allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}":                                          1,
		"x = \"\"\n\tfor _, c := range xs {\n\t\tif c == \"\" {\n\t\t\tcontinue\n\t\t}\n\t\tif !allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}":            1,
		"x = \"\"\n\tfor _, c := range xs {\n\t\tc = strings.ToLower(c)\n\t\tif !allowed[c] {\n\t\t\treturn errName\n\t\t}\n\t}":                           1,
		"xs = []string{}\n\tfor k := range m {\n\t\tif !allowed[k] {\n\t\t\treturn errName\n\t\t}\n\t}\n\tfor k, v := range m {\n\t\tx = k + v\n\t}":       1,
		"xs = []string{}\n\tfor k := range m {\n\t\tif !allowed[k] {\n\t\t\treturn errName\n\t\t}\n\t}\n\tx = m[\"id\"]":                                   1,
		"xs, x = []string{}, `\"` + strings.ReplaceAll(x, `\"`, `\"\"`) + `\"`":                                                                            0,
		"xs, x = []string{}, strings.ReplaceAll(x, `\"`, `\"\"`)":                                                                                          1,
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"go.mod": "module store\n\ngo 1.26\n", "store.go": head + "\t" + body + foot} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if found := checked(t, dir).Findings; len(found) != want {
			t.Errorf("%d findings, want %d, in\n%s", len(found), want, body)
		}
	}
}

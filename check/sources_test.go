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
	"io"
	"net/http"
	"os"
)

var (
	_ = bufio.NewScanner
	_ = flag.Arg
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

package check_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check"
)

// TestDrivers: each way to send a query through sqlx and gorm is found, on the line
// that says so, and mended where a parameter can stand. The libraries are their
// signatures alone, which is all that is read of them.
func TestDrivers(t *testing.T) {
	const dir = "goread/testdata/drivers"
	text, err := os.ReadFile(dir + "/orders.go")
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for i, line := range strings.Split(string(text), "\n") {
		if _, what, ok := strings.Cut(line, "// want "); ok {
			want[i+1] = what
		}
	}
	for _, f := range checked(t, dir).Findings {
		got := "advice"
		if len(f.Fixes) > 0 {
			got = "--fix"
		}
		if line := f.At.Line(); want[line] != got {
			t.Errorf("%v: %s with %s, want %q", f.At, f.Message, got, want[line])
		} else {
			delete(want, line)
		}
	}
	for line, what := range want {
		t.Errorf("line %d: nothing found, want %s", line, what)
	}
}

// TestDriverNamed: what a package leaves open, the user says; what it says itself counts.
func TestDriverNamed(t *testing.T) {
	const text = "package store\n\nimport \"database/sql\"\n\n" +
		"func f(db *sql.DB, x string) { db.Exec(\"DELETE FROM t WHERE n = '\" + x + \"'\") }\n"
	for _, c := range []struct{ driver, text, want string }{
		{"", text, ""},
		{"psycopg", text, ""},
		{"pgx", text, `"DELETE FROM t WHERE n = $1", x`},
		{"postgres", text, `"DELETE FROM t WHERE n = $1", x`},
		{"mysql", text, `"DELETE FROM t WHERE n = ?", x`},
		{"sqlite3", text, `"DELETE FROM t WHERE n = ?", x`},
		{"sqlserver", text, `"DELETE FROM t WHERE n = @p1", x`},
		{"pgx", text + "\nfunc g() { sql.Open(\"mysql\", \"\") }\n", `"DELETE FROM t WHERE n = ?", x`},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"go.mod": "module store\n\ngo 1.26\n", "store.go": c.text} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := check.Run(context.Background(), check.Options{Paths: []string{dir}, Mend: true, Driver: c.driver})
		if err != nil {
			t.Fatal(err)
		}
		mended, err := check.Mended(edits(r.Findings))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(mended[filepath.Join(dir, "store.go")]); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("--driver %q: %q, want %s", c.driver, got, c.want)
		}
	}
}

package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWithheld: where there is no fix, one sentence says why.
func TestWithheld(t *testing.T) {
	for body, want := range map[string]string{
		`cur.execute(f"SELECT a FROM {x}")`:                                                                                    "no parameter can stand for a name",
		`cur.executescript(f"DELETE FROM t WHERE a = {x}")`:                                                                    "executescript takes no parameters",
		`cur.execute(f"CREATE TABLE t (a INT DEFAULT '{x}')")`:                                                                 "not every database binds values in such a statement",
		`cur.execute(f"SELECT a FROM t WHERE a = {x!r}")`:                                                                      "may be escaped",
		"x = x.replace(\"'\", \"''\")\n    cur.execute(f\"SELECT a FROM t WHERE a = '{x}'\")":                                  "x may be escaped or quoted on its way",
		`cur.execute(f"SELECT a FROM t WHERE a = {x or 'NULL'}")`:                                                              "may be a piece of SQL",
		`cur.execute(f"SELECT a FROM t WHERE a IN ({x})")`:                                                                     "a list, a name or an expression could stand there",
		"q = f\"SELECT a FROM t WHERE a = {x}\"\n    x = 1\n    cur.execute(q)":                                                "a value may change",
		"q = \"SELECT a FROM t WHERE a = %s\"\n    q %= x\n    cur.execute(q)":                                                 "q is used for more than this query, or built in a way that is not followed",
		"q = f\"SELECT a FROM t WHERE a = {x}\"\n    q += ' AND b = ?'\n    cur.execute(q, (y,))":                              "in several steps, beside other parameters",
		"str = repr\n    cur.execute(f\"SELECT a FROM t WHERE a = '{x}'\")":                                                    "str is the name of something else",
		"it = iter(x)\n    cur.execute(f\"SELECT a FROM t WHERE a IN ({','.join(str(i) for i in it)})\")\n    return list(it)": "it is an iterator",
	} {
		file := filepath.Join(t.TempDir(), "m.py")
		if err := os.WriteFile(file, []byte("import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef f(x, y, other):\n    "+body+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		found := checked(t, file).Findings
		if len(found) != 1 || len(found[0].Fixes) > 0 || !strings.Contains(found[0].NoFix, want) {
			t.Errorf("%+v, want no fix since %s, in\n%s", found, want, body)
		}
	}
}

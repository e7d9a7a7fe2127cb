package sqlinject_test

import (
	"testing"

	"github.com/penstock-io/penstock/check/finding"
)

// TestSources: how sure a finding is follows from who chooses the value. The client of a
// request, and who writes the command line, may be an attacker. The environment is set by
// who runs the program; a file holds what its owner wrote, which is nobody when the
// program names it itself.
func TestSources(t *testing.T) {
	const none = finding.Note
	for body, want := range map[string]finding.Level{
		"def f(request):\n    cur.execute('SELECT 1 FROM t WHERE id = ' + request.args['id'])":                                                     finding.Certain,
		"def f():\n    cur.execute('SELECT 1 FROM t WHERE id = ' + sys.argv[1])":                                                                   finding.Certain,
		"def f():\n    cur.execute('SELECT 1 FROM t WHERE id = ' + sys.stdin.readline())":                                                          finding.Certain,
		"def f():\n    cur.execute('SELECT 1 FROM t WHERE id = ' + os.environ['ID'])":                                                              finding.Likely,
		"def f():\n    cur.execute('SELECT 1 FROM t WHERE id = ' + os.getenv('ID', '1'))":                                                          finding.Likely,
		"P = os.environ.get('PREFIX', 'app_')\ndef f():\n    cur.execute(f'SELECT 1 FROM {P}users')":                                               finding.Possible,
		"cur.executescript(open('schema.sql').read())":                                                                                             none,
		"def f():\n    cur.executescript(open(sys.argv[1]).read())":                                                                                none,
		"def f():\n    with open(sys.argv[1]) as fh:\n        cur.executescript(fh.read())":                                                        none,
		"def f():\n    cur.executescript(pathlib.Path(sys.argv[1]).read_text())":                                                                   none,
		"def f():\n    cur.executescript('BEGIN;' + open('schema.sql').read())":                                                                    finding.Possible,
		"def f():\n    for row in open('rows.csv'):\n        cur.execute('INSERT INTO t VALUES (' + row + ')')":                                    finding.Possible,
		"def f():\n    with open('rows.csv') as fh:\n        for row in fh:\n            cur.execute(f'SELECT {row} FROM t')":                      finding.Possible,
		"def f(name):\n    for row in open(name):\n        cur.execute('INSERT INTO t VALUES (' + row + ')')":                                      finding.Likely,
		"def f():\n    cur.execute('SELECT ' + pathlib.Path('columns').read_text())":                                                               finding.Possible,
		"def f():\n    for row in cur.execute('SELECT a FROM t'):\n        cur.execute(f\"SELECT 1 FROM t WHERE a = '{row[0]}'\")":                 finding.Likely,
		"def f(cur):\n    for row in cur.execute('SELECT a FROM t').fetchall():\n        cur.execute(f\"SELECT 1 FROM t WHERE a = {row[0]}\")":     finding.Likely,
		"def f():\n    cur.execute('SELECT name FROM sqlite_master')\n    for (t,) in cur.fetchall():\n        cur.execute(f'DROP TABLE \"{t}\"')": finding.Possible,
		"def f(cur):\n    for t in cur.execute('SELECT name FROM sqlite_master'):\n        cur.execute(f'DROP TABLE {t[0]}')":                      finding.Possible,
		"def f():\n    for row in cur.execute('SELECT sql FROM sqlite_master').fetchall():\n        cur.execute(row[0])":                           none,
	} {
		found := program(t, "import os, pathlib\n"+body)
		got := none
		if len(found) == 1 {
			got = found[0].Level
		}
		if got != want || len(found) > 1 {
			t.Errorf("%d findings, level %v, want %v, in\n%s", len(found), got, want, body)
		}
	}
}

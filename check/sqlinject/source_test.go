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
		"def f(request):\n    cur.execute('SELECT 1 FROM t WHERE id = ' + request.args['id'])": finding.Certain,
		"def f():\n    cur.execute('SELECT 1 FROM t WHERE id = ' + sys.argv[1])":               finding.Certain,
		"def f():\n    cur.execute('SELECT 1 FROM t WHERE id = ' + sys.stdin.readline())":      finding.Certain,
		"cur.execute(sys.argv[1])":                                                                                                                 none,
		"def f():\n    cur.executescript(sys.stdin.read())":                                                                                        none,
		"def run(q):\n    cur.execute(q)\ndef f():\n    run(input())":                                                                              none,
		"def run(q):\n    cur.execute(q + ' LIMIT 9')\ndef f():\n    run(input())":                                                                 finding.Certain,
		"def run(q):\n    cur.execute(q)\ndef f():\n    run(input())\ndef g(x):\n    run('SELECT 1 FROM t WHERE a = ' + x)":                        finding.Likely,
		"def b(x):\n    return 'SELECT 1 FROM t WHERE id = ?', (x,)\ndef f(request):\n    q, p = b(request.args['x'])\n    cur.execute(q, p)":      none,
		"def b(x):\n    return 'SELECT 1 FROM t WHERE id = ?', (x,)\ndef f(request):\n    r = b(request.args['x'])\n    cur.execute(r[0], r[1])":   none,
		"def b(x):\n    return f'SELECT 1 FROM t WHERE id = {x}', ()\ndef f(request):\n    q, p = b(request.args['x'])\n    cur.execute(q, p)":     finding.Certain,
		"def b(x):\n    return (), f'SELECT 1 FROM t WHERE id = {x}'\ndef f(request):\n    p, *q = b(request.args['x'])\n    cur.execute(q[0])":    finding.Certain,
		"def f(request):\n    cur.execute(request.args['q'])":                                                                                      finding.Certain,
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
		"def f(model):\n    cur.execute(f'ALTER TABLE t ADD COLUMN c {model.type}')":                                                               finding.Possible,
		"def f(model):\n    cur.execute('DROP VIEW ' + model.view_name())":                                                                         finding.Possible,
		"def f(eng):\n    for v in inspect(eng).views():\n        cur.execute('DROP VIEW ' + v)":                                                   finding.Possible,
		"def f(model):\n    cur.execute('DROP VIEW ' + model.strip())":                                                                             finding.Likely,
		"def f(names):\n    cur.execute('DROP VIEW ' + names['view'])":                                                                             finding.Likely,
		"def f(names):\n    cur.execute('DROP VIEW ' + names.get('view'))":                                                                         finding.Likely,
		"def f(model, editor):\n    editor.note(model.name)\n    cur.execute('CREATE VIEW ' + editor.definition(model))":                           finding.Possible,
		"def f(model, name):\n    name = name.strip()\n    cur.execute('CREATE VIEW ' + definition(name))":                                         finding.Likely,
		"def f(view):\n    cur.execute('DROP VIEW ' + view)":                                                                                       finding.Likely,
		"def f(form):\n    cur.execute('SELECT a FROM t ORDER BY ' + form.sort)":                                                                   finding.Likely,
		"def f(form):\n    cur.execute('SELECT a FROM t WHERE id = ' + form.user_id())":                                                            finding.Likely,
		"def f(request):\n    cur.execute('DROP VIEW ' + request.args['view'])":                                                                    finding.Certain,
		"def f(q):\n    cur.execute('EXPLAIN QUERY PLAN ' + q)":                                                                                    none,
		"def f(q, n):\n    cur.execute('DECLARE c' + n + ' NO SCROLL CURSOR FOR ' + q)":                                                            finding.Likely,
		"class C:\n    def f(self, q):\n        cur.execute('DECLARE ' + self.name + ' NO SCROLL CURSOR FOR ' + q)":                                none,
		"def explain(q):\n    cur.execute(f'EXPLAIN {q}')\ndef f(x):\n    explain('SELECT a FROM t WHERE id = ' + x)":                              finding.Likely,
		"def f(q):\n    cur.execute('SELECT a FROM t WHERE ' + q)":                                                                                 finding.Likely,
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

// TestSourceTold: a value that is its own source is not told to be itself.
func TestSourceTold(t *testing.T) {
	for value, want := range map[string]string{
		"request.args['x']": "request.args['x'] comes from outside the program",
		"sys.argv[1]":       "sys.argv[1] is what whoever runs the program gives",
		"request":           "request is the request parameter request",
	} {
		found := program(t, "def f(request):\n    cur.execute('SELECT 1 FROM t WHERE id = ' + "+value+")")
		if len(found) != 1 || found[0].Steps[0].Text != want {
			t.Errorf("%s: %+v, want %q", value, found, want)
		}
	}
}

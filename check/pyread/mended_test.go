package pyread

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// TestMendManyLinear mends files with twice as many findings, and counts the
// nodes that it looks at: about twice as many, wherever the queries stand.
func TestMendManyLinear(t *testing.T) {
	for _, c := range []struct{ name, head, each string }{
		{"functions", "import sqlite3\ncur = sqlite3.connect('x').cursor()\n", "def f%[1]d(uid):\n    q = f'SELECT * FROM t WHERE id = {uid}'\n    cur.execute(q)\n"},
		{"one function", "import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef f(uid):\n", "    q%[1]d = f'SELECT * FROM t WHERE id = {uid}'\n    cur.execute(q%[1]d)\n"},
		{"the module", "import sqlite3\ncur = sqlite3.connect('x').cursor()\nuid = input()\n", "cur.execute(f'SELECT * FROM t WHERE id = {uid}')\n"},
		{"templates", "import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef f(uid):\n", "    cur.execute('SELECT * FROM t WHERE id = %%s' %% uid)\n"},
		{"lists", "import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef f(ids: list):\n", "    cur.execute(f\"SELECT * FROM t WHERE id IN ({','.join(ids)})\")\n"},
		{"steps", "import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef f(uid):\n", "    q%[1]d = 'SELECT * FROM t WHERE 1 = 1'\n    if uid:\n        q%[1]d += f' AND id = {uid}'\n    cur.execute(q%[1]d)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			looks := func(n int) int {
				var text strings.Builder
				text.WriteString(c.head)
				for i := range n {
					if strings.Contains(c.each, "%[1]d") {
						fmt.Fprintf(&text, c.each, i)
					} else {
						fmt.Fprint(&text, strings.ReplaceAll(c.each, "%%", "%"))
					}
				}
				file := &ir.File{Path: "m.py", Text: []byte(text.String()), Lang: ir.Python}
				m := &Mender{}
				if fixes := mendAll(t, m, file); fixes != n {
					t.Fatalf("%d of %d queries are mended in\n%.500s", fixes, n, text.String())
				}
				return m.files[file].seen
			}
			if once, twice := looks(200), looks(400); twice > 2*once+once/5 {
				t.Errorf("200 findings take %d looks at nodes, 400 take %d", once, twice)
			}
		})
	}
}

// TestMendSteps mends a query that is built in as many statements as are looked at,
// and leaves one of more as it is.
func TestMendSteps(t *testing.T) {
	for _, c := range []struct{ steps, fixes int }{{stepsMax, 1}, {stepsMax + 1, 0}} {
		text := "import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef f(uid):\n    q = 'SELECT * FROM t WHERE 1 = 1'\n" +
			strings.Repeat("    q += f' AND id = {uid}'\n", c.steps-1) + "    cur.execute(q)\n"
		if got := mendAll(t, &Mender{}, &ir.File{Path: "m.py", Text: []byte(text), Lang: ir.Python}); got != c.fixes {
			t.Errorf("of %d steps %d fixes are written, want %d", c.steps, got, c.fixes)
		}
	}
}

// mendAll binds each query's one hole, and tells how many it could.
func mendAll(t *testing.T, m *Mender, file *ir.File) (fixes int) {
	t.Helper()
	p := &ir.Program{}
	if problems := Read(p, []*ir.File{file}); problems != nil {
		t.Fatal(problems)
	}
	for _, f := range p.Funcs {
		built := map[string]ir.Expr{}
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				switch o := op.(type) {
				case *ir.Assign:
					if v, ok := o.To.(*ir.Var); ok {
						built[v.Name] = o.Value
					}
				case *ir.Query:
					r := finding.Rewrite{Query: o, Whole: o.SQL, Driver: o.Driver, Style: o.Style}
					if v, ok := o.SQL.(*ir.Var); ok {
						r.Whole = built[v.Name]
					}
					r.Pieces = []finding.Piece{{Hole: true, Tainted: true, Context: finding.Value}}
					if strings.Contains(string(file.Text), "join") {
						r.Pieces[0].Context = finding.InList
					}
					if _, ok := m.Bind(r); ok {
						fixes++
					}
				}
			}
		}
	}
	return fixes
}

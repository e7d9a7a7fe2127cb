package sqlinject_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread"
	"github.com/penstock-io/penstock/check/sqlinject"
)

// program is what is found in a Python program that has a cursor of sqlite3.
func program(t *testing.T, body string) []finding.Finding {
	t.Helper()
	text := "import functools, io, sqlite3, string, sys, textwrap\ncur = sqlite3.connect('').cursor()\n" + body + "\n"
	p := &ir.Program{}
	if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
		t.Fatal(text, problems)
	}
	return sqlinject.Analyse(p, sqlinject.Options{})
}

// TestStatements: a statement that is built of x is found wherever it is kept, however
// it is filled in, and by whatever name it is sent.
func TestStatements(t *testing.T) {
	for name, body := range map[string]string{
		"format_map":                  "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = {x}'.format_map({'x': x}))",
		"format_map of a mapping":     "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = {x}'.format_map(x))",
		"format of keywords":          "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = {x}'.format(**x))",
		"a Template":                  "def f(x):\n    cur.execute(string.Template('SELECT 1 FROM t WHERE id = $x').substitute(x=x))",
		"a Template elsewhere":        "Q = string.Template('SELECT 1 FROM t WHERE id = ${x}')\ndef f(x):\n    cur.execute(Q.safe_substitute({'x': x}))",
		"replace":                     "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = XX'.replace('XX', x))",
		"replace in a variable":       "def f(x):\n    q = 'SELECT 1 FROM t WHERE id = XX'\n    q = q.replace('XX', x)\n    cur.execute(q)",
		"replace in a global":         "Q = 'SELECT 1 FROM t WHERE id = XX'\ndef f(x):\n    cur.execute(Q.replace('XX', x))",
		"a field":                     "class C:\n    def __init__(self, x):\n        self.q = f'SELECT 1 FROM t WHERE id = {x}'\n    def run(self):\n        cur.execute(self.q)",
		"a field, made longer":        "class C:\n    def __init__(self):\n        self.q = 'SELECT 1 FROM t'\n    def where(self, x):\n        self.q += f' WHERE id = {x}'\n    def run(self):\n        cur.execute(self.q)",
		"a field in one function":     "class C:\n    def run(self, x):\n        self.q = 'SELECT 1 FROM t'\n        self.q += f' WHERE id = {x}'\n        cur.execute(self.q)",
		"pieces in a field":           "class C:\n    def __init__(self):\n        self.parts = ['SELECT 1 FROM t']\n    def where(self, x):\n        self.parts.append(f'WHERE id = {x}')\n    def run(self):\n        cur.execute(' '.join(self.parts))",
		"a list of them":              "def f(x):\n    for q in [f'SELECT 1 FROM t WHERE id = {x}', 'SELECT 2']:\n        cur.execute(q)",
		"a list, appended to":         "def f(xs):\n    qs = []\n    for x in xs:\n        qs.append(f'SELECT 1 FROM t WHERE id = {x}')\n    return [cur.execute(q) for q in qs]",
		"a mapping":                   "def f(k, x):\n    qs = {'a': f'SELECT 1 FROM t WHERE id = {x}', 'b': 'SELECT 1'}\n    cur.execute(qs[k])",
		"a mapping's items":           "def f(x):\n    qs = {'a': f'SELECT 1 FROM t WHERE id = {x}'}\n    for k, q in qs.items():\n        cur.execute(q)",
		"a mapping, assigned to":      "def f(x):\n    qs = {}\n    qs['a'] = f'SELECT 1 FROM t WHERE id = {x}'\n    cur.execute(qs.get('a'))",
		"a mapping in a field":        "class C:\n    def __init__(self):\n        self.qs = {}\n    def add(self, x):\n        self.qs['a'] = f'SELECT 1 FROM t WHERE id = {x}'\n    def run(self):\n        cur.execute(self.qs['a'])",
		"one of several returned":     "def b(x):\n    return f'SELECT 1 FROM t WHERE id = {x}', ()\ndef f(x):\n    q, p = b(x)\n    cur.execute(q, p)",
		"arguments in a tuple":        "def f(x):\n    args = (f'SELECT 1 FROM t WHERE id = {x}',)\n    cur.execute(*args)",
		"a bound method":              "def f(x):\n    ex = cur.execute\n    ex(f'SELECT 1 FROM t WHERE id = {x}')",
		"a bound method elsewhere":    "ex = cur.execute\ndef f(x):\n    ex(f'SELECT 1 FROM t WHERE id = {x}')",
		"a bound method in a field":   "class C:\n    def __init__(self):\n        self.ex = cur.execute\n    def f(self, x):\n        self.ex(f'SELECT 1 FROM t WHERE id = {x}')",
		"getattr":                     "def f(x):\n    getattr(cur, 'execute')(f'SELECT 1 FROM t WHERE id = {x}')",
		"map":                         "def f(xs):\n    list(map(cur.execute, [f'SELECT 1 FROM t WHERE id = {x}' for x in xs]))",
		"partial":                     "def f(x):\n    functools.partial(cur.execute, f'SELECT 1 FROM t WHERE id = {x}')()",
		"a global":                    "Q = ''\ndef b(x):\n    global Q\n    Q = f'SELECT 1 FROM t WHERE id = {x}'\ndef f():\n    cur.execute(Q)",
		"a global, made longer":       "Q = 'SELECT 1 FROM t'\ndef f(x):\n    global Q\n    Q += f' WHERE id = {x}'\n    cur.execute(Q)",
		"a script's argument":         "x = sys.argv[1]\nq = f'SELECT 1 FROM t WHERE id = {x}'\ndef f():\n    cur.execute(q)",
		"an inner loop":               "def f(rows):\n    q = 'SELECT 1 FROM t WHERE id = 0'\n    for row in rows:\n        for x in row:\n            q = q + f' OR id = {x}'\n    cur.execute(q)",
		"loops in one another":        "def f(rows):\n    q = 'SELECT 1 FROM t WHERE id = 0'\n    for row in rows:\n        for x in row:\n            while x:\n                q += ' OR id = '\n                q += str(x)\n    cur.execute(q)",
		"a text in memory":            "def f(x):\n    b = io.StringIO()\n    b.write('SELECT 1 FROM t WHERE id = ')\n    b.write(str(x))\n    cur.execute(b.getvalue())",
		"dedent":                      "def f(x):\n    cur.execute(textwrap.dedent(f'''\n        SELECT 1 FROM t WHERE id = {x}''').strip())",
		"a template, filled in place": "def f(x):\n    q = 'SELECT 1 FROM t WHERE id = %s'\n    q %= x\n    cur.execute(q)",
		"a template in steps, filled": "def f(x):\n    q = 'SELECT 1 FROM t'\n    q += ' WHERE id = %s AND n = %d'\n    q %= (x, 2)\n    cur.execute(q)",
		"a template by names, filled": "def f(x):\n    q = 'SELECT 1 FROM t WHERE id = %(x)s'\n    q %= {'x': x}\n    cur.execute(q)",
		"a global, filled in place":   "Q = 'SELECT 1 FROM t WHERE id = %s'\ndef f(x):\n    q = Q\n    q %= x\n    cur.execute(q)",
		"a global template":           "Q = 'SELECT 1 FROM t WHERE id = %s'\ndef f(x):\n    q = Q % x\n    cur.execute(q)",
		"a chosen template, filled":   "def f(x, y):\n    q = 'SELECT 1 FROM t WHERE id = %s' if y else 'SELECT 1 FROM u WHERE id = %s'\n    q %= x\n    cur.execute(q)",
		"a field, filled in place":    "class C:\n    def __init__(self):\n        self.q = 'SELECT 1 FROM t WHERE id = %s'\n    def f(self, x):\n        self.q %= x\n        cur.execute(self.q)",
		"a template of the class":     "class C:\n    Q = 'SELECT 1 FROM t WHERE id = %s'\n    def f(self, x):\n        cur.execute(self.Q % x)",
	} {
		if found := program(t, body); len(found) != 1 || !found[0].Level.Fails() {
			t.Errorf("%s: %d findings, want 1 that fails, in\n%s", name, len(found), body)
		}
	}
}

// TestNoStatements are their twins: what is sent is not built of x.
func TestNoStatements(t *testing.T) {
	for name, body := range map[string]string{
		"format_map of a constant":  "def f(x):\n    cur.execute('SELECT 1 FROM {t} WHERE id = ?'.format_map({'t': 'users'}), (x,))",
		"a Template of a constant":  "def f(x):\n    cur.execute(string.Template('SELECT $$1 FROM $t WHERE id = ?').substitute(t='users'), (x,))",
		"replace by a constant":     "def f(x):\n    cur.execute('SELECT 1 FROM XX WHERE id = ?'.replace('XX', 'users'), (x,))",
		"replace of what is not in": "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = ?'.replace('XX', x), (x,))",
		"a field of constants":      "class C:\n    def __init__(self, x):\n        self.x = x\n        self.q = 'SELECT 1 FROM t'\n    def run(self):\n        self.q += ' WHERE id = ?'\n        cur.execute(self.q, (self.x,))",
		"a list with values in it":  "def f(x):\n    rows = [('SELECT 1 FROM t WHERE id = ?', x)]\n    for q, p in rows:\n        cur.execute(q, (p,))",
		"a message in a mapping":    "def f(x):\n    told = {'text': f'looked for {x}'}\n    cur.execute(load(told['text']))",
		"the name of a file":        "def f(x):\n    cur.execute(open(f'select/{x}.sql').read())",
		"a statement for a file":    "def f(x):\n    cur.execute(load(f'SELECT {x}'))",
		"a number, filled in place": "def f(x):\n    q = 'SELECT 1 FROM t WHERE id = %d'\n    q %= x\n    cur.execute(q)",
		"a constant, filled in":     "def f(x):\n    q = 'SELECT 1 FROM %s WHERE id = ?'\n    q %= 'users'\n    cur.execute(q, (x,))",
		"a remainder":               "def f():\n    x = 7\n    x %= 10\n    cur.execute('SELECT 1 FROM t WHERE id = %s' % x)",
		"another method":            "def f(x):\n    go = cur.close\n    go(f'SELECT {x}')",
		"a method that changes":     "def f(x):\n    go = cur.execute\n    go = print\n    go(f'SELECT {x}')",
		"a global of constants":     "COLUMNS = ('a', 'b')\nQ = f\"SELECT {', '.join(COLUMNS)} FROM t\"\ndef f():\n    cur.execute(Q)",
		"placeholders in memory":    "def f(xs):\n    b = io.StringIO()\n    b.write('SELECT 1 FROM t WHERE id IN (')\n    b.write('?, ' * len(xs))\n    b.write('0)')\n    cur.execute(b.getvalue(), xs)",
	} {
		if found := program(t, body); len(found) != 0 {
			t.Errorf("%s: told %q, in\n%s", name, found[0].Message, body)
		}
	}
}

// TestNestedElements: elements in one another are looked at once.
func TestNestedElements(t *testing.T) {
	for _, value := range []string{"x" + strings.Repeat("['a']", 60), "x" + strings.Repeat(".a", 60), "x" + strings.Repeat(".get('a')", 60), "x" + strings.Repeat(".a()['b']", 30)} {
		if found := program(t, "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = ' + "+value+")"); len(found) != 1 {
			t.Errorf("%.40s...: %d findings, want 1", value, len(found))
		}
	}
}

// TestReplaceChain: a chain of replacements, and one in another, are looked at once.
func TestReplaceChain(t *testing.T) {
	nested := "x"
	for range 60 {
		nested = "x.replace('a', " + nested + ")"
	}
	for _, value := range []string{"x" + strings.Repeat(".replace('a', 'b')", 200), "x" + strings.Repeat(".replace('a', x)", 200), nested} {
		if found := program(t, "def f(x):\n    cur.execute('SELECT 1 FROM t WHERE id = ' + "+value+")"); len(found) != 1 {
			t.Errorf("%.60s...: %d findings, want 1", value, len(found))
		}
	}
}

package pyread

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// bound rewrites the one query of a text, whose holes have these contexts.
func bound(t *testing.T, text string, contexts ...finding.Context) (string, bool) {
	t.Helper()
	file := &ir.File{Path: "m.py", Text: []byte(text), Lang: ir.Python}
	p := &ir.Program{}
	if problems := Read(p, []*ir.File{file}); problems != nil {
		t.Fatal(text, problems)
	}
	var q *ir.Query
	built := map[string]ir.Expr{} // what variables are assigned
	for _, f := range p.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				switch o := op.(type) {
				case *ir.Query:
					q = o
				case *ir.Assign:
					if v, ok := o.To.(*ir.Var); ok {
						built[v.Name] = o.Value
					}
				}
			}
		}
	}
	if q == nil {
		t.Fatalf("no query in\n%s", text)
	}
	whole := q.SQL
	if v, ok := whole.(*ir.Var); ok {
		whole = built[v.Name]
	}
	r := finding.Rewrite{Query: q, Whole: whole, Driver: q.Driver, Style: q.Style}
	for _, c := range contexts {
		r.Pieces = append(r.Pieces, finding.Piece{Hole: true, Tainted: true, Context: c})
	}
	fix, ok := (&Mender{}).Bind(r)
	if !ok {
		return "", false
	}
	out, err := finding.Apply(file.Text, fix.Edits)
	if err != nil {
		t.Fatal(err)
	}
	again := &ir.File{Path: "m.py", Text: out, Lang: ir.Python}
	if problems := Read(&ir.Program{}, []*ir.File{again}); problems != nil {
		t.Errorf("the mended text does not parse: %v\n%s", problems, out)
	}
	return string(out), true
}

// TestBind rewrites one call for each way to build SQL and each driver. The
// functions are all def f(x, y, xs, params): with a cursor of the driver.
func TestBind(t *testing.T) {
	const (
		v, quoted, partial, list, limit = finding.Value, finding.Quoted, finding.Partial, finding.InList, finding.Limit
	)
	for _, c := range []struct {
		driver, text, want string
		contexts           []finding.Context
	}{
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = {x}")`, `cur.execute("SELECT 1 WHERE a = ?", (x,))`, []finding.Context{v}},
		{"psycopg", `cur.execute(f"SELECT 1 WHERE a = {x} AND b = {y}")`, `cur.execute("SELECT 1 WHERE a = %s AND b = %s", (x, y))`, []finding.Context{v, v}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = '{x}'")`, `cur.execute("SELECT 1 WHERE a = ?", (str(x),))`, []finding.Context{quoted}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a LIKE '%{x}%' LIMIT {y}")`, `cur.execute("SELECT 1 WHERE a LIKE ? LIMIT ?", (f"%{x}%", y))`, []finding.Context{partial, limit}},
		{"psycopg2", `cur.execute(f"SELECT 1 WHERE a LIKE '%{x}' AND b LIKE 'z%'")`, `cur.execute("SELECT 1 WHERE a LIKE %s AND b LIKE 'z%%'", (f"%{x}",))`, []finding.Context{partial}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = '{x}-{y}'")`, `cur.execute("SELECT 1 WHERE a = ?", (f"{x}-{y}",))`, []finding.Context{partial, partial}},
		{"sqlite3", `cur.execute("SELECT 1 WHERE a = " + x)`, `cur.execute("SELECT 1 WHERE a = ?", (x,))`, []finding.Context{v}},
		{"sqlite3", `cur.execute("SELECT 1 WHERE a = " + str(x) + " AND b = 1")`, `cur.execute("SELECT 1 WHERE a = ?" + " AND b = 1", (x,))`, []finding.Context{v}},
		{"sqlite3", `cur.execute("SELECT 1 WHERE a = '" + x + "' AND b = 1")`, `cur.execute("SELECT 1 WHERE a = ?" + " AND b = 1", (x,))`, []finding.Context{quoted}},
		{"sqlite3", `cur.execute("SELECT 1 WHERE a = %s" % x)`, `cur.execute("SELECT 1 WHERE a = ?", (x,))`, []finding.Context{v}},
		{"pymysql", `cur.execute("SELECT 1 WHERE a = '%s' AND b LIKE 'q%%' AND c = %d" % (x, y))`, `cur.execute("SELECT 1 WHERE a = %s AND b LIKE 'q%%' AND c = %s", (str(x), int(y)))`, []finding.Context{quoted, v}},
		{"sqlite3", `cur.execute("SELECT '{{}}' WHERE a = {} AND b = {y}".format(x, y=y))`, `cur.execute("SELECT '{}' WHERE a = ? AND b = ?", (x, y))`, []finding.Context{v, v}},
		{"sqlite3", `cur.execute(f"SELECT '{{}}' WHERE a = {x}")`, `cur.execute("SELECT '{}' WHERE a = ?", (x,))`, []finding.Context{v}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = ? AND b = {x} AND c = ?", (1, 2))`, `cur.execute("SELECT 1 WHERE a = ? AND b = ? AND c = ?", (1, x, 2))`, []finding.Context{v}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = ? AND b = {x}", params)`, `cur.execute("SELECT 1 WHERE a = ? AND b = ?", (*params, x))`, []finding.Context{v}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = :a AND b = {x}", {"a": 1})`, `cur.execute("SELECT 1 WHERE a = :a AND b = :x", {"a": 1, "x": x})`, []finding.Context{v}},
		{"psycopg", `cur.execute(f"SELECT 1 WHERE a = %(a)s AND b = {x}", params)`, `cur.execute("SELECT 1 WHERE a = %(a)s AND b = %(x)s", {**params, "x": x})`, []finding.Context{v}},
		{"sqlite3", `cur.executemany(f"INSERT INTO t VALUES (?, {x})", xs)`, `cur.executemany("INSERT INTO t VALUES (?, ?)", [(*row, x) for row in xs])`, []finding.Context{v}},
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a IN ({','.join(xs)})")`, `xs = list(xs)
    cur.execute(f"SELECT 1 WHERE a IN ({', '.join('?' * len(xs))})", (*xs,))`, []finding.Context{list}},
		{"psycopg", `cur.execute("SELECT 1 WHERE a IN (" + ",".join(str(i) for i in xs) + ")")`, `xs = list(xs)
    cur.execute("SELECT 1 WHERE a IN (" + ", ".join(["%s"] * len(xs)) + ")", (*xs,))`, []finding.Context{list}},
		{"asyncpg", `cur.execute(f"SELECT 1 WHERE a IN ({','.join(map(str, xs))}) AND b = {y}")`, `cur.execute("SELECT 1 WHERE a = ANY($1) AND b = $2", list(xs), y)`, []finding.Context{list, v}},
		{"asyncpg", `cur.execute(f"SELECT 1 WHERE a = $1 AND b = {x}", y)`, `cur.execute("SELECT 1 WHERE a = $1 AND b = $2", y, x)`, []finding.Context{v}},
		{"sqlalchemy", `cur.execute(sqlalchemy.text(f"SELECT 1 WHERE a = {x} AND b = :b"), {"b": y})`, `cur.execute(sqlalchemy.text("SELECT 1 WHERE a = :x AND b = :b").bindparams(x=x), {"b": y})`, []finding.Context{v}},
		{"sqlite3", `q = (f"SELECT 1 "
         f"WHERE a = {x}")
    cur.execute(q)`, `q = ("SELECT 1 "
         "WHERE a = ?")
    cur.execute(q, (x,))`, []finding.Context{v}},
		{"sqlite3", `cur.execute(f"SELECT 1 FROM t ORDER BY {x}")`, "", []finding.Context{finding.OrderBy}},
		{"sqlite3", `cur.execute(f"SELECT {x} FROM t WHERE a = {y}")`, "", []finding.Context{finding.Identifier, v}},
		{"sqlite3", `cur.executescript(f"DELETE FROM t WHERE a = {x}")`, "", []finding.Context{v}},
		{"sqlite3", `q = f"SELECT 1 WHERE a = {x}"
    x = 1
    cur.execute(q)`, "", []finding.Context{v}},
		// What brings its quotes or is made for standing between them, and where no parameter can stand.
		{"sqlite3", `cur.execute(f"SELECT 1 WHERE a = {x!r}")`, "", []finding.Context{v}},
		{"sqlite3", `cur.execute("SELECT 1 WHERE a = %r" % x)`, "", []finding.Context{v}},
		{"psycopg", `cur.execute(f"SELECT 1 WHERE a > now() - interval '{x} days'")`, "", []finding.Context{partial}},
		// An iterator that is wanted again has no length.
		{"sqlite3", `it = iter(xs)
    cur.execute(f"SELECT 1 WHERE a IN ({','.join(str(i) for i in it)})")
    return list(it)`, "", []finding.Context{list}},
		{"sqlite3", `it = (x + 1 for x in xs)
    cur.execute(f"SELECT 1 WHERE a IN ({','.join(str(i) for i in it)})")
    return list(it)`, "", []finding.Context{list}},
		{"sqlite3", `it = map(str, xs)
    def g():
        cur.execute(f"SELECT 1 WHERE a IN ({','.join(it)})")
    return g`, "", []finding.Context{list}},
		{"duckdb", `cur.execute(sql=f"SELECT 1 WHERE a = {x}")`, "", []finding.Context{v}},
	} {
		head := "import " + c.driver + "\n\ndef f(x, y, xs, params):\n    cur = " + c.driver + ".connect()\n    "
		got, ok := bound(t, head+c.text+"\n", c.contexts...)
		if want := head + c.want + "\n"; ok != (c.want != "") || ok && got != want {
			t.Errorf("%s: %s\nbecame %q\nwant   %q", c.driver, c.text, strings.TrimPrefix(got, head), c.want)
		}
	}
}

// TestMendedOrders runs the mission's function, mended, on a real database:
// with a user's id it gives that user's orders, with an injection none. The
// function as it was gives all orders to the injection.
func TestMendedOrders(t *testing.T) {
	exe, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is not on PATH: CI runs the mended function, install it")
		}
		t.Skip("SKIP: python3 is not on PATH; install it to run the mended function")
	}
	text, err := os.ReadFile("testdata/lower/query.py")
	if err != nil {
		t.Fatal(err)
	}
	mended, ok := bound(t, string(text), finding.Value)
	if !ok {
		t.Fatal("not mended")
	}
	run := func(text string) string {
		text = strings.Replace(text, `"orders.db"`, `":memory:"`, 1) + `
cursor.execute("CREATE TABLE orders (id INTEGER, user_id INTEGER)")
cursor.executemany("INSERT INTO orders VALUES (?, ?)", [(1, 7), (2, 7), (3, 8)])
print(get_user_orders(7), get_user_orders("7"), get_user_orders("7 OR 1=1"), get_user_orders("0 UNION SELECT 1, 2"))
`
		out, err := exec.Command(exe, "-c", text).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, out, text)
		}
		return strings.TrimSpace(string(out))
	}
	if got, want := run(string(text)), "[(1, 7), (2, 7)] [(1, 7), (2, 7)] [(1, 7), (2, 7), (3, 8)] [(1, 2)]"; got != want {
		t.Errorf("the function as it was gives %s, want %s", got, want)
	}
	if got, want := run(mended), "[(1, 7), (2, 7)] [(1, 7), (2, 7)] [] []"; got != want {
		t.Errorf("the mended function gives %s, want %s\n%s", got, want, mended)
	}
}

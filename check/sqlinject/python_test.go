package sqlinject_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread"
	"github.com/penstock-io/penstock/check/sqlinject"
)

// told is what is found in a function f(x, y, xs) with a cursor of sqlite3.
func told(t *testing.T, body string) []finding.Finding {
	t.Helper()
	text := "import sqlite3\ncur = sqlite3.connect('').cursor()\nTABLE = 't'\n\ndef f(x, y, xs):\n    " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    ") + "\n"
	p := &ir.Program{}
	if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
		t.Fatal(text, problems)
	}
	return sqlinject.Analyse(p, sqlinject.Options{})
}

// TestPython: SQL that is built in each of these ways is followed; want is how the
// worst hole stands, "" for nothing to tell.
func TestPython(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"a list, appended and joined": {`
parts = ["SELECT * FROM t WHERE 1=1"]
parts.append(f"AND a = {x}")
cur.execute(" ".join(parts))`, "as a value"},
		"a list of constants": {`
where, args = [], []
where.append("a = ?")
args.append(x)
cur.execute("SELECT * FROM t WHERE " + " AND ".join(where), args)`, ""},
		"an empty list": {`
cur.execute("SELECT 1" + " ".join([]))`, ""},
		"a list, on one of two ways": {`
where = ["1=1"]
if y:
    where.append("name = '%s'" % y)
sql = "SELECT * FROM t WHERE " + " AND ".join(where)
cur.execute(sql)`, "between quotes"},
		"a list, extended, added to and put before": {`
parts = ["WHERE a = ?"]
parts += [f"AND b = {x}"]
parts.extend(["AND c = 1"])
parts.insert(0, "SELECT 1")
cur.execute("\n".join(parts), (y,))`, "as a value"},
		"a list in a loop": {`
parts = []
for one in xs:
    parts.append("a = " + one)
cur.execute("SELECT 1 WHERE " + " OR ".join(parts))`, "as a value"},
		"a list of placeholders in a loop": {`
parts = []
for one in xs:
    parts.append("a = ?")
cur.execute("SELECT 1 WHERE " + " OR ".join(parts), xs)`, ""},
		"a list that a callee fills": {`
parts = ["SELECT 1 WHERE a = "]
y(parts)
parts.append(str(int(x)))
cur.execute("".join(parts))`, ""},
		"a value behind a column": {`
parts = ["SELECT * FROM t"]
parts.append("ORDER BY")
parts.append(x)
cur.execute(" ".join(parts))`, "as an order"},
		"a tuple behind IN": {`cur.execute(f"SELECT 1 WHERE a IN {tuple(xs)}")`, "as a list"},
	} {
		got := told(t, c.body)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: told %q", name, got[0].Message)
		case c.want != "" && (len(got) != 1 || !strings.HasSuffix(got[0].Message, ", "+c.want) || !got[0].Level.Fails()):
			t.Errorf("%s: %+v, want one %s", name, got, c.want)
		}
	}
}

// TestLongChain: a text of ten thousand pieces is judged like a short one.
func TestLongChain(t *testing.T) {
	for _, sum := range []string{
		"'SELECT ' " + strings.Repeat("+ 'a' ", 10_000) + "+ x",
		"'SELECT ' + x " + strings.Repeat("+ 'a' ", 10_000),
		"'SELECT ' " + strings.Repeat("+ 'a' + x ", 5_000),
	} {
		if found := told(t, "cur.execute("+sum+")"); len(found) != 1 || !strings.Contains(found[0].Message, "x is put into") {
			t.Errorf("%.40s...: %d findings %v", sum, len(found), found)
		}
	}
	if found := told(t, "cur.execute('SELECT 1' "+strings.Repeat("+ 'a' ", 10_000)+")"); len(found) != 0 {
		t.Errorf("constants alone: %v", found)
	}
}

// TestGlobalOfItself: a module's variable that is made of itself, or two that are
// made of one another, have an end.
func TestGlobalOfItself(t *testing.T) {
	for _, head := range []string{"names = (names, 'a')", "names = (others, 'a')\nothers = (names, 'b')", "names = {names: 'a'}", "names = names + 'a'"} {
		text := head + "\nimport sqlite3\ndef f(x):\n    if x in names:\n        sqlite3.connect('').execute('SELECT ' + x)\n    sqlite3.connect('').execute('SELECT ' + names[x])\n"
		p := &ir.Program{}
		if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
			t.Fatal(text, problems)
		}
		if found := sqlinject.Analyse(p, sqlinject.Options{}); len(found) == 0 {
			t.Errorf("%s: x is not among constants, and nothing is told", head)
		}
	}
}

// TestQuotingByName: what a library's function makes that is called as one that quotes
// identifiers is no finding; what the program's own one makes is possible at most.
func TestQuotingByName(t *testing.T) {
	const none = finding.Note
	for body, want := range map[string]finding.Level{
		`cur.execute("DROP TABLE " + ops.quote_name(x))`:                                                                   none,
		`cur.execute(f"DROP TABLE {quote_identifier(x)}")`:                                                                 none,
		`cur.execute("SELECT nextval(%s)" % ops.format_sequence(x))`:                                                       none,
		`cur.execute("USE " + y.identifier_preparer.quote(x))`:                                                             none,
		"q = ops.quote_identifier\ncur.execute('DROP TABLE ' + q(x))":                                                      none,
		"def quote_name(n):\n    return '\"' + n + '\"'\ncur.execute('DROP TABLE ' + quote_name(x))":                       finding.Possible,
		"def quote_name(n):\n    return ops.quote_name(n.lower())\ncur.execute('DROP TABLE ' + quote_name(x))":             none,
		"def quote_name(n):\n    return '\"' + n.replace('\"', '\"\"') + '\"'\ncur.execute('DROP TABLE ' + quote_name(x))": none,
		`cur.execute("COMMENT ON TABLE t IS " + ops.quote_value(x))`:                                                       finding.Possible,
		"q = ops.tidy\ncur.execute('DROP TABLE ' + q(x))":                                                                  finding.Likely,
		`cur.execute("USE " + urllib.parse.quote(x))`:                                                                      finding.Likely,
		`cur.execute(f"DROP TABLE {tidy(x)}")`:                                                                             finding.Likely,
		`cur.execute(f"DELETE FROM {quote_identifier(x)} WHERE a = {y}")`:                                                  finding.Likely,
	} {
		found, got := told(t, body), none
		if len(found) == 1 {
			got = found[0].Level
		}
		if got != want || len(found) > 1 {
			t.Errorf("%s: %v, want %v", body, found, want)
		}
	}
}

// TestWhatIsSent: the explanation is of the place where the value stands: what is sent
// there makes a statement that does what is said.
func TestWhatIsSent(t *testing.T) {
	for body, want := range map[string][3]string{
		`cur.execute(f"SELECT a FROM t WHERE id = {x}")`:                                                              {"x is put into the text of a query, as a value", "SELECT a FROM t WHERE id = 0 OR 1=1", "every row"},
		`cur.execute(f"SELECT a FROM t WHERE a LIKE '%{x}%'")`:                                                        {"inside a quoted string", "SELECT a FROM t WHERE a LIKE '%' OR '1'='1%'", "every row"},
		`cur.execute(f"SELECT a FROM {x} WHERE id = 1")`:                                                              {"as a name", "SELECT a FROM users -- WHERE id = 1", "another table"},
		`cur.execute(f'SELECT a FROM "{x}" WHERE id = 1')`:                                                            {"as a name", `SELECT a FROM "users" --" WHERE id = 1`, "another table"},
		`cur.execute(f"SELECT {x} FROM t")`:                                                                           {"as a column", "SELECT (SELECT password FROM users) FROM t", "what another table holds"},
		`cur.execute(f"INSERT INTO t(a, b) SELECT {x}, '{y}' FROM u")`:                                                {"as a column", "SELECT (SELECT password FROM users), '...' FROM u", "what another table holds"},
		`cur.execute(f"INSERT INTO t(a, b) VALUES (1, {x})")`:                                                         {"as a value", "VALUES (1, (SELECT password FROM users))", "what another table holds"},
		`cur.execute(f"INSERT INTO t(a, b) VALUES (1, '{x}')")`:                                                       {"between quotes", "VALUES (1, '' || (SELECT password FROM users) || '')", "what another table holds"},
		`cur.execute(f"UPDATE t SET a = {x} WHERE id = 1")`:                                                           {"as a value", "SET a = 0, admin = 1 WHERE id = 1", "another column"},
		`cur.execute(f"UPDATE t SET a = '{x}' WHERE id = 1")`:                                                         {"between quotes", "SET a = '', admin = '1' WHERE id = 1", "another column"},
		`cur.execute(f"UPDATE t SET {x} = 1 WHERE id = 1")`:                                                           {"as a name", "SET admin = 1 -- = 1 WHERE id = 1", "another column, of every row"},
		`cur.execute(f"SELECT a FROM t WHERE {x}")`:                                                                   {"as a part of the statement", "WHERE 1=1 --", "every row"},
		`cur.execute(f"{x} t")`:                                                                                       {"as a part of the statement", "DROP TABLE users -- t", "another statement"},
		"sets = ', '.join(f\"{k} = '{v}'\" for k, v in xs.items())\ncur.execute(f'UPDATE t SET {sets} WHERE id = 1')": {"k is put into the text of a query, as a name", "SET admin = 1 -- = '...' WHERE id = 1", "another column, of every row"},
		"sets = ', '.join(f\"{k} = '{v}'\" for k, v in xs.items() if k in ('a', 'b'))\ncur.execute(f'UPDATE t SET {sets} WHERE id = 1')": {"v is put into the text of a query, between quotes", "SET ... = '', admin = '1' WHERE id = 1", "another column"},
	} {
		found := told(t, body)
		if len(found) != 1 {
			t.Errorf("%d findings in %s", len(found), body)
			continue
		}
		why := strings.Join(found[0].Why, "\n")
		if !strings.Contains(found[0].Message, want[0]) || !strings.Contains(why, want[1]) || !strings.Contains(why, want[2]) {
			t.Errorf("%s\ntold %q\n%s\nwant %q", body, found[0].Message, why, want)
		}
	}
}

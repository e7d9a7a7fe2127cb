package finding_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
)

// TestContexts puts a hole, written {}, into SQL and asks where it stands. {*}
// is a joined list.
func TestContexts(t *testing.T) {
	for sql, want := range map[string]finding.Context{
		"SELECT a FROM t WHERE id = {}":                            finding.Value,
		"SELECT a FROM t WHERE id={} AND x = 1":                    finding.Value,
		"SELECT a FROM t WHERE id BETWEEN 1 AND {}":                finding.Value,
		"SELECT a FROM t WHERE note LIKE {}":                       finding.Value,
		"SELECT coalesce(a, {}) FROM t":                            finding.Value,
		"INSERT INTO t (a, b) VALUES (1, {})":                      finding.Value,
		"UPDATE t SET a = {} WHERE id = 1":                         finding.Value,
		"SELECT a FROM t WHERE name = '{}'":                        finding.Quoted,
		"SELECT a FROM t WHERE name = 'it''s {}'":                  finding.Partial,
		"SELECT a FROM t WHERE name LIKE '%{}%'":                   finding.Partial,
		"SELECT a FROM t WHERE id IN ({*})":                        finding.InList,
		"SELECT a FROM t WHERE id NOT IN ({*}) AND b = 1":          finding.InList,
		"SELECT a FROM t WHERE id IN {}":                           finding.InList,
		"SELECT a FROM t LIMIT {}":                                 finding.Limit,
		"SELECT a FROM t LIMIT 10 OFFSET {}":                       finding.Limit,
		"SELECT a FROM {}":                                         finding.Identifier,
		"SELECT {} FROM t":                                         finding.Identifier,
		"SELECT a FROM t_{} WHERE id = 1":                          finding.Identifier,
		`SELECT a FROM "{}"`:                                       finding.Identifier,
		"SELECT a FROM t JOIN {} ON true":                          finding.Identifier,
		"SELECT a FROM t ORDER BY {}":                              finding.OrderBy,
		"SELECT a FROM t ORDER BY a, {}":                           finding.OrderBy,
		"SELECT a FROM t ORDER BY a {}":                            finding.OrderBy,
		"SELECT a FROM t WHERE {}":                                 finding.Syntax,
		"{}":                                                       finding.Syntax,
		"SELECT a FROM t -- {}":                                    finding.Syntax,
		"SELECT a FROM t /* {} */":                                 finding.Syntax,
		"SELECT a FROM t -- it's\nWHERE id = {}":                   finding.Value,
		"SELECT a FROM t /* ' */ WHERE id = {}":                    finding.Value,
		"SELECT a FROM t WHERE name = '{}":                         finding.Syntax,
		"SELECT a FROM t WHERE x = 'y' AND name = '{}' AND z = ''": finding.Quoted,
	} {
		before, behind, _ := strings.Cut(strings.Replace(sql, "{*}", "{}", 1), "{}")
		in := []finding.Piece{{Text: before}, {Hole: true, List: strings.Contains(sql, "{*}")}, {Text: behind}}
		finding.Locate(in)
		if got := in[1].Context; got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}

// TestContextsOfSeveral has two holes in one string: both belong to it.
func TestContextsOfSeveral(t *testing.T) {
	h := finding.Piece{Hole: true}
	got := []finding.Piece{{Text: "SELECT 1 WHERE name = '"}, h, {Text: " "}, h, {Text: "' AND id = "}, h}
	finding.Locate(got)
	for i, want := range map[int]finding.Context{1: finding.Partial, 3: finding.Partial, 5: finding.Value} {
		if got[i].Context != want {
			t.Errorf("hole %d: %v, want %v", i, got[i].Context, want)
		}
	}
}

// TestTakesParameters: only one statement, and one about rows.
func TestTakesParameters(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT 1 WHERE a = {}": true, "  (select 1) union select {}": true, "-- note\nWITH x AS (SELECT {}) SELECT 1": true, "SELECT 1 WHERE a = {};\n": true,
		"SELECT 1 WHERE a = ';' AND b = {}": true, "INSERT INTO t VALUES ({}) -- ; DROP": true,
		"CREATE USER u PASSWORD '{}'": false, "SET x = {}": false, "COPY t FROM '{}'": false, "SELECT {}; DROP TABLE t": false, "{}": false, "": false,
		"PRAGMA table_info('{}')": false, "BEGIN; SELECT {}": false, `SELECT 1 WHERE a = 'it\'s {}'`: false,
	} {
		before, behind, _ := strings.Cut(sql, "{}")
		if got := finding.TakesParameters([]finding.Piece{{Text: before}, {Hole: true}, {Text: behind}}); got != want {
			t.Errorf("%q: %v", sql, got)
		}
	}
}

func TestBare(t *testing.T) {
	for sql, want := range map[string]string{
		"a = ? AND b = 'what?' -- ?": "a = ? AND b =             ", "'it''s?' = ?": "         = ?", "a /* ? */ = ?": "a         = ?", `"?" = ?`: "    = ?", "": "",
	} {
		if got := finding.Bare(sql); got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}

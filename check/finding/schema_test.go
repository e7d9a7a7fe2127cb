package finding_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
)

// TestNoNumbers asks, of statements with a hole {}, for the column that keeps a
// text which was a number.
func TestNoNumbers(t *testing.T) {
	const source = `
cur.execute("CREATE TABLE IF NOT EXISTS plain (id, name TEXT, n INTEGER PRIMARY KEY)")
SCHEMA = '''
CREATE TABLE users (
    id INTEGER PRIMARY KEY, -- the key, a number
    age,
    price DECIMAL(10, 2) DEFAULT 0, pic BLOB NOT NULL,
    code VARCHAR(5) /* of text */,
    UNIQUE (age, code)
);
CREATE VIEW busy AS SELECT id, n + 1 AS more, count(*) orders FROM users;
CREATE VIEW named (first, second) AS SELECT id, id FROM users;
'''
cur.execute("CREATE TABLE split (id INTEGER, "
            "rest)")
cur.execute("ALTER TABLE split ADD COLUMN late")
cur.execute(f"CREATE TEMP TABLE {name} (odd, even INT)")
cur.execute("CREATE VIRTUAL TABLE words USING fts5(word, place)")
"CREATE TABLE"; "CREATE TABLE ("; "ALTER TABLE"; "CREATE TABLE x"; "CREATE TABLE y (("
`
	s := &finding.Schema{}
	s.Read(source)
	for sql, want := range map[string]string{
		"SELECT 1 FROM plain WHERE id = {}":                                 "id",
		"SELECT 1 FROM plain WHERE name = {}":                               "name",
		"SELECT 1 FROM plain WHERE n = {}":                                  "",
		"SELECT 1 FROM users u WHERE u.age > {}":                            "age",
		"SELECT 1 FROM users WHERE \"age\" BETWEEN 1 AND {}":                "age",
		"SELECT 1 FROM users WHERE price = {}":                              "",
		"SELECT 1 FROM users WHERE code = {}":                               "code",
		"SELECT 1 FROM users WHERE pic = {}":                                "pic",
		"SELECT 1 FROM users WHERE id = {}":                                 "",
		"SELECT 1 FROM busy WHERE more = {}":                                "more",
		"SELECT 1 FROM busy WHERE orders = {}":                              "orders",
		"SELECT 1 FROM named WHERE second = {}":                             "second",
		"SELECT 1 FROM split WHERE rest = {}":                               "rest",
		"SELECT 1 FROM split WHERE id = {}":                                 "",
		"SELECT 1 FROM split WHERE late = {}":                               "late",
		"SELECT 1 FROM main.split WHERE late = {}":                          "late",
		"SELECT 1 FROM anything WHERE odd = {}":                             "odd",
		"SELECT 1 FROM anything WHERE even = {}":                            "",
		"SELECT 1 FROM words WHERE place = {}":                              "place",
		"SELECT 1 FROM orders WHERE id = {}":                                "",
		"INSERT INTO split VALUES (1, 2, {})":                               "late",
		"INSERT INTO users VALUES (1, {})":                                  "age",
		"INSERT INTO users VALUES ({}, 2)":                                  "",
		"INSERT INTO users VALUES (1, 2, 3, 4, 5), (6, {}, 8, 9, 10)":       "age",
		"INSERT INTO users (age, id) VALUES (1, {})":                        "",
		"INSERT INTO users (\"age\", id) VALUES ({}, 1)":                    "age",
		"UPDATE users SET age = {} WHERE id = 1":                            "age",
		"UPDATE users SET age = 1 WHERE id = {}":                            "",
		"SELECT 1 FROM users WHERE age IN ({}":                              "age",
		"SELECT 1 FROM users LIMIT {}":                                      "",
		"SELECT 1 FROM users WHERE ? = {}":                                  "age",
		"SELECT 1 FROM users JOIN plain ON true WHERE users.id = {}":        "id",
		"SELECT 1 FROM t WHERE a = 1 AND b = {} ORDER BY (SELECT users.id)": "",
	} {
		before, behind, _ := strings.Cut(sql, "{}")
		if got := s.NoNumbers(finding.Place{Before: before, Behind: behind}); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

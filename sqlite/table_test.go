package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/sqlite"
)

func open(t testing.TB, file string, o sqlite.Options) *sqlite.Table {
	t.Helper()
	table, err := sqlite.Open(sinktest.Within(t), file, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// query returns all rows of a query as text, a line each.
func query(t testing.TB, file, text string) string {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath()}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		cells, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSuffix(fmt.Sprintln(cells...), "\n"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func exec(t testing.TB, file, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath()}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "a file?.db") }

// TestConformance runs the suite of tables.
func TestConformance(t *testing.T) {
	sinktest.Tables(t, func(t testing.TB) sinktest.Database {
		file := newFile(t)
		return sinktest.Database{
			Open: func(t testing.TB, o sinktest.Options) sinktest.Table {
				return open(t, file, sqlite.Options{Stream: o.Stream, Mode: o.Mode, Job: o.Job})
			},
			Exec:    func(t testing.TB, statements string) { exec(t, file, statements) },
			Query:   func(t testing.TB, statement string) string { return query(t, file, statement) },
			Records: func(t testing.TB) []sinktest.Record { return readSuite(t, file) },
			Skip:    "CREATE TRIGGER skip BEFORE INSERT ON orders WHEN NEW.note = 'skip' BEGIN SELECT RAISE(IGNORE); END",
		}
	})
}

func readSuite(t testing.TB, file string) []sinktest.Record {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath()}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT key, body FROM suite ORDER BY seq")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []sinktest.Record
	for rows.Next() {
		var r sinktest.Record
		if err := rows.Scan(&r.Key, &r.Body); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestTableIsMadeFromTheStream(t *testing.T) {
	file := newFile(t)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, file, sqlite.Options{Stream: s})
	b := sinktest.Events(t, s, 1,
		`{"order_id":1,"created_at":"2026-01-02T03:04:05.123456789+01:00","amount":"-0.05","ratio":1.50e3,"paid":true,"note":"a\"\n€","tags":[1, 2]}`,
		`{"order_id":-9223372036854775808,"amount":1234567890.12,"ratio":17,"paid":false,"note":null}`)
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "rows", query(t, file, "SELECT * FROM orders ORDER BY 1 DESC"),
		"1 1767319445123456 -5 1.50e3 1 a\"\n€ [1, 2]\n-9223372036854775808 <nil> 123456789012 17 0 <nil> <nil>")
	if !strings.Contains(query(t, file, "SELECT sql FROM sqlite_master WHERE name = 'orders'"), "decimal(12,2) in units of 10^-2") {
		t.Error("the table does not say what its amounts are")
	}
}

// A table whose columns are TEXT gets exact texts.
func TestTextColumns(t *testing.T) {
	file := newFile(t)
	exec(t, file, "CREATE TABLE orders (order_id TEXT, created_at TEXT, amount VARCHAR(20), ratio TEXT, paid TEXT, note TEXT, tags TEXT, other INTEGER)")
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, file, sqlite.Options{Stream: s})
	b := sinktest.Events(t, s, 1, `{"order_id":1,"created_at":"2026-01-02T03:04:05.123456789+01:00","amount":"-0.05","ratio":1.50e3,"paid":true}`)
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "rows", query(t, file, "SELECT * FROM orders"), "1 2026-01-02T02:04:05.123456Z -0.05 1.50e3 true <nil> <nil> <nil>")
}

func TestRefusedRowsAreFound(t *testing.T) {
	for name, begin := range map[string]string{"own": "", "rollback": "CREATE TRIGGER back BEFORE INSERT ON orders WHEN NEW.note = 'back' BEGIN SELECT RAISE(ROLLBACK, 'all back'); END;"} {
		t.Run(name, func(t *testing.T) {
			file := newFile(t)
			exec(t, file, `CREATE TABLE orders (order_id INTEGER PRIMARY KEY, created_at INTEGER, amount INTEGER CHECK (amount < 10000), ratio NOT NULL DEFAULT 1, paid, note TEXT UNIQUE, tags);
CREATE TRIGGER no BEFORE INSERT ON orders WHEN NEW.note = 'no' BEGIN SELECT RAISE(ABORT, 'not this one'); END;
INSERT INTO orders (order_id) VALUES (8);`+begin)
			s := sinktest.Stream(t, sinktest.Orders)
			table := open(t, file, sqlite.Options{Stream: s})
			var texts []string
			for i := range 200 {
				texts = append(texts, fmt.Sprintf(`{"order_id":%d,"ratio":1}`, 1000+i))
			}
			texts[3], texts[50], texts[51] = `{"order_id":8,"ratio":1}`, `{"order_id":1,"amount":100,"ratio":1}`, `{"order_id":2,"note":"no","ratio":1}`
			texts[90], texts[91] = `{"order_id":3,"note":"twice","ratio":1}`, `{"order_id":4,"note":"twice","ratio":1}`
			texts[120], texts[150] = `{"order_id":9223372036854775808,"ratio":1}`, `{"order_id":5,"note":"a\u0000b","ratio":1}`
			texts[199] = `{"order_id":6}`
			rejects, codes := 7, "3:unique 50:check 51:trigger 91:unique 120:column 199:not_null"
			if begin != "" {
				texts[10], texts[11] = `{"order_id":10,"note":"back","ratio":1}`, `{"order_id":11,"note":"back","ratio":1}`
				rejects, codes = 9, "3:unique 10:trigger 11:trigger 50:check 51:trigger 91:unique 120:column 199:not_null"
			}
			rejects-- // 150 is good: SQLite stores U+0000
			b := sinktest.Events(t, s, 0, texts...)
			var kept sinktest.Letters
			if err := kept.Of(table.Chunk(penstock.Chunk{Job: "j", Source: "s", Count: 200})).Write(sinktest.Within(t), b); err != nil {
				t.Fatal(err)
			}
			sinktest.Want(t, "tally", b.Tally().String(), fmt.Sprintf("read 200 = delivered %d + dropped 0 + rejected %d", 200-rejects, rejects))
			sinktest.Want(t, "letters", strings.Join(kept, " "), codes)
			sinktest.Want(t, "rows", query(t, file, "SELECT count(*) FROM orders"), fmt.Sprint(201-rejects))
			done, err := table.Done(sinktest.Within(t), "j")
			if err != nil || len(done) != 1 || done[0].Rejects != int64(rejects) {
				t.Fatal(done, err)
			}
		})
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	for table, text := range map[string]string{
		"CREATE TABLE orders (order_id INTEGER)": `it has no column created_at; add it with ALTER TABLE "orders" ADD "created_at" INTEGER`,
		"CREATE TABLE orders (order_id INT, created_at INT, amount REAL, ratio, paid INT, note TEXT, tags TEXT)":                     "in which a decimal is not exact",
		"CREATE TABLE orders (order_id INT, created_at INT, amount INT, ratio, paid INT, note TEXT, tags TEXT, tenant INT NOT NULL)": "column tenant is NOT NULL without a default",
		"CREATE TABLE orders (order_id INT, created_at INT, amount INT, ratio, paid INT, note TEXT, tags TEXT)":                      `mode upsert needs a unique key over "order_id"`,
	} {
		file := newFile(t)
		exec(t, file, table)
		_, err := sqlite.Open(sinktest.Within(t), file, sqlite.Options{Stream: s, Mode: penstock.Upsert})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s:\n got %v\nwant %s", table, err, text)
		}
	}
}

// Fields that SQLite takes for one are told of by their names, at start.
func TestNamesThatDifferInCase(t *testing.T) {
	s := sinktest.Stream(t, strings.Replace(sinktest.Orders, "    paid: ", "    Note:       {type: string}\n    paid: ", 1))
	_, err := sqlite.Open(sinktest.Within(t), newFile(t), sqlite.Options{Stream: s})
	if err == nil || !strings.Contains(err.Error(), "Note and note") && !strings.Contains(err.Error(), "note and Note") {
		t.Errorf("error %v, want one that names the fields", err)
	}
}

// Indexes wait for the end of a load, and are there at once for what follows a topic.
func TestIndexesWait(t *testing.T) {
	const reads = `reads: [{path: "/v1/users/{order_id}/orders", by: order_id, newest_first: created_at, columns: [order_id]}]` + "\n"
	s := sinktest.Stream(t, strings.Replace(sinktest.Orders, "required: [order_id]", "required: [order_id, created_at]", 1)+reads)
	const indexes = "SELECT count(*) FROM sqlite_master WHERE name = 'orders_page_1'"
	for mode, before := range map[penstock.TableMode]string{penstock.Append: "0", penstock.Upsert: "1"} {
		file := newFile(t)
		table := open(t, file, sqlite.Options{Stream: s, Mode: mode})
		sinktest.Want(t, "indexes before Finish", query(t, file, indexes), before)
		for range 2 {
			if _, err := table.Finish(sinktest.Within(t)); err != nil {
				t.Fatal(err)
			}
		}
		sinktest.Want(t, "indexes after Finish", query(t, file, indexes), "1")
		sinktest.Want(t, "waiting", query(t, file, "SELECT count(*) FROM penstock_deferred"), "0")
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(sinktest.Within(t), sinktest.Events(t, s, 0, `{"order_id":1,"created_at":"2026-01-01T00:00:00Z"}`)); err != nil {
			t.Fatal(err)
		}
	}
}

// fading is a context that ends once it has been asked so many times.
type fading struct {
	context.Context
	left *atomic.Int64
}

func (f fading) Err() error {
	if f.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func (f fading) Done() <-chan struct{} {
	done := make(chan struct{})
	if f.left.Add(-1) < 0 {
		close(done)
	}
	return done
}

// Wherever a Write is when its context ends, it returns; what it has not
// settled pends.
func TestWriteThatIsStopped(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	for n := range int64(40) {
		table := open(t, newFile(t), sqlite.Options{Stream: s})
		ctx := fading{t.Context(), new(atomic.Int64)}
		ctx.left.Store(n)
		b := sinktest.Events(t, s, 1, `{"order_id":1}`)
		err := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Length: 1, First: 1, Count: 1}).Write(ctx, b)
		if tally := b.Tally(); (err == nil) != (tally.Delivered == 1) {
			t.Errorf("stopped at %d: %v, %+v", n, err, tally)
		}
	}
}

// TestViewIsNotCounted: SQLite counts no rows that a view's trigger has taken.
func TestViewIsNotCounted(t *testing.T) {
	file := newFile(t)
	exec(t, file, strings.Replace(ordersWith("note", "TEXT"), "orders", "behind", 1)+`; CREATE VIEW orders AS SELECT * FROM behind;
CREATE TRIGGER through INSTEAD OF INSERT ON orders BEGIN INSERT INTO behind (order_id, note) VALUES (NEW.order_id, NEW.note); END`)
	s := sinktest.Stream(t, sinktest.Orders)
	b := sinktest.Events(t, s, 0, `{"order_id":1,"note":"a"}`)
	if err := open(t, file, sqlite.Options{Stream: s}).Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(sinktest.Within(t), b); err != nil || b.Tally().Delivered != 1 {
		t.Fatal(b.Tally(), err)
	}
	sinktest.Want(t, "rows", query(t, file, "SELECT order_id, note FROM behind"), "1 a")
}

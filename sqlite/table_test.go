package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/sqlite"
	"github.com/penstock-io/penstock/stream"
)

const ordersFile = `
stream: orders
schema:
  type: object
  required: [order_id]
  additionalProperties: false
  properties:
    order_id:   {type: integer}
    created_at: {type: string, format: date-time}
    amount:     {type: [number, string], format: "decimal(12,2)"}
    ratio:      {type: number}
    paid:       {type: boolean}
    note:       {type: [string, "null"]}
    tags:       {type: array}
id: order_id
time: created_at
`

func load(t testing.TB, text string) *stream.Stream {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stream.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := stream.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func open(t testing.TB, file string, o sqlite.Options) *sqlite.Table {
	t.Helper()
	table, err := sqlite.Open(within(t), file, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// events decodes JSON texts by the stream's rules; positions count from first.
func events(t testing.TB, s *stream.Stream, first uint64, texts ...string) *penstock.Batch {
	t.Helper()
	d := s.NewDecoder()
	b := &penstock.Batch{}
	for i, text := range texts {
		e := &penstock.Event{Origin: penstock.Origin{Door: "door", Position: first + uint64(i)}}
		if _, err := d.Decode([]byte(text), e); err != nil {
			t.Fatal(err)
		}
		for _, step := range []penstock.Step{s.Check, s.Derive, s.Identify} {
			if err := step(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		b.Events = append(b.Events, e)
	}
	return b
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

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// letters keeps dead letters in memory.
type letters []string

func (l *letters) Write(_ context.Context, b *penstock.Batch) error {
	for _, e := range b.Pending().Events {
		code := ""
		for _, h := range e.Headers {
			if h.Name == penstock.HeaderCode {
				code = string(h.Value)
			}
		}
		*l = append(*l, fmt.Sprint(e.Origin.Position, ":", code))
		e.Deliver(penstock.Place{})
	}
	return nil
}

func wrap(to penstock.Sink, l *letters) penstock.Sink {
	return penstock.Bisect{To: penstock.DeadLetters{To: to, Letters: l}}
}

// TestConformance runs the suite of all sinks: each batch is a chunk.
func TestConformance(t *testing.T) {
	const text = `
stream: suite
schema:
  type: object
  properties: {seq: {type: integer}, id: {type: string}, key: {type: string}, body: {type: object}}
  additionalProperties: false
id: id
`
	for _, mode := range []penstock.TableMode{penstock.Append, penstock.Upsert} {
		t.Run(mode.String(), func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T, door string) (penstock.Sink, func() []sinktest.Record) {
				file := newFile(t)
				table := open(t, file, sqlite.Options{Stream: load(t, text), Mode: mode})
				return chunks(table), func() []sinktest.Record { return readSuite(t, file) }
			})
		})
	}
}

// chunks makes a chunk of each batch, named by its first pending position.
func chunks(table *sqlite.Table) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		b = b.Pending()
		if len(b.Events) == 0 {
			return nil
		}
		for _, e := range b.Events {
			e.Values = []penstock.Value{
				penstock.IntValue(int64(e.Origin.Position)), {Kind: penstock.Text, Bytes: e.ID},
				{Kind: penstock.Text, Bytes: e.Key}, {Kind: penstock.JSON, Bytes: e.Body},
			}
		}
		first := b.Events[0].Origin
		return table.Chunk(penstock.Chunk{Job: "suite", Source: first.Door, Start: int64(first.Position)}).Write(ctx, b)
	})
}

func readSuite(t *testing.T, file string) []sinktest.Record {
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
	s := load(t, ordersFile)
	table := open(t, file, sqlite.Options{Stream: s})
	b := events(t, s, 1,
		`{"order_id":1,"created_at":"2026-01-02T03:04:05.123456789+01:00","amount":"-0.05","ratio":1.50e3,"paid":true,"note":"a\"\n€","tags":[1, 2]}`,
		`{"order_id":-9223372036854775808,"amount":1234567890.12,"ratio":17,"paid":false,"note":null}`)
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "rows", query(t, file, "SELECT * FROM orders ORDER BY 1 DESC"),
		"1 1767319445123456 -5 1.50e3 1 a\"\n€ [1, 2]\n-9223372036854775808 <nil> 123456789012 17 0 <nil> <nil>")
	if !strings.Contains(query(t, file, "SELECT sql FROM sqlite_master WHERE name = 'orders'"), "decimal(12,2) in units of 10^-2") {
		t.Error("the table does not say what its amounts are")
	}
}

// A table whose columns are TEXT gets exact texts.
func TestTextColumns(t *testing.T) {
	file := newFile(t)
	exec(t, file, "CREATE TABLE orders (order_id TEXT, created_at TEXT, amount VARCHAR(20), ratio TEXT, paid TEXT, note TEXT, tags TEXT, other INTEGER)")
	s := load(t, ordersFile)
	table := open(t, file, sqlite.Options{Stream: s})
	b := events(t, s, 1, `{"order_id":1,"created_at":"2026-01-02T03:04:05.123456789+01:00","amount":"-0.05","ratio":1.50e3,"paid":true}`)
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "rows", query(t, file, "SELECT * FROM orders"), "1 2026-01-02T02:04:05.123456Z -0.05 1.50e3 true <nil> <nil> <nil>")
}

func TestChunkIsLoadedOnce(t *testing.T) {
	file := newFile(t)
	s := load(t, ordersFile)
	one, two := open(t, file, sqlite.Options{Stream: s}), open(t, file, sqlite.Options{Stream: s})
	c := penstock.Chunk{Job: "j", Source: "a.csv", Start: 100, Length: 50, First: 7, Count: 2, Rejects: 1}
	b := events(t, s, 7, `{"order_id":1}`)
	if err := one.Chunk(c).Write(within(t), b); err != nil || b.Tally().Delivered != 1 {
		t.Fatal(b.Tally(), err)
	}
	if state, err := two.Claim(within(t), c); err != nil || state != penstock.ChunkDone {
		t.Fatal(state, err)
	}
	b = events(t, s, 7, `{"order_id":1}`)
	if err := two.Chunk(c).Write(within(t), b); err != nil || b.Tally().Dropped != 1 {
		t.Fatal(b.Tally(), err)
	}
	done, err := two.Done(within(t), "j")
	if err != nil || len(done) != 1 || done[0] != c {
		t.Fatal(done, err)
	}
	want(t, "rows", query(t, file, "SELECT count(*) FROM orders"), "1")
	if err := one.Source(within(t), "j", "a.csv", "x"); err != nil {
		t.Fatal(err)
	}
	if err := two.Source(within(t), "j", "a.csv", "y"); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Fatal(err)
	}
}

func TestRefusedRowsAreFound(t *testing.T) {
	for name, begin := range map[string]string{"own": "", "rollback": "CREATE TRIGGER back BEFORE INSERT ON orders WHEN NEW.note = 'back' BEGIN SELECT RAISE(ROLLBACK, 'all back'); END;"} {
		t.Run(name, func(t *testing.T) {
			file := newFile(t)
			exec(t, file, `CREATE TABLE orders (order_id INTEGER PRIMARY KEY, created_at INTEGER, amount INTEGER CHECK (amount < 10000), ratio NOT NULL DEFAULT 1, paid, note TEXT UNIQUE, tags);
CREATE TRIGGER no BEFORE INSERT ON orders WHEN NEW.note = 'no' BEGIN SELECT RAISE(ABORT, 'not this one'); END;
INSERT INTO orders (order_id) VALUES (8);`+begin)
			s := load(t, ordersFile)
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
			b := events(t, s, 0, texts...)
			var kept letters
			if err := wrap(table.Chunk(penstock.Chunk{Job: "j", Source: "s", Count: 200}), &kept).Write(within(t), b); err != nil {
				t.Fatal(err)
			}
			want(t, "tally", b.Tally().String(), fmt.Sprintf("read 200 = delivered %d + dropped 0 + rejected %d", 200-rejects, rejects))
			want(t, "letters", strings.Join(kept, " "), codes)
			want(t, "rows", query(t, file, "SELECT count(*) FROM orders"), fmt.Sprint(201-rejects))
			done, err := table.Done(within(t), "j")
			if err != nil || len(done) != 1 || done[0].Rejects != int64(rejects) {
				t.Fatal(done, err)
			}
		})
	}
}

func TestLaterTimeWins(t *testing.T) {
	file := newFile(t)
	s := load(t, ordersFile)
	table := open(t, file, sqlite.Options{Stream: s, Mode: penstock.Upsert})
	follow := table.Follow("c")
	write := func(first uint64, texts ...string) {
		t.Helper()
		if err := follow.Write(within(t), events(t, s, first, texts...)); err != nil {
			t.Fatal(err)
		}
	}
	write(0,
		`{"order_id":1,"created_at":"2026-01-02T00:00:00Z","note":"second"}`,
		`{"order_id":1,"created_at":"2026-01-01T00:00:00Z","note":"first"}`,
		`{"order_id":2,"created_at":"2026-01-01T00:00:00Z","note":"a"}`,
		`{"order_id":2,"created_at":"2026-01-01T00:00:00Z","note":"b"}`)
	write(4, `{"order_id":1,"created_at":"2026-01-01T12:00:00Z","note":"early"}`, `{"order_id":2,"created_at":"2026-01-01T00:00:00Z","note":"c"}`)
	write(2, `{"order_id":2,"created_at":"2027-01-01T00:00:00Z","note":"read twice"}`)
	want(t, "rows", query(t, file, "SELECT order_id, note FROM orders ORDER BY 1"), "1 second\n2 c")
	at, err := table.Positions(within(t), "c")
	if err != nil || at["door"] != 6 {
		t.Fatal(at, err)
	}
}

func TestReplaceOnce(t *testing.T) {
	file := newFile(t)
	s := load(t, ordersFile)
	exec(t, file, "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, created_at INT, amount INT, ratio, paid INT, note TEXT, tags TEXT); INSERT INTO orders (order_id) VALUES (1), (2); CREATE VIEW v AS SELECT order_id FROM orders")
	for i := range 2 { // the second run finds the job done
		table := open(t, file, sqlite.Options{Stream: s, Mode: penstock.Replace, Job: "j"})
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(within(t), events(t, s, 0, `{"order_id":3}`)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want(t, "rows before", query(t, file, "SELECT * FROM v"), "1\n2")
		}
		if _, err := table.Finish(within(t)); err != nil {
			t.Fatal(err)
		}
		want(t, "rows after", query(t, file, "SELECT * FROM v"), "3")
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	s := load(t, ordersFile)
	for table, text := range map[string]string{
		"CREATE TABLE orders (order_id INTEGER)": `it has no column created_at; add it with ALTER TABLE "orders" ADD "created_at" INTEGER`,
		"CREATE TABLE orders (order_id INT, created_at INT, amount REAL, ratio, paid INT, note TEXT, tags TEXT)":                     "in which a decimal is not exact",
		"CREATE TABLE orders (order_id INT, created_at INT, amount INT, ratio, paid INT, note TEXT, tags TEXT, tenant INT NOT NULL)": "column tenant is NOT NULL without a default",
		"CREATE TABLE orders (order_id INT, created_at INT, amount INT, ratio, paid INT, note TEXT, tags TEXT)":                      `mode upsert needs a unique key over "order_id"`,
	} {
		file := newFile(t)
		exec(t, file, table)
		_, err := sqlite.Open(within(t), file, sqlite.Options{Stream: s, Mode: penstock.Upsert})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s:\n got %v\nwant %s", table, err, text)
		}
	}
}

// A table that was dropped is loaded anew: the ledger does not take what was in
// it for what is in its successor.
func TestDroppedTableIsForgotten(t *testing.T) {
	file := newFile(t)
	s := load(t, ordersFile)
	for range 2 {
		table := open(t, file, sqlite.Options{Stream: s})
		c := penstock.Chunk{Job: "j", Source: "a.csv"}
		if err := table.Source(within(t), "j", "a.csv", "x"); err != nil {
			t.Fatal(err)
		}
		if state, err := table.Claim(within(t), c); err != nil || state != penstock.ChunkFree {
			t.Fatal(state, err)
		}
		if err := table.Chunk(c).Write(within(t), events(t, s, 0, `{"order_id":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := table.Follow("c").Write(within(t), events(t, s, 0, `{"order_id":2}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := table.Finish(within(t)); err != nil {
			t.Fatal(err)
		}
		want(t, "rows", query(t, file, "SELECT order_id FROM orders ORDER BY 1"), "1\n2")
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		exec(t, file, "DROP TABLE orders")
	}
}

// Indexes wait for the end of a load, and are there at once for what follows a topic.
func TestIndexesWait(t *testing.T) {
	const reads = `reads: [{path: "/v1/users/{order_id}/orders", by: order_id, newest_first: created_at, columns: [order_id]}]` + "\n"
	s := load(t, strings.Replace(ordersFile, "required: [order_id]", "required: [order_id, created_at]", 1)+reads)
	const indexes = "SELECT count(*) FROM sqlite_master WHERE name = 'orders_page_1'"
	for mode, before := range map[penstock.TableMode]string{penstock.Append: "0", penstock.Upsert: "1"} {
		file := newFile(t)
		table := open(t, file, sqlite.Options{Stream: s, Mode: mode})
		want(t, "indexes before Finish", query(t, file, indexes), before)
		for range 2 {
			if _, err := table.Finish(within(t)); err != nil {
				t.Fatal(err)
			}
		}
		want(t, "indexes after Finish", query(t, file, indexes), "1")
		want(t, "waiting", query(t, file, "SELECT count(*) FROM penstock_deferred"), "0")
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(within(t), events(t, s, 0, `{"order_id":1,"created_at":"2026-01-01T00:00:00Z"}`)); err != nil {
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
	s := load(t, ordersFile)
	for n := range int64(40) {
		table := open(t, newFile(t), sqlite.Options{Stream: s})
		ctx := fading{t.Context(), new(atomic.Int64)}
		ctx.left.Store(n)
		b := events(t, s, 1, `{"order_id":1}`)
		err := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Length: 1, First: 1, Count: 1}).Write(ctx, b)
		if tally := b.Tally(); (err == nil) != (tally.Delivered == 1) {
			t.Errorf("stopped at %d: %v, %+v", n, err, tally)
		}
	}
}

package sinktest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A Table is what a stream's tables are in every database: chunks with a ledger.
type Table interface {
	Source(ctx context.Context, job, source, fingerprint string) error
	Done(ctx context.Context, job string) ([]penstock.Chunk, error)
	Claim(ctx context.Context, c penstock.Chunk) (penstock.ChunkState, error)
	Chunk(c penstock.Chunk) penstock.Sink
	Loader() string
	Finish(ctx context.Context) (penstock.Finished, error)
	Follow(consumer string) penstock.Sink
	Positions(ctx context.Context, consumer string) (map[string]uint64, error)
	Close() error
}

// Options are those that each kind of table has.
type Options struct {
	Stream *stream.Stream
	Mode   penstock.TableMode
	Job    string
}

// A Database is a fresh, empty one.
type Database struct {
	Open    func(t testing.TB, o Options) Table
	Exec    func(t testing.TB, statements string)
	Query   func(t testing.TB, statement string) string // all rows, a line each
	Records func(t testing.TB) []Record                 // key and body of table suite, by seq
	Skip    string                                      // makes a trigger that skips what goes into table orders with note 'skip'
}

// Tables runs the suite of tables, which holds for each database, and that of
// all sinks, where each batch is a chunk. Each part asks for a database.
func Tables(t *testing.T, fresh func(t testing.TB) Database) {
	for _, mode := range []penstock.TableMode{penstock.Append, penstock.Upsert} {
		t.Run("Sink/"+mode.String(), func(t *testing.T) {
			Run(t, func(t *testing.T, _ string) (penstock.Sink, func() []Record) {
				db := fresh(t)
				table := db.Open(t, Options{Stream: Stream(t, suite), Mode: mode})
				return chunks(table), func() []Record { return db.Records(t) }
			})
		})
	}
	for name, part := range map[string]func(*testing.T, Database){
		"ChunkIsLoadedOnce": testChunkIsLoadedOnce, "LaterTimeWins": testLaterTimeWins,
		"ReplaceOnce": testReplaceOnce, "DroppedTableIsForgotten": testDroppedTableIsForgotten,
		"SameSourceByAnotherName": testSameSourceByAnotherName, "SkippedRowsAreRefused": testSkippedRowsAreRefused, "SkippedRowsReplaceNothing": testSkippedRowsReplaceNothing,
	} {
		t.Run(name, func(t *testing.T) { part(t, fresh(t)) })
	}
}

// suite is the stream whose table holds what the suite of all sinks writes.
const suite = `
stream: suite
schema:
  type: object
  properties: {seq: {type: integer}, id: {type: string}, key: {type: string}, body: {type: object}}
  additionalProperties: false
id: id
`

// chunks makes a chunk of each batch, named by its first pending position.
func chunks(table Table) penstock.Sink {
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

func testChunkIsLoadedOnce(t *testing.T, db Database) {
	s := Stream(t, Orders)
	one, two := db.Open(t, Options{Stream: s}), db.Open(t, Options{Stream: s})
	c := penstock.Chunk{Job: "j", Source: "a.csv", Start: 100, Length: 50, First: 7, Count: 2, Rejects: 1}
	b := Events(t, s, 7, `{"order_id":1}`)
	if err := one.Chunk(c).Write(Within(t), b); err != nil || b.Tally().Delivered != 1 {
		t.Fatal(b.Tally(), err)
	}
	if state, err := two.Claim(Within(t), c); err != nil || state != penstock.ChunkDone {
		t.Fatal(state, err)
	}
	b = Events(t, s, 7, `{"order_id":1}`)
	if err := two.Chunk(c).Write(Within(t), b); err != nil || b.Tally().Dropped != 1 {
		t.Fatal(b.Tally(), err)
	}
	done, err := two.Done(Within(t), "j")
	c.Loader = one.Loader()
	if err != nil || len(done) != 1 || done[0] != c {
		t.Fatal(done, err)
	}
	Want(t, "rows", db.Query(t, "SELECT count(*) FROM orders"), "1")
	for _, table := range []Table{one, two} {
		if err := table.Source(Within(t), "j", "a.csv", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := two.Source(Within(t), "j", "a.csv", "y"); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Fatal(err)
	}
}

func testSameSourceByAnotherName(t *testing.T, db Database) {
	s := Stream(t, Orders)
	table := db.Open(t, Options{Stream: s})
	load := func(source string, count int64) {
		t.Helper()
		b := Events(t, s, 0)
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: source, Count: count}).Write(Within(t), b); err != nil {
			t.Fatal(err)
		}
	}
	source := func(name, fingerprint, want string) {
		t.Helper()
		err := table.Source(Within(t), "j", name, fingerprint)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	source("a.csv", "x", "")
	source("copy.csv", "x", "") // named together: nothing is loaded yet
	load("a.csv", 1)
	load("copy.csv", 1)
	source("copy.csv", "x", "")
	source("/data/a.csv", "x", ", which is loaded")
	source("/data/a.csv", "x", ", which is loaded")
	source("b.csv", "y", "")
	source("empty.csv", "z", "")
	load("empty.csv", 0)
	source("empty too.csv", "z", "")
	source("/dev/fd/62", "", "")
	load("/dev/fd/62", 1)
	source("/dev/fd/63", "", "")
}

func testLaterTimeWins(t *testing.T, db Database) {
	s := Stream(t, Orders)
	table := db.Open(t, Options{Stream: s, Mode: penstock.Upsert})
	follow := table.Follow("c")
	write := func(first uint64, texts ...string) {
		t.Helper()
		if err := follow.Write(Within(t), Events(t, s, first, texts...)); err != nil {
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
	Want(t, "rows", db.Query(t, "SELECT order_id, note FROM orders ORDER BY 1"), "1 second\n2 c")
	at, err := table.Positions(Within(t), "c")
	if err != nil || at["door"] != 6 {
		t.Fatal(at, err)
	}
}

// testReplaceOnce: a job that has replaced the table finds that done when it
// runs again. What depends on the table stays.
func testReplaceOnce(t *testing.T, db Database) {
	s := Stream(t, Orders)
	before := db.Open(t, Options{Stream: s, Job: "before"})
	if _, err := before.Finish(Within(t)); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "INSERT INTO orders (order_id) VALUES (1), (2); CREATE VIEW v AS SELECT order_id FROM orders")
	for again := range 2 {
		table := db.Open(t, Options{Stream: s, Mode: penstock.Replace, Job: "j"})
		c := penstock.Chunk{Job: "j", Source: "s"}
		if state, err := table.Claim(Within(t), c); err != nil || (state == penstock.ChunkDone) != (again == 1) {
			t.Fatal(state, err)
		}
		if err := table.Chunk(c).Write(Within(t), Events(t, s, 0, `{"order_id":3}`)); err != nil {
			t.Fatal(err)
		}
		if again == 0 {
			Want(t, "rows before", db.Query(t, "SELECT * FROM v"), "1\n2")
		}
		if _, err := table.Finish(Within(t)); err != nil {
			t.Fatal(err)
		}
		Want(t, "rows after", db.Query(t, "SELECT * FROM v"), "3")
	}
}

// testDroppedTableIsForgotten: a table that was dropped is loaded anew. The
// ledger does not take what was in it for what is in its successor.
func testDroppedTableIsForgotten(t *testing.T, db Database) {
	s := Stream(t, Orders)
	for range 2 {
		table := db.Open(t, Options{Stream: s})
		c := penstock.Chunk{Job: "j", Source: "a.csv"}
		if err := table.Source(Within(t), "j", "a.csv", "x"); err != nil {
			t.Fatal(err)
		}
		if state, err := table.Claim(Within(t), c); err != nil || state != penstock.ChunkFree {
			t.Fatal(state, err)
		}
		if err := table.Chunk(c).Write(Within(t), Events(t, s, 0, `{"order_id":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := table.Follow("c").Write(Within(t), Events(t, s, 0, `{"order_id":2}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := table.Finish(Within(t)); err != nil {
			t.Fatal(err)
		}
		Want(t, "rows", db.Query(t, "SELECT order_id FROM orders ORDER BY 1"), "1\n2")
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, "DROP TABLE orders")
	}
}

// testSkippedRowsAreRefused: a row that a trigger leaves out is not delivered.
func testSkippedRowsAreRefused(t *testing.T, db Database) {
	s := Stream(t, Orders)
	db.Open(t, Options{Stream: s})
	db.Exec(t, db.Skip)
	table := db.Open(t, Options{Stream: s})
	for name, sink := range map[string]penstock.Sink{"chunk": table.Chunk(penstock.Chunk{Job: "j", Source: "s", Count: 120}), "follow": table.Follow("c")} {
		var texts []string
		for i := range 120 {
			texts = append(texts, fmt.Sprintf(`{"order_id":%d%d,"note":"keep"}`, 1+len(name), i))
		}
		texts[7], texts[119] = `{"order_id":1,"note":"skip"}`, `{"order_id":2,"note":"skip"}`
		b := Events(t, s, 0, texts...)
		var kept Letters
		if err := kept.Of(sink).Write(Within(t), b); err != nil {
			t.Fatal(err)
		}
		Want(t, name+": tally", b.Tally().String(), "read 120 = delivered 118 + dropped 0 + rejected 2")
		Want(t, name+": letters", strings.Join(kept, " "), "7:trigger 119:trigger")
	}
	Want(t, "rows", db.Query(t, "SELECT note, count(*) FROM orders GROUP BY note"), "keep 236")
}

// testSkippedRowsReplaceNothing: the triggers are the table's, so only at the
// end of a load that replaces it can be seen that they leave rows out.
func testSkippedRowsReplaceNothing(t *testing.T, db Database) {
	s := Stream(t, Orders)
	if _, err := db.Open(t, Options{Stream: s, Job: "before"}).Finish(Within(t)); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "INSERT INTO orders (order_id) VALUES (1); "+db.Skip)
	table := db.Open(t, Options{Stream: s, Mode: penstock.Replace, Job: "j"})
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(Within(t), Events(t, s, 0, `{"order_id":2,"note":"keep"}`, `{"order_id":3,"note":"skip"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Finish(Within(t)); err == nil || !strings.Contains(err.Error(), "left 1 of 2 rows out") {
		t.Error(err)
	}
	Want(t, "rows", db.Query(t, "SELECT order_id FROM orders"), "1")
}

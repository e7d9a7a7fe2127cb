package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
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

func open(t testing.TB, dsn string, o postgres.Options) *postgres.Table {
	t.Helper()
	table, err := postgres.Open(within(t), dsn, o)
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
func query(t testing.TB, dsn, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(within(t), sql)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSuffix(fmt.Sprintln(values...), "\n"), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func exec(t testing.TB, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(within(t), sql); err != nil {
		t.Fatal(err)
	}
}

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
	const file = `
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
				dsn := realtest.Postgres(t)
				table := open(t, dsn, postgres.Options{Stream: load(t, file), Mode: mode, Connections: 4})
				return chunks(table), func() []sinktest.Record { return readSuite(t, dsn) }
			})
		})
	}
}

// chunks makes a chunk of each batch, named by its first pending position.
func chunks(table *postgres.Table) penstock.Sink {
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

func readSuite(t *testing.T, dsn string) []sinktest.Record {
	conn, err := pgx.Connect(within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(within(t), `SELECT key, body::text FROM suite ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sinktest.Record])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTableIsMadeFromTheStream(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	table := open(t, dsn, postgres.Options{Stream: s})
	b := events(t, s, 1,
		`{"order_id":1,"created_at":"2026-01-02T03:04:05.123456789+01:00","amount":"-0.05","ratio":1.50e3,"paid":true,"note":"a\"\n€","tags":[1, 2]}`,
		`{"order_id":-9223372036854775808,"amount":1234567890.12,"ratio":-0.000123,"paid":false,"note":null}`)
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "rows", query(t, dsn, `SELECT order_id, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US'), amount::text, ratio::text, paid, note, tags::text FROM orders ORDER BY 1 DESC`),
		"1 2026-01-02 02:04:05.123456 -0.05 1500 true a\"\n€ [1, 2]\n-9223372036854775808 <nil> 1234567890.12 -0.000123 false <nil> <nil>")
	want(t, "types", query(t, dsn, `SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0`),
		"bigint, timestamp with time zone, numeric(12,2), numeric, boolean, text, json")
	const primary = `SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND indisprimary`
	want(t, "primary keys before Finish", query(t, dsn, primary), "0")
	for range 2 {
		if f, err := table.Finish(within(t)); err != nil || f.Doubled != 0 {
			t.Fatal(f, err)
		}
	}
	want(t, "primary keys after Finish", query(t, dsn, primary), "1")
}

func TestChunkIsLoadedOnce(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	one, two := open(t, dsn, postgres.Options{Stream: s}), open(t, dsn, postgres.Options{Stream: s})
	c := penstock.Chunk{Job: "j", Source: "a.csv", Start: 100, Length: 50, First: 7, Count: 2, Rejects: 1}
	if state, err := one.Claim(within(t), c); err != nil || state != penstock.ChunkFree {
		t.Fatal(state, err)
	}
	if state, err := two.Claim(within(t), c); err != nil || state != penstock.ChunkTaken {
		t.Fatal(state, err)
	}
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
	want(t, "rows", query(t, dsn, "SELECT count(*) FROM orders"), "1")
	if err := one.Source(within(t), "j", "a.csv", "x"); err != nil {
		t.Fatal(err)
	}
	if err := two.Source(within(t), "j", "a.csv", "x"); err != nil {
		t.Fatal(err)
	}
	if err := two.Source(within(t), "j", "a.csv", "y"); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Fatal(err)
	}
}

func TestRefusedRowsAreFound(t *testing.T) {
	dsn := realtest.Postgres(t)
	exec(t, dsn, `CREATE TABLE orders (order_id int4 PRIMARY KEY, created_at timestamptz, amount numeric(12,2) CHECK (amount < 100), ratio float8, paid bool, note varchar(5), tags jsonb);
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'no' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;
CREATE TRIGGER no BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION no();
ALTER TABLE orders ADD CONSTRAINT once UNIQUE (note) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO orders (order_id) VALUES (8)`)
	s := load(t, ordersFile)
	table := open(t, dsn, postgres.Options{Stream: s})
	var texts []string
	for i := range 200 {
		texts = append(texts, fmt.Sprintf(`{"order_id":%d}`, 1000+i))
	}
	texts[3], texts[50], texts[51] = `{"order_id":8}`, `{"order_id":1,"amount":100}`, `{"order_id":2,"note":"no"}`
	texts[90], texts[91] = `{"order_id":3,"note":"twice"}`, `{"order_id":4,"note":"twice"}`
	texts[120], texts[150], texts[199] = `{"order_id":3000000000}`, `{"order_id":5,"note":"a\u0000b"}`, `{"order_id":6,"note":"too long"}`
	texts[121], texts[122] = `{"order_id":7}`, `{"order_id":7}`
	b := events(t, s, 0, texts...)
	var kept letters
	chunk := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Count: 200})
	if err := wrap(chunk, &kept).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "tally", b.Tally().String(), "read 200 = delivered 192 + dropped 0 + rejected 8")
	want(t, "letters", strings.Join(kept, " "), "120:column 150:column 3:unique 50:check 51:trigger 91:unique 122:unique 199:data")
	want(t, "rows", query(t, dsn, "SELECT count(*) FROM orders"), "193")
	done, err := table.Done(within(t), "j")
	if err != nil || len(done) != 1 || done[0].Rejects != 8 {
		t.Fatal(done, err)
	}
}

func TestLaterTimeWins(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	table := open(t, dsn, postgres.Options{Stream: s, Mode: penstock.Upsert})
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
	want(t, "rows", query(t, dsn, "SELECT order_id, note FROM orders ORDER BY 1"), "1 second\n2 c")
	at, err := table.Positions(within(t), "c")
	if err != nil || at["door"] != 6 {
		t.Fatal(at, err)
	}
}

// Duplicates within the input show when the primary key is made: all rows of
// such a key come out, and are loaded again in the input's order.
func TestDoubledKeysAreLoadedAgainInOrder(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	table := open(t, dsn, postgres.Options{Stream: s})
	texts := []string{`{"order_id":1,"note":"a"}`, `{"order_id":2}`, `{"order_id":1,"note":"b"}`, `{"order_id":3}`}
	for i, text := range []int{2, 3, 0, 1} { // as chunks of several connections may come
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Start: int64(i)}).Write(within(t), events(t, s, uint64(text), texts[text])); err != nil {
			t.Fatal(err)
		}
	}
	var f penstock.Finished
	for range 2 {
		var err error
		if f, err = table.Finish(within(t)); err != nil || f.Doubled != 1 {
			t.Fatal(f, err)
		}
	}
	want(t, "rows between", query(t, dsn, "SELECT order_id FROM orders ORDER BY 1"), "2\n3")
	b := &penstock.Batch{}
	for _, e := range events(t, s, 0, texts...).Events {
		if f.Again(e) {
			b.Events = append(b.Events, e)
		}
	}
	var kept letters
	if err := wrap(table.Chunk(penstock.Chunk{Job: "j again", Source: "s"}), &kept).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "letters", strings.Join(kept, " "), "2:unique")
	want(t, "rows", query(t, dsn, "SELECT order_id, note FROM orders ORDER BY 1"), "1 a\n2 <nil>\n3 <nil>")
	if err := f.Forget(within(t)); err != nil {
		t.Fatal(err)
	}
}

func TestReplaceOnce(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	exec(t, dsn, `CREATE TABLE orders (order_id bigint PRIMARY KEY, created_at timestamptz, amount numeric, ratio numeric, paid bool, note text, tags json);
INSERT INTO orders (order_id) VALUES (1), (2); CREATE VIEW v AS SELECT order_id FROM orders`)
	for i := range 2 { // the second run finds the job done
		table := open(t, dsn, postgres.Options{Stream: s, Mode: penstock.Replace, Job: "j"})
		c := penstock.Chunk{Job: "j", Source: "s"}
		state, err := table.Claim(within(t), c)
		if err != nil || (state == penstock.ChunkDone) != (i == 1) {
			t.Fatal(state, err)
		}
		if err := table.Chunk(c).Write(within(t), events(t, s, 0, `{"order_id":3}`)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want(t, "rows before", query(t, dsn, "SELECT * FROM v"), "1\n2")
		}
		if _, err := table.Finish(within(t)); err != nil {
			t.Fatal(err)
		}
		want(t, "rows after", query(t, dsn, "SELECT * FROM v"), "3")
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	s := load(t, ordersFile)
	for table, text := range map[string]string{
		`CREATE TABLE orders (order_id bigint)`: `it has no column created_at; add it with ALTER TABLE "orders" ADD "created_at" timestamptz`,
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount float8, ratio numeric, paid bool, note text, tags json)`:                       "must not pass through a float",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric, ratio numeric, paid bool, note text, tags json, tenant int NOT NULL)`: "column tenant is NOT NULL without a default",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric, ratio numeric, paid bool, note text, tags json)`:                      `ADD PRIMARY KEY ("order_id")`,
	} {
		dsn := realtest.Postgres(t)
		exec(t, dsn, table)
		_, err := postgres.Open(within(t), dsn, postgres.Options{Stream: s, Mode: penstock.Upsert})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s:\n got %v\nwant %s", table, err, text)
		}
	}
}

// Columns of types without an encoder are cast by the server.
func TestForeignTypesAreCast(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	exec(t, dsn, `CREATE TYPE words AS ENUM ('yes', 'no');
CREATE TABLE orders (order_id bigint, created_at date, amount money, ratio float4, paid text, note words, tags jsonb)`)
	table := open(t, dsn, postgres.Options{Stream: s})
	b := events(t, s, 0, `{"order_id":1,"created_at":"2026-01-02T23:00:00Z","amount":"12.50","ratio":0.5,"paid":true,"note":"yes","tags":[1]}`, `{"order_id":2,"note":"maybe"}`)
	var kept letters
	if err := wrap(table.Chunk(penstock.Chunk{Job: "j", Source: "s"}), &kept).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "letters", strings.Join(kept, " "), "1:data")
	want(t, "rows", query(t, dsn, "SELECT order_id, created_at::text, amount::numeric::text, ratio, paid, note::text FROM orders"), "1 2026-01-02 12.50 0.5 true yes")
}

func TestServerGone(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	table := open(t, dsn, postgres.Options{Stream: s})
	exec(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'penstock' AND datname = current_database()")
	b := events(t, s, 0, `{"order_id":1}`)
	c := table.Chunk(penstock.Chunk{Job: "j", Source: "s"})
	if err := (penstock.Retry{To: c, Min: time.Millisecond}).Write(within(t), b); err != nil || b.Tally().Delivered != 1 {
		t.Fatal(b.Tally(), err)
	}
	exec(t, dsn, "DROP TABLE orders")
	err := c.Write(within(t), events(t, s, 1, `{"order_id":2}`))
	if err != nil {
		t.Fatal("a chunk that is done needs no table", err)
	}
	err = table.Chunk(penstock.Chunk{Job: "j", Source: "s", Start: 1}).Write(within(t), events(t, s, 1, `{"order_id":2}`))
	if err == nil || penstock.AsReject(err) != nil || errors.As(err, new(*penstock.Refusal)) {
		t.Fatalf("a missing table is the world's fault, got %v", err)
	}
}

// A table that was dropped is loaded anew: the ledger does not take what was in
// it for what is in its successor.
func TestDroppedTableIsForgotten(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	for range 2 {
		table := open(t, dsn, postgres.Options{Stream: s})
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
		want(t, "rows", query(t, dsn, "SELECT order_id FROM orders ORDER BY 1"), "1\n2")
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		exec(t, dsn, "DROP TABLE orders")
	}
}

// Loaders that begin at the same moment all find the source noted.
func TestSourceNotedByMany(t *testing.T) {
	dsn := realtest.Postgres(t)
	table := open(t, dsn, postgres.Options{Stream: load(t, ordersFile), Connections: 8})
	ctx := within(t)
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			if err := table.Source(ctx, "j", fmt.Sprint(i/8), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Two jobs never share a table whose primary key is still to be made: the end
// of one would take out rows that only the other can load again.
func TestAnotherJobWaits(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := load(t, ordersFile)
	one := open(t, dsn, postgres.Options{Stream: s, Job: "one"})
	if err := one.Source(within(t), "one", "a.csv", "x"); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		for _, o := range []postgres.Options{{Stream: s, Job: "two"}, {Stream: s, Mode: penstock.Upsert}, {Stream: s, Job: "two", Mode: penstock.Replace}} {
			if _, err := postgres.Open(within(t), dsn, o); err == nil || !strings.Contains(err.Error(), "the load of a.csv into it has not come to its end") {
				t.Fatal(err)
			}
		}
	}
	refused()
	for i := range 2 { // two rows of one key
		if err := one.Chunk(penstock.Chunk{Job: "one", Source: "a.csv", Start: int64(i)}).Write(within(t), events(t, s, 0, `{"order_id":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dsn, postgres.Options{Stream: s, Job: "one"}) // another loader of the same job
	for range 2 {
		if f, err := one.Finish(within(t)); err != nil || f.Doubled != 1 {
			t.Fatal(f, err)
		}
		refused()
	}
	f, err := one.Finish(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Forget(within(t)); err != nil {
		t.Fatal(err)
	}
	open(t, dsn, postgres.Options{Stream: s, Job: "two"})
}

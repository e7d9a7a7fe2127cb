package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

func open(t testing.TB, dsn string, o postgres.Options) *postgres.Table {
	t.Helper()
	table, err := postgres.Open(sinktest.Within(t), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// query returns all rows of a query as text, a line each.
func query(t testing.TB, dsn, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(sinktest.Within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(sinktest.Within(t), sql)
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
	conn, err := pgx.Connect(sinktest.Within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(sinktest.Within(t), sql); err != nil {
		t.Fatal(err)
	}
}

// TestConformance runs the suite of tables.
func TestConformance(t *testing.T) {
	sinktest.Tables(t, func(t testing.TB) sinktest.Database {
		dsn := realtest.Postgres(t)
		return sinktest.Database{
			Open: func(t testing.TB, o sinktest.Options) sinktest.Table {
				return open(t, dsn, postgres.Options{Stream: o.Stream, Mode: o.Mode, Job: o.Job, Connections: 4})
			},
			Exec:    func(t testing.TB, statements string) { exec(t, dsn, statements) },
			Query:   func(t testing.TB, statement string) string { return query(t, dsn, statement) },
			Records: func(t testing.TB) []sinktest.Record { return readSuite(t, dsn) },
			Skip: `CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER skip BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION skip()`,
		}
	})
}

func readSuite(t testing.TB, dsn string) []sinktest.Record {
	conn, err := pgx.Connect(sinktest.Within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(sinktest.Within(t), `SELECT key, body::text FROM suite ORDER BY seq`)
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
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	b := sinktest.Events(t, s, 1,
		`{"order_id":1,"created_at":"2026-01-02T03:04:05.123456789+01:00","amount":"-0.05","ratio":1.50e3,"paid":true,"note":"a\"\n€","tags":[1, 2]}`,
		`{"order_id":-9223372036854775808,"amount":1234567890.12,"ratio":-0.000123,"paid":false,"note":null}`)
	if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s"}).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "rows", query(t, dsn, `SELECT order_id, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US'), amount::text, ratio::text, paid, note, tags::text FROM orders ORDER BY 1 DESC`),
		"1 2026-01-02 02:04:05.123456 -0.05 1500 true a\"\n€ [1, 2]\n-9223372036854775808 <nil> 1234567890.12 -0.000123 false <nil> <nil>")
	sinktest.Want(t, "types", query(t, dsn, `SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0`),
		"bigint, timestamp with time zone, numeric(12,2), numeric, boolean, text, json")
	const primary = `SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND indisprimary`
	sinktest.Want(t, "primary keys before Finish", query(t, dsn, primary), "0")
	for range 2 {
		if f, err := table.Finish(sinktest.Within(t)); err != nil || f.Doubled != 0 {
			t.Fatal(f, err)
		}
	}
	sinktest.Want(t, "primary keys after Finish", query(t, dsn, primary), "1")
}

// Of two loaders, one has a chunk in work.
func TestChunkIsClaimedOnce(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := sinktest.Stream(t, sinktest.Orders)
	one, two := open(t, dsn, postgres.Options{Stream: s}), open(t, dsn, postgres.Options{Stream: s})
	c := penstock.Chunk{Job: "j", Source: "a.csv", Start: 100, Length: 50, First: 7, Count: 1}
	if state, err := one.Claim(sinktest.Within(t), c); err != nil || state != penstock.ChunkFree {
		t.Fatal(state, err)
	}
	if state, err := two.Claim(sinktest.Within(t), c); err != nil || state != penstock.ChunkTaken {
		t.Fatal(state, err)
	}
	if err := one.Chunk(c).Write(sinktest.Within(t), sinktest.Events(t, s, 7, `{"order_id":1}`)); err != nil {
		t.Fatal(err)
	}
	if state, err := two.Claim(sinktest.Within(t), c); err != nil || state != penstock.ChunkDone {
		t.Fatal(state, err)
	}
}

func TestRefusedRowsAreFound(t *testing.T) {
	dsn := realtest.Postgres(t)
	exec(t, dsn, `CREATE TABLE orders (order_id int4 PRIMARY KEY, created_at timestamptz, amount numeric(12,2) CHECK (amount < 100), ratio float8, paid bool, note varchar(5), tags jsonb);
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'no' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;
CREATE TRIGGER no BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION no();
ALTER TABLE orders ADD CONSTRAINT once UNIQUE (note) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO orders (order_id) VALUES (8)`)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	var texts []string
	for i := range 200 {
		texts = append(texts, fmt.Sprintf(`{"order_id":%d}`, 1000+i))
	}
	texts[3], texts[50], texts[51] = `{"order_id":8}`, `{"order_id":1,"amount":100}`, `{"order_id":2,"note":"no"}`
	texts[90], texts[91] = `{"order_id":3,"note":"twice"}`, `{"order_id":4,"note":"twice"}`
	texts[120], texts[150], texts[199] = `{"order_id":3000000000}`, `{"order_id":5,"note":"a\u0000b"}`, `{"order_id":6,"note":"too long"}`
	texts[121], texts[122] = `{"order_id":7}`, `{"order_id":7}`
	b := sinktest.Events(t, s, 0, texts...)
	var kept sinktest.Letters
	chunk := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Count: 200})
	if err := kept.Of(chunk).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "tally", b.Tally().String(), "read 200 = delivered 192 + dropped 0 + rejected 8")
	sinktest.Want(t, "letters", strings.Join(kept, " "), "120:column 150:column 3:unique 50:check 51:trigger 91:unique 122:unique 199:data")
	sinktest.Want(t, "rows", query(t, dsn, "SELECT count(*) FROM orders"), "193")
	done, err := table.Done(sinktest.Within(t), "j")
	if err != nil || len(done) != 1 || done[0].Rejects != 8 {
		t.Fatal(done, err)
	}
}

// TestLoadedChunkJudgesNothing: a chunk that another loader has loaded is not
// looked at again, not even a row of it that fits no column.
func TestLoadedChunkJudgesNothing(t *testing.T) {
	dsn := realtest.Postgres(t)
	exec(t, dsn, "CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric(12,2), ratio float8, paid bool, note text, tags jsonb)")
	s := sinktest.Stream(t, sinktest.Orders)
	one, two := open(t, dsn, postgres.Options{Stream: s}), open(t, dsn, postgres.Options{Stream: s})
	c := penstock.Chunk{Job: "it's", Source: `a'\.csv`, Start: 1, Count: 2}
	if err := one.Chunk(c).Write(sinktest.Within(t), sinktest.Events(t, s, 0, `{"order_id":1}`)); err != nil {
		t.Fatal(err)
	}
	b := sinktest.Events(t, s, 0, `{"order_id":1}`, `{"order_id":2,"note":"a\u0000b"}`)
	if err := two.Chunk(c).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "tally", b.Tally().String(), "read 2 = delivered 0 + dropped 2 + rejected 0")
	done, err := two.Done(sinktest.Within(t), c.Job)
	if err != nil || len(done) != 1 || done[0].Source != c.Source || done[0].Loader != one.Loader() {
		t.Fatal(done, err)
	}
}

// Duplicates within the input show when the primary key is made: all rows of
// such a key come out, and are loaded again in the input's order.
func TestDoubledKeysAreLoadedAgainInOrder(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	texts := []string{`{"order_id":1,"note":"a"}`, `{"order_id":2}`, `{"order_id":1,"note":"b"}`, `{"order_id":3}`}
	for i, text := range []int{2, 3, 0, 1} { // as chunks of several connections may come
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Start: int64(i)}).Write(sinktest.Within(t), sinktest.Events(t, s, uint64(text), texts[text])); err != nil {
			t.Fatal(err)
		}
	}
	var f penstock.Finished
	for range 2 {
		var err error
		if f, err = table.Finish(sinktest.Within(t)); err != nil || f.Doubled != 1 {
			t.Fatal(f, err)
		}
	}
	sinktest.Want(t, "rows between", query(t, dsn, "SELECT order_id FROM orders ORDER BY 1"), "2\n3")
	b := &penstock.Batch{}
	for _, e := range sinktest.Events(t, s, 0, texts...).Events {
		if f.Again(e) {
			b.Events = append(b.Events, e)
		}
	}
	var kept sinktest.Letters
	if err := kept.Of(table.Chunk(penstock.Chunk{Job: "j again", Source: "s"})).Write(sinktest.Within(t), b); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "letters", strings.Join(kept, " "), "2:unique")
	sinktest.Want(t, "rows", query(t, dsn, "SELECT order_id, note FROM orders ORDER BY 1"), "1 a\n2 <nil>\n3 <nil>")
	if err := f.Forget(sinktest.Within(t)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	for table, text := range map[string]string{
		`CREATE TABLE orders (order_id bigint)`: `it has no column created_at; add it with ALTER TABLE "orders" ADD "created_at" timestamptz`,
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount integer, ratio numeric, paid bool, note text, tags json)`:                      "column amount is integer, but the field has decimals",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric, ratio numeric, paid bool, note integer, tags json)`:                   "column note is integer, but the field is text",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric, ratio numeric, paid timestamptz, note text, tags json)`:               "column paid is timestamp with time zone, which cannot be made of the field's boolean; alter the column to boolean",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount float8, ratio numeric, paid bool, note text, tags json)`:                       "must not pass through a float",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric, ratio numeric, paid bool, note text, tags json, tenant int NOT NULL)`: "column tenant is NOT NULL without a default",
		`CREATE TABLE orders (order_id bigint, created_at timestamptz, amount numeric, ratio numeric, paid bool, note text, tags json)`:                      `ADD PRIMARY KEY ("order_id")`,
	} {
		dsn := realtest.Postgres(t)
		exec(t, dsn, table)
		_, err := postgres.Open(sinktest.Within(t), dsn, postgres.Options{Stream: s, Mode: penstock.Upsert})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s:\n got %v\nwant %s", table, err, text)
		}
	}
}

func TestServerGone(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	if _, err := table.Positions(sinktest.Within(t), "c"); err != nil { // so that the pool has a connection, which the next write gets
		t.Fatal(err)
	}
	sinktest.Want(t, "sessions ended", query(t, dsn, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'penstock' AND datname = current_database()"), "1")
	b := sinktest.Events(t, s, 0, `{"order_id":1}`)
	c := table.Chunk(penstock.Chunk{Job: "j", Source: "s"})
	if err := (penstock.Retry{To: c, Min: time.Millisecond}).Write(sinktest.Within(t), b); err != nil || b.Tally().Delivered != 1 {
		t.Fatal(b.Tally(), err)
	}
	exec(t, dsn, "DROP TABLE orders")
	err := c.Write(sinktest.Within(t), sinktest.Events(t, s, 1, `{"order_id":2}`))
	if err != nil {
		t.Fatal("a chunk that is done needs no table", err)
	}
	err = table.Chunk(penstock.Chunk{Job: "j", Source: "s", Start: 1}).Write(sinktest.Within(t), sinktest.Events(t, s, 1, `{"order_id":2}`))
	if err == nil || penstock.AsReject(err) != nil || errors.As(err, new(*penstock.Refusal)) {
		t.Fatalf("a missing table is the world's fault, got %v", err)
	}
}

// Loaders that begin at the same moment all find the source noted.
func TestSourceNotedByMany(t *testing.T) {
	dsn := realtest.Postgres(t)
	table := open(t, dsn, postgres.Options{Stream: sinktest.Stream(t, sinktest.Orders), Connections: 8})
	ctx := sinktest.Within(t)
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
	s := sinktest.Stream(t, sinktest.Orders)
	one := open(t, dsn, postgres.Options{Stream: s, Job: "one"})
	if err := one.Source(sinktest.Within(t), "one", "a.csv", "x"); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		for _, o := range []postgres.Options{{Stream: s, Job: "two"}, {Stream: s, Mode: penstock.Upsert}, {Stream: s, Job: "two", Mode: penstock.Replace}} {
			if _, err := postgres.Open(sinktest.Within(t), dsn, o); err == nil || !strings.Contains(err.Error(), "the load of a.csv into it has not come to its end") {
				t.Fatal(err)
			}
		}
	}
	refused()
	for i := range 2 { // two rows of one key
		if err := one.Chunk(penstock.Chunk{Job: "one", Source: "a.csv", Start: int64(i)}).Write(sinktest.Within(t), sinktest.Events(t, s, 0, `{"order_id":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dsn, postgres.Options{Stream: s, Job: "one"}) // another loader of the same job
	for range 2 {
		if f, err := one.Finish(sinktest.Within(t)); err != nil || f.Doubled != 1 {
			t.Fatal(f, err)
		}
		refused()
	}
	f, err := one.Finish(sinktest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Forget(sinktest.Within(t)); err != nil {
		t.Fatal(err)
	}
	open(t, dsn, postgres.Options{Stream: s, Job: "two"})
}

// TestSkippedByPartition: that a row is left out may be a partition's doing, or
// that of a table behind a view.
func TestSkippedByPartition(t *testing.T) {
	const skip = `CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; `
	s := sinktest.Stream(t, sinktest.Orders)
	for name, statements := range map[string]string{
		"partition": strings.Replace(ordersWith("note", "text"), ", PRIMARY KEY (order_id))", ") PARTITION BY LIST (note)", 1) + `;
CREATE TABLE part PARTITION OF orders FOR VALUES IN ('skip'); CREATE TABLE rest PARTITION OF orders DEFAULT;
CREATE TRIGGER skip BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION skip()`,
		"view": strings.Replace(ordersWith("created_at", "timestamp"), "CREATE TABLE orders", "CREATE TABLE behind", 1) + `;
CREATE VIEW orders AS SELECT * FROM behind;
CREATE TRIGGER skip BEFORE INSERT ON behind FOR EACH ROW WHEN (NEW.note = 'skip') EXECUTE FUNCTION skip()`,
		"cast": ordersWith("created_at", "timestamp") + `;
CREATE TRIGGER skip BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.note = 'skip') EXECUTE FUNCTION skip()`,
	} {
		t.Run(name, func(t *testing.T) {
			dsn := realtest.Postgres(t)
			exec(t, dsn, skip+statements)
			table := open(t, dsn, postgres.Options{Stream: s})
			var kept sinktest.Letters
			b := sinktest.Events(t, s, 0, `{"order_id":1,"note":"keep"}`, `{"order_id":2,"note":"skip"}`)
			if err := kept.Of(table.Chunk(penstock.Chunk{Job: "j", Source: "s"})).Write(sinktest.Within(t), b); err != nil {
				t.Fatal(err)
			}
			sinktest.Want(t, "letters", strings.Join(kept, " "), "1:trigger")
			sinktest.Want(t, "rows", query(t, dsn, "SELECT note FROM orders"), "keep")
		})
	}
}

package enrich_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/stream"
)

const customersTable = `create table customers (user_id integer primary key, country text, tier text, credit numeric);
insert into customers values (1, 'SE', 'gold', 12.5), (2, null, 'x'' or 1=1', null);
create table twice (user_id integer, country text, tier text);
insert into twice values (1, 'SE', 'gold'), (1, 'NO', 'gold');`

// sqliteFile makes a real database. Its name holds what a URL would trip over.
func sqliteFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a b?c#d%41.db")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23", " ", "%20").Replace(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(customersTable); err != nil {
		t.Fatal(err)
	}
	return path
}

func sqlLookup(dsn, query string, onError stream.Policy) stream.Lookup {
	return stream.Lookup{
		Name: "customer", SQL: &stream.SQLLookup{DSN: dsn, Query: query},
		Match: userID, Add: added, Missing: stream.PolicyDefault, OnError: onError,
		TTL: time.Hour, NegativeTTL: time.Hour, Timeout: time.Minute, // a busy machine takes its time
	}
}

func TestSQLite(t *testing.T) {
	t.Setenv("PENSTOCK_TEST_DB", sqliteFile(t))
	l := sqlLookup("sqlite:${PENSTOCK_TEST_DB}", "select tier, credit, country from customers where user_id = $1", stream.PolicyRetry)
	l.Add = append(append([]stream.Added(nil), added...), stream.Added{From: "credit", Slot: credit})
	x := open(t, enrich.Options{}, l)
	for range 2 { // the second time from memory
		wantStep(t, x, penstock.IntValue(1), "SE", "gold", "12.50")
		wantStep(t, x, penstock.IntValue(2), "null", "x' or 1=1", "null")
		wantStep(t, x, penstock.IntValue(3), "unknown", "none", "absent")
	}
	if s := x.Stats()[0]; s.Hits != 3 || s.Misses != 3 || s.Missing != 2 || s.Entries != 3 || s.Errors != 0 {
		t.Errorf("stats %+v", s)
	}
}

// A relative file is one beside the stream file, not one in the folder that
// penstock happens to be started in.
func TestSQLiteBesideTheStream(t *testing.T) {
	path := sqliteFile(t)
	s := ordersStream(sqlLookup("sqlite:"+filepath.Base(path), "select country, tier from customers where user_id = $1", stream.PolicyRetry))
	s.File = filepath.Join(filepath.Dir(path), "orders.yaml")
	x, err := enrich.New(t.Context(), s, enrich.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	wantStep(t, x, penstock.IntValue(1), "SE", "gold")
}

func TestPostgres(t *testing.T) {
	dsn := realtest.Postgres(t)
	db, err := enrich.OpenSQL(dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`create table customers (user_id bigint primary key, country text, tier text, credit numeric(12,2), vip boolean, since timestamptz, mail text);
		insert into customers values (1, 'SE', 'gold', 12.5, true, '2026-01-02T03:04:05.678Z', 'a@b.c'), (2, null, null, null, null, null, null)`); err != nil {
		t.Fatal(err)
	}
	l := sqlLookup(dsn, "select country, tier, credit from customers where user_id = $1", stream.PolicyRetry)
	l.Add = append(append([]stream.Added(nil), added...), stream.Added{From: "credit", Slot: credit})
	x := open(t, enrich.Options{}, l)
	wantStep(t, x, penstock.IntValue(1), "SE", "gold", "12.50")
	wantStep(t, x, penstock.IntValue(2), "null", "null", "null")
	wantStep(t, x, penstock.IntValue(3), "unknown", "none", "absent")

	byMail := sqlLookup(dsn, "select vip as country, since as tier from customers where mail = $1", stream.PolicyRetry)
	byMail.Match = email
	x = open(t, enrich.Options{}, byMail)
	e := order(penstock.IntValue(1), penstock.TextValue("a@b.c"))
	if err := x.Step(t.Context(), e); err != nil || show(e.Values[country]) != "true" || show(e.Values[tier]) != "2026-01-02T03:04:05.678Z" {
		t.Errorf("%v %v, %v", e.Values[country], e.Values[tier], err)
	}

	endless := sqlLookup(dsn, "select pg_sleep(1e9)::text as country, $1::bigint as tier", stream.PolicyRetry)
	endless.Timeout = 50 * time.Millisecond
	x = open(t, enrich.Options{}, endless)
	wantStep(t, x, penstock.IntValue(1), "error")
}

// What the value says is never part of the query.
func TestSQLParameterIsBound(t *testing.T) {
	l := sqlLookup("sqlite:"+sqliteFile(t), "select country, tier from customers where tier = $1", stream.PolicyRetry)
	l.Match = email
	x := open(t, enrich.Options{}, l)
	for text, want := range map[string]string{"gold": "SE", "' or 1=1 --": "unknown", "x' or 1=1": "null", "gold'; drop table customers; --": "unknown"} {
		e := order(penstock.IntValue(1), penstock.TextValue(text))
		if err := x.Step(t.Context(), e); err != nil || show(e.Values[country]) != want {
			t.Errorf("%q: %v, %v", text, e.Values[country], err)
		}
	}
}

func TestSQLErrorPolicies(t *testing.T) {
	good := "sqlite:" + sqliteFile(t)
	for _, source := range []struct{ name, dsn, query string }{
		{"two rows", good, "select country, tier from twice where user_id = $1"},
		{"no such file", "sqlite:" + filepath.Join(t.TempDir(), "none.db"), "select country, tier from customers where user_id = $1"},
		{"no server", "postgres://u:p@127.0.0.1:1/db", "select country, tier from customers where user_id = $1"},
	} {
		for policy, want := range map[stream.Policy][]string{
			stream.PolicyPass:   {"absent", "absent"},
			stream.PolicyReject: {"reject lookup"},
			stream.PolicyRetry:  {"error"},
		} {
			t.Run(fmt.Sprint(source.name, " ", policy), func(t *testing.T) {
				x := open(t, enrich.Options{}, sqlLookup(source.dsn, source.query, policy))
				wantStep(t, x, penstock.IntValue(1), want...)
				if s := x.Stats()[0]; s.Errors != 1 || s.Entries != 0 {
					t.Errorf("stats %+v", s)
				}
			})
		}
	}
}

// A query that can never be answered is noticed at start, where its database
// can be reached.
func TestWrongQuery(t *testing.T) {
	lite, real := "sqlite:"+sqliteFile(t), realtest.Postgres(t)
	db, err := enrich.OpenSQL(real)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("create table customers (user_id bigint primary key, country text, tier text, vip boolean)"); err != nil {
		t.Fatal(err)
	}
	for query, wants := range map[string][2]string{
		"select country, tier from nowhere where user_id = $1":       {"nowhere", "nowhere"},
		"select country, tier from customers where user_id = $1 and": {"incomplete", "syntax"},
		"select country from customers where user_id = $1":           {`no column "tier" but country`, `no column "tier" but country`},
		"select country, level from customers where user_id = $1":    {"level", "level"},
		"select country, tier from customers where tier = $1":        {"", "$1 is text there, and user_id is an integer; cast one of them, as $1::bigint"},
		"select country, tier from customers where tier = $$$1$$":    {"missing named argument", "has 0 parameters"},
		"select country, tier from customers where user_id = $1; ":   {"", ""},

		"delete from customers where user_id = $1 returning country, tier": {"readonly", ""},
	} {
		for i, dsn := range []string{lite, real} {
			want := wants[i]
			x, err := enrich.New(t.Context(), ordersStream(sqlLookup(dsn, query, stream.PolicyRetry)), enrich.Options{})
			if err == nil {
				x.Close()
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "look-up customer: query: ")) {
				t.Errorf("%.8s: %s: %v, want %q", dsn, query, err, want)
			}
		}
	}
}

// A database that is away when the program starts may be there later.
func TestDatabaseAwayAtStart(t *testing.T) {
	path := sqliteFile(t)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	x := open(t, enrich.Options{Log: slog.New(slog.NewTextHandler(&log, nil))},
		sqlLookup("sqlite:"+path, "select country, tier from customers where user_id = $1", stream.PolicyRetry),
		sqlLookup("postgres://u:secret@127.0.0.1:1/db", "select country, tier from customers where user_id = $1", stream.PolicyPass))
	if strings.Count(log.String(), "cannot be reached") != 2 || strings.Contains(log.String(), "secret") {
		t.Errorf("the log says %s", log.String())
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	e := order(penstock.IntValue(1))
	if err := x.Step(t.Context(), e); err != nil || x.Stats()[0].Misses != 1 || x.Stats()[0].Errors != 0 {
		t.Errorf("%v, %+v", err, x.Stats())
	}
}

// A start that is called off does not wait for a database that says nothing.
func TestStartCalledOff(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, callOff := context.WithCancel(t.Context())
	go func() {
		silent.Accept() // which is all that it ever hears
		callOff()
	}()
	l := sqlLookup("postgres://u@"+silent.Addr().String()+"/db", "select country, tier from customers where user_id = $1", stream.PolicyRetry)
	l.Timeout = time.Minute
	x, err := enrich.New(ctx, ordersStream(l), enrich.Options{Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", x, err)
	}
}

// The query never ends by itself.
func TestSQLTimeout(t *testing.T) {
	l := sqlLookup("sqlite:"+sqliteFile(t), `with recursive n(i) as (select 1 union all select i+1 from n)
		select count(*) as country, 1 as tier from n where i > $1`, stream.PolicyRetry)
	l.Timeout = 50 * time.Millisecond
	x := open(t, enrich.Options{}, l)
	wantStep(t, x, penstock.IntValue(1), "error")
}

func TestSQLOneFlightPerKey(t *testing.T) {
	l := sqlLookup("sqlite:"+sqliteFile(t), "select country, tier from customers where user_id = $1", stream.PolicyRetry)
	x := open(t, enrich.Options{}, l)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			wantStep(t, x, penstock.IntValue(int64(i%2+1)), []string{"SE", "null"}[i%2], []string{"gold", "x' or 1=1"}[i%2])
		})
	}
	all.Wait()
	if s := x.Stats()[0]; s.Hits+s.Misses != 64 || s.Entries != 2 {
		t.Errorf("stats %+v", s)
	}
}

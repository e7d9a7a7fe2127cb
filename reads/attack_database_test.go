package reads_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// noWhere is a query that forgot whose rows it wants.
func noWhere(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"), order(3, 8, 0, "paid"))
	conn := p.connect(t)
	// Nobody, one, nobody again on the same connection, a stranger.
	for _, look := range []struct {
		user string
		want int
	}{{"", 0}, {"7", 1}, {"", 0}, {"9", 0}} {
		var n int
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			if look.user != "" {
				if _, err := tx.Exec(t.Context(), "SELECT set_config('penstock.user', $1, true)", look.user); err != nil {
					return err
				}
			}
			return tx.QueryRow(t.Context(), "SELECT count(order_id) FROM orders").Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		if n != look.want {
			holes = append(holes, fmt.Sprintf("user %q sees %d rows", look.user, n))
		}
	}
	return holes
}

// powers tries what the prey's role has no business to do.
func powers(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	conn := p.connect(t)
	for _, statement := range []string{"SELECT * FROM orders", "SELECT note FROM orders", "INSERT INTO orders (order_id) VALUES (9)", "UPDATE orders SET status = 'new'",
		"DELETE FROM orders", "TRUNCATE orders", "SELECT * FROM penstock_offsets", "CREATE TABLE x (i int)", "DROP TABLE orders", "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
		"SET ROLE postgres", "COPY orders TO PROGRAM 'true'", "SELECT pg_read_file('postgresql.conf')",
		"CREATE TEMP TABLE x (i int)", "SELECT lo_creat(-1)", "SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')"} {
		for _, begin := range []string{"BEGIN", "BEGIN; SET TRANSACTION READ WRITE"} {
			if _, err := conn.Exec(t.Context(), begin+"; "+statement); err == nil {
				holes = append(holes, statement)
			}
			if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var has string
	err := conn.QueryRow(t.Context(), "SELECT concat(rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, rolinherit) FROM pg_roles WHERE rolname = current_user").Scan(&has)
	if err != nil || has != "ffffff" {
		holes = append(holes, fmt.Sprint("the role's powers: ", has, err))
	}
	var columns, owned string
	err = conn.QueryRow(t.Context(), `SELECT string_agg(column_name, ' ' ORDER BY column_name) FILTER (WHERE has_column_privilege('orders', column_name, 'SELECT')),
		concat(bool_or(has_column_privilege('orders', column_name, 'INSERT, UPDATE, REFERENCES')), (SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole))
		FROM information_schema.columns WHERE table_name = 'orders'`).Scan(&columns, &owned)
	if err != nil || owned != "f0" || columns != "amount created_at currency order_id status user_id" {
		holes = append(holes, fmt.Sprintf("it may select %q, and write or owns %q: %v", columns, owned, err))
	}
	return holes
}

// lockedTable has many ask for what another session keeps from all of them. They
// are told so, and nothing of it stays behind.
func lockedTable(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	p.ask("seven", mine)
	before := runtime.NumGoroutine()
	unlock := p.lock(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	begun := time.Now()
	for range 20 {
		wg.Go(func() {
			if r := p.ask("seven", mine); r.status != 503 || r.header.Get("Retry-After") == "" {
				mu.Lock()
				defer mu.Unlock()
				holes = append(holes, fmt.Sprintf("%d after %v", r.status, time.Since(begun).Round(time.Second)))
			}
		})
	}
	wg.Wait()
	t.Logf("20 were answered within %v", time.Since(begun))
	unlock()
	if r := p.ask("seven", mine); r.status != 200 {
		holes = append(holes, fmt.Sprintf("%d when the table is free again", r.status))
	}
	// Connections that are kept alive have two goroutines at each end.
	if after := runtime.NumGoroutine(); after > before+4*20+10 {
		holes = append(holes, fmt.Sprintf("%d goroutines, %d before", after, before))
	}
	return holes
}

// lock keeps the table from everybody until it is called off.
func (p *prey) lock(t *testing.T) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK orders"); err != nil {
		t.Fatal(err)
	}
	return func() { conn.Close(context.Background()) }
}

// insides are words that no answer may hold.
var insides = []string{"SQLSTATE", "pgx", "postgres", "sqlite", "SELECT", "goroutine", "penstock_", ".go:", "canary", "connect", "relation", "column \"", "orders\"", role}

// inside forces each kind of failure and looks for what the answer tells.
func inside(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	look := func(what string, status int) {
		t.Helper()
		r := p.ask("seven", mine)
		if r.status != status {
			holes = append(holes, fmt.Sprintf("%s: status %d", what, r.status))
		}
		for _, word := range insides {
			if strings.Contains(r.body, word) {
				holes = append(holes, what+": "+word)
			}
		}
	}
	unlock := p.lock(t)
	look("time-out", 503)
	unlock()
	p.exec("ALTER TABLE orders RENAME amount TO gone")
	look("SQL that is not right", 503)
	p.exec("ALTER TABLE orders RENAME gone TO amount")
	up := p.takeDown(t)
	look("the database is down", 503)
	up()
	p.ask("seven", mine) // which may meet a connection that is gone
	look("the database is up again", 200)
	p.fail()
	look("panic", 500)
	return holes
}

// takeDown lets nobody into the database any more, until it is called off.
func (p *prey) takeDown(t *testing.T) (up func()) {
	t.Helper()
	config, err := pgx.ParseConfig(p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(text string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	quoted := pgx.Identifier{name}.Sanitize()
	exec("ALTER DATABASE " + quoted + " ALLOW_CONNECTIONS false")
	exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	return func() {
		exec("ALTER DATABASE " + quoted + " ALLOW_CONNECTIONS true")
		conn.Close(context.Background())
	}
}

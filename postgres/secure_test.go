package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

// TestSecureTellsWhatACrashForgot: a chunk that was committed without waiting
// for the disk is forgotten in a crash as a whole, and Secure does not return
// it; what Secure has returned outlives any crash.
func TestSecureTellsWhatACrashForgot(t *testing.T) {
	server := realtest.StartPostgres(t, "autovacuum=off", "bgwriter_lru_maxpages=0")
	dsn := server.Database(t)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	chunk := func(n int) penstock.Chunk {
		return penstock.Chunk{Job: "j", Source: "a.csv", Start: int64(n), Length: 1, First: uint64(n), Count: 1}
	}
	write := func(n int, sink penstock.Sink) {
		t.Helper()
		b := sinktest.Events(t, s, uint64(n), fmt.Sprintf(`{"order_id":%d}`, n))
		if err := sink.Write(sinktest.Within(t), b); err != nil || b.Tally().Delivered != 1 {
			t.Fatal(b.Tally(), err)
		}
	}
	secured := func(wanted ...int) {
		t.Helper()
		done := secure(t, table)
		if fmt.Sprint(done) != fmt.Sprint(wanted) {
			t.Errorf("Secure returned %v, want %v", done, wanted)
		}
		sinktest.Want(t, "rows", query(t, dsn, "SELECT coalesce(array_agg(order_id ORDER BY order_id), '{}') FROM orders"), fmt.Sprint(wanted))
	}

	secured() // nothing
	write(1, table.Chunk(chunk(1)))
	crash := stopWriting(t, dsn)
	write(2, table.Later(chunk(2)))
	crash()
	secured(1)
	write(2, table.Later(chunk(2)))
	secured(1, 2)
	crash = stopWriting(t, dsn)
	write(3, table.Later(chunk(3)))
	secured(1, 2, 3)
	crash()
	secured(1, 2, 3)
}

// TestCommitsWaitForTheDisk: what is settled outlives a crash of a server that is
// set up to let nobody wait.
func TestCommitsWaitForTheDisk(t *testing.T) {
	server := realtest.StartPostgres(t, "autovacuum=off", "bgwriter_lru_maxpages=0", "synchronous_commit=off")
	dsn := server.Database(t)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	crash := stopWriting(t, dsn)
	if err := table.Follow("c").Write(sinktest.Within(t), sinktest.Events(t, s, 0, `{"order_id":1}`)); err != nil {
		t.Fatal(err)
	}
	crash()
	sinktest.Want(t, "rows", query(t, dsn, "SELECT order_id FROM orders"), "1")
}

// stopWriting stops the process that writes PostgreSQL's log behind those who do
// not wait for it, so that the log has only what somebody has waited for. What
// is returned kills it, with which the whole server crashes and begins anew, and
// waits until it has: it takes no session before all those of the crash have ended.
func stopWriting(t *testing.T, dsn string) (crash func()) {
	t.Helper()
	conn, err := pgx.Connect(sinktest.Within(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	eventually(t, func(ctx context.Context) error { // a server that has just begun starts it behind the first sessions
		return conn.QueryRow(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'").Scan(&pid)
	})
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	return func() {
		t.Helper()
		signal(syscall.SIGKILL)
		if _, err := conn.WaitForNotification(sinktest.Within(t)); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("the server has not crashed")
		}
		conn.Close(sinktest.Within(t))
		eventually(t, func(ctx context.Context) error {
			conn, err := pgx.Connect(ctx, dsn)
			if err == nil {
				conn.Close(ctx)
			}
			return err
		})
	}
}

// secure calls Secure until it succeeds, since the sessions of the pool have
// ended in a crash, and returns where its chunks start.
func secure(t *testing.T, table *postgres.Table) (starts []int) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		done, err := table.Secure(ctx, "j")
		for _, c := range done {
			starts = append(starts, int(c.Start))
		}
		return err
	})
	return starts
}

// eventually calls try until it succeeds.
func eventually(t *testing.T, try func(ctx context.Context) error) {
	t.Helper()
	ctx := sinktest.Within(t)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

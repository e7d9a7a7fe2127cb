package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestLoadServerKilled kills the database when the ledger has some chunks of a
// load, which waits for it and goes on. Only kills count after which others were
// missing.
func TestLoadServerKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute; runs without -short")
	}
	server := realtest.StartPostgres(t)
	reference := newLoadCase(t, 6000, server.Database(t))
	want := reference.finish(t, smallChunks...)
	all := reference.chunks(t)
	wantTable, wantRejects := tableHash(t, reference.to), reference.rejectsHash(t)
	killed, inside := 0, 0
	for rounds := 0; inside < killsOr(t, 2); rounds++ {
		if rounds > 20*killsOr(t, 2) {
			t.Fatalf("only %d kills in %d rounds found some of %d chunks loaded and others not", inside, rounds, all)
		}
		c := newLoadCase(t, 6000, server.Database(t))
		cmd := c.command(smallChunks...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		running := c.reaches(t, 1+rand.N(all-1), ended)
		server.Kill9(t)
		server.Restart(t)
		if running {
			killed++
			if done := c.chunks(t); done < all { // by now, so then too
				inside++
			}
			<-ended
		}
		// A database that was away when the load began, or while it ended, is an
		// error; the same command goes on from there.
		sum := c.finish(t, smallChunks...)
		if sum.Read != want.Read || sum.Delivered != want.Delivered || sum.Rejected != want.Rejected {
			t.Errorf("summary %+v, want %+v; the first run said %s", sum, want, errs.String())
		}
		if got := tableHash(t, c.to); got != wantTable {
			t.Errorf("table %s, want %s", got, wantTable)
		}
		if got := c.rejectsHash(t); got != wantRejects {
			t.Errorf("rejects %s, want %s", got, wantRejects)
		}
	}
	t.Logf("%d kills, %d of them with some of %d chunks loaded and others not", killed, inside, all)
}

// TestLoadServerForgets crashes the database when it has committed chunks that
// are not on its disk: what it forgets is loaded anew, and counted once.
func TestLoadServerForgets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds; runs without -short")
	}
	server := realtest.StartPostgres(t, "autovacuum=off", "bgwriter_lru_maxpages=0", "wal_buffers=32MB")
	reference := newLoadCase(t, 20_000, server.Database(t))
	want := reference.finish(t)
	wantTable, wantRejects := tableHash(t, reference.to), reference.rejectsHash(t)
	for range 5 {
		c := newLoadCase(t, 20_000, server.Database(t))
		cmd := c.command("--log-level", "warn")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		crashAfter(t, c.to, 5)
		err := cmd.Wait()
		var sum loadSummary
		if e := json.Unmarshal(out.Bytes(), &sum); e != nil || cmd.ProcessState.ExitCode() != exitFindings {
			t.Fatalf("load: %v, %v: %s", err, e, errs.String())
		}
		if sum.Read != want.Read || sum.Delivered != want.Delivered || sum.Rejected != want.Rejected || sum.Before != 0 || !maps.Equal(sum.Codes, want.Codes) {
			t.Errorf("summary %+v, want %+v", sum, want)
		}
		if got := tableHash(t, c.to); got != wantTable {
			t.Errorf("table %s, want %s", got, wantTable)
		}
		if got := c.rejectsHash(t); got != wantRejects {
			t.Errorf("rejects %s, want %s", got, wantRejects)
		}
		if strings.Contains(errs.String(), "loaded anew") {
			return
		}
	}
	t.Error("the database has forgotten nothing in five crashes")
}

// crashAfter stops the process that writes PostgreSQL's log behind those who do
// not wait for it, and kills it, with which the whole server crashes, when so
// many chunks are committed.
func crashAfter(t *testing.T, dsn string, chunks int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var pid int
	for pid == 0 { // a server that has just begun anew starts it behind the first sessions
		err := conn.QueryRow(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'").Scan(&pid)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < chunks; {
		err := conn.QueryRow(ctx, "SELECT count(*) FROM penstock_chunks").Scan(&n)
		var missing *pgconn.PgError
		if err != nil && !(errors.As(err, &missing) && missing.Code == "42P01") { // the ledger is not made yet
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// TestLoadKilledLeavesNothing: neither what was read of standard input nor the
// example's folder stays among the temporary files when the loader is killed.
func TestLoadKilledLeavesNothing(t *testing.T) {
	c := &loadCase{dir: t.TempDir(), file: "-", to: "sqlite:" + filepath.Join(t.TempDir(), "orders.db")}
	cmd := c.command()
	folder := t.TempDir()
	cmd.Env = append(cmd.Env, "TMPDIR="+folder)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: when it is written, the loader is reading.
	if _, err := stdin.Write(bytes.Repeat([]byte("order_id\n"), 1<<18)); err != nil {
		t.Error(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Error("left behind:", left, err)
	}
}

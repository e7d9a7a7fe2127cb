package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/stream"
)

// A loadCase is a file of orders, good and bad ones and some keys twice, and
// where it is loaded to.
type loadCase struct {
	dir, file, to string
}

func newLoadCase(t *testing.T, count uint64, to string) *loadCase {
	t.Helper()
	c := &loadCase{dir: t.TempDir(), to: to}
	c.file = filepath.Join(c.dir, "orders.csv")
	var text, again bytes.Buffer
	g := orders.Generator{Seed: 3, Bad: 0.01}
	if err := g.Write(&text, orders.CSV, 0, count); err != nil {
		t.Fatal(err)
	}
	if err := g.Write(&again, orders.CSV, count/2, 20); err != nil {
		t.Fatal(err)
	}
	_, rows, _ := bytes.Cut(again.Bytes(), []byte("\n")) // 20 orders are in the file twice
	if err := os.WriteFile(c.file, append(text.Bytes(), rows...), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// command is `penstock load` of the case, as a process of its own.
func (c *loadCase) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append([]string{"load", c.file, "--to", c.to, "--rejects", c.dir, "--chunk-bytes", "65536", "--log-level", "error", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), asPenstock+"=1")
	return cmd
}

// finish runs the load to its end and returns its summary.
func (c *loadCase) finish(t *testing.T, args ...string) loadSummary {
	t.Helper()
	cmd := c.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var sum loadSummary
	if e := json.Unmarshal(out.Bytes(), &sum); e != nil {
		t.Fatalf("load: %v, %v:\n%s", err, e, errs.String())
	}
	if cmd.ProcessState.ExitCode() != exitFindings {
		t.Fatalf("load: exit code %d, want %d: %s", cmd.ProcessState.ExitCode(), exitFindings, errs.String())
	}
	if sum.Read != sum.Delivered+sum.Dropped+sum.Rejected || sum.Pending != 0 {
		t.Errorf("not conserved: %+v", sum)
	}
	return sum
}

// rejectsHash is a hash of the file of rejects, which must be complete.
func (c *loadCase) rejectsHash(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(c.file + ".rejects.csv")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// tableHash is the number of rows and a hash of all of them, in the key's order.
func tableHash(t *testing.T, to string) string {
	t.Helper()
	h := sha256.New()
	rows := 0
	add := func(row []any) {
		fmt.Fprintf(h, "%v\n", row)
		rows++
	}
	const query = "SELECT order_id, user_id, created_at, CAST(amount AS text), currency, status, email, note, amount_minor, country, tier FROM orders ORDER BY order_id"
	if file, ok := strings.CutPrefix(to, "sqlite:"); ok {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		found, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		for found.Next() {
			row, at := make([]any, 11), make([]any, 11)
			for i := range row {
				at[i] = &row[i]
			}
			if err := found.Scan(at...); err != nil {
				t.Fatal(err)
			}
			add(row)
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
	} else {
		conn, err := pgx.Connect(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		found, err := conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		for found.Next() {
			row, err := found.Values()
			if err != nil {
				t.Fatal(err)
			}
			add(row)
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%d rows %x", rows, h.Sum(nil)[:8])
}

// kills is how often the kill tests kill the loader: PENSTOCK_KILLS=100 is
// `make kill-load`.
func kills(t *testing.T) int { return killsOr(t, 5) }

func killsOr(t *testing.T, usual int) int {
	n, err := strconv.Atoi(os.Getenv("PENSTOCK_KILLS"))
	if err != nil {
		return usual
	}
	return n
}

// chunks is how many chunks of the case's load are in the ledger; not counted are
// those of the rows that are loaded again.
func (c *loadCase) chunks(t *testing.T) (n int) {
	t.Helper()
	driver, source := "pgx", c.to
	if file, ok := strings.CutPrefix(c.to, "sqlite:"); ok {
		if _, err := os.Stat(file); err != nil {
			return 0 // killed before it had made it
		}
		driver, source = "sqlite", file
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRow("SELECT count(*) FROM penstock_chunks WHERE job NOT LIKE '%" + csvfile.AgainSuffix + "'").Scan(&n)
	var missing *pgconn.PgError
	switch {
	case errors.As(err, &missing) && missing.Code == "42P01", err != nil && strings.Contains(err.Error(), "no such table"):
		return 0
	case err != nil:
		t.Fatal(err)
	}
	return n
}

// killInside kills the load when the ledger has some more of all its chunks,
// or for SQLite, whose file is the loader's alone, after a part of the usual time.
func (c *loadCase) killInside(t *testing.T, all int, usual time.Duration) bool {
	t.Helper()
	if strings.HasPrefix(c.to, "sqlite:") {
		return c.kill(t, rand.N(usual), smallChunks...)
	}
	due := c.chunks(t) + 1
	if due < all {
		due += rand.N(all - due)
	}
	cmd := c.command(smallChunks...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if !c.reaches(t, due, ended) {
		return false
	}
	cmd.Process.Kill()
	<-ended
	return cmd.ProcessState.ExitCode() == -1
}

// reaches waits until the ledger has so many chunks of a load that runs, and
// reports false when the load has ended before.
func (c *loadCase) reaches(t *testing.T, due int, ended <-chan error) bool {
	t.Helper()
	for c.chunks(t) < due {
		select {
		case <-ended:
			return false
		default:
		}
	}
	return true
}

// smallChunks make a hundred chunks of a case, so that most moments are between two.
var smallChunks = []string{"--chunk-bytes", "16384"}

// TestLoadKilled kills the loader at random moments, again and again: in the
// end the table is that of a load that was never disturbed, and so are the
// rejects. Only kills count that left some chunks loaded and others not.
func TestLoadKilled(t *testing.T) {
	for name, fresh := range loadTargets(t) {
		t.Run(name, func(t *testing.T) {
			reference := newLoadCase(t, 6000, fresh(t))
			began := time.Now()
			want := reference.finish(t, smallChunks...)
			usual := time.Since(began) // on this machine
			all := reference.chunks(t)
			wantTable, wantRejects := tableHash(t, reference.to), reference.rejectsHash(t)

			killed, inside, rounds := 0, 0, 0
			for inside < kills(t) {
				c := newLoadCase(t, 6000, fresh(t))
				for n := 0; n < 4 && inside < kills(t); n++ {
					if !c.killInside(t, all, usual) {
						continue
					}
					killed++
					if done := c.chunks(t); 0 < done && done < all {
						inside++
					}
				}
				sum := c.finish(t, smallChunks...)
				if sum.Read != want.Read || sum.Delivered != want.Delivered || sum.Rejected != want.Rejected || sum.Elsewhere != 0 {
					t.Errorf("summary %+v, want %+v", sum, want)
				}
				if got := tableHash(t, c.to); got != wantTable {
					t.Errorf("table %s, want %s", got, wantTable)
				}
				if got := c.rejectsHash(t); got != wantRejects {
					t.Errorf("rejects %s, want %s", got, wantRejects)
				}
				if rounds++; rounds > 20*kills(t) {
					t.Fatalf("only %d kills in %d rounds left some of %d chunks loaded and others not", inside, rounds, all)
				}
			}
			t.Logf("%d kills, %d of them with some of %d chunks loaded and others not", killed, inside, all)
		})
	}
}

// kill starts the load, kills it after a moment, and reports whether it was
// still running then.
func (c *loadCase) kill(t *testing.T, after time.Duration, args ...string) bool {
	t.Helper()
	cmd := c.command(args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
		return false
	case <-time.After(after):
		cmd.Process.Kill()
		<-ended
		return cmd.ProcessState.ExitCode() == -1
	}
}

// TestLoadReplaces: what is loaded takes the place of what was in the table, at
// the end and whole, however often the loader is killed before; and once only.
func TestLoadReplaces(t *testing.T) {
	for name, fresh := range loadTargets(t) {
		t.Run(name, func(t *testing.T) {
			old := newLoadCase(t, 500, fresh(t))
			old.finish(t)
			reference := newLoadCase(t, 6000, fresh(t))
			began := time.Now()
			want := reference.finish(t)
			usual := time.Since(began) // on this machine
			before, after := tableHash(t, old.to), tableHash(t, reference.to)

			c := newLoadCase(t, 6000, old.to)
			for range kills(t) {
				killed := c.kill(t, rand.N(usual), "--mode", "replace")
				if got := tableHash(t, c.to); got != after && (got != before || !killed) {
					t.Fatalf("killed: %v, then the table is %s: neither what was there, %s, nor what is loaded, %s", killed, got, before, after)
				}
			}
			for range 2 {
				sum := c.finish(t, "--mode", "replace")
				if sum.Read != want.Read || sum.Delivered != want.Delivered || sum.Rejected != want.Rejected {
					t.Errorf("summary %+v, want %+v", sum, want)
				}
				if got := tableHash(t, c.to); got != after {
					t.Errorf("table %s, want %s", got, after)
				}
				if got, want := c.rejectsHash(t), reference.rejectsHash(t); got != want {
					t.Errorf("rejects %s, want %s", got, want)
				}
			}
		})
	}
}

// loadTargets are the databases to load into, each time a new one.
func loadTargets(t *testing.T) map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "orders.db") },
		"postgres": func(t *testing.T) string { return realtest.Postgres(t) },
	}
}

// TestLoadersShareAJob: two loaders of one job at once load each record once.
func TestLoadersShareAJob(t *testing.T) {
	for name, fresh := range loadTargets(t) {
		t.Run(name, func(t *testing.T) {
			reference := newLoadCase(t, 6000, fresh(t))
			want := reference.finish(t)
			c := newLoadCase(t, 6000, fresh(t))
			rival := c.command()
			rival.Stdout, rival.Stderr = io.Discard, io.Discard
			if err := rival.Start(); err != nil {
				t.Fatal(err)
			}
			sum := c.finish(t)
			rival.Wait()
			if code := rival.ProcessState.ExitCode(); code != exitFindings {
				t.Errorf("the other loader ended with %d, want %d", code, exitFindings)
			}
			if sum.Read != want.Read || sum.Delivered != want.Delivered {
				t.Errorf("summary %+v, want %+v", sum, want)
			}
			if got, want := tableHash(t, c.to), tableHash(t, reference.to); got != want {
				t.Errorf("table %s, want %s", got, want)
			}
			if got, want := c.rejectsHash(t), reference.rejectsHash(t); got != want {
				t.Errorf("rejects %s, want %s", got, want)
			}
		})
	}
}

// TestLoadersKeepTheirOwnRejects: of two loaders of one job at once with folders
// of their own, each keeps the rejects of the chunks that it has loaded.
func TestLoadersKeepTheirOwnRejects(t *testing.T) {
	for name, fresh := range loadTargets(t) {
		t.Run(name, func(t *testing.T) {
			c := newLoadCase(t, 6000, fresh(t))
			elsewhere := t.TempDir()
			rival := c.command("--chunk-bytes", "16384", "--rejects", elsewhere)
			if err := rival.Start(); err != nil {
				t.Fatal(err)
			}
			sum := c.finish(t, "--chunk-bytes", "16384")
			if rival.Wait(); rival.ProcessState.ExitCode() != exitFindings {
				t.Errorf("the other loader ended with %d, want %d", rival.ProcessState.ExitCode(), exitFindings)
			}
			kept := 0
			for _, dir := range []string{c.dir, elsewhere} {
				reasons, err := os.ReadFile(filepath.Join(dir, "orders.csv.rejects.jsonl"))
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				kept += bytes.Count(reasons, []byte("\n"))
			}
			if int64(kept) != sum.Rejected {
				t.Errorf("the loaders have kept %d rejects, want %d", kept, sum.Rejected)
			}
		})
	}
}

// TestLoadAnyWay: any chunk size and number of workers and connections gives
// the same table and the same rejects.
func TestLoadAnyWay(t *testing.T) {
	ways := map[string][]string{
		"sqlite":   {"--workers 1", "--workers 4", "--workers 2 --connections 5", "--chunk-bytes 2000", "--chunk-bytes 10000000"},
		"postgres": {"--workers 1 --connections 3", "--workers 4 --connections 1", "--workers 4 --connections 4 --chunk-bytes 5000", "--workers 16 --connections 2 --chunk-bytes 2000"},
	}
	for name, fresh := range loadTargets(t) {
		want := ""
		for _, args := range ways[name] {
			c := newLoadCase(t, 1000, fresh(t))
			sum := c.finish(t, strings.Fields(args)...)
			got := fmt.Sprintf("%d %d %d %s %s", sum.Read, sum.Delivered, sum.Rejected, tableHash(t, c.to), c.rejectsHash(t))
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s %s: %s, want %s", name, args, got, want)
			}
		}
	}
}

// TestLoadAndHTTPAgree: the same cells as CSV and as JSON, as the HTTP door
// decodes it, get the same verdicts and become the same records.
func TestLoadAndHTTPAgree(t *testing.T) {
	dir := t.TempDir()
	streams := filepath.Join(dir, "streams")
	if err := writeExample(streams); err != nil {
		t.Fatal(err)
	}
	rules, err := stream.Load(streams)
	if err != nil {
		t.Fatal(err)
	}
	s := rules[0]
	lookups, err := enrich.New(t.Context(), s, enrich.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer lookups.Close()
	judge := penstock.Pipeline{
		Steps: []penstock.Step{s.Check, s.Derive, s.Identify, lookups.Step, s.Encode},
		To: penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
			for _, e := range b.Pending().Events {
				e.Deliver(penstock.Place{})
			}
			return nil
		}),
	}
	verdict := func(e *penstock.Event) string {
		if e.Verdict() == penstock.Rejected {
			return e.Reason().Code + " " + e.Reason().Pointer
		}
		return string(e.Body)
	}

	var text bytes.Buffer
	if err := (orders.Generator{Seed: 9, Bad: 0.2}).Write(&text, orders.CSV, 0, 5000); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "orders.csv")
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	d := s.NewDecoder()
	good, bad := 0, 0
	source := csvfile.Source{Stream: s, Files: []string{name}, Options: csvfile.Options{ChunkBytes: 50_000}}
	err = source.Load(t.Context(), csvfile.Loader{InOrder: true, Write: func(ctx context.Context, w *csvfile.Work) error {
		if err := judge.Write(ctx, &w.Batch); err != nil {
			return err
		}
		for i, byCSV := range w.Batch.Events {
			row := w.Rows.Row(i)
			if row.Err() != nil {
				continue // wrong in a way that only a CSV file can be
			}
			e := &penstock.Event{}
			d.Reset()
			if _, err := d.Decode(asJSON(w.Header, row), e); err != nil {
				e.Reject(penstock.AsReject(err))
			}
			if err := judge.Write(ctx, &penstock.Batch{Events: []*penstock.Event{e}}); err != nil {
				return err
			}
			if got, want := verdict(byCSV), verdict(e); got != want {
				t.Errorf("record %s\nby CSV  %s\nby HTTP %s", row.Raw(), got, want)
			}
			if e.Verdict() == penstock.Rejected {
				bad++
			} else {
				good++
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if good < 2500 || bad < 500 {
		t.Errorf("compared %d good and %d bad orders: too few to say anything", good, bad)
	}
}

// asJSON writes a record as a sender of JSON would who has the same cells:
// numbers as numbers where they are some, nothing for an empty cell.
func asJSON(header []string, row csvfile.Row) []byte {
	text := []byte{'{'}
	for j, name := range header {
		cell := row.Cell(j)
		if len(cell) == 0 {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = strconv.AppendQuote(text, name)
		text = append(text, ':')
		switch number := json.Valid(cell) && (cell[0] == '-' || cell[0] >= '0' && cell[0] <= '9'); {
		case number && (strings.HasSuffix(name, "_id") || name == "amount"):
			text = append(text, cell...)
		case !utf8.Valid(cell):
			text = append(append(append(text, '"'), cell...), '"')
		default:
			quoted, err := json.Marshal(string(cell))
			if err != nil {
				panic(err)
			}
			text = append(text, quoted...)
		}
	}
	return append(text, '}')
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// postgres compares with psql's \copy, with the primary key and without, and
// says what small transactions with a ledger cost.
func (b *bench) postgres(ctx context.Context) error {
	loadWith := func(rules string, args ...string) func(context.Context) (measured, error) {
		return func(ctx context.Context) (measured, error) { return b.load(ctx, rules, args...) }
	}
	copyThen := func(then string) func(context.Context) (measured, error) {
		return func(ctx context.Context) (measured, error) { return b.copy(ctx, then) }
	}
	bare := &side{name: `psql \copy of the transformed file`, run: copyThen("")}
	two := &side{name: "penstock load, 2 connections", run: loadWith("bare.yaml")}
	one := &side{name: "penstock load, 1 connection", run: loadWith("bare.yaml", "--connections", "1")}
	large := &side{name: "penstock load, 2 connections, chunks of 16 MiB", run: loadWith("bare.yaml", "--chunk-bytes", strconv.Itoa(16<<20))}
	keyed := &side{name: `psql \copy, then ADD PRIMARY KEY`, run: copyThen("ALTER TABLE rival ADD PRIMARY KEY (order_id)")}
	ours := &side{name: "penstock load, 2 connections, primary key made at the end", run: loadWith("keyed.yaml")}
	if err := b.interleave(ctx, []*side{bare, two, one, large, keyed, ours}); err != nil {
		return err
	}
	fmt.Printf("PostgreSQL, %d rows, medians of %d:\n", b.rows, b.rounds)
	b.print(bare, "")
	b.print(two, fmt.Sprintf("ratio %.2f (the aim: at most 0.65)", two.ratio(bare)))
	b.print(one, fmt.Sprintf("ratio %.2f (the aim: at most 0.75)", one.ratio(bare)))
	b.print(large, fmt.Sprintf("1 MiB chunks take %+.0f %% (the aim: at most +3)", 100*(two.ratio(large)-1)))
	b.print(keyed, "")
	b.print(ours, fmt.Sprintf("ratio %.2f", ours.ratio(keyed)))
	return nil
}

// ladder runs the Python steps on as many rows as they can do in some seconds,
// against penstock's rate.
func (b *bench) ladder(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, b.python, "-c", "import psycopg2").CombinedOutput(); err != nil {
		fmt.Printf("\nSKIP the Python ladder: %s has no psycopg2 (pip install psycopg2-binary, and -python): %s\n", b.python, lastLine(out))
		return nil
	}
	ours, err := b.load(ctx, "keyed.yaml")
	if err != nil {
		return err
	}
	rate := float64(b.rows) / ours.seconds
	fmt.Printf("\nThe ladder, into a table with a primary key (penstock makes it at the end):\n")
	for _, step := range []struct {
		name, what string
		rows       int
		aim        string
	}{
		{"row", "Python csv, an INSERT and a commit a row", 5_000, " (the aim: at least 200)"},
		{"transaction", "the same in one transaction", 20_000, ""},
		{"executemany", "executemany", 20_000, ""},
		{"pages", "execute_values, 1000 rows a statement", 200_000, ""},
		{"copy", "COPY from Python", 500_000, " (the aim: at least 2.5)"},
	} {
		if err := b.exec(ctx, "DROP TABLE IF EXISTS ladder", "CREATE TABLE ladder "+table, "ALTER TABLE ladder ADD PRIMARY KEY (order_id)", "CHECKPOINT"); err != nil {
			return err
		}
		n := min(step.rows, b.rows)
		seconds, err := b.python3(ctx, step.name, n, b.to)
		if err != nil {
			return err
		}
		fmt.Printf("  %-58s %9.0f rows/s   penstock is %.1f times as fast%s\n", step.what, float64(n)/seconds, rate*seconds/float64(n), step.aim)
	}
	fmt.Printf("  %-58s %9.0f rows/s\n", "penstock load", rate)
	return nil
}

// python3 runs a step and returns the seconds it took, without the start of
// the interpreter.
func (b *bench) python3(ctx context.Context, step string, rows int, where string) (float64, error) {
	out, err := exec.CommandContext(ctx, b.python, "bench/load/ladder.py", step, b.path("raw.csv"), strconv.Itoa(rows), where).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("ladder.py %s: %w: %s", step, err, out)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// sqlite compares with executemany of Python's own sqlite3.
func (b *bench) sqlite(ctx context.Context) error {
	file := func(name string) string {
		for _, end := range []string{"", "-wal", "-shm"} {
			os.Remove(b.path(name + end))
		}
		return b.path(name)
	}
	ours := &side{name: "penstock load", run: func(ctx context.Context) (measured, error) {
		return measure(exec.CommandContext(ctx, b.penstock, "load", b.path("raw.csv"), "--streams", b.path("keyed.yaml"), "--to", "sqlite:"+file("ours.db"), "--rejects", b.dir))
	}}
	rival := &side{name: "Python, sqlite3.executemany in one transaction", run: func(ctx context.Context) (measured, error) {
		seconds, err := b.python3(ctx, "sqlite", b.rows, file("rival.db"))
		return measured{seconds: seconds}, err
	}}
	rounds := b.rounds
	b.rounds = min(rounds, 3)
	defer func() { b.rounds = rounds }()
	if err := b.interleave(ctx, []*side{ours, rival}); err != nil {
		return err
	}
	fmt.Printf("\nSQLite, %d rows, medians of %d:\n", b.rows, b.rounds)
	b.print(rival, "")
	b.print(ours, fmt.Sprintf("%.1f times as fast (the aim: at least 1.5)", 1/ours.ratio(rival)))
	return nil
}

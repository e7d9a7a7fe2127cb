package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// parse compares the parser with encoding/csv. What it compares is not to be
// seen from here, so it is a test of csvfile that prints.
func (b *bench) parse(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "test", "-tags", "bench", "-count", "1", "-v", "-run", "TestParseRatios", "./csvfile").CombinedOutput()
	fmt.Printf("Reading CSV that is in memory, every cell, on one processor:\n%s", out)
	return err
}

// loading is a side that loads the raw file.
func (b *bench) loading(name, program, rules string, args ...string) *side {
	return &side{name: name, rows: b.rows, run: func(ctx context.Context) (measured, error) { return b.load(ctx, program, rules, args...) }}
}

// copying is a side of psql.
func (b *bench) copying(name, then string) *side {
	return &side{name: name, rows: b.rows, run: func(ctx context.Context) (measured, error) { return b.copy(ctx, then) }}
}

// copies compares with psql's \copy.
func (b *bench) copies(ctx context.Context) error {
	if err := errors.Join(b.raw(), b.transformed()); err != nil {
		return err
	}
	rival := b.copying(`psql \copy of the transformed file`, "")
	two := b.loading("penstock load, 2 connections", b.penstock, "bare.yaml")
	one := b.loading("penstock load, 1 connection", b.penstock, "bare.yaml", "--connections", "1")
	if err := b.interleave(ctx, rival, two, one); err != nil {
		return err
	}
	fmt.Printf("\nPostgreSQL, %d rows, medians of %d:\n", b.rows, b.rounds)
	rival.print("")
	two.print(fmt.Sprintf("ratio %.2f (the aim: at most 0.65)", two.ratio(rival, seconds)))
	one.print(fmt.Sprintf("ratio %.2f (the aim: at most 0.75)", one.ratio(rival, seconds)))
	return nil
}

// keyed compares the same with a primary key.
func (b *bench) keyed(ctx context.Context) error {
	if err := errors.Join(b.raw(), b.transformed()); err != nil {
		return err
	}
	rival := b.copying(`psql \copy, then ADD PRIMARY KEY`, "ALTER TABLE rival ADD PRIMARY KEY (order_id)")
	ours := b.loading("penstock load, primary key made at the end", b.penstock, "keyed.yaml")
	if err := b.interleave(ctx, rival, ours); err != nil {
		return err
	}
	fmt.Printf("\nPostgreSQL with a primary key, %d rows, medians of %d:\n", b.rows, b.rounds)
	rival.print("")
	ours.print(fmt.Sprintf("ratio %.2f", ours.ratio(rival, seconds)))
	return nil
}

// ledger says what it costs to be able to go on after a crash.
func (b *bench) ledger(ctx context.Context) error {
	if err := b.raw(); err != nil {
		return err
	}
	program := b.path("penstock-without")
	if err := buildWithoutLedger(ctx, b.dir, program); err != nil {
		return err
	}
	with := b.loading("penstock load, 1 connection", b.penstock, "bare.yaml", "--connections", "1")
	without := b.loading("the same without claims and ledger", program, "bare.yaml", "--connections", "1")
	if err := b.interleave(ctx, with, without); err != nil {
		return err
	}
	fmt.Printf("\nThe ledger's share, PostgreSQL, %d rows, medians of %d:\n", b.rows, b.rounds)
	without.print("")
	with.print(fmt.Sprintf("the ledger takes %+.1f %% of the processor time, %+.1f %% of the time (the aim: at most +3)",
		100*(with.ratio(without, measured.cpu)-1), 100*(with.ratio(without, seconds)-1)))
	return nil
}

// ladder runs the Python steps on as many rows as they can do in some seconds,
// against penstock's rate.
func (b *bench) ladder(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, b.python, "-c", "import psycopg2").CombinedOutput(); err != nil {
		fmt.Printf("\nSKIP the Python ladder: %s has no psycopg2 (pip install psycopg2-binary, and -python or PYTHON=): %s\n", b.python, lastLine(out))
		return nil
	}
	if err := b.raw(); err != nil {
		return err
	}
	ours := b.loading("penstock load", b.penstock, "keyed.yaml")
	sides := []*side{ours}
	aims := map[string]string{"row": " (the aim: at least 200)", "copy": " (the aim: at least 2.5)"}
	notes := []string{""}
	for _, step := range []struct {
		name, what string
		rows       int
	}{
		{"row", "Python csv, an INSERT and a commit a row", 5_000},
		{"transaction", "the same in one transaction", 20_000},
		{"executemany", "executemany", 20_000},
		{"pages", "execute_values, 1000 rows a statement", 100_000},
		{"copy", "COPY from Python", 500_000},
	} {
		n := min(step.rows, b.rows)
		notes = append(notes, aims[step.name])
		sides = append(sides, &side{name: step.what, rows: n, run: func(ctx context.Context) (measured, error) {
			err := b.exec(ctx, "DROP TABLE IF EXISTS ladder", "CREATE TABLE ladder "+table, "ALTER TABLE ladder ADD PRIMARY KEY (order_id)", "CHECKPOINT")
			if err != nil {
				return measured{}, err
			}
			return b.python3(ctx, step.name, n, b.to)
		}})
	}
	if err := b.interleave(ctx, append([]*side{}, sides...)...); err != nil {
		return err
	}
	fmt.Printf("\nThe ladder, into a table with a primary key (penstock makes it at the end), medians of %d:\n", b.rounds)
	for i, s := range sides {
		note := ""
		if s != ours {
			note = fmt.Sprintf("penstock is %.1f times as fast%s", s.ratio(ours, seconds), notes[i])
		}
		fmt.Printf("  %-48s %9d rows %9.0f rows/s  %s\n", s.name, s.rows, s.rate(), note)
	}
	return nil
}

// python3 runs a step, and takes for its time what it says: that is without the
// start of the interpreter.
func (b *bench) python3(ctx context.Context, step string, rows int, where string) (measured, error) {
	out, err := exec.CommandContext(ctx, b.python, "bench/load/ladder.py", step, b.rawFile(), strconv.Itoa(rows), where).CombinedOutput()
	if err != nil {
		return measured{}, fmt.Errorf("ladder.py %s: %w: %s", step, err, out)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return measured{seconds: seconds}, err
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// sqlite compares with executemany of Python's own sqlite3.
func (b *bench) sqlite(ctx context.Context) error {
	if err := b.raw(); err != nil {
		return err
	}
	file := func(name string) string {
		for _, end := range []string{"", "-wal", "-shm"} {
			os.Remove(b.path(name + end))
		}
		return b.path(name)
	}
	ours := &side{name: "penstock load", rows: b.rows, run: func(ctx context.Context) (measured, error) {
		return b.measure(exec.CommandContext(ctx, b.penstock, "load", b.rawFile(), "--streams", b.path("keyed.yaml"), "--to", "sqlite:"+file("ours.db"), "--rejects", b.dir))
	}}
	rival := &side{name: "Python, sqlite3.executemany in one transaction", rows: b.rows, run: func(ctx context.Context) (measured, error) {
		return b.python3(ctx, "sqlite", b.rows, file("rival.db"))
	}}
	if err := b.interleave(ctx, ours, rival); err != nil {
		return err
	}
	fmt.Printf("\nSQLite, %d rows, medians of %d:\n", b.rows, b.rounds)
	rival.print("")
	ours.print(fmt.Sprintf("%.2f times as fast (the aim: at least 1.5)", 1/ours.ratio(rival, seconds)))
	return nil
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A bench is what all measurements share.
type bench struct {
	options
	dir      string
	penstock string
	conn     *pgx.Conn
	jobs     int
}

// A measured is one run of one side.
type measured struct {
	seconds float64
	cpu     float64 // of the program itself, not of the server
	rss     int64   // bytes at most
}

const table = `(order_id bigint NOT NULL, user_id bigint, created_at timestamptz, amount numeric(12,2), currency text, status text, email text, note text, amount_minor bigint, contact text)`

func run(ctx context.Context, o options) error {
	b := &bench{options: o}
	var err error
	if b.dir, err = os.MkdirTemp("", "penstock-bench-load-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.conn.Close(context.WithoutCancel(ctx))
	for _, part := range []func(context.Context) error{b.postgres, b.ladder, b.sqlite} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare writes the files and builds the program.
func (b *bench) prepare(ctx context.Context) error {
	b.penstock = filepath.Join(b.dir, "penstock")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.penstock, "./cmd/penstock").CombinedOutput(); err != nil {
		return fmt.Errorf("build penstock: %w: %s", err, out)
	}
	if err := (writer{rows: b.rows}).file(b.path("raw.csv")); err != nil {
		return err
	}
	if err := (writer{rows: b.rows, transformed: true}).file(b.path("transformed.csv")); err != nil {
		return err
	}
	rules, err := os.ReadFile("bench/load/orders.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path("keyed.yaml"), rules, 0o600); err != nil {
		return err
	}
	bare := strings.ReplaceAll(string(rules), "id: order_id\n", "")
	if err := os.WriteFile(b.path("bare.yaml"), []byte(bare), 0o600); err != nil {
		return err
	}
	b.conn, err = pgx.Connect(ctx, b.to)
	return err
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := b.conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// measure runs a program and says what it took.
func measure(cmd *exec.Cmd) (measured, error) {
	began := time.Now()
	out, err := cmd.CombinedOutput()
	m := measured{seconds: time.Since(began).Seconds()}
	if err != nil {
		return m, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	m.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	m.rss = usage.Maxrss << 10
	return m, nil
}

// load measures penstock load of the raw file into a table that is not there.
func (b *bench) load(ctx context.Context, rules string, args ...string) (measured, error) {
	if err := b.exec(ctx, "DROP TABLE IF EXISTS bench_orders, penstock_chunks, penstock_sources, penstock_deferred", "CHECKPOINT"); err != nil {
		return measured{}, err
	}
	b.jobs++
	m, err := measure(exec.CommandContext(ctx, b.penstock, append([]string{"load", b.path("raw.csv"), "--streams", b.path(rules), "--to", b.to,
		"--job", strconv.Itoa(b.jobs), "--rejects", b.dir}, args...)...))
	if err != nil {
		return m, err
	}
	var n int
	if err := b.conn.QueryRow(ctx, "SELECT count(*) FROM bench_orders").Scan(&n); err != nil || n != b.rows {
		return m, fmt.Errorf("%d rows are in the table, not %d: %w", n, b.rows, err)
	}
	return m, nil
}

// copy measures psql's \copy of the transformed file into an empty table, and
// the making of the primary key afterwards.
func (b *bench) copy(ctx context.Context, then string) (measured, error) {
	if err := b.exec(ctx, "DROP TABLE IF EXISTS rival", "CREATE TABLE rival "+table, "CHECKPOINT"); err != nil {
		return measured{}, err
	}
	args := []string{"-q", b.to, "-c", `\copy rival FROM '` + b.path("transformed.csv") + `' (FORMAT csv, HEADER)`}
	if then != "" {
		args = append(args, "-c", then)
	}
	return measure(exec.CommandContext(ctx, "psql", args...))
}

// A side is one of the things measured in turn.
type side struct {
	name string
	run  func(context.Context) (measured, error)
	took []measured
}

// interleave measures the sides in turn, round after round.
func (b *bench) interleave(ctx context.Context, sides []*side) error {
	for range b.rounds {
		for _, s := range sides {
			m, err := s.run(ctx)
			if err != nil {
				return err
			}
			s.took = append(s.took, m)
		}
	}
	return nil
}

func (s *side) seconds() float64 {
	return median(s.took, func(m measured) float64 { return m.seconds })
}
func (s *side) cpu() float64 { return median(s.took, func(m measured) float64 { return m.cpu }) }

// ratio is the median over the rounds of this side's time to the rival's.
func (s *side) ratio(rival *side) float64 {
	var ratios []float64
	for i := range s.took {
		ratios = append(ratios, s.took[i].seconds/rival.took[i].seconds)
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func median(took []measured, of func(measured) float64) float64 {
	var v []float64
	for _, m := range took {
		v = append(v, of(m))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func (b *bench) print(s *side, note string) {
	fmt.Printf("  %-58s %7.2f s %9.0f rows/s   client CPU %5.2f s   %4.0f MB  %s\n", s.name, s.seconds(), float64(b.rows)/s.seconds(), s.cpu(),
		median(s.took, func(m measured) float64 { return float64(m.rss) / 1e6 }), note)
}

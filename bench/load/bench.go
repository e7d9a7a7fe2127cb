package main

import (
	"cmp"
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
	server   int // the postmaster's process, 0 when it is not on this machine
	jobs     int
}

// A piece is one comparison.
type piece struct {
	name   string
	run    func(*bench, context.Context) error
	rounds int
	rows   int
}

const rowsUsual = 2_000_000

var pieces = []piece{
	{"parse", (*bench).parse, 1, 0},
	{"copy", (*bench).copies, 5, rowsUsual},
	{"key", (*bench).keyed, 5, rowsUsual},
	{"ledger", (*bench).ledger, 9, rowsUsual},
	{"ladder", (*bench).ladder, 3, rowsUsual},
	{"sqlite", (*bench).sqlite, 3, rowsUsual},
	{"fifty", (*bench).fifty, 1, 50_000_000},
}

func run(ctx context.Context, o options) error {
	found := false
	for _, p := range pieces {
		if p.name != o.piece && (o.piece != "" || p.name == "fifty") {
			continue
		}
		found = true
		b := &bench{options: o}
		if b.rows == 0 {
			b.rows = p.rows
		}
		if b.rounds == 0 {
			b.rounds = p.rounds
		}
		if err := b.runPiece(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if !found {
		return fmt.Errorf("there is no piece %q", o.piece)
	}
	return nil
}

func (b *bench) runPiece(ctx context.Context, p piece) (err error) {
	if b.dir, err = os.MkdirTemp("", "penstock-bench-load-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.files = cmp.Or(b.files, b.dir)
	if p.rows > 0 {
		if err := b.prepare(ctx); err != nil {
			return err
		}
		defer b.conn.Close(context.WithoutCancel(ctx))
	}
	return p.run(b, ctx)
}

// prepare writes the rules and builds the program.
func (b *bench) prepare(ctx context.Context) error {
	b.penstock = b.path("penstock")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.penstock, "./cmd/penstock").CombinedOutput(); err != nil {
		return fmt.Errorf("build penstock: %w: %s", err, out)
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
	if b.conn, err = pgx.Connect(ctx, b.to); err != nil {
		return err
	}
	b.server = b.postmaster(ctx)
	return nil
}

// raw writes the file for penstock, transformed that for psql, if it is not there.
func (b *bench) raw() error { return b.write(writer{rows: b.rows}, b.rawFile()) }
func (b *bench) transformed() error {
	return b.write(writer{rows: b.rows, transformed: true}, b.transformedFile())
}

func (b *bench) rawFile() string { return filepath.Join(b.files, fmt.Sprintf("raw-%d.csv", b.rows)) }
func (b *bench) transformedFile() string {
	return filepath.Join(b.files, fmt.Sprintf("transformed-%d.csv", b.rows))
}

func (b *bench) write(w writer, name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := w.file(name + ".part"); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
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

// postmaster is the process that the server's processes are children of.
func (b *bench) postmaster(ctx context.Context) int {
	var folder string
	if err := b.conn.QueryRow(ctx, "SHOW data_directory").Scan(&folder); err != nil {
		return 0
	}
	text, err := os.ReadFile(filepath.Join(folder, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// A measured is one run of one side.
type measured struct {
	seconds float64
	client  float64 // seconds of processor time of the program
	served  float64 // the same of the server for it, 0 when that is not known
	rss     int64   // bytes at most
}

func (m measured) cpu() float64 { return m.client + m.served }

// measure runs a program and says what it took.
func (b *bench) measure(cmd *exec.Cmd) (measured, error) {
	before := childrenTime(b.server)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	m := measured{seconds: time.Since(began).Seconds()}
	if err != nil {
		return m, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	m.client = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	m.rss = usage.Maxrss << 10
	m.served = b.served(before)
	return m, nil
}

// served is the processor time of the server's processes that have ended since
// before was read. They end a moment after their client has.
func (b *bench) served(before float64) float64 {
	if b.server == 0 {
		return 0
	}
	now := before
	for range 20 {
		time.Sleep(20 * time.Millisecond)
		if last := now; now != before && now == last {
			break
		}
		now = childrenTime(b.server)
	}
	return now - before
}

// childrenTime is the processor time, in seconds, of a process's children that
// have ended: proc(5), stat, fields 16 and 17.
func childrenTime(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[slices.Index(text, ')')+1:])) // from field 3 on
	var ticks int
	for _, f := range fields[13:15] {
		n, _ := strconv.Atoi(f)
		ticks += n
	}
	return float64(ticks) / 100 // sysconf(_SC_CLK_TCK) of every Linux
}

// load measures a penstock load of the raw file into a table that is not there.
func (b *bench) load(ctx context.Context, program, rules string, args ...string) (measured, error) {
	if err := b.exec(ctx, "DROP TABLE IF EXISTS bench_orders, penstock_chunks, penstock_sources, penstock_deferred", "CHECKPOINT"); err != nil {
		return measured{}, err
	}
	b.jobs++
	m, err := b.measure(exec.CommandContext(ctx, program, append([]string{"load", b.rawFile(), "--streams", b.path(rules), "--to", b.to,
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

// table is the rival's: of the same types, with the same derived columns.
const table = `(order_id bigint NOT NULL, user_id bigint, created_at timestamptz, amount numeric(12,2), currency text, status text, email text, note text, amount_minor bigint, contact text)`

// copy measures psql's \copy of the transformed file into an empty table, and
// what is to be done then.
func (b *bench) copy(ctx context.Context, then string) (measured, error) {
	if err := b.exec(ctx, "DROP TABLE IF EXISTS rival", "CREATE TABLE rival "+table, "CHECKPOINT"); err != nil {
		return measured{}, err
	}
	args := []string{"-q", b.to, "-c", `\copy rival FROM '` + b.transformedFile() + `' (FORMAT csv, HEADER)`}
	if then != "" {
		args = append(args, "-c", then)
	}
	return b.measure(exec.CommandContext(ctx, "psql", args...))
}

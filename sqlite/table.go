// Package sqlite puts a stream's events into a table of a SQLite file, each
// exactly once: rows and the record of what has been loaded are one
// transaction. It needs no service and no C compiler.
//
//	table, err := sqlite.Open(ctx, "orders.db", sqlite.Options{Stream: s})
//	sink := table.Chunk(penstock.Chunk{Job: job, Source: file, Start: 0})  // a part of a file
//	sink := table.Follow("penstock-sink")                                  // the events of a topic, in order
//	err = penstock.Bisect{To: penstock.DeadLetters{To: sink}}.Write(ctx, batch)  // rejects kept beside the table
//
// A file has one writer at a time; others wait. Money is never a float: a
// decimal is a whole number of its last digit's units in an INTEGER column, and
// its exact text in a TEXT column. Times are microseconds since 1970 in UTC, or
// RFC 3339.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// Options say what is loaded and how. Only Stream is required.
type Options struct {
	Stream *stream.Stream

	// Mode is what becomes of rows whose key is there; the zero Mode refuses
	// the newcomer. Upsert needs the table's primary key.
	Mode penstock.TableMode

	// Job names the load that mode Replace is for: a job replaces the table
	// once, however often it is finished. Other modes do not look at it.
	Job string

	// Known says that rows have been put into the table before: one that is not
	// there is ErrNoTable then, and is not made.
	Known bool

	// Log is told what is made; nil is no log.
	Log *slog.Logger
}

// ErrNoTable is that a table is not there that has been written before.
var ErrNoTable = errors.New("it is not there, though it has been written before")

// A Table is a stream's table in a SQLite file. Its methods may be called from
// many goroutines, which take turns. Table and file are made when they are not
// there; a table that is there is checked against the stream and not changed.
type Table struct {
	o       Options
	log     *slog.Logger
	db      *sql.DB
	name    string // of the table
	into    string // where rows go: the table, or what replaces it at the end
	columns []column
	key     []int // the primary key's places in columns
	time    int   // the time's place in columns, -1 for none
	extra   int   // the place in columns of what the schema does not name, -1 for none
	counted bool  // SQLite tells how many rows were written, as it does not of a view
	loader  string

	writing sync.Mutex // guards all below: a file has one writer
	conn    *sql.Conn  // with the statements; nil when the last one failed
	many    *insert    // statementRows rows at once
	one     *insert
}

// Open opens the file, and makes or checks the table and the ledger. The caller
// closes the Table.
func Open(ctx context.Context, file string, o Options) (*Table, error) {
	if file == "" {
		return nil, errors.New("sqlite: no file is named; write sqlite:FILE")
	}
	t := &Table{o: o, log: o.Log, name: o.Stream.Table.Name, loader: rand.Text()}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.into = t.name
	t.plan()
	switch {
	case strings.Contains(t.name, "."):
		return nil, fmt.Errorf("sqlite: table %s names a schema, which a SQLite file does not have; name it without", t.name)
	case o.Mode == penstock.Upsert && len(t.key) == 0:
		return nil, fmt.Errorf("sqlite: mode upsert needs a primary key, and stream %s declares neither table.primary_key nor id", o.Stream.Name)
	case o.Mode == penstock.Replace && o.Job == "":
		return nil, errors.New("sqlite: mode replace needs the job's name, to replace the table once")
	}
	if err := t.checkNames(); err != nil {
		return nil, err
	}
	var err error
	if t.db, err = openFile(file); err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", file, err)
	}
	if err := t.prepare(ctx); err != nil {
		t.db.Close()
		return nil, fmt.Errorf("sqlite: %s: table %s: %w", file, t.name, err)
	}
	return t, nil
}

// busyTimeout is how long whoever is at the file is waited for.
const busyTimeout = 10 * time.Second

// openFile opens the file for writing. A commit is on the disk before it is
// answered.
func openFile(file string) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "synchronous(full)", "foreign_keys(on)",
		"wal_autocheckpoint(8000)", "cache_size(-32768)"}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: pragmas.Encode()}
	return sql.Open("sqlite", name.String())
}

// logAhead gives the file a write-ahead log, for good, so that readers are never
// held up by the writer. Of those who do so at once to a new file SQLite lets
// one wait for another only in part (its busy handler is not asked while a lock
// is raised), so the rest of the waiting is done here.
func (t *Table) logAhead(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := t.db.ExecContext(ctx, "PRAGMA journal_mode = wal")
		if err == nil || !busy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// Close closes the file.
func (t *Table) Close() error {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.drop()
	return t.db.Close()
}

// prepare makes what is missing.
func (t *Table) prepare(ctx context.Context) error {
	if err := t.logAhead(ctx); err != nil {
		return err
	}
	err := t.transact(ctx, func(conn *sql.Conn) error {
		for _, statement := range ledger {
			if _, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+statement); err != nil {
				return fmt.Errorf("make the ledger beside it: %w", err)
			}
		}
		there, err := t.exists(ctx, conn, t.name)
		switch {
		case err != nil || there:
		case t.o.Known:
			err = ErrNoTable
		default:
			err = t.create(ctx, conn)
		}
		if err == nil {
			_, err = conn.ExecContext(ctx, "INSERT INTO penstock_tables (table_name, id) VALUES (?, ?) ON CONFLICT DO NOTHING", t.name, rand.Text())
		}
		if err == nil && t.o.Mode == penstock.Replace {
			err = t.createShadow(ctx, conn)
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.readCatalogue(ctx)
}

// create makes the table from the stream's fields. Where rows are only appended,
// its indexes wait for Finish: building them once is cheaper than keeping them.
func (t *Table) create(ctx context.Context, conn *sql.Conn) error {
	if err := t.forgetTable(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, t.definition(t.name)); err != nil {
		return fmt.Errorf("create it: %w", err)
	}
	t.log.Info("created table", "table", t.name)
	for i, statement := range t.pageIndexes() {
		var err error
		if t.o.Mode == penstock.Upsert {
			_, err = conn.ExecContext(ctx, statement)
		} else {
			_, err = conn.ExecContext(ctx, "INSERT INTO penstock_deferred (table_name, place, statement) VALUES (?, ?, ?)", t.name, i, statement)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// transact runs f in a transaction on a connection of its own.
func (t *Table) transact(ctx context.Context, f func(*sql.Conn) error) error {
	conn, err := t.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// IMMEDIATE: a transaction that first reads and then writes would fail
	// instead of waiting when another one wrote in between.
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = f(conn)
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // fails when there is none any more
	}
	return err
}

func (t *Table) exists(ctx context.Context, conn *sql.Conn, name string) (there bool, err error) {
	err = conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?))", name).Scan(&there)
	return there, err
}

// definition is the statement that makes a table from the stream's fields.
func (t *Table) definition(name string) string {
	var lines []string
	for i, c := range t.columns {
		line := quote(c.name) + " " + c.declared
		switch {
		case len(t.key) == 1 && t.key[0] == i:
			line += " PRIMARY KEY NOT NULL" // of an INTEGER, this is the row's own number
		case slices.Contains(t.key, i):
			line += " NOT NULL"
		}
		if c.note != "" {
			line += " /* " + c.note + " */"
		}
		lines = append(lines, line)
	}
	if len(t.key) > 1 {
		lines = append(lines, "PRIMARY KEY ("+t.names(t.key)+")")
	}
	return "CREATE TABLE " + quote(name) + " (\n  " + strings.Join(lines, ",\n  ") + "\n)"
}

// names are the quoted names of the columns at these places, with commas.
func (t *Table) names(places []int) string {
	var list []string
	for _, i := range places {
		list = append(list, quote(t.columns[i].name))
	}
	return strings.Join(list, ", ")
}

// all are the places of all columns.
func (t *Table) all() []int {
	all := make([]int, len(t.columns))
	for i := range all {
		all[i] = i
	}
	return all
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

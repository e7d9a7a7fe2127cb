// Package postgres puts a stream's events into a PostgreSQL table, each exactly
// once: rows and the record of what has been loaded are one transaction.
//
//	table, err := postgres.Open(ctx, "postgres://…", postgres.Options{Stream: s})
//	sink := table.Chunk(penstock.Chunk{Job: job, Source: file, Start: 0})  // a part of a file
//	sink := table.Later(chunk)                                             // the same, durable once Secure has said so
//	sink := table.Follow("penstock-sink")                                  // the events of a topic, in order
//	err = penstock.Bisect{To: penstock.DeadLetters{To: sink}}.Write(ctx, batch)  // rejects kept beside the table
//	finished, err := table.Finish(ctx)                                     // after the last chunk: primary key, indexes
//
// Rows travel by binary COPY, encoded here while the server works. Beside the
// table, in its schema, stand penstock_chunks, penstock_sources,
// penstock_offsets, penstock_rejects and penstock_deferred: the ledger.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// Options say what is loaded and how. Only Stream is required.
type Options struct {
	Stream *stream.Stream

	// Mode is what becomes of rows whose key is there; the zero Mode refuses
	// the newcomer. Upsert needs the table's primary key.
	Mode penstock.TableMode

	// Job names the load, which all its loaders share. It is required by mode
	// Replace: a job replaces the table once, however often it is finished.
	Job string

	// Connections is how many transactions run at once; 0 means 2. More than
	// the server has processors makes it slower.
	Connections int

	// Log is told what is made and mended; nil is no log.
	Log *slog.Logger
}

// A Table is a stream's table in a PostgreSQL database. Its methods may be
// called from many goroutines. The table is made from the stream's fields when
// it is not there; one that is there is checked against them and not changed.
type Table struct {
	o        Options
	log      *slog.Logger
	pool     *pgxpool.Pool
	name     pgx.Identifier // of the table
	into     pgx.Identifier // where rows go: the table, or what replaces it at the end
	ledger   ledgerNames
	columns  []column
	key      []int // the primary key's places in columns
	time     int   // the time's place in columns, -1 for none
	extra    int   // the place in columns of what the schema does not name, -1 for none
	staged   bool  // rows go through a temporary table
	loader   string
	copySQL  string
	mergeSQL string // from the temporary table on

	claiming sync.Mutex // guards claims
	claims   *pgx.Conn  // its session holds a lock for each chunk in work; nil when there is none yet
}

// Open connects to the database, and makes or checks the table and the ledger.
// The caller closes the Table.
func Open(ctx context.Context, dsn string, o Options) (*Table, error) {
	if o.Connections < 0 || o.Connections > 1000 {
		return nil, fmt.Errorf("postgres: %d connections cannot be had; give 1 to 1000, or 0 for 2", o.Connections)
	}
	if o.Connections == 0 {
		o.Connections = 2
	}
	t := &Table{o: o, log: o.Log, loader: rand.Text()}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.name = identifier(o.Stream.Table.Name)
	t.into = t.name
	t.ledger = newLedgerNames(t.name)
	t.plan()
	if o.Mode == penstock.Upsert && len(t.key) == 0 {
		return nil, fmt.Errorf("postgres: mode upsert needs a primary key, and stream %s declares neither table.primary_key nor id", o.Stream.Name)
	}
	if o.Mode == penstock.Replace && o.Job == "" {
		return nil, errors.New("postgres: mode replace needs the job's name, to replace the table once")
	}
	if err := t.connect(ctx, dsn); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := t.prepare(ctx); err != nil {
		t.pool.Close()
		return nil, fmt.Errorf("postgres: table %s: %w", o.Stream.Table.Name, err)
	}
	return t, nil
}

func identifier(name string) pgx.Identifier { return strings.Split(name, ".") }

func (t *Table) connect(ctx context.Context, dsn string) error {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return errors.New("the connection string is not one; write postgres://USER@HOST:PORT/DATABASE") // it may hold a password
	}
	config.MaxConns = int32(t.o.Connections)
	config.MaxConnIdleTime = time.Minute
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "penstock"
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := waitForDisk(ctx, conn); err != nil {
			return err
		}
		return t.makeStage(ctx, conn)
	}
	t.pool, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	if err := t.pool.Ping(ctx); err != nil {
		t.pool.Close()
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// Close ends all connections, and with them the claims.
func (t *Table) Close() error {
	t.pool.Close()
	t.claiming.Lock()
	defer t.claiming.Unlock()
	if t.claims == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.claims.Close(ctx)
}

// prepareLock is the advisory lock under which tables are made and finished,
// so that two loaders that begin at once do not trip over each other.
const prepareLock = 0x70656e73746f636b // "penstock"

// prepare makes what is missing, under a lock, and plans the statements.
func (t *Table) prepare(ctx context.Context) error {
	err := t.locked(ctx, func(tx pgx.Tx) error {
		if err := t.makeLedger(ctx, tx); err != nil {
			return err
		}
		there, err := t.exists(ctx, tx, t.name)
		if err != nil {
			return err
		}
		if there {
			err = t.checkUnfinished(ctx, tx)
		} else {
			err = t.create(ctx, tx)
		}
		if err == nil && t.o.Mode == penstock.Replace {
			err = t.createShadow(ctx, tx)
		}
		return err
	})
	if err != nil {
		return t.withRemedy(ctx, err)
	}
	if err := t.readCatalogue(ctx); err != nil {
		return err
	}
	if err := t.checkRights(ctx); err != nil {
		return err
	}
	t.compose()
	t.pool.Reset() // connections made before the plan have no temporary table
	return nil
}

// locked runs f in a transaction under the prepare lock.
func (t *Table) locked(ctx context.Context, f func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(prepareLock)); err != nil {
			return err
		}
		return f(tx)
	})
}

func (t *Table) exists(ctx context.Context, tx pgx.Tx, name pgx.Identifier) (there bool, err error) {
	err = tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", name.Sanitize()).Scan(&there)
	return there, err
}

// create makes the table from the stream's fields. Where rows are only
// appended, primary key and indexes wait for Finish: building them once is
// cheaper than keeping them.
func (t *Table) create(ctx context.Context, tx pgx.Tx) error {
	if err := t.forgetTable(ctx, tx); err != nil {
		return err
	}
	var lines []string
	for i, c := range t.columns {
		line := quote(c.name) + " " + c.natural
		if slices.Contains(t.key, i) {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	if _, err := tx.Exec(ctx, "CREATE TABLE "+t.name.Sanitize()+" ("+strings.Join(lines, ", ")+")"); err != nil {
		return fmt.Errorf("create it: %w", err)
	}
	t.log.Info("created table", "table", t.o.Stream.Table.Name)
	for i, statement := range t.indexes() {
		if t.o.Mode == penstock.Upsert {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
			continue
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+t.ledger.deferred+" (table_name, job, place, statement) VALUES ($1, $2, $3, $4)",
			t.o.Stream.Table.Name, t.o.Job, i, statement); err != nil {
			return err
		}
	}
	return nil
}

// indexes are the statements that make the table's primary key and indexes.
func (t *Table) indexes() []string {
	if len(t.key) == 0 {
		return nil
	}
	primary := "ALTER TABLE " + t.name.Sanitize() + " ADD PRIMARY KEY (" + t.names(t.key) + ")"
	return append([]string{primary}, pageIndexes(t.o.Stream)...)
}

// names are the quoted names of the columns at these places, with commas.
func (t *Table) names(places []int) string {
	var list []string
	for _, i := range places {
		list = append(list, quote(t.columns[i].name))
	}
	return strings.Join(list, ", ")
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

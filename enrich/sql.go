package enrich

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// OpenSQL opens the database of a DSN: postgres://… or postgresql://… or
// sqlite:FILE. Nothing is asked of it yet. A SQLite file is opened for reading
// only, and not made if it is not there.
func OpenSQL(dsn string) (*sql.DB, error) {
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "postgres", "postgresql":
		return sql.Open("pgx", dsn)
	case "sqlite":
		if rest == "" {
			return nil, errors.New("dsn names no file; write sqlite:FILE")
		}
		name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: rest}).EscapedPath(), RawQuery: "mode=ro&_pragma=busy_timeout(1000)"}
		return sql.Open("sqlite", name.String())
	}
	// The DSN itself may hold a password.
	return nil, errors.New("dsn names neither postgres://… nor sqlite:FILE")
}

// beside makes the file of a sqlite DSN, if it is relative, one in the folder
// of the stream file, as a look-up's other files are.
func beside(streamFile, dsn string) string {
	name, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok || name == "" || filepath.IsAbs(name) {
		return dsn
	}
	return "sqlite:" + filepath.Join(filepath.Dir(streamFile), name)
}

// A query asks a database with one bound parameter.
type query struct {
	db      *sql.DB
	text    string
	timeout time.Duration
	add     []stream.Added
	fields  []stream.Field
}

func openQuery(streamFile string, declared stream.Lookup, fields []stream.Field, o Options) (*query, error) {
	dsn, err := newTemplate(declared.SQL.DSN, o.Secrets)
	if err != nil {
		return nil, fmt.Errorf("dsn: %w", err)
	}
	var db *sql.DB
	if dsn.secret() {
		db = sql.OpenDB(secretConnector{dsn})
	} else if db, err = OpenSQL(beside(streamFile, dsn.text)); err != nil {
		return nil, fmt.Errorf("open its database: %w", err)
	}
	db.SetMaxOpenConns(concurrencyMax)
	db.SetMaxIdleConns(concurrencyMax / 4)
	db.SetConnMaxIdleTime(time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute) // so that a moved database is found in the end
	return &query{
		db: db, text: declared.SQL.Query, timeout: declared.Timeout,
		add: declared.Add, fields: fields,
	}, nil
}

func (q *query) patience() time.Duration { return q.timeout }

func (q *query) ask(ctx context.Context, v penstock.Value) ([]penstock.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	row, err := q.run(ctx, v)
	if err != nil && q.db.PingContext(ctx) == nil { // the database is well, the question is not
		err = valueError{err}
	}
	return row, err
}

func (q *query) run(ctx context.Context, v penstock.Value) ([]penstock.Value, error) {
	rows, err := q.db.QueryContext(ctx, q.text, parameter(v))
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	row, err := q.read(rows)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return row, nil
}

// parameter is v as database drivers take it.
func parameter(v penstock.Value) any {
	switch v.Kind {
	case penstock.Int:
		return v.Num
	case penstock.Bool:
		return v.Num == 1
	case penstock.Time:
		return v.AsTime()
	}
	return v.String()
}

// read reads the one row of an answer; nil when there is none.
func (q *query) read(rows *sql.Rows) ([]penstock.Value, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	places, err := q.places(columns)
	if err != nil {
		return nil, err
	}
	if !rows.Next() {
		return nil, rows.Err()
	}
	cells := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := make([]penstock.Value, len(q.add))
	bytes := 0
	for i, place := range places {
		if row[i], err = fromSQL(q.fields[i], cells[place]); err != nil {
			return nil, err
		}
		bytes += len(row[i].Bytes)
	}
	if bytes > answerBytesMax {
		return nil, fmt.Errorf("its answer has %d bytes, the limit is %d", bytes, answerBytesMax)
	}
	if rows.Next() {
		return nil, errors.New("more than one row for one value; match a unique column or add limit 1")
	}
	return row, rows.Err()
}

// places are where in the query's columns the added ones stand.
func (q *query) places(columns []string) ([]int, error) {
	var places []int
	for _, a := range q.add {
		i := slices.Index(columns, a.From)
		if i < 0 {
			return nil, fmt.Errorf("gives no column %q but %s; name it so in the query with as", a.From, strings.Join(columns, ", "))
		}
		places = append(places, i)
	}
	return places, nil
}

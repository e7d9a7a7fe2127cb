package enrich

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/penstock-io/penstock/stream"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// checkTimeout bounds how long a start waits for a database.
const checkTimeout = 5 * time.Second

// A queryError is the database's word that it will never answer the query.
type queryError struct{ error }

func (e queryError) Unwrap() error { return e.error }

// checkQueries has every database compile its query, all at a time. A query that
// cannot work is an error; a database that cannot be reached is only told, for
// it may be there when the first event asks.
func (x *Enricher) checkQueries(ctx context.Context, s *stream.Stream, log *slog.Logger) error {
	wrong := make([]error, len(x.lookups))
	var all sync.WaitGroup
	for i, l := range x.lookups {
		r, _ := l.source.(*remote)
		if r == nil {
			continue
		}
		q, is := r.asker.(*query)
		if !is {
			continue
		}
		all.Go(func() {
			err := q.check(ctx, s.Fields[l.declared.Match])
			if errors.As(err, &queryError{}) {
				wrong[i] = mistake(s, l.declared, err)
			} else if err != nil && ctx.Err() == nil {
				log.Warn("look-up database cannot be reached; its query is unchecked until an event asks, which is tried again as on_error says",
					"stream", s.Name, "lookup", l.declared.Name, "err", err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("open the look-ups of stream %s: %w", s.Name, context.Cause(ctx))
	}
	return errors.Join(wrong...)
}

// check has the database compile the query.
func (q *query) check(ctx context.Context, match stream.Field) error {
	ctx, cancel := context.WithTimeout(ctx, min(q.timeout, checkTimeout))
	defer cancel()
	conn, err := q.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var columns []string
	err = conn.Raw(func(driver any) error {
		if c, is := driver.(*stdlib.Conn); is {
			columns, err = compileInPostgres(ctx, c.Conn(), q.text, match)
		}
		return err
	})
	if columns == nil && err == nil {
		columns, err = tryInSQLite(ctx, conn, q.text)
	}
	if err != nil {
		return err
	}
	if _, err := q.places(columns); err != nil {
		return queryError{fmt.Errorf("query: %w", err)}
	}
	return nil
}

// compileInPostgres returns the names of the query's columns, and checks that
// it compares $1 with what the matched field can be.
func compileInPostgres(ctx context.Context, c *pgx.Conn, text string, match stream.Field) ([]string, error) {
	compiled, err := c.Prepare(ctx, "", text)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && notThere(answer.Code) {
		return nil, queryError{fmt.Errorf("query: %w", err)}
	}
	if err != nil {
		return nil, err
	}
	if n := len(compiled.ParamOIDs); n != 1 {
		return nil, queryError{fmt.Errorf("query: it has %d parameters; write $1 once, outside of quotes", n)}
	}
	probe := map[stream.Type]any{stream.Int: int64(1), stream.Bool: true}[match.Type]
	if oid := compiled.ParamOIDs[0]; probe != nil {
		if _, err := c.TypeMap().Encode(oid, c.TypeMap().FormatCodeForOID(oid), probe, nil); err != nil {
			name := fmt.Sprint("the type of OID ", oid)
			if t, known := c.TypeMap().TypeForOID(oid); known {
				name = t.Name
			}
			return nil, queryError{fmt.Errorf("query: $1 is %s there, and %s is %s; cast one of them, as $1::%s", name, match.Name, match.Type, castFor[match.Type])}
		}
	}
	columns := []string{}
	for _, f := range compiled.Fields {
		columns = append(columns, f.Name)
	}
	return columns, nil
}

var castFor = map[stream.Type]string{stream.Int: "bigint", stream.Bool: "boolean"}

// notThere are the classes of SQLSTATE of a query that asks for what the
// database has not, or that it cannot read.
func notThere(code string) bool {
	class := code[:2]
	return class == "42" || class == "3F" || class == "22" || class == "0A"
}

// tryInSQLite returns the names of the query's columns. The driver compiles a
// query only when it runs it, which asks for null here, and the file is open for
// reading only.
func tryInSQLite(ctx context.Context, conn *sql.Conn, text string) ([]string, error) {
	rows, err := conn.QueryContext(ctx, text, nil)
	if err == nil {
		defer rows.Close()
		return rows.Columns()
	}
	var answer *sqlite.Error
	if ctx.Err() == nil && (!errors.As(err, &answer) || answer.Code() == sqlitelib.SQLITE_ERROR || answer.Code() == sqlitelib.SQLITE_READONLY) {
		err = queryError{fmt.Errorf("query: %w", err)}
	}
	return nil, err // else it is busy, say
}

package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// The settings that say for whom a transaction reads, which the policies of
// row-level security compare with. See RoleSQL.
const (
	userSetting   = "penstock.user"
	tenantSetting = "penstock.tenant"
)

// ReaderOptions bound what reading may cost the server.
type ReaderOptions struct {
	Connections int           // at most, up to 1000; 0 means 8
	Timeout     time.Duration // of a page, waiting for a connection included; 0 means 400 ms
}

// A Reader reads pages of streams' tables for package reads. Each page is one
// read-only transaction sent in one piece: who asks is set for row-level
// security, the rows are selected, and the setting ends with the transaction, so
// a connection never carries one user into another's request.
type Reader struct {
	pool    *pgxpool.Pool
	timeout time.Duration
	texts   sync.Map // of statement, by shape
}

// OpenReader connects to the database, as the role that RoleSQL makes: it may
// select the columns that are shown and nothing else. The caller closes the
// Reader.
func OpenReader(dsn string, o ReaderOptions) (*Reader, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("postgres: the connection string is not one; write postgres://USER@HOST:PORT/DATABASE")
	}
	if o.Connections <= 0 {
		o.Connections = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 400 * time.Millisecond
	}
	config.MaxConns = int32(min(o.Connections, 1000))
	config.MaxConnIdleTime = time.Minute
	// The server gives up first, which spares the connection; the context is
	// for a server that does not answer.
	patience := strconv.FormatInt((o.Timeout * 3 / 4).Milliseconds(), 10)
	for name, value := range map[string]string{
		"timezone": "UTC", "application_name": "penstock-reads", "default_transaction_read_only": "on",
		"statement_timeout": patience, "lock_timeout": patience, "idle_in_transaction_session_timeout": "5000",
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return &Reader{pool: pool, timeout: o.Timeout}, nil
}

// Unverified is the host of a database whose name is not held against its
// certificate, because the connection string does not ask for it with
// sslmode=verify-full: anybody on the way could answer for it. "" is none, as on
// this machine.
func Unverified(dsn string) (host string) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "" // which opening it says
	}
	unverified := func(host string, t *tls.Config) bool {
		ip := net.ParseIP(host)
		near := strings.HasPrefix(host, "/") || host == "localhost" || ip.IsLoopback()
		return !near && (t == nil || t.InsecureSkipVerify)
	}
	if unverified(config.Host, config.TLSConfig) {
		return config.Host
	}
	for _, f := range config.Fallbacks {
		if unverified(f.Host, f.TLSConfig) {
			return f.Host
		}
	}
	return ""
}

// Close ends the connections.
func (r *Reader) Close() error {
	r.pool.Close()
	return nil
}

// Rows returns the stream.Rows of one stream's table.
func (r *Reader) Rows(s *stream.Stream) stream.Rows {
	return func(ctx context.Context, read *stream.Read, p stream.Page) ([][]penstock.Value, error) {
		ctx, cancel := context.WithTimeout(ctx, r.timeout)
		defer cancel()
		rows, err := r.page(ctx, s, read, p)
		if ctx.Err() == nil && hungUp(err) {
			// A server that was away leaves its dead connections in the pool,
			// and reading twice does no harm.
			r.pool.Reset()
			rows, err = r.page(ctx, s, read, p)
		}
		if err != nil {
			return nil, fmt.Errorf("postgres: read a page of %s: %w", s.Table.Name, err)
		}
		return rows, nil
	}
}

// hungUp reports whether the server has ended a connection that it had taken.
func hungUp(err error) bool {
	var refused *pgconn.ConnectError
	return err != nil && Away(err) && !errors.As(err, &refused)
}

func (r *Reader) page(ctx context.Context, s *stream.Stream, read *stream.Read, p stream.Page) (rows [][]penstock.Value, err error) {
	batch := &pgx.Batch{}
	batch.Queue("BEGIN READ ONLY")
	batch.Queue("SELECT set_config($1, $2, true), set_config($3, $4, true)", userSetting, p.User.String(), tenantSetting, p.Tenant.String())
	batch.Queue(r.statement(s, read, p), arguments(p)...).Query(func(found pgx.Rows) (err error) {
		rows, err = collect(s, read, found)
		return err
	})
	batch.Queue("COMMIT")
	err = r.pool.SendBatch(ctx, batch).Close()
	return rows, err
}

// statement is the text for a page of this shape: which of the optional
// conditions it has. All names are of the stream file and quoted; of a request
// there are only parameters in it.
func (r *Reader) statement(s *stream.Stream, read *stream.Read, p stream.Page) string {
	key := shape{read, p.Tenant.Missing(), p.Filter.Missing(), p.FilterSlot, p.From.Missing(), p.To.Missing(), p.After == nil}
	if text, ok := r.texts.Load(key); ok {
		return text.(string)
	}
	text := pageSQL(s, read, p)
	r.texts.Store(key, text)
	return text
}

type shape struct {
	read                *stream.Read
	noTenant, noFilter  bool
	filter              int
	noFrom, noTo, first bool
}

// pageSQL numbers its parameters as arguments lists them.
func pageSQL(s *stream.Stream, read *stream.Read, p stream.Page) string {
	name := func(slot int) string { return quote(s.Fields[slot].Name) }
	n := 0
	bind := func(slot int) string {
		n++
		natural, _ := naturalType(s.Fields[slot])
		return "$" + strconv.Itoa(n) + "::" + natural
	}
	where := []string{name(read.By) + " = " + bind(read.By)}
	if !p.Tenant.Missing() {
		where = append(where, name(read.Tenant)+" = "+bind(read.Tenant))
	}
	if !p.Filter.Missing() {
		where = append(where, name(p.FilterSlot)+" = "+bind(p.FilterSlot))
	}
	if !p.From.Missing() {
		where = append(where, name(read.Newest)+" >= "+bind(read.Newest))
	}
	if !p.To.Missing() {
		where = append(where, name(read.Newest)+" < "+bind(read.Newest))
	}
	order := append([]int{read.Newest}, s.Table.PrimaryKey...)
	var names, sorted, after []string
	for _, slot := range order {
		names = append(names, name(slot))
		sorted = append(sorted, name(slot)+" DESC")
	}
	if p.After != nil {
		for _, slot := range order {
			after = append(after, bind(slot))
		}
		// One comparison of rows: two of columns would lose ties.
		where = append(where, "("+strings.Join(names, ", ")+") < ("+strings.Join(after, ", ")+")")
	}
	var shown []string
	for _, slot := range append(append([]int{}, read.Columns...), order...) {
		column := name(slot)
		if s.Fields[slot].Type == stream.JSON {
			column += "::text" // as it stands there, not taken apart
		}
		shown = append(shown, column)
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM " + identifier(s.Table.Name).Sanitize() +
		" WHERE " + strings.Join(where, " AND ") + " ORDER BY " + strings.Join(sorted, ", ") + " LIMIT $" + strconv.Itoa(n+1)
}

func arguments(p stream.Page) []any {
	args := []any{parameter(p.User)}
	for _, v := range []penstock.Value{p.Tenant, p.Filter, p.From, p.To} {
		if !v.Missing() {
			args = append(args, parameter(v))
		}
	}
	for _, v := range p.After {
		args = append(args, parameter(v))
	}
	return append(args, p.Limit)
}

func parameter(v penstock.Value) any {
	switch v.Kind {
	case penstock.Int:
		return v.Num
	case penstock.Time:
		return v.AsTime()
	}
	return v.String()
}

// collect reads the rows in the types of their fields.
func collect(s *stream.Stream, read *stream.Read, found pgx.Rows) ([][]penstock.Value, error) {
	slots := append(append(append([]int{}, read.Columns...), read.Newest), s.Table.PrimaryKey...)
	var rows [][]penstock.Value
	for found.Next() {
		cells, err := found.Values()
		if err != nil {
			return nil, err
		}
		row := make([]penstock.Value, len(cells))
		for i, cell := range cells {
			if row[i], err = fromCell(s.Fields[slots[i]], cell); err != nil {
				return nil, fmt.Errorf("column %s: %w", s.Fields[slots[i]].Name, err)
			}
		}
		rows = append(rows, row)
	}
	return rows, found.Err()
}

func fromCell(f stream.Field, cell any) (penstock.Value, error) {
	switch x := cell.(type) {
	case nil:
		return penstock.Value{Kind: penstock.Null}, nil
	case bool:
		return penstock.BoolValue(x), nil
	case int64:
		return penstock.IntValue(x), nil
	case int32:
		return penstock.IntValue(int64(x)), nil
	case int16:
		return penstock.IntValue(int64(x)), nil
	case string:
		v := penstock.TextValue(x)
		if f.Type == stream.JSON {
			v.Kind = penstock.JSON
		}
		return v, nil
	case time.Time:
		return stream.ShownTime(x)
	case pgtype.InfinityModifier:
		return penstock.Value{}, fmt.Errorf("%w: its time is infinite; give it a time", stream.ErrRow)
	case pgtype.Numeric:
		if x.NaN || x.InfinityModifier != pgtype.Finite {
			return penstock.Value{}, fmt.Errorf("%w: its number is NaN or infinite; give it a number", stream.ErrRow)
		}
		if x.Int.Sign() == 0 {
			x.Exp = -int32(f.Scale) // the driver forgets how a zero was written
		}
		text, err := x.MarshalJSON()
		return penstock.Value{Kind: penstock.Number, Bytes: text}, err
	}
	return penstock.Value{}, fmt.Errorf("%w: a %T cannot be shown as %s; leave it out of columns", stream.ErrRow, cell, f.Type)
}

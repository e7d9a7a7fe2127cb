package reads_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/auth"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/postgres"
	"github.com/penstock-io/penstock/reads"
	"github.com/penstock-io/penstock/sqlite"
	"github.com/penstock-io/penstock/stream"
)

const rules = `
stream: orders
schema:
  type: object
  required: [order_id, user_id, created_at, amount, currency, status]
  additionalProperties: false
  properties:
    order_id:   {type: integer}
    user_id:    {type: integer, minimum: 1}
    created_at: {type: string, format: date-time}
    amount:     {type: [number, string], format: "decimal(12,2)"}
    currency:   {type: string}
    status:     {enum: [new, paid, shipped]}
    note:       {type: string}
id: order_id
time: created_at
reads:
  - path: /v1/users/{user_id}/orders
    by: user_id
    newest_first: created_at
    columns: [order_id, created_at, status, amount, currency]
    filter: status
`

// role is whom pages are read as; roles are of the whole server.
const role = "penstock_reads_test"

// A house is a door with reads behind it, over one database.
type house struct {
	t      testing.TB
	stream *stream.Stream
	table  interface {
		Follow(string) penstock.Sink
		Close() error
	}
	rows   stream.Rows
	dsn    string // of PostgreSQL as its owner; "" for SQLite
	door   *ingest.Handler
	server *httptest.Server
	log    *safeBuffer
	keys   map[string]string // secret by name
	next   uint64

	patience time.Duration // of whom it answers

	broken atomic.Bool // the rows cannot be read
	panics atomic.Bool // reading them panics
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

type settings struct {
	timeout     time.Duration // of a page; 0 is a minute, which a busy machine has
	rate        float64
	proxies     []netip.Prefix
	tokens      *auth.Tokens
	connections int
	rules       string
}

// locked is how long a page takes of a table that another session keeps.
const locked = 2 * time.Second

func (s settings) pageTimeout() time.Duration { return cmp.Or(s.timeout, time.Minute) }

// both runs a test over PostgreSQL and over SQLite.
func both(t *testing.T, s settings, test func(*testing.T, *house)) {
	t.Run("postgres", func(t *testing.T) { test(t, openPostgres(t, s)) })
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLite(t, s)) })
}

func loadStream(t testing.TB, text string) *stream.Stream {
	t.Helper()
	if text == "" {
		text = rules
	}
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := stream.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func openPostgres(t testing.TB, o settings) *house {
	t.Helper()
	h := &house{t: t, stream: loadStream(t, o.rules), dsn: realtest.Postgres(t)}
	table, err := postgres.Open(t.Context(), h.dsn, postgres.Options{Stream: h.stream, Mode: penstock.Upsert})
	if err != nil {
		t.Fatal(err)
	}
	h.table = table
	text, err := postgres.RoleSQL(h.stream, role)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be run again
		h.exec(text)
	}
	reader, err := postgres.OpenReader(h.asRole(), postgres.ReaderOptions{Connections: o.connections, Timeout: o.pageTimeout()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	h.rows = reader.Rows(h.stream)
	h.open(o)
	return h
}

func (h *house) asRole() string { return strings.Replace(h.dsn, "postgres@", role+"@", 1) }

func openSQLite(t testing.TB, o settings) *house {
	t.Helper()
	h := &house{t: t, stream: loadStream(t, o.rules)}
	file := filepath.Join(t.TempDir(), "orders.db")
	table, err := sqlite.Open(t.Context(), file, sqlite.Options{Stream: h.stream, Mode: penstock.Upsert})
	if err != nil {
		t.Fatal(err)
	}
	h.table = table
	reader, err := sqlite.OpenReader(file, sqlite.ReaderOptions{Timeout: o.pageTimeout()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	h.rows = reader.Rows(h.stream)
	h.open(o)
	return h
}

func (h *house) read(ctx context.Context, r *stream.Read, p stream.Page) ([][]penstock.Value, error) {
	if h.broken.Load() {
		return nil, errors.New("the database is down (SQLSTATE 08006)")
	}
	if h.panics.Load() {
		panic("something is nil")
	}
	return h.rows(ctx, r, p)
}

func (h *house) open(o settings) {
	t := h.t
	t.Cleanup(func() { h.table.Close() })
	h.log = &safeBuffer{}
	h.patience = 2 * time.Minute
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	h.door = ingest.New(ingest.Options{Log: log})
	h.keys = map[string]string{}
	file := "keys:\n"
	for name, right := range map[string]string{"seven": `user: "7"`, "eight": `user: "8"`, "desk": `users: "*"`, "shop": "streams: [orders]"} {
		secret, hash := ingest.NewKey()
		h.keys[name] = secret
		file += fmt.Sprintf("  - {name: %s, hash: %q, %s}\n", name, hash, right)
	}
	keys, err := ingest.ParseKeys([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.door.Replace(nil, keys); err != nil {
		t.Fatal(err)
	}
	cursorKeys, err := reads.NewCursorKeys(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	if o.rate == 0 {
		o.rate = 1e6
	}
	handler, err := reads.New(reads.Options{Auth: &auth.Authenticator{Keys: h.door.Holder, Tokens: o.tokens}, Keys: cursorKeys, Rate: o.rate, Proxies: o.proxies, Log: log, Audit: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { handler.Close() })
	if err := handler.Replace([]reads.Table{{Stream: h.stream, Rows: h.read}}); err != nil {
		t.Fatal(err)
	}
	h.door.Mount(handler)
	h.server = httptest.NewServer(h.door)
	t.Cleanup(h.server.Close)
}

// exec runs SQL in PostgreSQL as the owner.
func (h *house) exec(text string) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.dsn)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(h.t.Context(), text); err != nil {
		h.t.Fatal(err)
	}
}

// clear forgets all orders, and what was logged of them.
func (h *house) clear() {
	h.t.Helper()
	h.exec("TRUNCATE orders")
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	h.log.b.Reset()
}

// put writes orders into the table.
func (h *house) put(texts ...string) {
	h.t.Helper()
	d := h.stream.NewDecoder()
	b := &penstock.Batch{}
	for _, text := range texts {
		e := &penstock.Event{Origin: penstock.Origin{Door: "test", Position: h.next}}
		h.next++
		if _, err := d.Decode([]byte(text), e); err != nil {
			h.t.Fatal(err)
		}
		if err := h.stream.Check(h.t.Context(), e); err != nil {
			h.t.Fatal(err)
		}
		b.Events = append(b.Events, e)
	}
	if err := h.table.Follow("test").Write(h.t.Context(), b); err != nil {
		h.t.Fatal(err)
	}
}

// order is one of a user, the given minutes after nine.
func order(id, user, minute int, status string) string {
	at := time.Date(2026, 3, 1, 9, 0, 0, 123456789, time.UTC).Add(time.Duration(minute) * time.Minute)
	return fmt.Sprintf(`{"order_id":%d,"user_id":%d,"created_at":%q,"amount":%d.50,"currency":"EUR","status":%q,"note":"canary-note"}`,
		id, user, at.Format(time.RFC3339Nano), id, status)
}

type reply struct {
	status int
	header http.Header
	body   string
}

// get asks as the holder of a key; "" is nobody.
func (h *house) get(key, path string, headers ...string) reply {
	h.t.Helper()
	return h.do("GET", key, path, headers...)
}

func (h *house) do(method, key, path string, headers ...string) reply {
	h.t.Helper()
	r := h.send(method, h.server.URL, key, path, headers...)
	r.hygiene(h.t)
	return r
}

// hygiene is what must hold of every answer, good or bad.
func (r reply) hygiene(t testing.TB) {
	t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if r.header.Get(name) != want {
			t.Errorf("status %d: %s is %q, want %q", r.status, name, r.header.Get(name), want)
		}
	}
	kind := "application/json; charset=utf-8"
	if r.status >= 400 {
		kind = "application/problem+json; charset=utf-8"
	}
	if r.header.Get("Content-Type") != kind {
		t.Errorf("status %d: Content-Type is %q, want %q", r.status, r.header.Get("Content-Type"), kind)
	}
	for _, word := range insides {
		if strings.Contains(r.body, word) {
			t.Errorf("the answer tells of the inside (%q): %s", word, r.body)
		}
	}
}

func (r reply) want(t testing.TB, status int, part string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.body, part) {
		t.Errorf("status %d: %s\nwant %d with %s", r.status, r.body, status, part)
	}
}

// cancelled sends a request and hangs up somewhere in its midst.
func cancelled(req *http.Request, i int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%20)*100*time.Microsecond)
	defer cancel()
	res, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err == nil {
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

//go:build bench

// Package reads_test measures reading by HTTP on a PostgreSQL of two million
// rows: what row-level security costs when it travels in the page's own round
// trip, what a page costs at any depth beside OFFSET, and the whole answer. Run
// it with make bench-reads.
package reads_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/auth"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/postgres"
	"github.com/penstock-io/penstock/reads"
	"github.com/penstock-io/penstock/stream"
)

const (
	rows  = 2_000_000
	own   = rows / 2 // of user 7
	rare  = 20_000   // of so many rows one has another status, and is user 7's
	limit = 51
	role  = "penstock_reads_bench"
)

var start = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// fill loads the table: every second row is user 7's, the others are of 4,096.
func fill(t *testing.T, dsn string, s *stream.Stream) {
	table, err := postgres.Open(t.Context(), dsn, postgres.Options{Stream: s})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	const chunk = 50_000
	for from := 0; from < rows; from += chunk {
		b := &penstock.Batch{}
		for n := from; n < from+chunk; n++ {
			e := &penstock.Event{}
			s.Row(e)
			user := int64(7)
			if n%2 == 1 {
				user = 100 + int64(n)%4096
			}
			for _, c := range s.Columns() {
				switch c.Name {
				case "order_id":
					e.Values[c.Slot] = penstock.IntValue(int64(n) + 1)
				case "user_id":
					e.Values[c.Slot] = penstock.IntValue(user)
				case "created_at":
					e.Values[c.Slot] = penstock.TimeValue(start.Add(time.Duration(n/4) * time.Second))
				case "amount":
					e.Values[c.Slot] = penstock.DecimalValue(int64(n), 2)
				case "currency", "status", "note":
					e.Values[c.Slot] = penstock.TextValue(map[string]string{"currency": "EUR", "status": "new", "note": "please leave the parcel with my neighbour"}[c.Name])
				}
				if c.Name == "status" && n%rare == 0 {
					e.Values[c.Slot] = penstock.TextValue("refunded")
				}
			}
			b.Events = append(b.Events, e)
		}
		if err := table.Chunk(penstock.Chunk{Job: "bench", Source: "made", Start: int64(from)}).Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := table.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := postgres.RoleSQL(s, role)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, dsn, text)
	exec(t, dsn, "VACUUM ANALYZE orders")
}

func exec(t *testing.T, dsn, text string) {
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// medians runs the works in turns and returns the median time of each.
func medians(turns int, works ...func()) []time.Duration {
	took := make([][]time.Duration, len(works))
	for turn := range turns + turns/10 {
		for i, work := range works {
			begun := time.Now()
			work()
			if turn >= turns/10 { // the first tenth warms up
				took[i] = append(took[i], time.Since(begun))
			}
		}
	}
	all := make([]time.Duration, len(works))
	for i := range took {
		slices.Sort(took[i])
		all[i] = took[i][len(took[i])/2]
	}
	return all
}

func TestReads(t *testing.T) {
	all, err := stream.Load("../../examples/orders/orders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := all[0]
	dsn := realtest.Postgres(t)
	fill(t, dsn, s)
	reader, err := postgres.OpenReader(strings.Replace(dsn, "postgres@", role+"@", 1), postgres.ReaderOptions{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	page := reader.Rows(s)
	read := s.Reads[0]
	one := func(p stream.Page) func() {
		p.User, p.Limit = penstock.IntValue(7), limit
		return func() {
			if got, err := page(t.Context(), read, p); err != nil || len(got) != limit {
				t.Fatal(len(got), err)
			}
		}
	}
	at := func(depth int) stream.Page { // behind the depth-th newest of user 7's rows
		n := 2*(own-depth) + 1
		return stream.Page{After: []penstock.Value{penstock.TimeValue(start.Add(time.Duration(n/4) * time.Second)), penstock.IntValue(int64(n))}}
	}
	plain, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	bare := func(where string, args ...any) func() {
		query := "SELECT order_id, created_at, status, amount, currency, created_at, order_id FROM orders WHERE user_id = $1 " + where
		return func() {
			found, err := plain.Query(t.Context(), query, append([]any{int64(7)}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for found.Next() {
				if _, err := found.Values(); err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != limit {
				t.Fatal(n, found.Err())
			}
		}
	}
	order := fmt.Sprint("ORDER BY created_at DESC, order_id DESC LIMIT ", limit)
	filtered := stream.Page{FilterSlot: read.Filter[0], Filter: penstock.TextValue("refunded")}
	m := medians(2000, bare(order), one(stream.Page{}), one(at(10)), one(at(own-100)), one(filtered))
	fmt.Printf("page of %d of %d rows: plain query %v, with row-level security in one round trip %v (ratio %.2f)\n", limit, rows, m[0], m[1], m[1].Seconds()/m[0].Seconds())
	fmt.Printf("page behind 10 rows %v, behind %d rows %v (ratio %.2f)\n", m[2], own-100, m[3], m[3].Seconds()/m[2].Seconds())
	fmt.Printf("page of a filter that one of %d rows has %v (ratio to one without %.2f)\n", rare, m[4], m[4].Seconds()/m[1].Seconds())
	o := medians(10, bare(fmt.Sprint(order, " OFFSET ", own-100)), one(at(own-100)))
	fmt.Printf("the same page by OFFSET %v (%.0f times as long)\n", o[0], o[0].Seconds()/o[1].Seconds())
	serve(t, s, page)
}

// serve measures the whole answer, with keys, cursor, audit and all.
func serve(t *testing.T, s *stream.Stream, page stream.Rows) {
	discard := slog.New(slog.NewJSONHandler(io.Discard, nil))
	secret, hash := ingest.NewKey()
	keys, err := ingest.ParseKeys([]byte("keys:\n  - {name: seven, hash: \"" + hash + "\", user: \"7\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	door := ingest.New(ingest.Options{Log: discard})
	if err := door.Replace(nil, keys); err != nil {
		t.Fatal(err)
	}
	cursors, err := reads.NewCursorKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := reads.New(reads.Options{Auth: &auth.Authenticator{Keys: door.Holder}, Keys: cursors, Rate: 1e9, Audit: discard, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Replace([]reads.Table{{Stream: s, Rows: page}}); err != nil {
		t.Fatal(err)
	}
	door.Mount(h)
	server := httptest.NewServer(door)
	defer server.Close()
	get := func(client *http.Client) {
		req, err := http.NewRequest("GET", server.URL+"/v1/me/orders?limit=50", nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
			t.Error(res.StatusCode, err)
		}
	}
	m := medians(2000, func() { get(http.DefaultClient) })
	fmt.Printf("the whole answer by HTTP, one client: %v\n", m[0])
	for _, clients := range []int{4, 16} {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		var mu sync.Mutex
		var took []time.Duration
		var wg sync.WaitGroup
		begun := time.Now()
		for range clients {
			wg.Go(func() {
				for time.Since(begun) < 4*time.Second {
					at := time.Now()
					get(client)
					mu.Lock()
					took = append(took, time.Since(at))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(took)
		fmt.Printf("%d clients: %.0f pages/s, p50 %v, p99 %v\n", clients, float64(len(took))/time.Since(begun).Seconds(), took[len(took)/2], took[len(took)*99/100])
	}
}

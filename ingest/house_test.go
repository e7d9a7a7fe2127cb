package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/examples/orders"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/stream"
)

// errFull and errCut are what a shelf fails with.
var (
	errFull = errors.New("the shelf is full")
	errCut  = errors.New("the shelf was cut off")
)

func failure(err error) ingest.Failure {
	if errors.Is(err, errFull) {
		return ingest.Full
	}
	return ingest.Unknown
}

// A shelf is a journal in memory: a Sink with dedup and a Ledger. With a
// journal of files the tests are in journal_test.go; this one fails on demand.
type shelf struct {
	mu      sync.Mutex
	places  map[string]penstock.Place
	stored  []penstock.Event // copies
	letters []penstock.Event
	fail    error         // of every Write
	drained chan struct{} // closed once all is in Kafka
	refused string        // identity that Kafka refuses
}

func newShelf() *shelf {
	return &shelf{places: map[string]penstock.Place{}, drained: make(chan struct{})}
}

func (s *shelf) Write(ctx context.Context, b *penstock.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, e := range b.Pending().Events {
		if place, ok := s.places[string(e.ID)]; ok && !e.Letter {
			e.Drop(place)
			continue
		}
		copied := penstock.Event{
			ID: bytes.Clone(e.ID), Key: bytes.Clone(e.Key), Time: e.Time, Origin: e.Origin, Body: bytes.Clone(e.Body), Letter: e.Letter,
		}
		for _, h := range e.Headers {
			copied.Headers = append(copied.Headers, penstock.Header{Name: h.Name, Value: bytes.Clone(h.Value)})
		}
		place := penstock.Place{Seq: uint64(len(s.stored) + len(s.letters) + 1), Offset: -1}
		if e.Letter {
			s.letters = append(s.letters, copied)
		} else {
			s.stored = append(s.stored, copied)
			s.places[string(copied.ID)] = place
		}
		e.Deliver(place)
	}
	return nil
}

func (s *shelf) inKafka(id []byte, p penstock.Place) penstock.Place {
	topic := "orders"
	if string(id) == s.refused {
		topic = "orders.rejects"
	}
	return penstock.Place{Ack: penstock.AckKafka, Seq: p.Seq, Topic: topic, Partition: 2, Offset: int64(p.Seq) + 100}
}

func (s *shelf) Await(ctx context.Context, b *penstock.Batch) error {
	select {
	case <-s.drained:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, e := range b.Events {
		if v := e.Verdict(); v == penstock.Delivered || v == penstock.Dropped {
			e.Advance(s.inKafka(e.ID, e.Place()))
		}
	}
	return nil
}

func (s *shelf) Find(id []byte) (penstock.Place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.places[string(id)]
	select {
	case <-s.drained:
		p = s.inKafka(id, p)
	default:
	}
	return p, ok
}

func (s *shelf) RetryAfter() time.Duration { return 7 * time.Second }

func (s *shelf) counts() (stored, letters int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stored), len(s.letters)
}

func (s *shelf) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// house is a door on loopback with the orders stream and a shelf behind it.
type house struct {
	*testing.T
	shelf   *shelf
	handler *ingest.Handler
	url     string
	client  *http.Client
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// loadStream loads the orders stream, its file edited.
func loadStream(t testing.TB, edit func(file string) string) *stream.Stream {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"orders.yaml", "customers.csv"} {
		text, err := orders.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "orders.yaml" && edit != nil {
			text = []byte(edit(string(text)))
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	streams, err := stream.Load(filepath.Join(dir, "orders.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return streams[0]
}

// withoutID makes the stream leave the identity to the door.
func withoutID(file string) string {
	i := strings.Index(file, "\nid: order_id")
	end := i + 1 + strings.IndexByte(file[i+1:], '\n')
	file = file[:i] + file[end:]
	i, end = strings.Index(file, "\ntable:"), strings.Index(file, "\nack:") // a key, and what is read by it
	return file[:i] + file[end:]
}

func served(s *stream.Stream, shelf *shelf) ingest.Stream {
	return ingest.Stream{
		Stream: s, Steps: []penstock.Step{s.Check, s.Derive, s.Identify, s.Encode},
		Into: shelf, Letters: shelf, Ledger: shelf,
	}
}

type settings struct {
	options ingest.Options
	server  ingest.ServerOptions
	keys    *ingest.Keys
	edit    func(string) string
}

func open(t *testing.T, s settings) *house {
	t.Helper()
	h := build(t, s)
	h.url = serve(t, h.handler, s.server)
	h.client.Transport = &http.Transport{DisableCompression: true}
	t.Cleanup(h.client.CloseIdleConnections)
	return h
}

// openInside opens the door without a network, so that a bubble's clock goes on
// while a request waits.
func openInside(t *testing.T, s settings) *house {
	t.Helper()
	h := build(t, s)
	h.url = "http://inside"
	h.client.Transport = within{h.handler}
	return h
}

type within struct{ http.Handler }

func (in within) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in.ServeHTTP(w, r)
	return w.Result(), nil
}

func build(t *testing.T, s settings) *house {
	t.Helper()
	h := &house{T: t, shelf: newShelf(), client: &http.Client{}}
	if s.options.Failure == nil {
		s.options.Failure = failure
	}
	s.options.Log, s.server.Log = quiet, quiet
	h.handler = ingest.New(s.options)
	if err := h.handler.Replace([]ingest.Stream{served(loadStream(t, s.edit), h.shelf)}, s.keys); err != nil {
		t.Fatal(err)
	}
	return h
}

// serve serves until the test ends.
func serve(t *testing.T, handler http.Handler, o ingest.ServerOptions) string {
	t.Helper()
	server, err := ingest.Listen("127.0.0.1:0", handler, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return server.URL()
}

// An answer is one answer, read.
type answer struct {
	status int
	header http.Header
	text   string
	body   struct {
		Results []result
		Type    string
		Title   string
		Status  any // a number, or in the fate of an event a word
		Detail  string
		Code    string
		Errors  []struct {
			Pointer, Code, Detail string
			Offset                int64
		}
		RetryAfter int64 `json:"retry_after_ms"`
	}
}

type result struct {
	ID, Status, Ack, Topic string
	Partition              int32
	Offset                 *int64
	Error                  *struct{ Pointer, Code, Detail string }
}

// post sends a body with headers, given as name, value, name, value.
func (h *house) post(body string, headers ...string) answer {
	h.Helper()
	return h.do(http.MethodPost, "/v1/streams/orders/events", strings.NewReader(body), headers...)
}

func (h *house) do(method, path string, body io.Reader, headers ...string) answer {
	h.Helper()
	r, err := http.NewRequest(method, h.url+path, body)
	if err != nil {
		h.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		switch headers[i] {
		case "Query":
			r.URL.RawQuery = headers[i+1]
		case "Host":
			r.Host = headers[i+1]
		default:
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := h.client.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	return h.read(response)
}

func (h *house) read(response *http.Response) answer {
	h.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if len(text) > 0 && strings.Contains(response.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &a.body); err != nil {
			h.Fatalf("the answer is not JSON: %v\n%s", err, text)
		}
	}
	return a
}

// want checks the answer's status and its events' statuses, as "ok invalid".
func (a answer) want(t testing.TB, status int, statuses string) {
	t.Helper()
	var got []string
	for _, r := range a.body.Results {
		got = append(got, r.Status)
	}
	if a.status != status || strings.Join(got, " ") != statuses {
		t.Fatalf("got %d %q, want %d %q\n%s", a.status, strings.Join(got, " "), status, statuses, a.text)
	}
}

// refused checks that the answer is a problem with this status and code.
func (a answer) refused(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || a.body.Code != code || a.body.Status != float64(status) || a.body.Type != "/problems/"+code ||
		a.header.Get("Content-Type") != "application/problem+json" || a.body.Title == "" || a.body.Detail == "" {
		t.Fatalf("got %d %s %q, want the problem %d %s\n%s", a.status, a.header.Get("Content-Type"), a.body.Code, status, code, a.text)
	}
}

func order(id string) string {
	return `{"order_id":` + id + `,"user_id":7,"created_at":"2026-11-23T09:00:00Z","amount":12.5,"currency":"EUR","status":"new"}`
}

const badOrder = `{"order_id":9,"user_id":7,"created_at":"2026-11-23T09:00:00Z","amount":-3,"currency":"EUR","status":"new"}`

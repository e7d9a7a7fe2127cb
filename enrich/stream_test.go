package enrich_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/stream"
)

// The example stream's look-up, from the file to the record.
func TestOrdersExample(t *testing.T) {
	s := load(t, "../examples/orders/orders.yaml")
	x, err := enrich.New(t.Context(), s, enrich.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	const order = `"created_at":"2026-01-02T03:04:05Z","amount":"1.50","currency":"EUR","status":"new"}`
	wantBody(t, s, x, `{"order_id":7,"user_id":1,`+order, `"country":"SE","tier":"gold"}`)
	wantBody(t, s, x, `{"order_id":8,"user_id":987654321,`+order, `"country":"unknown","tier":"unknown"}`)
}

// What is wrong with a look-up's source is told with the line that names it.
func TestMistakesHaveALine(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "s.yaml")
	rewrite(t, filepath.Join(folder, "c.csv"), "user,country\n1,SE\n")
	for source, want := range map[string]string{
		"file: gone.csv": "gone.csv",
		"file: c.csv":    `no column "user_id"`,
		`sql: {dsn: "${PENSTOCK_NOT_SET}", query: select country from c where id = $1}`: "PENSTOCK_NOT_SET",
		`http: {url: "${PENSTOCK_NOT_SET}/{}"}`:                                         "PENSTOCK_NOT_SET",
	} {
		rewrite(t, file, "stream: visits\nschema: {properties: {user_id: {type: integer}}}\nenrich:\n  customer:\n    match: user_id\n    add: [country]\n    "+source+"\n")
		x, err := enrich.New(t.Context(), load(t, file), enrich.Options{})
		if err == nil {
			x.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), file+":7: look-up customer: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s:7: … %s", source, err, file, want)
		}
	}
}

// A stream with a look-up of each kind that can be declared without a server.
func TestDeclaredLookups(t *testing.T) {
	folder := t.TempDir()
	if err := os.Rename(sqliteFile(t), filepath.Join(folder, "c.db")); err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(folder, "land.json"), `[{"code":"SE","name":"Sweden","eu":true,"people":10500000}]`)
	rewrite(t, filepath.Join(folder, "s.yaml"), `
stream: visits
schema:
  type: object
  required: [user_id]
  properties:
    user_id: {type: integer}
enrich:
  customer:
    sql: {dsn: "sqlite:c.db", query: "select country, credit from customers where user_id = $1"}
    match: user_id
    add: [country, credit]
    missing: reject
  land:
    file: land.json
    match: country
    column: code
    add: {land: name, eu: eu, people: people}
`)
	s := load(t, filepath.Join(folder, "s.yaml"))
	x, err := enrich.New(t.Context(), s, enrich.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	wantBody(t, s, x, `{"user_id":1}`, `{"user_id":1,"country":"SE","credit":12.5,"land":"Sweden","eu":true,"people":10500000}`)
	wantBody(t, s, x, `{"user_id":2}`, `{"user_id":2,"country":null,"credit":null}`)
}

func load(t *testing.T, path string) *stream.Stream {
	t.Helper()
	streams, err := stream.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return streams[0]
}

// wantBody takes an event through the stream's steps; its record must end in
// the wanted text.
func wantBody(t *testing.T, s *stream.Stream, x *enrich.Enricher, raw, end string) {
	t.Helper()
	var e penstock.Event
	if _, err := s.NewDecoder().Decode([]byte(raw), &e); err != nil {
		t.Fatal(err)
	}
	for _, step := range []penstock.Step{s.Check, s.Derive, x.Step, s.Identify, s.Encode} {
		if err := step(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
	}
	if body := string(e.Body); len(body) < len(end) || body[len(body)-len(end):] != end {
		t.Errorf("%s became %s, want it to end in %s", raw, body, end)
	}
}

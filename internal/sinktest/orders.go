package sinktest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// Orders is the stream file that the tests of tables load: a field of each type.
const Orders = `
stream: orders
schema:
  type: object
  required: [order_id]
  additionalProperties: false
  properties:
    order_id:   {type: integer}
    created_at: {type: string, format: date-time}
    amount:     {type: [number, string], format: "decimal(12,2)"}
    ratio:      {type: number}
    paid:       {type: boolean}
    note:       {type: [string, "null"]}
    tags:       {type: array}
id: order_id
time: created_at
`

// Stream compiles the text of a stream file.
func Stream(t testing.TB, text string) *stream.Stream {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stream.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := stream.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// Events decodes JSON texts by the stream's rules; positions count from first.
func Events(t testing.TB, s *stream.Stream, first uint64, texts ...string) *penstock.Batch {
	t.Helper()
	d := s.NewDecoder()
	b := &penstock.Batch{}
	for i, text := range texts {
		e := &penstock.Event{Origin: penstock.Origin{Door: "door", Position: first + uint64(i)}}
		if _, err := d.Decode([]byte(text), e); err != nil {
			t.Fatal(err)
		}
		for _, step := range []penstock.Step{s.Check, s.Derive, s.Identify} {
			if err := step(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		b.Events = append(b.Events, e)
	}
	return b
}

// Letters keeps the dead letters of a sink in memory, as POSITION:CODE.
type Letters []string

// Write takes the letters in b and delivers them.
func (l *Letters) Write(_ context.Context, b *penstock.Batch) error {
	for _, e := range b.Pending().Events {
		code := ""
		for _, h := range e.Headers {
			if h.Name == penstock.HeaderCode {
				code = string(h.Value)
			}
		}
		*l = append(*l, fmt.Sprint(e.Origin.Position, ":", code))
		e.Deliver(penstock.Place{})
	}
	return nil
}

// Of wraps a sink so that what it refuses is found and kept here.
func (l *Letters) Of(to penstock.Sink) penstock.Sink {
	return penstock.Bisect{To: penstock.DeadLetters{To: to, Letters: l}}
}

// Within is a context for what takes a moment: it ends after three minutes.
func Within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Want compares two texts.
func Want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

package csvfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

const shopStream = `
stream: shop
schema:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
  additionalProperties: false
  properties:
    id:   {type: integer}
    note: {type: string}
`

func shop(t *testing.T) *stream.Stream {
	t.Helper()
	name := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(name, []byte(shopStream), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := stream.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return rules[0]
}

// many is a file of n records, and the chunks that a Source cuts it into are
// small.
func many(t *testing.T, n int) *Source {
	t.Helper()
	var text strings.Builder
	text.WriteString("note,id\n")
	for i := range n {
		fmt.Fprintf(&text, "note,%d\n", i+1)
	}
	return &Source{Stream: shop(t), Files: []string{file(t, text.String())}, Options: Options{ChunkBytes: 100}, Workers: 4}
}

func deliverAll(b *penstock.Batch) {
	for _, e := range b.Pending().Events {
		e.Deliver(penstock.Place{})
	}
}

// TestProgressIsOfOneLoad: what is read again is not counted with what was read before.
func TestProgressIsOfOneLoad(t *testing.T) {
	s := many(t, 100)
	info, err := os.Stat(s.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Load(t.Context(), Loader{Write: func(context.Context, *Work) error { return nil }}); err != nil {
			t.Fatal(err)
		}
		if _, read := s.Progress(); read != info.Size() {
			t.Errorf("%d bytes were read of %d", read, info.Size())
		}
	}
}

func TestSourceValues(t *testing.T) {
	s := &Source{Stream: shop(t), Files: []string{file(t, "note,-,id\n,x,1\n\"\",x,2\n\" a \",x,three\n\xff,x,4\n1,2\n")}}
	var got []string
	err := s.Run(t.Context(), penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		for _, e := range b.Events {
			if e.Verdict() == penstock.Rejected {
				got = append(got, fmt.Sprintf("%d %s", e.Origin.Position, e.Reason().Code))
				continue
			}
			got = append(got, fmt.Sprintf("%d id %s %q note %s %q", e.Origin.Position, e.Values[0].Kind, e.Values[0], e.Values[1].Kind, e.Values[1]))
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`1 id integer "1" note absent ""`, `2 id integer "2" note text ""`, `3 id text "three" note text " a "`, "4 invalid_utf8", "5 csv_columns"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Chunks come in order where that is asked for, all of them, whoever judges
// them first.
func TestSourceInOrder(t *testing.T) {
	s := many(t, 2000)
	var next uint64 = 1
	var total penstock.Total
	err := s.Load(t.Context(), Loader{InOrder: true, Write: func(_ context.Context, w *Work) error {
		if w.Chunk.First != next {
			t.Errorf("record %d came when %d was to come", w.Chunk.First, next)
		}
		next += uint64(w.Chunk.Count)
		deliverAll(&w.Batch)
		total.Add(w.Batch.Tally())
		return nil
	}})
	if tally := total.Tally(); err != nil || tally.Delivered != 2000 || !tally.Conserved() {
		t.Errorf("%v, %v", tally, err)
	}
}

// What is known is not looked at, what is not taken is not decoded, and the
// rest has the same places as ever.
func TestSourcePassesOver(t *testing.T) {
	s := many(t, 500)
	var mu sync.Mutex
	all := map[int64]penstock.Chunk{}
	keep := func(into map[int64]penstock.Chunk) func(context.Context, *Work) error {
		return func(_ context.Context, w *Work) error {
			mu.Lock()
			defer mu.Unlock()
			into[w.Chunk.Start] = w.Chunk
			return nil
		}
	}
	if err := s.Load(t.Context(), Loader{Write: keep(all)}); err != nil {
		t.Fatal(err)
	}
	rest := map[int64]penstock.Chunk{}
	err := s.Load(t.Context(), Loader{
		Known: func(_ string, start int64) (penstock.Chunk, bool) {
			c, ok := all[start]
			return c, ok && c.First%3 == 0
		},
		Take:  func(_ context.Context, c penstock.Chunk) (bool, error) { return c.First%3 == 1, nil },
		Write: keep(rest),
	})
	if err != nil {
		t.Fatal(err)
	}
	for start, c := range all {
		if got, loaded := rest[start]; loaded != (c.First%3 == 1) || loaded && got != c {
			t.Errorf("chunk %+v: loaded %v as %+v", c, loaded, got)
		}
	}
	if len(rest) < 5 {
		t.Errorf("only %d of %d chunks came", len(rest), len(all))
	}
}

// An error ends the reading, in order or not, and is the one that is returned.
func TestSourceEnds(t *testing.T) {
	torn := errors.New("torn")
	for name, l := range map[string]Loader{
		"write":          {Write: func(context.Context, *Work) error { return torn }},
		"write in order": {InOrder: true, Write: func(_ context.Context, w *Work) error { return map[bool]error{true: torn}[w.Chunk.First > 50] }},
		"judge":          {InOrder: true, Judge: func(context.Context, *Work, *penstock.Batch) error { return torn }, Write: func(context.Context, *Work) error { return nil }},
		"take":           {Take: func(context.Context, penstock.Chunk) (bool, error) { return false, torn }, Write: func(context.Context, *Work) error { return nil }},
	} {
		if err := many(t, 2000).Load(t.Context(), l); !errors.Is(err, torn) {
			t.Errorf("%s: error %v, want %v", name, err, torn)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := many(t, 2000).Load(ctx, Loader{Write: func(context.Context, *Work) error { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

func TestColumnsMustBeFields(t *testing.T) {
	for text, want := range map[string]string{
		"id,colour\n":  `no field of stream shop has the name of column "colour"`,
		"id,note,id\n": `columns 1 and 3 have the same name "id"`,
	} {
		s := &Source{Stream: shop(t), Files: []string{file(t, text+"1,2,3\n")}}
		err := s.Run(t.Context(), penstock.SinkFunc(func(context.Context, *penstock.Batch) error { return nil }))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

package ingest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/ingest"
)

// A gate is a journal that holds whoever writes until it is opened, and keeps
// nothing.
type gate struct {
	*shelf
	came, open chan struct{}
}

func (g gate) Write(ctx context.Context, b *penstock.Batch) error {
	g.came <- struct{}{}
	<-g.open
	for _, e := range b.Pending().Events {
		e.Deliver(penstock.Place{Seq: 1})
	}
	return nil
}

// What requests hold when they are at their largest, all events encoded or made
// dead letters, is no more than what they are charged with: else the limit would
// bound nothing. What they leave for others to use again, which nobody is charged
// with, is little.
func TestChargedIsHeld(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own, and makes slices larger")
	}
	const senders, budget = 8, 128 << 20
	noted := func(note string) func(id int) string {
		return func(id int) string {
			return strings.TrimSuffix(order(fmt.Sprint(id)), "}") + `,"email":" Ada@Example.org ","note":"` + note + `"}`
		}
	}
	random := func(id int) string { return noted(rand.Text() + rand.Text() + rand.Text() + rand.Text())(id) }
	lines := []string{"Content-Type", "application/x-ndjson"}
	for _, test := range []struct {
		name    string
		events  int
		event   func(id int) string
		headers []string
	}{
		{"small", 2000, func(id int) string { return order(fmt.Sprint(id)) }, lines},
		{"middle", 2000, noted(strings.Repeat("x", 700)), lines},
		{"large", 1000, noted(strings.Repeat("x", 2000)), lines},
		{"escaped", 1000, noted(strings.Repeat(`\"`, 1000)), lines},
		{"bad", 2000, func(int) string { return badOrder }, lines},
		{"no JSON", 2000, func(int) string { return "x" }, lines},
		{"zstd", 2000, random, append(lines, "Content-Encoding", "zstd")},
		{"gzip", 2000, random, append(lines, "Content-Encoding", "gzip")},
		{"one", 1, func(int) string { return order("1") + strings.Repeat(" ", 1<<20) }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var body strings.Builder
			for i := range test.events {
				body.WriteString(test.event(i+1) + "\n")
			}
			sent := body.String()
			if i := slices.Index(test.headers, "Content-Encoding"); i > 0 {
				sent = compressed(t, test.headers[i+1], sent)
			}
			registry := prometheus.NewRegistry()
			h := openInside(t, settings{options: ingest.Options{MemoryBytesMax: budget, Metrics: registry}})
			g := gate{h.shelf, make(chan struct{}), make(chan struct{})}
			s := served(loadStream(t, nil), h.shelf)
			s.Into, s.Letters = g, g
			if err := h.handler.Replace([]ingest.Stream{s}, nil); err != nil {
				t.Fatal(err)
			}
			defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties pools
			before := live()
			var wait sync.WaitGroup
			for range senders {
				wait.Go(func() { h.post(sent, test.headers...) })
			}
			for range senders {
				<-g.came
			}
			held, charged := live()-before, gauge(t, registry, "penstock_http_memory_bytes")
			if held > charged {
				t.Errorf("%d bytes are held, and %d charged", held, charged)
			}
			close(g.open)
			wait.Wait()
			if left := live() - before; left > senders<<20+budget/8 {
				t.Errorf("%d requests that are over hold %d bytes", senders, left)
			}
		})
	}
}

// A zstd body may be several frames, and a later one may want more memory than the
// first.
func TestZstdFramesOfTwoWindows(t *testing.T) {
	h := open(t, settings{})
	var lines strings.Builder
	for i := range 2000 {
		lines.WriteString(order(fmt.Sprint(2+i)) + "\n")
	}
	body := string(zstded([]byte(order("1")+"\n"))) + compressed(t, "zstd", lines.String())
	a := h.post(body, "Content-Type", "application/x-ndjson", "Content-Encoding", "zstd")
	a.want(t, 202, strings.TrimSuffix(strings.Repeat("ok ", 2001), " "))
}

// compressed writes the text piece by piece, so that a decoder has to expect a large
// one.
func compressed(t *testing.T, coding, text string) string {
	var b bytes.Buffer
	w := compressors[coding](&b)
	for len(text) > 0 {
		n := min(len(text), 100<<10)
		if _, err := io.WriteString(w, text[:n]); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// live is what the heap holds, pools and all, when garbage is gone.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func gauge(t *testing.T, from prometheus.Gatherer, name string) int64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return int64(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

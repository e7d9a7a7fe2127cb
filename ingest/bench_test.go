package ingest_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/journal"
)

// nowhere is a journal that takes everything at once, so that only the door is
// measured.
type nowhere struct{ seq atomic.Uint64 }

func (n *nowhere) Write(_ context.Context, b *penstock.Batch) error {
	for _, e := range b.Pending().Events {
		e.Deliver(penstock.Place{Seq: n.seq.Add(1), Offset: -1})
	}
	return nil
}
func (*nowhere) Await(context.Context, *penstock.Batch) error { return nil }
func (*nowhere) Find([]byte) (penstock.Place, bool)           { return penstock.Place{}, false }
func (*nowhere) RetryAfter() time.Duration                    { return 0 }

func benchDoor(b testing.TB) *ingest.Handler {
	b.Helper()
	h := ingest.New(ingest.Options{Log: quiet})
	s := loadStream(b, nil)
	sink := &nowhere{}
	in := ingest.Stream{Stream: s, Steps: []penstock.Step{s.Check, s.Derive, s.Identify, s.Encode}, Into: sink, Ledger: sink}
	if err := h.Replace([]ingest.Stream{in}, nil); err != nil {
		b.Fatal(err)
	}
	return h
}

// lastOrder numbers the orders of all benchmarks, in ten digits.
var lastOrder atomic.Int64

func init() { lastOrder.Store(1_000_000_000) }

func benchJournal(b *testing.B) *ingest.Handler {
	b.Helper()
	j, err := journal.Open(b.TempDir(), journal.Options{QuotaBytes: 16 << 30, Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	h := ingest.New(ingest.Options{Log: quiet, Failure: journalFailure})
	s := loadStream(b, nil)
	in := ingest.Stream{Stream: s, Steps: []penstock.Step{s.Check, s.Derive, s.Identify, s.Encode}, Into: j, Letters: j, Ledger: j}
	if err := h.Replace([]ingest.Stream{in}, nil); err != nil {
		b.Fatal(err)
	}
	return h
}

// accept is the least that a server can do: read the body, answer 202.
func accept(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusAccepted)
}

// BenchmarkPost sends single orders, each with an identity of its own, over
// keep-alive connections to a bare net/http server, to the door with nothing
// behind it, and to the door with a journal that really syncs. How much a sync
// is shared by, and so what the last one reaches, depends on the connections.
func BenchmarkPost(b *testing.B) {
	handlers := []struct {
		name    string
		handler http.Handler
	}{{"bare", http.HandlerFunc(accept)}, {"door", benchDoor(b)}, {"journal", benchJournal(b)}}
	for _, connections := range []int{64, 512} {
		for _, h := range handlers {
			b.Run(h.name+"/"+strconv.Itoa(connections), func(b *testing.B) { benchPost(b, h.handler, connections) })
		}
	}
}

func benchPost(b *testing.B, handler http.Handler, connections int) {
	server, err := ingest.Listen("127.0.0.1:0", handler, ingest.ServerOptions{Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	body := order("1000000000")
	text := []byte("POST /v1/streams/orders/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	at := bytes.Index(text, []byte("1000000000"))
	b.SetParallelism(max(1, connections/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		answer := make([]byte, 4096)
		request := bytes.Clone(text)
		for pb.Next() {
			strconv.AppendInt(request[:at], lastOrder.Add(1), 10)
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			n, err := c.Read(answer)
			if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 202")) {
				b.Errorf("%v: %s", err, answer[:n])
				return
			}
		}
	})
	b.StopTimer()
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// A call is a request without a network: what remains is the door's own work.
type call struct {
	request *http.Request
	body    bytes.Reader
	text    []byte
	header  http.Header
	status  int
	answer  []byte
}

func newCall(text []byte) *call {
	c := &call{text: text, header: http.Header{}}
	c.request, _ = http.NewRequest("POST", "/v1/streams/orders/events", nil)
	c.request.Header.Set("Content-Type", "application/json")
	c.request.ContentLength = int64(len(text))
	c.request.Body = io.NopCloser(&c.body)
	return c
}

func (c *call) Header() http.Header    { return c.header }
func (c *call) WriteHeader(status int) { c.status = status }
func (c *call) Write(b []byte) (int, error) {
	c.answer = append(c.answer[:0], b...)
	return len(b), nil
}

func (c *call) serve(h http.Handler) {
	c.body.Reset(c.text)
	clear(c.header)
	h.ServeHTTP(c, c.request)
}

func array(events int) []byte {
	out := []byte{'['}
	for i := range events {
		out = append(append(out, order(strconv.Itoa(i+1))...), ',')
	}
	out[len(out)-1] = ']'
	return out
}

func BenchmarkHandler(b *testing.B) {
	for _, events := range []int{1, 100} {
		b.Run(strconv.Itoa(events), func(b *testing.B) {
			h := benchDoor(b)
			c := newCall(array(events))
			b.ReportAllocs()
			for b.Loop() {
				c.serve(h)
			}
			if c.status != http.StatusAccepted {
				b.Fatalf("%d %s", c.status, c.answer)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
		})
	}
}

// An event costs no allocation beside those of its request, whose number is
// fixed.
func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget, so allocations are not the program's own")
	}
	h := benchDoor(t)
	count := func(events int) float64 {
		c := newCall(array(events))
		allocs := testing.AllocsPerRun(200, func() { c.serve(h) })
		if c.status != http.StatusAccepted {
			t.Fatalf("%d %s", c.status, c.answer)
		}
		return allocs
	}
	one, many := count(1), count(100)
	if one > 20 {
		t.Errorf("a request of one event makes %v allocations, want at most 20", one)
	}
	// Two more are the length of a long answer and the header that holds it.
	if many > one+3 {
		t.Errorf("99 events more make %v allocations more, want at most 3", many-one)
	}
}

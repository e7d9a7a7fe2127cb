// Package sinktest is the one conformance suite of all sinks: what every Sink
// promises, tried on a real one.
//
//	func TestConformance(t *testing.T) {
//		sinktest.Run(t, func(t *testing.T, door string) (penstock.Sink, func() []sinktest.Record) {
//			sink, topic := ...
//			return sink, func() []sinktest.Record { return readAll(t, topic) }
//		})
//	}
package sinktest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

// A Record is what a sink holds, as a reader of it sees it.
type Record struct {
	Key, Body string
}

// Open returns a fresh, empty sink and a function that reads all it holds, in
// the sink's own order, or for a sink of many partitions in the order of each
// key. The events the suite will write come by door, which is new each time,
// at positions that count up from 1.
type Open func(t *testing.T, door string) (sink penstock.Sink, read func() []Record)

// Run runs the suite. Each part opens a sink of its own.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, *subject)
	}{
		{"EmptyBatch", testEmptyBatch},
		{"SettlesAll", testSettlesAll},
		{"LeavesSettledAlone", testLeavesSettledAlone},
		{"SecondWriteDoesNothing", testSecondWriteDoesNothing},
		{"RetriesOnlyWhatPends", testRetriesOnlyWhatPends},
		{"OrderByKey", testOrderByKey},
		{"BytesAreKept", testBytesAreKept},
		{"KeepsNothingOfTheBatch", testKeepsNothingOfTheBatch},
		{"ContextEnded", testContextEnded},
		{"ContextEndsMeanwhile", testContextEndsMeanwhile},
		{"ConcurrentBatches", testConcurrentBatches},
	} {
		t.Run(part.name, func(t *testing.T) {
			door := "journal:" + rand.Text()
			sink, read := open(t, door)
			part.run(t, &subject{door: door, sink: sink, read: read})
		})
	}
}

// subject is the sink under test and the events made for it so far.
type subject struct {
	door string
	sink penstock.Sink
	read func() []Record
	next uint64
}

// batch makes the next n events. Their bodies are their positions.
func (s *subject) batch(n int) *penstock.Batch {
	b := &penstock.Batch{Events: make([]*penstock.Event, n)}
	for i := range b.Events {
		s.next++
		b.Events[i] = &penstock.Event{
			ID:     fmt.Appendf(nil, "id-%d", s.next),
			Key:    fmt.Appendf(nil, "key-%d", s.next%5),
			Body:   body(s.next),
			Raw:    body(s.next),
			Time:   time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Origin: penstock.Origin{Door: s.door, Position: s.next},
		}
	}
	return b
}

func body(n uint64) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

func (s *subject) write(t *testing.T, b *penstock.Batch) {
	t.Helper()
	if err := s.writeAll(t, b); err != nil {
		t.Fatalf("write %d events: %v", len(b.Events), err)
	}
}

// A sink may fail for a reason that passes (a Kafka broker refuses the second
// of two first batches that overtook the first), so what must succeed is
// written as every caller does, with Retry. A sink that goes on failing fails.
const attempts = 5

func (s *subject) writeAll(t *testing.T, b *penstock.Batch) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	retry := penstock.Retry{To: s.sink, OnError: func(err error, attempt int, _ time.Duration) {
		t.Logf("attempt %d: %v", attempt, err)
		if attempt == attempts {
			cancel()
		}
	}}
	return retry.Write(ctx, b)
}

// holds checks that the sink holds exactly the events at these positions.
func (s *subject) holds(t *testing.T, positions ...uint64) {
	t.Helper()
	var got, want []string
	for _, r := range s.read() {
		got = append(got, r.Body)
	}
	for _, n := range positions {
		want = append(want, string(body(n)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("the sink holds %d events, not %d: %s", len(got), len(want), difference(got, want))
	}
}

// difference names the first few events that are missing, strange or double.
func difference(got, want []string) string {
	count := map[string]int{}
	for _, s := range want {
		count[s]--
	}
	for _, s := range got {
		count[s]++
	}
	var out []string
	for _, s := range slices.Sorted(maps.Keys(count)) {
		if count[s] != 0 && len(out) < 10 {
			out = append(out, fmt.Sprintf("%s %+d", s, count[s]))
		}
	}
	return strings.Join(out, ", ")
}

func upTo(n uint64) []uint64 {
	var all []uint64
	for i := uint64(1); i <= n; i++ {
		all = append(all, i)
	}
	return all
}

func wantTally(t *testing.T, b *penstock.Batch, want penstock.Tally) {
	t.Helper()
	if got := b.Tally(); got != want {
		t.Fatalf("tally %v, want %v", got, want)
	}
}

func testEmptyBatch(t *testing.T, s *subject) {
	s.write(t, &penstock.Batch{})
	s.holds(t)
}

func testSettlesAll(t *testing.T, s *subject) {
	for _, n := range []int{1, 2, 1000} {
		b := s.batch(n)
		s.write(t, b)
		wantTally(t, b, penstock.Tally{Read: int64(n), Delivered: int64(n)})
	}
	s.holds(t, upTo(1003)...)
}

func testLeavesSettledAlone(t *testing.T, s *subject) {
	b := s.batch(4)
	elsewhere := penstock.Place{Topic: "elsewhere", Offset: 7}
	b.Events[0].Drop(elsewhere)
	b.Events[1].Deliver(elsewhere)
	b.Events[2].Reject(penstock.NewReject("test", "", "refused before the sink"))
	s.write(t, b)
	wantTally(t, b, penstock.Tally{Read: 4, Delivered: 2, Dropped: 1, Rejected: 1})
	if b.Events[0].Place() != elsewhere || b.Events[1].Place() != elsewhere {
		t.Fatal("the sink moved an event that was settled before")
	}
	s.holds(t, 4)
}

func testSecondWriteDoesNothing(t *testing.T, s *subject) {
	b := s.batch(10)
	s.write(t, b)
	before := b.Events[3].Place()
	s.write(t, b) // would panic if it settled an event again
	if b.Events[3].Place() != before {
		t.Fatal("a second write moved an event")
	}
	s.holds(t, upTo(10)...)
}

// Part of a batch is written first, as Bisect does; then the whole batch.
func testRetriesOnlyWhatPends(t *testing.T, s *subject) {
	b := s.batch(10)
	s.write(t, &penstock.Batch{Events: b.Events[:5]})
	s.write(t, b)
	wantTally(t, b, penstock.Tally{Read: 10, Delivered: 10})
	s.holds(t, upTo(10)...)
}

func testOrderByKey(t *testing.T, s *subject) {
	for range 5 {
		s.write(t, s.batch(40))
	}
	last := map[string]uint64{}
	for _, r := range s.read() {
		var n uint64
		if _, err := fmt.Sscanf(r.Body, `{"n":%d}`, &n); err != nil {
			t.Fatalf("read %q: %v", r.Body, err)
		}
		if want := fmt.Sprintf("key-%d", n%5); r.Key != "" && r.Key != want {
			t.Fatalf("event %d has key %q, not %q", n, r.Key, want)
		}
		key := fmt.Sprint(n % 5)
		if n <= last[key] {
			t.Fatalf("event %d of key %s comes after event %d", n, key, last[key])
		}
		last[key] = n
	}
	if len(last) != 5 {
		t.Fatalf("%d keys of 5 came through", len(last))
	}
}

func testBytesAreKept(t *testing.T, s *subject) {
	b := s.batch(1)
	odd := `{"n":1,"text":"\u0000 \\ \" ` + "\u2028 ä 🜁" + `","big":12345678901234567890.00}`
	b.Events[0].Body = []byte(odd)
	b.Events[0].Raw = b.Events[0].Body
	s.write(t, b)
	got := s.read()
	if len(got) != 1 || got[0].Body != odd {
		t.Fatalf("read back %q, wrote %q", got, odd)
	}
}

// A door reuses a batch's memory as soon as Write has returned.
func testKeepsNothingOfTheBatch(t *testing.T, s *subject) {
	b := s.batch(100)
	s.write(t, b)
	for _, e := range b.Events {
		for _, memory := range [][]byte{e.ID, e.Key, e.Body} {
			for i := range memory {
				memory[i] = 'x'
			}
		}
	}
	s.write(t, s.batch(100))
	s.holds(t, upTo(200)...)
}

func testContextEnded(t *testing.T, s *subject) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := s.batch(10)
	if err := s.sink.Write(ctx, b); err == nil && b.Tally().Pending > 0 {
		t.Fatal("no error, and yet events pend")
	}
	s.write(t, b)
	wantTally(t, b, penstock.Tally{Read: 10, Delivered: 10})
	s.holds(t, upTo(10)...)
}

// Wherever the end of the context hits a write, a second one finishes the
// work, and no event is there twice.
func testContextEndsMeanwhile(t *testing.T, s *subject) {
	s.write(t, s.batch(1))
	for i := range 12 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1<<i)*30*time.Microsecond)
		b := s.batch(200)
		if err := s.sink.Write(ctx, b); (err == nil) != (b.Tally().Pending == 0) {
			t.Fatalf("error %v with %d events pending", err, b.Tally().Pending)
		}
		cancel()
		s.write(t, b)
		wantTally(t, b, penstock.Tally{Read: 200, Delivered: 200})
	}
	s.holds(t, upTo(s.next)...)
}

func testConcurrentBatches(t *testing.T, s *subject) {
	var batches []*penstock.Batch
	for range 8 {
		batches = append(batches, s.batch(50))
	}
	var wg sync.WaitGroup
	errs := make([]error, len(batches))
	for i, b := range batches {
		wg.Go(func() {
			errs[i] = s.writeAll(t, b)
		})
	}
	wg.Wait()
	for i, b := range batches {
		if errs[i] != nil {
			t.Fatalf("batch %d: %v", i, errs[i])
		}
		wantTally(t, b, penstock.Tally{Read: 50, Delivered: 50})
	}
	s.holds(t, upTo(400)...)
}

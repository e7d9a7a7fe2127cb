package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/journal"
)

// quiet keeps the journal's log out of the tests' output.
var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, dir string, o journal.Options) *journal.Journal {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet
	}
	j, err := journal.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func event(id, key, body string) *penstock.Event {
	return &penstock.Event{
		ID: []byte(id), Key: []byte(key), Body: []byte(body), Time: time.Unix(1_700_000_000, 5).UTC(),
		Headers: []penstock.Header{{Name: "h", Value: []byte("v-" + id)}},
	}
}

func batch(events ...*penstock.Event) *penstock.Batch { return &penstock.Batch{Events: events} }

// collected is a sink that keeps copies of what it gets.
type collected struct {
	mu     sync.Mutex
	events []penstock.Event
}

func (c *collected) Write(_ context.Context, b *penstock.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range b.Pending().Events {
		copied := *e
		copied.ID, copied.Key, copied.Body = clone(e.ID), clone(e.Key), clone(e.Body)
		copied.Headers = nil
		for _, h := range e.Headers {
			copied.Headers = append(copied.Headers, penstock.Header{Name: h.Name, Value: clone(h.Value)})
		}
		c.events = append(c.events, copied)
		e.Deliver(penstock.Place{Ack: penstock.AckKafka, Seq: e.Origin.Position, Topic: "t", Partition: 3, Offset: int64(len(c.events) - 1)})
	}
	return nil
}

func clone(b []byte) []byte { return append([]byte{}, b...) }

// drain runs the journal into sink until all is drained.
func drain(t testing.TB, j *journal.Journal, sink penstock.Sink) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx, sink) }()
	if err := j.AwaitDrained(ctx); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
}

func TestWriteDrainReopen(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	b := batch(event("a", "k", "1"), event("b", "k", "2"), event("a", "k", "3"))
	if err := j.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := b.Tally(); got != (penstock.Tally{Read: 3, Delivered: 2, Dropped: 1}) {
		t.Fatal(got)
	}
	if at := b.Events[2].Place(); at.Seq != 1 || at.Ack != penstock.AckDisk {
		t.Errorf("the duplicate is said to be at %+v", at)
	}
	id := j.ID()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, journal.Options{})
	if j.ID() != id {
		t.Errorf("the identity changed from %s to %s", id, j.ID())
	}
	again := batch(event("b", "k", "2"), event("c", "k", "4"))
	if err := j.Write(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if v := again.Events[0].Verdict(); v != penstock.Dropped {
		t.Errorf("after a restart the duplicate is %v", v)
	}
	var sink collected
	drain(t, j, &sink)
	if err := j.Await(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if at := again.Events[1].Place(); at != (penstock.Place{Ack: penstock.AckKafka, Seq: 3, Topic: "t", Partition: 3, Offset: 2}) {
		t.Errorf("Await: %+v", at)
	}
	got := ""
	for i, e := range sink.events {
		got += fmt.Sprintf("%s %s %s %s %d|", e.ID, e.Key, e.Body, e.Headers[0].Value, e.Origin.Position)
		if e.Origin.Door != "journal:"+id || !e.Time.Equal(time.Unix(1_700_000_000, 5)) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if want := "a k 1 v-a 1|b k 2 v-b 2|c k 4 v-c 3|"; got != want {
		t.Errorf("drained %s, want %s", got, want)
	}
	if at, ok := j.Find([]byte("a")); !ok || at.Ack != penstock.AckKafka || at.Seq != 1 {
		t.Errorf("Find: %+v %v", at, ok)
	}
	if s := j.Stats(); s.BacklogBytes != 0 || s.BacklogEvents != 0 || s.Saved != 3 {
		t.Errorf("%+v", s)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, journal.Options{})
	if j, err := journal.Open(dir, journal.Options{Log: quiet}); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("a second Open returned %v, %v", j, err)
	}
}

func TestManyWriters(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{SegmentBytes: 16 << 10, CommitBytes: 4 << 10})
	ctx, cancel := context.WithCancel(t.Context())
	var sink collected
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx, &sink) }()
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for i := range 100 {
				b := batch(event(fmt.Sprintf("%d-%d", w, i), fmt.Sprint(w), fmt.Sprint(i)), event(fmt.Sprintf("shared-%d", i), "s", "x"))
				if err := j.Write(ctx, b); err != nil {
					t.Error(err)
					return
				}
				if i%10 == 0 {
					if err := j.Await(ctx, b); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	if err := j.AwaitDrained(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-ended
	if len(sink.events) != 1700 {
		t.Errorf("%d events came through, want 1700", len(sink.events))
	}
	next := map[string]int{}
	for i, e := range sink.events {
		if e.Origin.Position != uint64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Origin.Position)
		}
		if k := string(e.Key); k != "s" {
			if string(e.Body) != fmt.Sprint(next[k]) {
				t.Fatalf("key %s: %s after %d", k, e.Body, next[k]-1)
			}
			next[k]++
		}
	}
}

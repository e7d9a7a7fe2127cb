package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/kafka"
)

const door = "journal:test"

// fake starts a development broker in memory whose faults a test can set.
func fake(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, kafka.Config) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, kafka.Config{Brokers: c.ListenAddrs()}
}

func newSink(t *testing.T, cfg kafka.Config, o kafka.SinkOptions) *kafka.Sink {
	t.Helper()
	if o.Topic == "" {
		o.Topic = "orders"
	}
	if !o.AtLeastOnce {
		o.Door = door
	}
	s, err := kafka.NewSink(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// run returns a batch of the events at positions from to to.
func run(from, to uint64) *penstock.Batch {
	b := &penstock.Batch{}
	for n := from; n <= to; n++ {
		b.Events = append(b.Events, &penstock.Event{
			ID: fmt.Appendf(nil, "id-%d", n), Key: fmt.Appendf(nil, "key-%d", n%7),
			Body:   fmt.Appendf(nil, `{"n":%d}`, n),
			Origin: penstock.Origin{Door: door, Position: n},
		})
	}
	return b
}

// within ends what hangs; nothing here takes a twentieth of it.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// read returns what a read_committed consumer finds in the topic.
func read(t *testing.T, cfg kafka.Config, topic string) []*penstock.Event {
	t.Helper()
	source, err := kafka.NewSource(cfg, kafka.SourceOptions{Topic: topic})
	if err != nil {
		t.Fatal(err)
	}
	var out []*penstock.Event
	err = source.Run(within(t), penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		for _, e := range b.Events {
			e.Deliver(penstock.Place{})
			out = append(out, e)
		}
		return nil
	}))
	if err != nil {
		t.Fatalf("read topic %s: %v", topic, err)
	}
	return out
}

func TestWriteSettlesAndPublishesOnce(t *testing.T) {
	_, cfg := fake(t)
	ctx := within(t)
	s := newSink(t, cfg, kafka.SinkOptions{})
	b := run(1, 100)
	if err := (penstock.Retry{To: s}).Write(ctx, b); err != nil {
		t.Fatal(err)
	}
	if got := b.Tally(); got.Delivered != 100 {
		t.Fatal(got)
	}
	if n := len(read(t, cfg, "orders")); n != 100 {
		t.Fatalf("%d records in the topic", n)
	}
	t.Log(b.Events[0].Place())
	again := run(1, 120)
	if err := s.Write(ctx, again); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, cfg, "orders")); n != 120 {
		t.Fatalf("%d records in the topic", n)
	}
	if p, err := s.Position(ctx, door); p != 120 || err != nil {
		t.Fatal(p, err)
	}
	// A new process of the same id.
	s2 := newSink(t, cfg, kafka.SinkOptions{})
	if p, err := s2.Position(ctx, door); p != 120 || err != nil {
		t.Fatal(p, err)
	}
	err := s.Write(ctx, run(121, 130))
	t.Log(err)
	if err == nil {
		t.Fatal("the first sink was not fenced")
	}
}

// A round is one request to each broker: the driver begins to send only when it
// has all of it, and not what it has of the first few events.
func TestRoundIsOneRequest(t *testing.T) {
	cluster, cfg := fake(t)
	sink := newSink(t, cfg, kafka.SinkOptions{})
	ctx := within(t)
	if err := (penstock.Retry{To: sink}).Write(ctx, run(1, 10)); err != nil { // learns of the partitions
		t.Fatal(err)
	}
	var requests atomic.Int32
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		requests.Add(1)
		return nil, nil, false
	})
	if err := sink.Write(ctx, run(11, 5010)); err != nil {
		t.Fatal(err)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// Numbers that a journal skips do not add up until no event is taken any more.
func TestSkippedPositions(t *testing.T) {
	_, cfg := fake(t)
	sink := newSink(t, cfg, kafka.SinkOptions{})
	ctx := within(t)
	const batches, gaps = 6, 1000
	for n := range uint64(batches) {
		b := run(2*n*gaps+1, 2*(n+1)*gaps)
		b.Events = slices.DeleteFunc(b.Events, func(e *penstock.Event) bool { return e.Origin.Position%2 == 0 })
		sink.Passed(b.Events[0].Origin.Position - 1)
		if err := (penstock.Retry{To: sink}).Write(ctx, b); err != nil {
			t.Fatalf("after %d gaps: %v", n*gaps, err)
		}
	}
	if n := len(read(t, cfg, "orders")); n != batches*gaps {
		t.Errorf("%d events in the topic, want %d", n, batches*gaps)
	}
}

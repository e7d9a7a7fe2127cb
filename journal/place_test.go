package journal_test

import (
	"context"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/journal"
)

// TestDeadLetterKnownDownstream crashes between the drain's dead letter and the
// checkpoint: the sink then says that it has the event, in the rejects topic,
// and that must outlive another restart.
func TestDeadLetterKnownDownstream(t *testing.T) {
	o := journal.Options{Topic: "orders", RejectsTopic: "orders.rejects"}
	dir := t.TempDir()
	first := open(t, dir, o)
	if err := first.Write(t.Context(), batch(event("a", "k", "good"), event("b", "k", "bad"), event("c", "k", "good"))); err != nil {
		t.Fatal(err)
	}
	drain(t, first, penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		for _, e := range b.Pending().Events {
			at := penstock.Place{Ack: penstock.AckKafka, Seq: e.Origin.Position, Topic: o.Topic, Partition: -1, Offset: -1}
			if string(e.Body) == "bad" {
				at.Topic = o.RejectsTopic
			}
			e.Deliver(at)
		}
		return nil
	}))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, o)
	for id, want := range map[string]string{"a": o.Topic, "b": o.RejectsTopic, "c": o.Topic} {
		if at, ok := again.Find([]byte(id)); !ok || at.Topic != want {
			t.Errorf("event %s is said to be in %q, want %q", id, at.Topic, want)
		}
	}
}

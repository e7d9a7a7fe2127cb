package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

// drain writes b the way a journal's drainer does.
func drain(t *testing.T, sink *kafka.Sink, b *penstock.Batch) {
	t.Helper()
	line := penstock.Retry{
		To:  penstock.Bisect{To: penstock.DeadLetters{To: sink, Letters: sink}},
		Min: time.Millisecond,
	}
	if err := line.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	if got := b.Tally(); !got.Conserved() || got.Pending > 0 {
		t.Fatal(got)
	}
}

// bodies returns the bodies of the topic's events, in the order of position.
func bodies(t *testing.T, cfg kafka.Config, topic string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, e := range read(t, cfg, topic) {
		out[string(e.Body)]++
	}
	return out
}

func header(e *penstock.Event, name string) string {
	for _, h := range e.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

func both(t *testing.T, test func(t *testing.T, cfg kafka.Config)) {
	t.Run("DevBroker", func(t *testing.T) { _, cfg := fake(t); test(t, cfg) })
	t.Run("Kafka", func(t *testing.T) { test(t, kafka.Config{Brokers: []string{realtest.Kafka(t)}}) })
}

// The one event that is too large goes to the dead letters, the others to the
// topic, whether the client finds out or the broker says so.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, cfg kafka.Config) {
		for _, who := range []string{"client", "broker"} {
			t.Run(who, func(t *testing.T) {
				topic := realtest.Name(t)
				o := kafka.SinkOptions{Topic: topic, Door: "journal:" + topic, MessageBytesMax: 100_000}
				if who == "broker" {
					o.MessageBytesMax = 400_000
				}
				sink, err := kafka.NewSink(cfg, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { sink.Close(context.Background()) })
				b := run(1, 50)
				for _, e := range b.Events {
					e.Origin.Door = o.Door
				}
				bad := b.Events[16]
				bad.Body = noise(200_000)
				bad.Raw = bad.Body
				if who == "broker" {
					if _, err := sink.Position(within(t), o.Door); err != nil {
						t.Fatal(err)
					}
					shrink(t, cfg, topic, "100000") // behind the sink's back
				}
				drain(t, sink, b)
				if got := b.Tally(); got.Rejected != 1 || bad.Reason() == nil || bad.Reason().Code != kafka.CodeTooLarge {
					t.Fatalf("%v, reason %v", got, bad.Reason())
				}
				if got := bodies(t, cfg, topic); len(got) != 49 {
					t.Fatalf("%d events in the topic", len(got))
				}
				letters := read(t, cfg, topic+".rejects")
				if len(letters) != 1 || !bytes.Equal(letters[0].Body, bad.Raw) || string(letters[0].ID) != "id-17" ||
					header(letters[0], penstock.HeaderCode) != kafka.CodeTooLarge {
					t.Fatalf("%d letters: %.200v", len(letters), letters)
				}
				// A successor that gets all of it again tells where each one is.
				heir, err := kafka.NewSink(cfg, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { heir.Close(context.Background()) })
				again := run(1, 50)
				for _, e := range again.Events {
					e.Origin.Door = o.Door
				}
				drain(t, heir, again)
				if got := again.Events[16].Place().Topic; got != topic+".rejects" {
					t.Fatalf("the dead letter is said to be in %q", got)
				}
				if n := len(read(t, cfg, topic)) + len(read(t, cfg, topic+".rejects")); n != 50 {
					t.Fatalf("%d records in both topics after the second time", n)
				}
			})
		}
	})
}

// noise does not compress.
func noise(n int) []byte {
	out := make([]byte, n)
	x := uint32(2463534242)
	for i := range out {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		out[i] = byte(x)
	}
	return out
}

// shrink lowers the topic's limit and returns once the broker goes by it.
func shrink(t *testing.T, cfg kafka.Config, topic, limit string) {
	t.Helper()
	ctx := within(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.TransactionalID(topic+"-probe"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer, err := kadm.NewClient(client).AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "max.message.bytes", Value: &limit}}, topic)
	if err != nil || answer[0].Err != nil {
		t.Fatal(err, answer)
	}
	for {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		refused := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: noise(150_000)}).FirstErr()
		if err := client.EndTransaction(ctx, kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		if errors.Is(refused, kerr.MessageTooLarge) {
			return
		}
		if refused != nil {
			t.Fatal(refused)
		}
	}
}

// guarded starts a broker where user penstock may do what allow says, and user
// admin anything.
func guarded(t *testing.T, allow ...kfake.ACL) kafka.Config {
	t.Helper()
	_, cfg := fake(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", "admin", "secret"),
		kfake.User("SCRAM-SHA-512", "penstock", "secret", allow...))
	cfg.SASL = &kafka.SASL{User: "penstock", Password: "secret"}
	return cfg
}

func grant(kind kmsg.ACLResourceType, name string) kfake.ACL {
	return kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true}
}

func asAdmin(cfg kafka.Config) kafka.Config {
	cfg.SASL = &kafka.SASL{User: "admin", Password: "secret"}
	return cfg
}

const txnID = "penstock-test-orders"

func TestRefusedTopic(t *testing.T) {
	denyWrite := grant(kmsg.ACLResourceTypeTopic, "orders")
	denyWrite.Operation, denyWrite.Allow = kmsg.ACLOperationWrite, false
	for _, c := range []struct {
		name  string
		allow []kfake.ACL
	}{
		{"CreationRefused", nil},
		{"WriteRefused", []kfake.ACL{grant(kmsg.ACLResourceTypeTopic, "orders"), denyWrite}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := guarded(t, append(c.allow,
				grant(kmsg.ACLResourceTypeTopic, "orders.rejects"),
				grant(kmsg.ACLResourceTypeTopic, kafka.ProgressTopic),
				grant(kmsg.ACLResourceTypeTransactionalId, txnID))...)
			sink := newSink(t, cfg, kafka.SinkOptions{})
			b := run(1, 30)
			drain(t, sink, b)
			if got := b.Tally(); got.Rejected != 30 || b.Events[0].Reason().Code != kafka.CodeTopic {
				t.Fatalf("%v, reason %v", got, b.Events[0].Reason())
			}
			if n := len(bodies(t, asAdmin(cfg), "orders.rejects")); n != 30 {
				t.Fatalf("%d dead letters", n)
			}
		})
	}
}

// Where even the dead letters are refused, nothing is lost: the events pend,
// and the error says what to do.
func TestRefusedLettersPend(t *testing.T) {
	cfg := guarded(t, grant(kmsg.ACLResourceTypeTopic, kafka.ProgressTopic), grant(kmsg.ACLResourceTypeTransactionalId, txnID))
	sink := newSink(t, cfg, kafka.SinkOptions{})
	b := run(1, 3)
	err := penstock.DeadLetters{To: sink, Letters: sink}.Write(within(t), b)
	if err == nil || b.Tally().Pending != 3 || !strings.Contains(err.Error(), "orders.rejects") {
		t.Fatalf("%v, %v", b.Tally(), err)
	}
}

func TestRefusedTransactionsSaySo(t *testing.T) {
	cfg := guarded(t, grant(kmsg.ACLResourceTypeTopic, "orders"), grant(kmsg.ACLResourceTypeTopic, "orders.rejects"),
		grant(kmsg.ACLResourceTypeTopic, kafka.ProgressTopic))
	sink := newSink(t, cfg, kafka.SinkOptions{})
	b := run(1, 3)
	err := sink.Write(within(t), b)
	if err == nil || b.Tally().Pending != 3 || !strings.Contains(err.Error(), "at least once") {
		t.Fatalf("%v, %v", b.Tally(), err)
	}
	unsure := newSink(t, cfg, kafka.SinkOptions{AtLeastOnce: true})
	if err := unsure.Write(within(t), b); err != nil || b.Tally().Delivered != 3 {
		t.Fatalf("%v, %v", b.Tally(), err)
	}
}

func TestWrongPassword(t *testing.T) {
	cfg := guarded(t)
	cfg.SASL = &kafka.SASL{User: "penstock", Password: "wrong"}
	sink := newSink(t, cfg, kafka.SinkOptions{})
	b := run(1, 3)
	if err := sink.Write(within(t), b); err == nil || b.Tally().Pending != 3 {
		t.Fatalf("%v, %v", b.Tally(), err)
	} else if !strings.Contains(err.Error(), "SASL") {
		t.Fatalf("says only: %v", err)
	}
}

package kafka

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The driver took about one first transaction in several hundred for empty,
// aborted it where it was told to commit, and said that all was well. catchUp
// must not return before the driver has put down the partitions it sends to.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	dev, err := StartDevBroker("127.0.0.1:0", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	cfg := Config{Brokers: []string{dev.Addr()}}
	sink, err := NewSink(cfg, SinkOptions{Topic: "orders", Door: "journal:test"})
	if err != nil {
		t.Fatal(err)
	}
	opts, err := cfg.options()
	if err != nil {
		t.Fatal(err)
	}
	driver := held{entered: make(chan struct{}), release: make(chan struct{})}
	next, err := sink.newSession(append(opts[:len(opts):len(opts)], kgo.WithHooks(driver)))
	if err != nil {
		t.Fatal(err)
	}
	defer next.close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := sink.progressPlan().ensure(ctx, next.client, sink.log); err != nil {
		t.Fatal(err)
	}
	if err := next.client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	next.client.Produce(ctx, &kgo.Record{Topic: ProgressTopic}, nil)
	<-driver.entered
	returned := make(chan error, 1)
	go func() { returned <- next.catchUp(ctx) }()
	select {
	case <-returned:
		t.Error("catchUp returned while the driver was at it")
	case <-time.After(50 * time.Millisecond):
	}
	close(driver.release)
	if err := <-returned; err != nil || next.broken {
		t.Error(err, next.broken)
	}
}

// A driver that does not come to the end of its books is waited for no longer
// than the round may take.
func TestCatchUpIsBounded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	next := &session{client: busyClient(t)}
	if err := next.catchUp(ctx); !errors.Is(err, context.DeadlineExceeded) || !next.broken || next.caughtUp {
		t.Errorf("%v, broken %v, caught up %v", err, next.broken, next.caughtUp)
	}
}

// busyClient returns a client whose driver is in the middle of asking a broker
// that takes connections and never answers.
func busyClient(t *testing.T) *kgo.Client {
	t.Helper()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	client, err := kgo.NewClient(kgo.SeedBrokers(silent.Addr().String()), kgo.ConsumeTopics("orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return client
}

// held stops the driver while it gives a record of a new topic to a partition.
type held struct{ entered, release chan struct{} }

func (h held) OnProduceRecordPartitioned(*kgo.Record, int32) {
	close(h.entered)
	<-h.release
}

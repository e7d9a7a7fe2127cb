package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/penstock-io/penstock/kafka"
)

// The development broker finds everything again: topics, events, progress.
func TestDevBrokerKeepsItsData(t *testing.T) {
	dir, addr := t.TempDir(), "127.0.0.1:0"
	for start := range uint64(3) {
		dev, err := kafka.StartDevBroker(addr, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		addr = dev.Addr() // the same port again
		cfg := kafka.Config{Brokers: []string{addr}}
		sink := newSink(t, cfg, kafka.SinkOptions{})
		if n, err := sink.Position(within(t, 10*time.Second), door); n != start*100 || err != nil {
			t.Fatalf("start %d begins at %d: %v", start, n, err)
		}
		if err := sink.Write(within(t, 10*time.Second), run(1, start*100+100)); err != nil {
			t.Fatal(err)
		}
		onceEach(t, cfg, "orders", start*100+100)
		sink.Close(context.Background())
		dev.Close()
	}
}

func TestDevBrokerStaysLocal(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:9092", ":9092", "example.com:9092", "127.0.0.1", "127.0.0.1:x"} {
		if dev, err := kafka.StartDevBroker(addr, "", nil); err == nil {
			dev.Close()
			t.Errorf("started on %q", addr)
		}
	}
}

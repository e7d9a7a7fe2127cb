package kafka

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func startOn(t *testing.T, dir string, log *slog.Logger) *DevBroker {
	t.Helper()
	b, err := StartDevBroker("127.0.0.1:0", dir, log)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// produce produces one record, with a client that soon gives up.
func produce(t *testing.T, b *DevBroker, topic string) error {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic), kgo.MetadataMinAge(10*time.Millisecond),
		kgo.DisableIdempotentWrite(), kgo.RecordRetries(1), kgo.RequestRetries(0), kgo.RetryTimeout(time.Second), kgo.ProduceRequestTimeout(time.Second), kgo.RequestTimeoutOverhead(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return client.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr()
}

// While the disk has too little room the development broker takes nothing, and
// says so; then it goes on.
func TestDevBrokerWithoutRoom(t *testing.T) {
	var log bytes.Buffer
	b := startOn(t, t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
	defer b.Close()
	b.disk.roomMin.Store(math.MaxUint64)
	if err := produce(t, b, "orders"); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("without room: %v, want %v", err, kerr.KafkaStorageError)
	}
	b.disk.roomMin.Store(roomMin)
	if err := produce(t, b, "orders"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if n := strings.Count(log.String(), "too little room"); n != 1 {
		t.Errorf("it is said %d times, want once:\n%s", n, log.String())
	}
}

// A development broker that could not write something answers nobody any more,
// as if it had been killed, and its next start finds what was answered before.
func TestDevBrokerCannotWrite(t *testing.T) {
	dir := t.TempDir()
	b := startOn(t, dir, nil)
	if err := produce(t, b, "before"); err != nil {
		t.Fatal(err)
	}
	var inTheWay []string
	for i := range 6 { // partitions that a topic has
		name := filepath.Join(dir, "partitions", "broken-"+strconv.Itoa(i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		inTheWay = append(inTheWay, name)
	}
	for _, topic := range []string{"broken", "before"} {
		if err := produce(t, b, topic); err == nil {
			t.Errorf("topic %s: an event is acknowledged after the disk has failed", topic)
		}
	}
	b.Close()
	for _, name := range inTheWay {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, closedFile)); err == nil {
		t.Error("it is noted as stopped in order")
	}
	again := startOn(t, dir, nil)
	defer again.Close()
	for _, topic := range []string{"broken", "before"} {
		if err := produce(t, again, topic); err != nil {
			t.Errorf("topic %s, after the next start: %v", topic, err)
		}
	}
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

// topicOf starts a development broker and writes one order into its topic.
func topicOf(t *testing.T, topic string) kafka.Config {
	t.Helper()
	return topicAt(t, "127.0.0.1:0", topic)
}

func topicAt(t *testing.T, addr, topic string) kafka.Config {
	t.Helper()
	dev, err := kafka.StartDevBroker(addr, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(dev.Addr()), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	order := `{"order_id":1,"user_id":7,"created_at":"2026-11-23T09:00:00Z","amount":1,"currency":"EUR","status":"new"}`
	if err := client.ProduceSync(t.Context(), kgo.StringRecord(order)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return kafka.Config{Brokers: []string{dev.Addr()}}
}

// ordersIn is how many orders the database has, -1 when it does not say.
func ordersIn(t *testing.T, dsn string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return -1
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM orders").Scan(&n); err != nil {
		return -1
	}
	return n
}

// TestSinkAwaitsItsDatabase starts the sink while PostgreSQL is away: it says
// that it waits, ends well when it is told to, and else writes as soon as the
// database is there.
func TestSinkAwaitsItsDatabase(t *testing.T) {
	t.Parallel()
	pg := realtest.StartPostgres(t)
	dsn := pg.Database(t)
	streams := filepath.Join(t.TempDir(), "streams")
	if err := writeExample(streams); err != nil {
		t.Fatal(err)
	}
	pg.Kill9(t)
	sink := &sinkProcess{args: []string{"sink", "--kafka", topicOf(t, "orders").Brokers[0], "--streams", streams, "--to", dsn}}
	sink.startsAndWaits(t, "the database is away and is waited for")
	defer sink.kill()
	pg.Restart(t)
	eventually(t, "the order is in the table", func() bool { return ordersIn(t, dsn) == 1 })
}

// startsAndWaits starts the sink, tells it to end once it says that it waits, and
// starts it again.
func (p *sinkProcess) startsAndWaits(t *testing.T, saying string) {
	t.Helper()
	waits := func() {
		t.Helper()
		p.start(t)
		eventually(t, "the sink says that it waits", func() bool { return strings.Contains(p.said.String(), saying) })
	}
	waits()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("told to end while it waits: %v\n%s", err, p.said)
	}
	waits()
}

// TestSinkAwaitsKafka does the same while Kafka is away.
func TestSinkAwaitsKafka(t *testing.T) {
	t.Parallel()
	streams, broker := filepath.Join(t.TempDir(), "streams"), realtest.Addr(t)
	if err := writeExample(streams); err != nil {
		t.Fatal(err)
	}
	sink := &sinkProcess{args: []string{"sink", "--kafka", broker, "--streams", streams, "--to", "sqlite:" + filepath.Join(t.TempDir(), "o.db")}}
	sink.startsAndWaits(t, "Kafka is away and is waited for")
	defer sink.kill()
	topicAt(t, broker, "orders")
	eventually(t, "the sink follows the topic", func() bool { return strings.Contains(sink.said.String(), "msg=following") })
}

// TestSinkOutlivesItsDatabaseWhileJoining takes PostgreSQL away before the group
// gives partitions, when the table is asked how far it has come.
func TestSinkOutlivesItsDatabaseWhileJoining(t *testing.T) {
	t.Parallel()
	pg := realtest.StartPostgres(t)
	dsn := pg.Database(t)
	streams := filepath.Join(t.TempDir(), "streams")
	if err := writeExample(streams); err != nil {
		t.Fatal(err)
	}
	c := &sinkConfig{streams: streams, stream: "orders"}
	rules, err := c.rules()
	if err != nil {
		t.Fatal(err)
	}
	from := topicOf(t, "orders")
	f, err := openFollower(t.Context(), dsn, "", rules, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	pg.Kill9(t)
	for err == nil { // a session outlives its server for a moment
		_, err = f.table.Positions(t.Context(), f.consumer)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.run(ctx, from, "orders", true) }()
	eventually(t, "the follower stands still, or has ended", func() bool { return f.state.stalled.Load() || len(ended) > 0 })
	pg.Restart(t)
	eventually(t, "the order is in the table, or the follower has ended", func() bool { return ordersIn(t, dsn) == 1 || len(ended) > 0 })
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the follower ended with %v", err)
	}
	if n := ordersIn(t, dsn); n != 1 {
		t.Errorf("%d orders in the table", n)
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock/internal/realtest"
)

// A sinkProcess is one penstock sink that a test starts, kills and starts again.
type sinkProcess struct {
	args []string
	cmd  *exec.Cmd
	said *utterances
}

// utterances are what a process says, for who reads while it speaks.
type utterances struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (u *utterances) Write(b []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.text.Write(b)
}

func (u *utterances) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.text.String()
}

func (p *sinkProcess) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), asPenstock+"=1")
	p.said = &utterances{}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal("start penstock sink:", err)
	}
}

func (p *sinkProcess) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// A feed writes orders to a topic until it is stopped: each id many times over
// with times forth and back, and bad ones among them.
type feed struct {
	client  *kgo.Client
	topic   string
	written atomic.Int64
	stop    context.CancelFunc
	stopped chan error
}

const feedIDs = 3000

func startFeed(t *testing.T, broker, topic string) *feed {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 3, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	f := &feed{client: client, topic: topic, stop: stop, stopped: make(chan error, 1)}
	go func() { f.stopped <- f.run(ctx) }()
	return f
}

func (f *feed) run(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 0; ctx.Err() == nil; n++ {
		id := 1 + rng.IntN(feedIDs)
		second := rng.IntN(1_000_000)
		status := "new"
		if n%50 == 49 {
			status = "stolen"
		}
		r := &kgo.Record{Key: fmt.Append(nil, id), Value: fmt.Appendf(nil, `{"order_id":%d,"user_id":7,"created_at":%q,"amount":%d,"currency":"EUR","status":%q}`,
			id, time.Unix(1_700_000_000+int64(second), 0).UTC().Format(time.RFC3339), second, status)}
		f.client.Produce(context.WithoutCancel(ctx), r, nil)
		if f.written.Add(1)%500 == 0 {
			if err := f.client.Flush(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return f.client.Flush(context.Background())
}

// await waits until n more orders are written.
func (f *feed) await(t *testing.T, n int64) {
	t.Helper()
	from := f.written.Load()
	eventually(t, "orders are written", func() bool { return f.written.Load() >= from+n })
}

// want is what the table must hold: of each id the row of the latest time. All
// of an id are in one partition, so of equal times the later offset wins.
func (f *feed) want(t *testing.T, broker string) (rows map[int64]int64, rejects int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(f.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	rows = map[int64]int64{}
	for read := int64(0); read < f.written.Load(); {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			read++
			if bytes.Contains(r.Value, []byte("stolen")) {
				rejects++
				return
			}
			var id, amount int64
			var at string
			if _, err := fmt.Sscanf(string(r.Value), `{"order_id":%d,"user_id":7,"created_at":%q,"amount":%d,`, &id, &at, &amount); err != nil {
				t.Error(err)
			}
			rows[id] = max(rows[id], amount) // the amount is the time
		})
	}
	return rows, rejects
}

// copiesFile is a stream without an identity, so that its table takes every
// event of the topic: one that is written twice is there twice.
const copiesFile = `
stream: copies
schema:
  type: object
  properties: {status: {enum: [new]}}
topic: orders
`

// TestSinkExactlyOnce kills the sink and PostgreSQL under load, while a second
// sink comes and goes so that partitions change hands. In the end the table
// holds the latest row of each id in the topic, and each reject once; and the
// table of a stream without identities as many rows as the topic has good events.
func TestSinkExactlyOnce(t *testing.T) {
	t.Parallel()
	k, pg := realtest.StartKafka(t), realtest.StartPostgres(t)
	dsn := pg.Database(t)
	f := startFeed(t, k.Addr(), "orders")
	streams := filepath.Join(t.TempDir(), "streams")
	if err := writeExample(streams); err != nil {
		t.Fatal(err)
	}
	args := []string{"sink", "--kafka", k.Addr(), "--streams", streams, "--to", dsn}
	one, two := &sinkProcess{args: args}, &sinkProcess{args: args}
	one.start(t)
	copies := filepath.Join(t.TempDir(), "copies.yaml")
	if err := os.WriteFile(copies, []byte(copiesFile), 0o600); err != nil {
		t.Fatal(err)
	}
	copyArgs := []string{"sink", "--kafka", k.Addr(), "--streams", copies, "--to", dsn}
	copier := &sinkProcess{args: copyArgs}
	copier.start(t)
	kills := cycles(t, 4) // PENSTOCK_CRASH_CYCLES=20 takes two minutes
	for i := range kills {
		f.await(t, 500+rand.Int64N(3000))
		one.kill()
		copier.kill()
		if i%4 == 0 {
			pg.Kill9(t)
			pg.Restart(t)
		}
		if i%3 == 0 {
			two.start(t)
		}
		one.start(t)
		copier.start(t)
		if i%3 == 1 {
			two.kill()
		}
	}
	f.stop()
	if err := <-f.stopped; err != nil {
		t.Fatal(err)
	}
	one.kill()
	copier.kill()
	if two.cmd != nil {
		two.kill()
	}
	last, lastCopy := &sinkProcess{args: append(args, "--once")}, &sinkProcess{args: append(copyArgs, "--once")}
	for _, p := range []*sinkProcess{last, lastCopy} {
		p.start(t)
		p.cmd.Wait() // its code says whether it found rejects
	}
	want, rejects := f.want(t, k.Addr())
	got, letters, copied := readTable(t, dsn)
	t.Logf("%d kills, %d of them of PostgreSQL too; %d events of %d ids, %d rejects", kills, (kills+3)/4, f.written.Load(), len(want), rejects)
	if letters != rejects {
		t.Errorf("%d rejects are kept, want %d\n%s", letters, rejects, last.said.String())
	}
	if good := int(f.written.Load()) - rejects; copied != good {
		t.Errorf("%d copies, want %d: the topic's good events, each once\n%s", copied, good, lastCopy.said.String())
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d\n%s", len(got), len(want), last.said.String())
	}
	for id, amount := range want {
		if got[id] != amount {
			t.Fatalf("order %d is the one of second %d, want %d\n%s", id, got[id], amount, last.said.String())
		}
	}
}

func readTable(t *testing.T, dsn string) (rows map[int64]int64, letters, copies int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM penstock_rejects WHERE consumer = 'penstock-sink-orders'), (SELECT count(*) FROM copies)").Scan(&letters, &copies); err != nil {
		t.Fatal(err)
	}
	found, err := conn.Query(t.Context(), "SELECT order_id, amount::bigint FROM orders")
	if err != nil {
		t.Fatal(err)
	}
	rows = map[int64]int64{}
	var id, amount int64
	if _, err := pgx.ForEachRow(found, []any{&id, &amount}, func() error {
		rows[id] = amount
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows, letters, copies
}

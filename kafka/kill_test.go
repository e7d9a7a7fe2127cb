package kafka_test

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

// A real broker is killed in the middle of rounds, and every event is there
// once. With PENSTOCK_SOAK set, it is killed twenty times.
func TestBrokerKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a broker of its own")
	}
	t.Parallel()
	server := realtest.StartKafka(t)
	cfg := kafka.Config{Brokers: []string{server.Addr()}}
	sink := newSink(t, cfg, kafka.SinkOptions{RoundTimeout: 2 * time.Second})
	var written, failed atomic.Int64
	ctx, stop := context.WithCancel(within(t))
	done := make(chan uint64, 1)
	go func() {
		into := penstock.Retry{To: sink, Max: time.Second, OnError: func(err error, attempt int, _ time.Duration) {
			failed.Add(1)
			t.Logf("%s attempt %d: %v", time.Now().Format("05.000"), attempt, err)
		}}
		next := uint64(1)
		for ctx.Err() == nil {
			// A batch that was begun is finished, so that we know how many there are.
			if err := into.Write(context.WithoutCancel(ctx), run(next, next+499)); err != nil {
				t.Error(err)
				break
			}
			next += 500
			written.Add(1)
		}
		done <- next - 1
	}()
	kills := 1
	if os.Getenv("PENSTOCK_SOAK") != "" {
		kills = 20
	}
	for range kills {
		until(t, &written, written.Load()+5)
		t.Log(time.Now().Format("05.000"), "kill at", written.Load())
		server.Kill9(t)
		server.Restart(t)
		t.Log(time.Now().Format("05.000"), "restarted")
	}
	until(t, &written, written.Load()+5)
	stop()
	n := <-done
	if failed.Load() == 0 {
		t.Log("no write failed: every kill fell between rounds or was bridged by the driver")
	}
	onceEach(t, cfg, "orders", n)
}

// until waits until n is reached.
func until(t *testing.T, counter *atomic.Int64, n int64) {
	t.Helper()
	ctx := within(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for counter.Load() < n {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("stuck at %d of %d", counter.Load(), n)
		}
	}
}

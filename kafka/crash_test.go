package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/kafka"
)

// onceEach checks that the topic holds the events at positions 1 to n, each
// once, and those of one key in order.
func onceEach(t *testing.T, cfg kafka.Config, topic string, n uint64) {
	t.Helper()
	seen := map[uint64]int{}
	last := map[string]uint64{}
	for _, e := range read(t, cfg, topic) {
		var at uint64
		if _, err := fmt.Sscanf(string(e.Body), `{"n":%d}`, &at); err != nil {
			t.Fatalf("read %q: %v", e.Body, err)
		}
		if seen[at]++; seen[at] > 1 {
			t.Errorf("position %d is there %d times", at, seen[at])
		}
		if at < last[string(e.Key)] {
			t.Errorf("position %d of %s comes after %d", at, e.Key, last[string(e.Key)])
		}
		last[string(e.Key)] = at
	}
	for at := uint64(1); at <= n; at++ {
		if seen[at] == 0 {
			t.Errorf("position %d is lost", at)
		}
	}
	if uint64(len(seen)) > n {
		t.Errorf("%d positions, of which only %d were written", len(seen), n)
	}
}

// Whatever request of a round is cut, before or after the broker acted on it,
// once or for a while: every event is there once, in order.
func TestCutLine(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.EndTxn, kmsg.ListOffsets, kmsg.Fetch} {
		for _, f := range []fate{loseAsk, loseAnswer} {
			for _, times := range []int64{1, 8} {
				t.Run(fmt.Sprintf("%s/%d/%d", key.Name(), f, times), func(t *testing.T) {
					t.Parallel()
					l, cfg := cuttable(t)
					var left atomic.Int64
					l.rule(func(k int16) fate {
						if k == key.Int16() && left.Add(-1) >= 0 {
							return f
						}
						return pass
					})
					sink := newSink(t, cfg, kafka.SinkOptions{RoundTimeout: time.Second})
					into := penstock.Retry{To: sink, Min: time.Millisecond, Max: 50 * time.Millisecond}
					for round := range uint64(4) {
						if round%2 == 1 {
							left.Store(times)
						}
						b := run(round*50+1, round*50+50)
						if err := into.Write(within(t), b); err != nil {
							t.Fatal(err)
						}
						if got := b.Tally(); got.Delivered != 50 {
							t.Fatal(got)
						}
					}
					left.Store(0)
					onceEach(t, cfg, "orders", 200)
				})
			}
		}
	}
}

// A process dies at its n-th request, before or after the broker acted on it.
// Its successor writes everything again from the last checkpoint, which is
// always the beginning here.
func TestCrashAtEveryRequest(t *testing.T) {
	for at := int64(1); at <= 24; at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			l, cfg := cuttable(t)
			first := newSink(t, cfg, kafka.SinkOptions{RoundTimeout: time.Second})
			if err := (penstock.Retry{To: first}).Write(within(t), run(1, 20)); err != nil {
				t.Fatal(err)
			}
			var seen atomic.Int64
			l.rule(func(int16) fate {
				switch n := seen.Add(1); {
				case n < at/2:
					return pass
				case n == at/2 && at%2 == 1:
					return loseAnswer
				}
				return loseAsk // the process is gone
			})
			ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
			for n := uint64(21); n < 200 && ctx.Err() == nil; n += 20 {
				first.Write(ctx, run(n, n+19)) // whatever it says, nobody is there to hear it
			}
			cancel()
			l.rule(nil)
			second := newSink(t, cfg, kafka.SinkOptions{})
			b := run(1, 200)
			if err := (penstock.Retry{To: second}).Write(within(t), b); err != nil {
				t.Fatal(err)
			}
			if got := b.Tally(); got.Delivered != 200 {
				t.Fatal(got)
			}
			onceEach(t, cfg, "orders", 200)
		})
	}
}

// A zombie cannot write, says why, and does not shut out its successor.
func TestZombieIsFenced(t *testing.T) {
	_, cfg := fake(t)
	ctx := within(t)
	zombie := newSink(t, cfg, kafka.SinkOptions{})
	if err := (penstock.Retry{To: zombie}).Write(ctx, run(1, 10)); err != nil {
		t.Fatal(err)
	}
	heir := newSink(t, cfg, kafka.SinkOptions{})
	if n, err := heir.Position(ctx, door); n != 10 || err != nil {
		t.Fatalf("the heir begins at %d: %v", n, err)
	}
	for range 3 {
		b := run(11, 20)
		if err := zombie.Write(ctx, b); !errors.Is(err, kafka.ErrFenced) || b.Tally().Pending != 10 {
			t.Fatalf("the zombie says %v, with %v", err, b.Tally())
		}
		if !zombie.State().Fenced || zombie.State().Ready {
			t.Fatalf("the zombie's state is %+v", zombie.State())
		}
	}
	if err := (penstock.Retry{To: heir}).Write(ctx, run(11, 20)); err != nil {
		t.Fatalf("the heir was shut out: %v", err)
	}
	onceEach(t, cfg, "orders", 20)
}

// Sinks share the progress topic. One that is in the middle of a transaction
// must not hide another's progress that is committed behind it.
func TestProgressBehindAnOpenTransaction(t *testing.T) {
	for range 3 {
		if progressBehindAnOpenTransaction(t) {
			return
		}
	}
	t.Fatal("the development broker lost its place three times running")
}

// progressBehindAnOpenTransaction returns false when the broker refused a
// good sequence number, as kfake does once in a hundred times under load: the
// sink then rightly waits for the open transaction, which is not the case in
// question.
func progressBehindAnOpenTransaction(t *testing.T) bool {
	_, cfg := fake(t)
	ctx := within(t)
	first := newSink(t, cfg, kafka.SinkOptions{})
	if err := (penstock.Retry{To: first}).Write(ctx, run(1, 10)); err != nil {
		t.Fatal(err)
	}
	other, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.TransactionalID("other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	open := &kgo.Record{Topic: kafka.ProgressTopic, Partition: 0, Key: []byte("journal:other"), Value: []byte(`{}`)}
	if err := other.ProduceSync(ctx, open).FirstErr(); err != nil {
		t.Fatal(err)
	}
	// A Write that waits for the other's transaction must not outwait its time-out.
	short, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	err = first.Write(short, run(11, 20))
	if err != nil && strings.Contains(err.Error(), kerr.OutOfOrderSequenceNumber.Message) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	first.Close(ctx)
	beginsAt(t, cfg, other, 20)
	return true
}

// beginsAt wants a new sink to wait for the open transaction of other, and
// then to begin at the given position.
func beginsAt(t *testing.T, cfg kafka.Config, other *kgo.Client, want uint64) {
	t.Helper()
	ctx := within(t)
	second := newSink(t, cfg, kafka.SinkOptions{})
	answer := make(chan uint64, 1)
	go func() {
		n, err := second.Position(ctx, door)
		if err != nil {
			t.Error(err)
		}
		answer <- n
	}()
	select {
	case n := <-answer:
		t.Fatalf("answered %d while a transaction was open", n)
	case <-time.After(300 * time.Millisecond):
	}
	if err := other.EndTransaction(ctx, kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if n := <-answer; n != want {
		t.Fatalf("begins at %d, not %d", n, want)
	}
}

func TestProgressOutlivesCompaction(t *testing.T) {
	c, cfg := fake(t)
	ctx := within(t)
	first := newSink(t, cfg, kafka.SinkOptions{})
	for n := uint64(1); n < 100; n += 10 {
		if err := (penstock.Retry{To: first}).Write(ctx, run(n, n+9)); err != nil {
			t.Fatal(err)
		}
		c.Compact()
	}
	second := newSink(t, cfg, kafka.SinkOptions{})
	if n, err := second.Position(ctx, door); n != 100 || err != nil {
		t.Fatalf("begins at %d, not 100: %v", n, err)
	}
}

// Each Sink takes over from one that is busy writing. Whatever the old one
// manages to commit until it is shut out, the new one knows of.
func TestTakeover(t *testing.T) {
	_, cfg := fake(t)
	ctx := within(t)
	var end uint64 // every position up to here has been given to some sink
	for range 4 {
		sink := newSink(t, cfg, kafka.SinkOptions{})
		if _, err := sink.Position(ctx, door); err != nil {
			t.Fatal(err)
		}
		busy := make(chan uint64, 1)
		started := make(chan struct{}, 1)
		first := end + 1
		go func() {
			for n := first; ; n++ {
				if err := sink.Write(ctx, run(n, n)); err != nil {
					if !errors.Is(err, kafka.ErrFenced) {
						t.Errorf("writing %d ended with %v", n, err)
					}
					busy <- n
					return
				}
				select {
				case started <- struct{}{}:
				default:
				}
			}
		}()
		select {
		case <-started:
		case <-ctx.Done():
			t.Fatal("nothing was written")
		}
		heir := newSink(t, cfg, kafka.SinkOptions{})
		from, err := heir.Position(ctx, door)
		if err != nil {
			t.Fatal(err)
		}
		end = max(<-busy, from)
		b := run(1, end)
		if err := (penstock.Retry{To: heir}).Write(ctx, b); err != nil {
			t.Fatal(err)
		}
		heir.Close(ctx)
	}
	onceEach(t, cfg, "orders", end)
}

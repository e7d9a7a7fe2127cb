package kafka_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

// collector is a sink that keeps bodies and says when it has enough.
type collector struct {
	mu     sync.Mutex
	bodies []string
	fail   func(seen int) error
	enough int
	full   chan struct{}
}

func (c *collector) Write(_ context.Context, b *penstock.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(len(c.bodies)); err != nil {
			return err
		}
	}
	for _, e := range b.Events {
		e.Deliver(penstock.Place{})
		c.bodies = append(c.bodies, string(e.Body))
		if len(c.bodies) == c.enough {
			close(c.full)
		}
	}
	return nil
}

func source(t *testing.T, cfg kafka.Config, o kafka.SourceOptions) *kafka.Source {
	t.Helper()
	s, err := kafka.NewSource(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A group commits only what is settled: what failed is read again, what was
// settled is not.
func TestGroupGoesOnWhereItSettled(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, cfg kafka.Config) {
		ctx := within(t)
		topic := realtest.Name(t)
		sink, err := kafka.NewSink(cfg, kafka.SinkOptions{Topic: topic, Door: "journal:" + topic, Partitions: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer sink.Close(ctx)
		b := run(1, 100)
		for _, e := range b.Events {
			e.Origin.Door = "journal:" + topic
		}
		if err := (penstock.Retry{To: sink}).Write(ctx, b); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("the table is locked")
		into := &collector{fail: func(seen int) error {
			if seen == 30 {
				return broken
			}
			return nil
		}}
		reader := source(t, cfg, kafka.SourceOptions{Topic: topic, Group: "g-" + topic, BatchMax: 10})
		if err := reader.Run(ctx, into); !errors.Is(err, broken) {
			t.Fatalf("ended with %v", err)
		}
		into.fail = nil
		if err := reader.Run(ctx, into); err != nil {
			t.Fatal(err)
		}
		for i, body := range into.bodies {
			if want := string(b.Events[i].Body); body != want {
				t.Fatalf("%s came where %s was due", body, want)
			}
		}
		if len(into.bodies) != 100 {
			t.Fatalf("%d events came", len(into.bodies))
		}
		if err := reader.Run(ctx, into); err != nil || len(into.bodies) != 100 {
			t.Fatalf("a third run found %d more: %v", len(into.bodies)-100, err)
		}
	})
}

func TestFollowFromEnd(t *testing.T) {
	_, cfg := fake(t)
	ctx := within(t)
	sink := newSink(t, cfg, kafka.SinkOptions{})
	if err := (penstock.Retry{To: sink}).Write(ctx, run(1, 10)); err != nil {
		t.Fatal(err)
	}
	into := &collector{enough: 1, full: make(chan struct{})}
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	reader := source(t, cfg, kafka.SourceOptions{Topic: "orders", From: kafka.FromEnd, Follow: true})
	go func() { ended <- reader.Run(following, into) }()
	for n := uint64(11); ; n++ { // until the reader is there to see one
		if err := (penstock.Retry{To: sink}).Write(ctx, run(n, n)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-into.full:
		case <-time.After(50 * time.Millisecond):
			continue
		}
		break
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("ended with %v", err)
	}
	if strings.Contains(strings.Join(into.bodies, " "), `{"n":10}`) {
		t.Fatal("came from before the end")
	}
}

func TestSourceCarriesAll(t *testing.T) {
	_, cfg := fake(t)
	sink := newSink(t, cfg, kafka.SinkOptions{})
	b := run(1, 1)
	b.Events[0].Headers = []penstock.Header{{Name: "ce-source", Value: []byte("shop")}}
	if err := (penstock.Retry{To: sink}).Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	e := read(t, cfg, "orders")[0]
	place := b.Events[0].Place()
	if string(e.ID) != "id-1" || string(e.Key) != "key-1" || header(e, "ce-source") != "shop" || len(e.Headers) != 1 ||
		e.Origin.Position != uint64(place.Offset) || !strings.HasPrefix(e.Origin.Door, "kafka:orders/") || e.Time.IsZero() {
		t.Fatalf("%+v", e)
	}
}

func TestMissingTopic(t *testing.T) {
	_, cfg := fake(t)
	err := source(t, cfg, kafka.SourceOptions{Topic: "nowhere"}).Run(within(t), &collector{})
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Fatal(err)
	}
}

// A foreign consumer finds what the sink says is there.
func TestKcatReads(t *testing.T) {
	t.Parallel()
	kcat := realtest.Program(t, "kcat", "kcat")
	dev, err := kafka.StartDevBroker("127.0.0.1:0", t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	for name, cfg := range map[string]kafka.Config{
		"DevBroker": {Brokers: []string{dev.Addr()}},
		"Kafka":     {Brokers: []string{realtest.Kafka(t)}},
	} {
		t.Run(name, func(t *testing.T) {
			topic := realtest.Name(t)
			sink, err := kafka.NewSink(cfg, kafka.SinkOptions{Topic: topic, Door: "journal:" + topic})
			if err != nil {
				t.Fatal(err)
			}
			defer sink.Close(context.Background())
			b := run(1, 500)
			for _, e := range b.Events {
				e.Origin.Door = "journal:" + topic
			}
			if err := (penstock.Retry{To: sink}).Write(within(t), b); err != nil {
				t.Fatal(err)
			}
			// A commit is answered a little before its records can be read, and
			// kcat -e does not wait for it.
			if n := len(read(t, cfg, topic)); n != 500 {
				t.Fatalf("%d events in the topic", n)
			}
			out, err := exec.Command(kcat, "-b", cfg.Brokers[0], "-C", "-e", "-q", "-t", topic, "-o", "beginning", "-X", "isolation.level=read_committed").Output()
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(out), "\n"); n != 500 {
				t.Fatalf("kcat read %d events", n)
			}
		})
	}
}

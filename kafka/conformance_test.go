package kafka_test

import (
	"context"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/kafka"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("DevBroker", func(t *testing.T) {
		conform(t, func(t *testing.T) kafka.Config { _, cfg := fake(t); return cfg })
	})
	t.Run("Kafka", func(t *testing.T) {
		conform(t, func(t *testing.T) kafka.Config { return kafka.Config{Brokers: []string{realtest.Kafka(t)}} })
	})
}

func conform(t *testing.T, cluster func(*testing.T) kafka.Config) {
	sinktest.Run(t, func(t *testing.T, door string) (penstock.Sink, func() []sinktest.Record) {
		cfg := cluster(t)
		topic := realtest.Name(t)
		sink, err := kafka.NewSink(cfg, kafka.SinkOptions{Topic: topic, Door: door})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sink.Close(context.Background()) })
		if _, err := sink.Position(context.Background(), door); err != nil { // makes the topics
			t.Fatal(err)
		}
		return sink, func() []sinktest.Record {
			var out []sinktest.Record
			for _, e := range read(t, cfg, topic) {
				out = append(out, sinktest.Record{Key: string(e.Key), Body: string(e.Body)})
			}
			return out
		}
	})
}

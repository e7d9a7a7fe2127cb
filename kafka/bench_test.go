package kafka_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

const benchBatch = 10_000

// BenchmarkSink puts batches of 10,000 events of 400 bytes through
// transactions; BenchmarkDriver has the bare driver produce the same records
// asynchronously, without transactions. Compare events/s.
func BenchmarkSink(b *testing.B) {
	onBrokers(b, func(b *testing.B, broker string) {
		name := realtest.Name(b)
		door := "journal:" + name
		sink, err := kafka.NewSink(kafka.Config{Brokers: []string{broker}}, kafka.SinkOptions{Topic: name, Door: door})
		if err != nil {
			b.Fatal(err)
		}
		defer sink.Close(context.Background())
		if _, err := sink.Position(context.Background(), door); err != nil {
			b.Fatal(err)
		}
		batch, next := &penstock.Batch{}, uint64(0)
		body := append(noise(100), make([]byte, 300)...)
		b.ReportAllocs()
		for b.Loop() {
			batch.Events = batch.Events[:0]
			events := make([]penstock.Event, benchBatch)
			for i := range events {
				next++
				events[i] = penstock.Event{Key: keys[next%1000], ID: keys[next%1000], Body: body, Origin: penstock.Origin{Door: door, Position: next}}
				batch.Events = append(batch.Events, &events[i])
			}
			if err := sink.Write(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "events/s")
	})
}

func BenchmarkDriver(b *testing.B) {
	onBrokers(b, func(b *testing.B, broker string) {
		name := realtest.Name(b)
		door := "journal:" + name
		// The sink makes the topic as it does for itself.
		sink, err := kafka.NewSink(kafka.Config{Brokers: []string{broker}}, kafka.SinkOptions{Topic: name, Door: door})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := sink.Position(context.Background(), door); err != nil {
			b.Fatal(err)
		}
		sink.Close(context.Background())
		client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(name), kgo.ProducerLinger(0),
			kgo.ProducerBatchCompression(kgo.Lz4Compression()))
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		next := uint64(0)
		body := append(noise(100), make([]byte, 300)...)
		b.ReportAllocs()
		for b.Loop() {
			records := make([]kgo.Record, benchBatch)
			var wg sync.WaitGroup
			wg.Add(benchBatch)
			for i := range records {
				next++
				records[i] = kgo.Record{Key: keys[next%1000], Value: body, Headers: []kgo.RecordHeader{
					{Key: kafka.HeaderID, Value: keys[next%1000]}, {Key: kafka.HeaderSeq, Value: keys[next%1000]}}}
				client.Produce(context.Background(), &records[i], func(_ *kgo.Record, err error) {
					if err != nil {
						b.Error(err)
					}
					wg.Done()
				})
			}
			wg.Wait()
		}
		b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "events/s")
	})
}

var keys = func() (out [1000][]byte) {
	for i := range out {
		out[i] = fmt.Appendf(nil, "key-%d", i)
	}
	return out
}()

func onBrokers(b *testing.B, run func(b *testing.B, broker string)) {
	b.Run("DevBroker", func(b *testing.B) {
		dev, err := kafka.StartDevBroker("127.0.0.1:0", b.TempDir(), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer dev.Close()
		run(b, dev.Addr())
	})
	b.Run("Kafka", func(b *testing.B) { run(b, realtest.Kafka(b)) })
}

package main

import (
	"context"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// produce is the rival of the batch row: franz-go's own asynchronous
// idempotent produce, as it comes, of 400-byte records with 4,096 keys, counted
// when the broker has acknowledged them.
func produce(ctx context.Context, broker string, window time.Duration) (measured, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("bench"), kgo.AllowAutoTopicCreation())
	if err != nil {
		return measured{}, err
	}
	defer client.Close()
	values := make([][]byte, 1000)
	for i := range values {
		values[i] = newOrder()
	}
	keys := make([][]byte, 4096)
	for i := range keys {
		keys[i] = strconv.AppendInt(nil, int64(1000+i), 10)
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Key: keys[0], Value: values[0]}).FirstErr(); err != nil {
		return measured{}, err
	}
	var m measured
	var failed error
	begin := time.Now()
	for time.Since(begin) < window {
		for _, value := range values {
			id := nextOrder.Add(1)
			// As penstock does, each record has an id of its own in its bytes.
			v := append([]byte(nil), value...)
			strconv.AppendInt(v[:len(`{"order_id":`)], id, 10)
			client.Produce(ctx, &kgo.Record{Key: keys[id%4096], Value: v}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed = err
				}
			})
		}
		m.events += int64(len(values))
	}
	if err := client.Flush(ctx); err != nil {
		return m, err
	}
	m.elapsed = time.Since(begin)
	return m, failed
}

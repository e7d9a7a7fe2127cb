//go:build bench

package lambda_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/internal/realtest"
)

// limit is how many rows a second DynamoDB Local takes from a client that does
// nothing but send: its requests are made before, and signed by nobody.
func (b *bench) limit(count uint64) float64 {
	const atOnce = 8 // as the function
	bodies := b.requests(count)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range atOnce {
		wait.Go(func() {
			for i := next.Add(1); i <= int64(len(bodies)); i = next.Add(1) {
				if err := b.send(client, bodies[i-1]); err != nil {
					b.t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return float64(count) / time.Since(start).Seconds()
}

// requests are BatchWriteItems of orders as the function makes them.
func (b *bench) requests(count uint64) [][]byte {
	var bodies [][]byte
	var order orders.Order
	g := orders.Generator{Seed: 1}
	for from := uint64(0); from < count; from += dynamo.ItemsMax {
		var puts []any
		for n := from; n < min(count, from+dynamo.ItemsMax); n++ {
			g.Order(n, &order)
			puts = append(puts, map[string]any{"PutRequest": map[string]any{"Item": item(&order)}})
		}
		body, err := json.Marshal(map[string]any{"RequestItems": map[string]any{b.table: puts}})
		b.must(err)
		bodies = append(bodies, body)
	}
	return bodies
}

func item(o *orders.Order) map[string]any {
	text := func(t []byte) map[string]any {
		if t == nil {
			return map[string]any{"NULL": true}
		}
		return map[string]any{"S": string(t)}
	}
	number := func(n any) map[string]any { return map[string]any{"N": fmt.Sprint(n)} }
	return map[string]any{
		"order_id": number(o.ID), "user_id": number(o.UserID), "created_at": text([]byte(o.CreatedAt.UTC().Format(time.RFC3339Nano))),
		"amount": number(float64(o.Amount) / 100), "amount_minor": number(o.Amount), "currency": text([]byte(o.Currency)),
		"status": text([]byte(o.Status)), "email": text(o.Email), "note": text(o.Note), "country": text([]byte("unknown")), "tier": text([]byte("unknown")),
	}
}

func (b *bench) send(client *http.Client, body []byte) error {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.local, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.BatchWriteItem")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+realtest.S3AccessKey+"/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(res.Body)
	if res.Body.Close(); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("DynamoDB Local answers %s: %.300s", res.Status, text)
	}
	return err
}

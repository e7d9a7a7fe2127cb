package main

import (
	"bufio"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// TestFunctionBigObject has the real bootstrap read an object that is much
// larger than its memory and takes much longer than its time: 20 MB, or as many
// as PENSTOCK_LAMBDA_MB says, in 128 MB. The table takes every batch, after a
// while that makes all of them take five times as long as an invocation has for
// work, however fast the machine; in that time a slow one still gets many
// batches further. DynamoDB Local would take most of the machine.
func TestFunctionBigObject(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a large object")
	}
	const (
		limit  = 128 << 20
		margin = 2 * time.Second
		atOnce = 8 // requests
	)
	size := int64(envNumber(t, "PENSTOCK_LAMBDA_MB", 20)) << 20
	c := newCloud(t, faults.DynamoDBShares{}, 1)
	c.configure("margin_seconds: 2, timeout_seconds: 60, lease_seconds: 2, batch_kb: 64, writes_at_once: 8")
	rows, written := c.putLarge("orders/big.jsonl", size)
	work := time.Second + time.Duration(size>>20)*4*time.Millisecond
	null := &faults.NullDynamoDB{
		To: c.proxy.To, Table: c.table, Key: "order_id",
		Takes: 5 * work * atOnce * dynamo.ItemsMax / time.Duration(rows),
	}
	server := httptest.NewServer(null)
	t.Cleanup(server.Close)

	service := &lambdaService{
		program: os.Args[0], stderr: &metricLines{t: t}, timeout: margin + work,
		env: append(c.env, "AWS_ENDPOINT_URL_DYNAMODB="+server.URL, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"),
	}
	if err := startLambdaService(service); err != nil {
		t.Fatal(err)
	}
	defer service.close()
	service.add(c.event("orders/big.jsonl"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	start := time.Now()
	if failed, err := service.drain(ctx); err != nil || len(failed) > 0 {
		t.Fatalf("%v, failed %v", err, failed)
	}
	took := time.Since(start)
	p := c.progress("orders/big.jsonl")
	items, keys := null.Written()
	t.Logf("%d MB, %d rows in %.1f s, %.0f rows/s; %d continuations; at most %d MB of memory; %d items written, %d different",
		written>>20, rows, took.Seconds(), float64(rows)/took.Seconds(), p.Hop, service.peak>>20, items, keys)
	if p.State != s3.Done || p.Tally.Read != rows || p.Tally.Delivered != rows || p.Unaccounted() != 0 || keys != rows {
		t.Errorf("%s %v, %d unaccounted, %d keys; want %d rows delivered", p.State, p.Tally, p.Unaccounted(), keys, rows)
	}
	if p.Hop < 3 {
		t.Errorf("%d continuations, want at least 3", p.Hop)
	}
	if service.peak > limit || service.peak == 0 {
		t.Errorf("%d bytes of memory, the limit is %d", service.peak, limit)
	}
}

// putLarge stores good orders of about so many bytes, and returns how many.
func (c *cloud) putLarge(key string, size int64) (rows, written int64) {
	c.t.Helper()
	file, err := os.Create(filepath.Join(c.t.TempDir(), "large"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	g := orders.Generator{Seed: 1}
	var o orders.Order
	var line []byte
	for written < size {
		g.Order(uint64(rows), &o)
		line = append(o.Append(line[:0], orders.NDJSON), '\n')
		n, err := out.Write(line)
		if err != nil {
			c.t.Fatal(err)
		}
		rows, written = rows+1, written+int64(n)
	}
	if err := out.Flush(); err != nil {
		c.t.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.settings.s3().PutObject(c.t.Context(), &awss3.PutObjectInput{Bucket: &c.in, Key: &key, Body: file}); err != nil {
		c.t.Fatal(err)
	}
	return rows, written
}

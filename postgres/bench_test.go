package postgres_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

// The two benchmarks write the same 20,000 rows of seven columns: ours from
// values, and pgx.CopyFrom from what a program has that made them Go values.

const benchRows = 20_000

func benchBatch(b *testing.B, dsn string) (*postgres.Table, *penstock.Batch) {
	s := sinktest.Stream(b, sinktest.Orders)
	var texts []string
	for i := range benchRows {
		texts = append(texts, fmt.Sprintf(`{"order_id":%d,"created_at":"2026-01-02T03:04:05Z","amount":"%d.50","ratio":%d,"paid":true,"note":"please leave it at number %d"}`, i, i, i, i))
	}
	return open(b, dsn, postgres.Options{Stream: s, Connections: 1}), sinktest.Events(b, s, 0, texts...)
}

func BenchmarkChunk(b *testing.B) {
	table, batch := benchBatch(b, realtest.Postgres(b))
	next := int64(0)
	for b.Loop() {
		next++
		fresh := make([]penstock.Event, benchRows)
		again := &penstock.Batch{Events: make([]*penstock.Event, benchRows)}
		for i, e := range batch.Events {
			fresh[i].Values = e.Values
			again.Events[i] = &fresh[i]
		}
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Start: next}).Write(b.Context(), again); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkPgxCopyFrom(b *testing.B) {
	dsn := realtest.Postgres(b)
	_, batch := benchBatch(b, dsn)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	for b.Loop() {
		_, err := conn.CopyFrom(b.Context(), pgx.Identifier{"orders"}, []string{"order_id", "created_at", "amount", "ratio", "paid", "note"},
			pgx.CopyFromSlice(benchRows, func(i int) ([]any, error) {
				v := batch.Events[i].Values
				return []any{v[0].Num, v[1].AsTime(), v[2].String(), v[3].String(), v[4].Num == 1, string(v[5].Bytes)}, nil
			}))
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

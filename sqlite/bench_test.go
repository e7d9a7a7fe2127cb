package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/sqlite"
)

// BenchmarkChunk writes chunks of 20,000 rows of seven columns; divide by that
// for the time of a row.
func BenchmarkChunk(b *testing.B) {
	s := sinktest.Stream(b, sinktest.Orders)
	table := open(b, newFile(b), sqlite.Options{Stream: s})
	const rows = 20_000
	var texts []string
	for i := range rows {
		texts = append(texts, fmt.Sprintf(`{"order_id":%d,"created_at":"2026-01-02T03:04:05Z","amount":"%d.50","ratio":%d,"paid":true,"note":"please leave it at number %d"}`, i, i, i, i))
	}
	batch := sinktest.Events(b, s, 0, texts...)
	next := int64(0)
	for b.Loop() {
		next++
		fresh := &penstock.Batch{}
		for i, e := range batch.Events {
			copied := *e
			copied.Values = append([]penstock.Value(nil), e.Values...)
			copied.Values[0] = penstock.IntValue(next*rows + int64(i))
			copied = penstock.Event{Origin: copied.Origin, Values: copied.Values}
			fresh.Events = append(fresh.Events, &copied)
		}
		if err := table.Chunk(penstock.Chunk{Job: "j", Source: "s", Start: next}).Write(b.Context(), fresh); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}

package csvfile

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

const benchStream = `
stream: bench
schema:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
  additionalProperties: false
  properties:
    order_id:   {type: integer, minimum: 1}
    user_id:    {type: integer, minimum: 1}
    created_at: {type: string, format: date-time}
    amount:     {type: number, format: "decimal(12,2)", minimum: 0}
    currency:   {type: string, pattern: "^[A-Z]{3}$"}
    status:     {enum: [new, paid, shipped, cancelled, refunded]}
    email:      {type: string, maxLength: 254}
    note:       {type: string, maxLength: 2000}
`

// BenchmarkDecode is the door by itself: from a file to values.
func BenchmarkDecode(b *testing.B) {
	dir := b.TempDir()
	rules, name := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "in.csv")
	header := []byte("order_id,user_id,created_at,amount,currency,status,email,note\n")
	text := append(header, benchText(100_000)...)
	if err := os.WriteFile(rules, []byte(benchStream), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		b.Fatal(err)
	}
	streams, err := stream.Load(rules)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		n := 0
		s := Source{Stream: streams[0], Files: []string{name}, Workers: 1}
		err := s.Run(b.Context(), penstock.SinkFunc(func(_ context.Context, batch *penstock.Batch) error {
			n += len(batch.Events)
			return nil
		}))
		if err != nil || n != 100_000 {
			b.Fatal(n, err)
		}
	}
}

package stream

import (
	"context"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
)

// ordersStream is the row of examples/orders, built by hand.
func ordersStream(t testing.TB) *Stream {
	t.Helper()
	s := &Stream{
		Name: "orders",
		Fields: []Field{
			{Name: "order_id", Type: Int},
			{Name: "user_id", Type: Int},
			{Name: "created_at", Type: Time},
			{Name: "amount", Type: Decimal, Precision: 12, Scale: 2, FromText: true, FromNumber: true},
			{Name: "currency", Type: Text},
			{Name: "status", Type: Text},
			{Name: "email", Type: Text},
			{Name: "note", Type: Text},
		},
		Declared: 8, ID: []int{0}, Key: 1, Time: 2,
	}
	compile(t, s, `
amount_minor: {from: amount, do: [{scale: 2}, {cast: integer}]}
email: {from: email, do: [trim, lower]}
`)
	return s
}

const orderJSON = `{"order_id":4611686018427387905,"user_id":1234567,"created_at":"2026-01-31T12:34:56.789+02:00",` +
	`"amount":1299.50,"currency":"EUR","status":"paid","email":"jane.doe@example.com",` +
	`"note":"Please leave the parcel at the side door, the bell is broken; call ahead if the gate is closed. ` +
	`The dog is friendly but loud. Thank you very much for the quick delivery the last time, it was appreciated!"}`

func BenchmarkDecode(b *testing.B) {
	s := ordersStream(b)
	d := s.NewDecoder()
	var e penstock.Event
	data := []byte(orderJSON)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		if _, err := d.Decode(data, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeDeriveEncode(b *testing.B) {
	s := ordersStream(b)
	d := s.NewDecoder()
	var e penstock.Event
	data := []byte(orderJSON)
	ctx := context.Background()
	steps := []penstock.Step{s.Derive, s.Identify, s.Encode}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		if _, err := d.Decode(data, &e); err != nil {
			b.Fatal(err)
		}
		for _, step := range steps {
			if err := step(ctx, &e); err != nil {
				b.Fatal(err)
			}
		}
	}
}

var _ = strings.Repeat

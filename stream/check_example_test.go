package stream_test

import (
	"context"
	"fmt"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

func ExampleStream_Check() {
	streams, err := stream.Load("../examples/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := streams[0]
	decoder := orders.NewDecoder()
	for _, raw := range []string{
		`{"order_id":1,"user_id":7,"created_at":"2026-01-31T12:00:00Z","amount":"12.50","currency":"SEK","status":"new"}`,
		`{"order_id":1,"user_id":7,"created_at":"2026-01-31T12:00:00Z","amount":-12.50,"currency":"SEK","status":"new"}`,
		`{"order_id":1,"user_id":7,"created_at":"2026-01-31T12:00:00Z","amount":12.50,"currency":"SEK"}`,
	} {
		var e penstock.Event
		if _, err := decoder.Decode([]byte(raw), &e); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(orders.Check(context.Background(), &e))
	}
	// Output:
	// <nil>
	// /amount: amount is -12.50; send at least 0 (minimum)
	// status is missing; send "new", "paid", "shipped", "cancelled" or "refunded" (required)
}

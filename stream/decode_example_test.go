package stream_test

import (
	"context"
	"fmt"
	"log"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// An event goes from its bytes to the record that leaves.
func Example() {
	streams, err := stream.Load("../examples/orders/orders.yaml")
	if err != nil {
		log.Fatal(err)
	}
	s := streams[0]
	raw := []byte(`{"order_id":7,"user_id":1,"created_at":"2026-01-31T12:00:00+01:00",` +
		`"amount":"12.50","currency":"EUR","status":"paid","email":" Ann@Example.com "}`)

	var e penstock.Event
	if _, err := s.NewDecoder().Decode(raw, &e); err != nil {
		log.Fatal(err)
	}
	for _, step := range []penstock.Step{s.Check, s.Derive, s.Identify, s.Encode} {
		if err := step(context.Background(), &e); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("id %s, key %s\n%s\n", e.ID, e.Key, e.Body)
	// Output:
	// id 7, key 1
	// {"order_id":7,"user_id":1,"created_at":"2026-01-31T11:00:00Z","amount":12.50,"currency":"EUR","status":"paid","email":"ann@example.com","amount_minor":1250}
}

// A refusal says what is wrong, where, and whether one may go on behind it.
func ExampleDecoder_Decode() {
	streams, err := stream.Load("../examples/orders/orders.yaml")
	if err != nil {
		log.Fatal(err)
	}
	d := streams[0].NewDecoder()
	for _, data := range []string{
		`{"order_id":1,"order_id":2} {"order_id":3}`,
		`{"order_id":1,"note":nil}`,
	} {
		var e penstock.Event
		n, err := d.Decode([]byte(data), &e)
		fmt.Println(n, err)
	}
	// Output:
	// 27 /order_id: the name stands twice in one object, and readers differ in which one they take; leave one out (duplicate_name at byte 14)
	// 0 /note: expected null, found 'i' (syntax at byte 22)
}

// A cell of a CSV file becomes the value that JSON becomes.
func ExampleDecoder_Cell() {
	streams, err := stream.Load("../examples/orders/orders.yaml")
	if err != nil {
		log.Fatal(err)
	}
	s := streams[0]
	d := s.NewDecoder()
	const amount = 3 // the slot, found once by the column's name
	v, err := d.Cell(amount, []byte("12.5"))
	fmt.Println(s.Fields[amount].Name, v.Kind, v, err)
	// Output:
	// amount decimal 12.50 <nil>
}

package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
)

// printer is a sink that prints what it stores.
func printer(name string) penstock.Sink {
	return penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		for _, e := range b.Pending().Events {
			fmt.Printf("%s <- %s\n", name, e.Body)
			e.Deliver(penstock.Place{Offset: -1})
		}
		return nil
	})
}

func orders(bodies ...string) *penstock.Batch {
	b := &penstock.Batch{}
	for _, body := range bodies {
		b.Events = append(b.Events, &penstock.Event{Raw: []byte(body), Body: []byte(body)})
	}
	return b
}

// A whole line: steps, a sink, and a place for what is refused.
func Example() {
	check := func(_ context.Context, e *penstock.Event) error {
		if !strings.HasPrefix(string(e.Raw), "order") {
			return penstock.NewReject("type", "", "want an order, got %q", e.Raw)
		}
		return nil
	}
	into := penstock.DeadLetters{
		To:      penstock.Pipeline{Steps: []penstock.Step{check}, To: printer("orders")},
		Letters: printer("orders.rejects"),
	}
	b := orders("order 1", "invoice 7", "order 2")
	err := into.Write(context.Background(), b)
	fmt.Println(b.Tally(), err)
	fmt.Println(b.Events[1].Verdict(), b.Events[1].Reason())
	// Output:
	// orders <- order 1
	// orders <- order 2
	// orders.rejects <- invoice 7
	// read 3 = delivered 2 + dropped 0 + rejected 1 <nil>
	// rejected want an order, got "invoice 7" (type)
}

func ExampleRetry() {
	tries := 0
	moody := penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		if tries++; tries < 3 {
			return errors.New("broker away")
		}
		for _, e := range b.Pending().Events {
			e.Deliver(penstock.Place{Offset: -1})
		}
		return nil
	})
	b := orders("order 1")
	err := penstock.Retry{To: moody, Min: time.Microsecond}.Write(context.Background(), b)
	fmt.Println(tries, "tries:", b.Tally(), err)
	// Output:
	// 3 tries: read 1 = delivered 1 + dropped 0 + rejected 0 <nil>
}

// A database that refuses a whole transaction for one bad row.
func ExampleBisect() {
	table := penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		pending := b.Pending().Events
		for _, e := range pending {
			if string(e.Body) != "bad" {
				continue
			}
			why := penstock.NewReject("constraint", "", "amount is negative")
			if len(pending) > 1 {
				return &penstock.Refusal{Why: why}
			}
			e.Reject(why)
			return nil
		}
		return printer("table").Write(context.Background(), b)
	})
	b := orders("a", "b", "bad", "c")
	err := penstock.Bisect{To: table}.Write(context.Background(), b)
	fmt.Println(b.Tally(), err)
	// Output:
	// table <- a
	// table <- b
	// table <- c
	// read 4 = delivered 3 + dropped 0 + rejected 1 <nil>
}

func ExamplePipeline() {
	shout := func(_ context.Context, e *penstock.Event) error {
		e.Body = append(e.Body[:0], strings.ToUpper(string(e.Raw))...)
		return nil
	}
	into := penstock.Pipeline{Steps: []penstock.Step{shout}, To: printer("topic")}
	fmt.Println(into.Write(context.Background(), orders("one", "two")))
	// Output:
	// topic <- ONE
	// topic <- TWO
	// <nil>
}

func ExampleDeadLetters() {
	letters := penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		for _, e := range b.Pending().Events {
			for _, h := range e.Headers {
				fmt.Printf("%s=%q\n", h.Name, h.Value)
			}
			e.Deliver(penstock.Place{Offset: -1})
		}
		return nil
	})
	b := orders("{")
	b.Events[0].Reject(&penstock.Reject{Code: "syntax", Detail: "unexpected end", Offset: 1})
	into := penstock.DeadLetters{
		To: printer("orders"), Letters: letters,
		Stamp: []penstock.Header{{Name: "penstock-stream", Value: []byte("orders")}},
	}
	fmt.Println(into.Write(context.Background(), b))
	// Output:
	// penstock-stream="orders"
	// penstock-reject-code="syntax"
	// penstock-reject-pointer=""
	// penstock-reject-detail="unexpected end"
	// penstock-door=""
	// penstock-reject-offset="1"
	// <nil>
}

func ExampleTotal() {
	var total penstock.Total // one for all doors of a command
	total.Add(penstock.Tally{Read: 3, Delivered: 2, Rejected: 1})
	total.Add(penstock.Tally{Read: 2, Delivered: 1, Pending: 1})
	fmt.Println(total.Tally(), total.Tally().Conserved())
	// Output:
	// read 5 = delivered 3 + dropped 0 + rejected 1 + pending 1 true
}

func ExampleValue() {
	fmt.Println(penstock.DecimalValue(1990, 2), penstock.IntValue(-3), penstock.Value{}.Missing())
	// Output:
	// 19.90 -3 true
}

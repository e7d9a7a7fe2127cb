// Serve measures `penstock serve` beside named rivals and prints ratios: both
// sides in one run on one machine, interleaved, medians.
//
//	go run ./bench/serve                 # all rows, about two minutes
//	go run ./bench/serve -rounds 3 -for 2s
//	go run ./bench/serve -kafka HOST:PORT   # the same rows into a real Kafka
//
// The load is closed-loop over keep-alive connections: 400-byte orders, unique
// ids, 4,096 keys, the orders stream with all its checks and its cached
// look-up, drained into the broker while it is measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options are what the run is told.
type options struct {
	rounds int
	window time.Duration
	kafka  string // a real Kafka; empty: penstock's development broker
}

func main() {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case floorCommand:
			serveFloor(os.Args[2])
		case usualCommand:
			serveUsual(os.Args[2], os.Args[3])
		}
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds of each row")
	flag.DurationVar(&o.window, "for", 3*time.Second, "length of one measurement")
	flag.StringVar(&o.kafka, "kafka", "", "`HOST:PORT` of a real Kafka instead of the development broker")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	p, err := startPenstock(ctx, o)
	if err != nil {
		return err
	}
	defer p.stop()
	floor, err := startRival(ctx, floorCommand)
	if err != nil {
		return err
	}
	defer floor.stop()
	usual, err := startRival(ctx, usualCommand, p.broker)
	if err != nil {
		return err
	}
	defer usual.stop()

	single := load{connections: 64, events: 1, window: o.window}
	wide := load{connections: 256, events: 1, window: o.window}
	batches := load{connections: 16, events: 100, window: o.window}
	for _, c := range []comparison{
		{title: "single-event POST, ack=disk, 64 connections (requests/s)", floor: 0.5,
			rival: "net/http that reads the body and answers 202", load: single, against: single.to(floor)},
		{title: "single-event POST, ack=disk, 256 connections (requests/s)", floor: 0.5,
			rival: "net/http that reads the body and answers 202", load: wide, against: wide.to(floor)},
		{title: "single-event POST, acknowledged and drained, 64 connections (requests/s)", floor: 1, drained: true,
			rival: usualName, load: single, against: single.to(usual)},
		{title: "NDJSON of 100, acknowledged and drained, 16 connections (events/s)", floor: 1, drained: true,
			rival: usualName, load: batches, against: batches.to(usual)},
		{title: "NDJSON of 100, acknowledged and drained, 16 connections (events/s)", floor: 0.5, drained: true,
			rival: "franz-go asynchronous produce into the same broker", load: batches,
			against: func(ctx context.Context) (measured, error) { return produce(ctx, p.broker, o.window) }},
	} {
		if err := c.run(ctx, o.rounds, p); err != nil {
			return fmt.Errorf("%s: %w", c.title, err)
		}
		c.print(os.Stdout)
	}
	return measureMemory(ctx, o, p)
}

// measureMemory loads a second penstock, whose broker is the first one's, so
// that its memory is its own and not the development broker's data.
func measureMemory(ctx context.Context, o options, host *server) error {
	o.kafka = host.broker
	p, err := startPenstock(ctx, o)
	if err != nil {
		return err
	}
	defer p.stop()
	for range o.rounds {
		for _, l := range []load{{connections: 64, events: 1}, {connections: 16, events: 100}} {
			l.window = o.window
			if _, err := l.to(p)(ctx); err != nil {
				return err
			}
			if err := p.awaitDrained(ctx); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\nmemory of a penstock with its broker in another process, after %v of load\n", time.Duration(2*o.rounds)*o.window)
	return p.printMemory(os.Stdout)
}

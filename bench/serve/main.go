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
	if len(os.Args) == 3 && os.Args[1] == floorCommand {
		serveFloor(os.Args[2])
		return
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
	floor, err := startFloor(ctx)
	if err != nil {
		return err
	}
	defer floor.stop()

	for _, connections := range []int{64, 256} {
		single, err := compareSingle(ctx, o, p, floor, connections)
		if err != nil {
			return fmt.Errorf("single-event rows: %w", err)
		}
		single.print(os.Stdout)
	}
	batch, err := compareBatches(ctx, o, p)
	if err != nil {
		return fmt.Errorf("batch rows: %w", err)
	}
	batch.print(os.Stdout)
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
			l.addr, l.window = p.addr, o.window
			if _, err := l.run(ctx); err != nil {
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

// compareSingle posts one event a request, ack=disk, to penstock and to a
// net/http server that only reads the body and answers 202.
func compareSingle(ctx context.Context, o options, p, floor *server, connections int) (comparison, error) {
	c := comparison{
		title: fmt.Sprintf("single-event POST, ack=disk, %d connections (requests/s)", connections),
		ours:  "penstock serve", rival: "net/http that reads the body and answers 202", floor: 0.5,
	}
	for range o.rounds {
		rival, err := load{addr: floor.addr, connections: connections, events: 1, window: o.window}.run(ctx)
		if err != nil {
			return c, err
		}
		ours, err := load{addr: p.addr, connections: connections, events: 1, window: o.window}.run(ctx)
		if err != nil {
			return c, err
		}
		if err := p.awaitDrained(ctx); err != nil {
			return c, err
		}
		c.add(ours, rival)
	}
	return c, nil
}

// compareBatches posts NDJSON of 100 until the window ends and counts what is
// acknowledged and drained by the time the last of it is in the broker; the
// rival is franz-go producing the same records asynchronously into the same
// broker.
func compareBatches(ctx context.Context, o options, p *server) (comparison, error) {
	c := comparison{
		title: "NDJSON of 100, ack=disk, 16 connections, acknowledged and drained (events/s)",
		ours:  "penstock serve", rival: "franz-go asynchronous produce into the same broker", floor: 0.5,
	}
	for range o.rounds {
		rival, err := produce(ctx, p.broker, o.window)
		if err != nil {
			return c, err
		}
		begin := time.Now()
		ours, err := load{addr: p.addr, connections: 16, events: 100, window: o.window}.run(ctx)
		if err != nil {
			return c, err
		}
		if err := p.awaitDrained(ctx); err != nil {
			return c, err
		}
		ours.elapsed = time.Since(begin)
		c.add(ours, rival)
	}
	return c, nil
}

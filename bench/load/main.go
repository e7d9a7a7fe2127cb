// Load measures `penstock load` beside psql's \copy and the steps of the ladder
// that leads up from the naive Python program, and prints ratios: all in one
// run on one machine, interleaved, medians.
//
//	make bench-load                                    # starts its own PostgreSQL
//	go run ./bench/load -to postgres://… -rows 2000000 # one that is there
//
// psql is given the file already transformed; penstock reads the raw one,
// checks every field and derives two. The Python steps need psycopg2 and load
// fewer rows, as they would take hours.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// options are what the run is told.
type options struct {
	to     string
	rows   int
	rounds int
	python string
}

func main() {
	var o options
	flag.StringVar(&o.to, "to", "", "postgres://… with a database to work in")
	flag.IntVar(&o.rows, "rows", 2_000_000, "rows of the file")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds")
	flag.StringVar(&o.python, "python", "python3", "a Python with psycopg2")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench load:", err)
		os.Exit(1)
	}
}

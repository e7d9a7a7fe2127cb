// Load measures `penstock load` beside psql's \copy, the steps of the ladder
// that leads up from the naive Python program and Python's SQLite, and prints
// ratios: each piece in one run on one machine, interleaved, medians.
//
//	make bench-load                                    # all pieces, on a PostgreSQL of its own
//	make bench-load PIECE=copy                         # one of them, which takes less than two minutes
//	go run ./bench/load -to postgres://… -piece ladder # on one that is there
//
// psql is given the file already transformed; penstock reads the raw one,
// checks every field and derives two. The Python steps need psycopg2 and load
// fewer rows, as they would take hours. The piece fifty is one load of 50
// million rows, which takes some minutes and 20 GB of disk and is not among all.
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
	rows   int // 0: as many as the piece is made for
	rounds int // 0: as many as the piece is made for
	python string
	piece  string // "": all
	files  string // folder that keeps what is read; "": a temporary one
}

func main() {
	var o options
	flag.StringVar(&o.to, "to", "", "postgres://… with a database to work in")
	flag.IntVar(&o.rows, "rows", 0, "rows of the file; 0 is 2 million, or 50 million for the piece fifty")
	flag.IntVar(&o.rounds, "rounds", 0, "interleaved rounds; 0 is as many as fit two minutes")
	flag.StringVar(&o.python, "python", "python3", "a Python with psycopg2")
	flag.StringVar(&o.piece, "piece", "", "parse, copy, key, ledger, ladder, sqlite or fifty; all but the last unless given")
	flag.StringVar(&o.files, "files", "", "`folder` that keeps the files that are read, for the next run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench load:", err)
		os.Exit(1)
	}
}

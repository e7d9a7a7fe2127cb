package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/s3"
	"github.com/penstock-io/penstock/stream"
)

// routes are the ways of objects into tables, and what they keep open.
type routes struct {
	all   []s3.Route
	close []func() error
}

// add makes a route: the stream's rules by its look-ups, then the table's sink
// of a batch.
func (r *routes) add(from s3.Place, s *stream.Stream, log *slog.Logger, table func(penstock.Chunk) penstock.Sink) error {
	lookups, err := enrich.New(s, enrich.Options{Log: log})
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	r.close = append(r.close, lookups.Close)
	r.all = append(r.all, s3.Route{From: from, Stream: s, Into: func(c penstock.Chunk) penstock.Sink {
		return penstock.Pipeline{
			Steps: []penstock.Step{s.Check, s.Derive, s.Identify},
			To:    lookups.Ahead(penstock.Pipeline{Steps: []penstock.Step{lookups.Step}, To: table(c)}),
		}
	}})
	return nil
}

func (r *routes) shut() error {
	var errs []error
	for i := len(r.close) - 1; i >= 0; i-- {
		errs = append(errs, r.close[i]())
	}
	return errors.Join(errs...)
}

// loadStreams compiles the stream files, or the orders example where none are
// named.
func loadStreams(path string) ([]*stream.Stream, error) {
	if path != "" {
		return stream.Load(path)
	}
	dir, err := os.MkdirTemp("", "penstock-streams-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(dir); err != nil { // writeExample makes it
		return nil, err
	}
	if err := writeExample(dir); err != nil {
		return nil, err
	}
	return stream.Load(dir)
}

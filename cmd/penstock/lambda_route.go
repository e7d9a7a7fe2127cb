package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

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

// A routeTable is where a route ends.
type routeTable struct {
	chunk func(penstock.Chunk) penstock.Sink
	id    func(context.Context) (string, error) // tells it from another of the same name
}

// add makes a route: the stream's rules by its look-ups, then the table's sink
// of a batch.
func (r *routes) add(ctx context.Context, from s3.Place, s *stream.Stream, o enrich.Options, table routeTable) error {
	lookups, err := enrich.New(ctx, s, o)
	if err != nil {
		return err
	}
	r.close = append(r.close, lookups.Close)
	r.all = append(r.all, s3.Route{From: from, Stream: s, Table: table.id, Into: func(c penstock.Chunk) penstock.Sink {
		return penstock.Pipeline{
			Steps: []penstock.Step{s.Check, s.Derive, s.Identify},
			To:    lookups.Ahead(penstock.Pipeline{Steps: []penstock.Step{lookups.Step}, To: table.chunk(c)}),
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

// load compiles the stream files, or the orders example where none are named.
func (r *routes) load(path string) ([]*stream.Stream, error) {
	if path != "" {
		return stream.Load(path)
	}
	dir, err := os.MkdirTemp("", "penstock-streams-")
	if err != nil {
		return nil, err
	}
	r.close = append(r.close, func() error { return os.RemoveAll(dir) })
	example := filepath.Join(dir, "orders") // writeExample makes it
	if err := writeExample(example); err != nil {
		return nil, err
	}
	return stream.Load(example)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/s3"
)

// A csvCutter is the CSV door's reader, for the texts of objects. Its state is
// the names of the columns, which only the beginning of a text has.
type csvCutter struct {
	scanner *csvfile.Scanner
	decoder *csvfile.Decoder
	chunk   csvfile.Chunk
	state   string
	before  uint64 // records before this reading began
	at      int64
}

func newCSVCutter(in s3.Input) (s3.Cutter, error) {
	o := csvfile.Options{ChunkBytes: in.BatchBytes}
	if in.State != "" {
		if err := json.Unmarshal([]byte(in.State), &o.Columns); err != nil {
			return nil, fmt.Errorf("the columns in the ledger: %w", err)
		}
	}
	scanner, err := csvfile.NewScanner(in.Text, o)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(scanner.Columns())
	if err != nil {
		return nil, err
	}
	decoder, err := csvfile.NewDecoder(in.Stream, scanner.Columns(), in.Door)
	if err != nil {
		return nil, err
	}
	return &csvCutter{scanner: scanner, decoder: decoder, state: string(state), before: in.First - 1}, nil
}

// State is the columns.
func (c *csvCutter) State() string { return c.state }

// Next makes a batch of the next chunk.
func (c *csvCutter) Next(b *penstock.Batch) (int64, error) {
	if err := c.scanner.Next(&c.chunk); err != nil {
		if err == io.EOF {
			return 0, io.EOF
		}
		return 0, err
	}
	c.chunk.First += c.before
	b.Events = c.decoder.Decode(&c.chunk).Events
	bytes := c.scanner.Offset() - c.at
	c.at += bytes
	return bytes, nil
}

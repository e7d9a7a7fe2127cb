package csvfile

import (
	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A Decoder makes events of the chunks of a text that is no file, exactly as
// Source does of a file's:
//
//	sc, err := csvfile.NewScanner(in, csvfile.Options{})
//	d, err := csvfile.NewDecoder(s, sc.Columns(), "s3://bucket/key")
//	for sc.Next(&chunk) == nil { batch := d.Decode(&chunk) … }
//
// It is for one goroutine.
type Decoder struct {
	columns  *columns
	decoding decoding
	work     Work
}

// NewDecoder returns a Decoder of records with these columns, whose events come
// by door. Every column must be a field of the stream.
func NewDecoder(s *stream.Stream, names []string, door string) (*Decoder, error) {
	c, err := newColumns(s, names, nil, door)
	if err != nil {
		return nil, err
	}
	return &Decoder{columns: c, decoding: decoding{decoder: s.NewDecoder()}}, nil
}

// Decode makes the chunk's batch: one event for each record, those that are
// malformed already rejected. Batch and events are valid until the next Decode,
// and as long as the chunk is.
func (d *Decoder) Decode(c *Chunk) *penstock.Batch {
	d.work.Rows = c
	d.decoding.begin(&d.work, len(d.columns.stream.Fields))
	d.columns.decode(d.decoding.decoder, &d.work, 0, c.Len())
	return &d.work.Batch
}

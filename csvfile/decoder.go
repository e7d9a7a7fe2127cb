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
	columns *columns
	decoder *stream.Decoder
	work    Work
}

// NewDecoder returns a Decoder of records with these columns, whose events come
// by door. Every column must be a field of the stream.
func NewDecoder(s *stream.Stream, names []string, door string) (*Decoder, error) {
	c, err := newColumns(s, names, nil, door)
	if err != nil {
		return nil, err
	}
	return &Decoder{columns: c, decoder: s.NewDecoder()}, nil
}

// Decode makes the chunk's batch: one event for each record, those that are
// malformed already rejected. Batch and events are valid until the next Decode,
// and as long as the chunk is.
func (d *Decoder) Decode(c *Chunk) *penstock.Batch {
	d.decoder.Reset()
	d.work.Rows = c
	d.columns.decode(d.decoder, &d.work)
	return &d.work.Batch
}

package csvfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// columns say which cell of a record goes to which slot of the stream's row.
type columns struct {
	stream *stream.Stream
	door   string
	take   []taken
}

// taken is one column that is taken: cell becomes the value at slot.
type taken struct {
	cell, slot int
	text       bool // an empty cell in quotes is an empty text
}

// ignored names a column that is not taken.
const ignored = "-"

// What an error shows of a header, which may be no header at all: names, and
// characters of each.
const unknownShownMax, nameShownMax = 8, 60

// newColumns finds the fields that the columns are named after. All columns
// must be fields that senders may set, or be ignored: data that silently goes
// nowhere would be lost.
func newColumns(s *stream.Stream, names, ignore []string, door string) (*columns, error) {
	c := &columns{stream: s, door: door}
	var unknown []string
	at := map[string]int{}
	for cell, name := range names {
		if name == ignored || slices.Contains(ignore, name) {
			continue
		}
		if before, twice := at[name]; twice {
			return nil, fmt.Errorf("columns %d and %d have the same name %q: rename one", before+1, cell+1, name)
		}
		at[name] = cell
		slot := slices.IndexFunc(s.Fields[:s.Declared], func(f stream.Field) bool { return f.Name == name })
		if slot < 0 {
			unknown = append(unknown, fmt.Sprintf("%.*q", nameShownMax, name))
			continue
		}
		t := s.Fields[slot].Type
		c.take = append(c.take, taken{cell, slot, t == stream.Text || t == stream.Any})
	}
	if n := len(unknown); n > unknownShownMax {
		unknown = append(unknown[:unknownShownMax], fmt.Sprintf("and %d more", n-unknownShownMax))
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no field of stream %s has the name of column %s: add it to the stream file, or rename it",
			s.Name, strings.Join(unknown, ", "))
	}
	return c, nil
}

// decode makes the chunk's events from place from to place to. Those that are
// malformed are rejected.
func (c *columns) decode(d *stream.Decoder, w *Work, from, to int) {
	for i := from; i < to; i++ {
		e := w.Batch.Events[i]
		e.Reset()
		if err := c.event(d, w.Rows.Row(i), e); err != nil {
			e.Reject(err)
		}
		e.Origin = penstock.Origin{Door: c.door, Position: w.Rows.First + uint64(i)}
	}
}

// A decoding turns chunks into events, whose memory it uses again for the next
// chunk. It is by far the most that a chunk takes.
type decoding struct {
	decoder *stream.Decoder
	events  []*penstock.Event
}

// begin gives the work's batch its events, one for each record, whose rows of so
// many values lie side by side.
func (d *decoding) begin(w *Work, fields int) {
	d.decoder.Reset()
	n := w.Rows.Len()
	if n > len(d.events) {
		size := n + n/8
		events, values := make([]penstock.Event, size), make([]penstock.Value, size*fields)
		d.events = make([]*penstock.Event, size)
		for i := range d.events {
			d.events[i] = &events[i]
			events[i].Values = values[i*fields : i*fields : (i+1)*fields]
		}
	}
	w.Batch.Events = d.events[:n:n]
}

// event decodes one record. An empty cell is no value at all; in quotes it is
// an empty text where the field holds text.
func (c *columns) event(d *stream.Decoder, row Row, e *penstock.Event) *penstock.Reject {
	c.stream.Row(e)
	e.Raw = row.Raw()
	if why := row.Err(); why != nil {
		return why
	}
	all, start, ends := row.cells()
	for k := range c.take {
		t := &c.take[k]
		v := &e.Values[t.slot]
		text := cellOf(all, start, ends, t.cell)
		if len(text) > 0 && text[0] == '"' {
			text = row.chunk.unquoted(text)
			if len(text) == 0 && t.text {
				v.Kind, v.Bytes = penstock.Text, text
				continue
			}
		}
		if err := d.CellInto(t.slot, text, v); err != nil {
			c.stream.Row(e)
			return penstock.AsReject(err)
		}
	}
	return nil
}

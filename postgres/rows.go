package postgres

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/penstock-io/penstock"
)

// copyHead opens a binary COPY: signature, no flags, no extension.
const copyHead = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// errUnfit ends a COPY whose events hold a value that no row can have.
var errUnfit = errors.New("a value does not fit its column")

// errEnded ends what still reads rows whose COPY is over.
var errEnded = errors.New("the COPY is over")

// rows is the binary COPY of some events, encoded as it is read, so that the
// server takes one part while the next is made.
type rows struct {
	table *Table

	// pgx reads in a goroutine that it does not wait for when the connection is
	// lost or ctx ends: then the events are soon another write's.
	mu     sync.Mutex
	events []*penstock.Event
	next   int     // the event to encode
	memory *[]byte // of full, from buffers
	full   []byte  // encoded
	at     int     // read of it
	begun  bool
	ended  bool             // all of it is in full
	over   bool             // nobody wants it any more
	why    *penstock.Reject // of events[next-1], with errUnfit
}

// buffers are memory for rows. A COPY's would be a good part of all garbage that
// a load makes, and each collection looks through all events of its chunks.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// bufferBytesMax is the largest that is kept: records can be long.
const bufferBytesMax = 1 << 20

// Read implements io.Reader.
func (r *rows) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == len(r.full) {
		if err := r.fill(len(p)); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.full[r.at:])
	r.at += n
	return n, nil
}

// end returns once nobody reads the events any more.
func (r *rows) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if r.memory != nil && cap(r.full) <= bufferBytesMax {
		*r.memory = r.full[:0]
		buffers.Put(r.memory)
	}
	r.memory, r.full, r.at = nil, nil, 0
}

// fill encodes about n bytes.
func (r *rows) fill(n int) error {
	switch {
	case r.over:
		return errEnded
	case r.ended:
		return io.EOF
	}
	r.full, r.at = r.full[:0], 0
	if !r.begun {
		r.memory = buffers.Get().(*[]byte)
		r.full, r.begun = append((*r.memory)[:0], copyHead...), true
	}
	for len(r.full) < n && r.next < len(r.events) {
		r.full, r.why = r.table.appendRow(r.full, r.events[r.next], r.next)
		r.next++
		if r.why != nil {
			return errUnfit
		}
	}
	if r.next == len(r.events) {
		r.full, r.ended = append(r.full, 0xff, 0xff), true
	}
	return nil
}

// appendRow appends the event as one row of the COPY.
func (t *Table) appendRow(dst []byte, e *penstock.Event, place int) ([]byte, *penstock.Reject) {
	fields := len(t.columns)
	if t.staged {
		fields++
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(fields))
	for i := range t.columns {
		c := &t.columns[i]
		if c.slot < 0 {
			dst = appendExtra(dst, e.Extra)
			continue
		}
		v := &e.Values[c.slot]
		if v.Kind <= penstock.Null { // Missing, without its copy
			dst = binary.BigEndian.AppendUint32(dst, nullField)
			continue
		}
		var why string
		if dst, why = c.encode(dst, v); why != "" {
			return dst, penstock.NewReject(CodeColumn, pointer(c.name), "the value does not fit the column %s: %s", c.name, why)
		}
	}
	if len(e.Extra) > 0 && t.extra < 0 {
		return dst, penstock.NewReject(CodeColumn, "", "the event has members that the schema does not name, and the table has no column %s (json) for them", extraName)
	}
	if t.staged {
		dst = append(dst, 0, 0, 0, 4)
		dst = binary.BigEndian.AppendUint32(dst, uint32(place))
	}
	return dst, nil
}

func appendExtra(dst, extra []byte) []byte {
	if len(extra) == 0 {
		return binary.BigEndian.AppendUint32(dst, nullField)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(extra)+2))
	dst = append(append(dst, '{'), extra...)
	return append(dst, '}')
}

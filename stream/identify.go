package stream

import (
	"bytes"
	"context"
	"time"

	"github.com/penstock-io/penstock"
)

// IDBytesMax is the longest identity an event may have: identities are kept in
// memory and in indexes long after the event has gone.
const IDBytesMax = 1024

// Identify is the step that sets the event's identity, key and time from its
// values, into the event's own memory. The identity is set only if the stream
// declares one; it is the field's text, or several joined by commas, with
// commas and percent signs in each written as %2C and %25. One number is one
// identity and one key: 1.0 and 1e0 are written 1. An event that lacks
// a part of its identity is rejected: it could be neither told apart nor
// recognised. A missing key is an empty one, a missing time the zero time.
func (s *Stream) Identify(_ context.Context, e *penstock.Event) error {
	if len(e.Values) != len(s.Fields) {
		panic("stream: Identify of an event with another row than stream " + s.Name + " has")
	}
	if len(s.ID) > 0 {
		id, err := s.appendID(e.ID[:0], e.Values)
		e.ID = id
		if err != nil {
			return err
		}
	}
	e.Key = e.Key[:0]
	if s.Key >= 0 {
		e.Key = AppendPlain(e.Key, &e.Values[s.Key])
	}
	e.Time = time.Time{}
	if s.Time >= 0 && e.Values[s.Time].Kind == penstock.Time {
		e.Time = e.Values[s.Time].AsTime()
	}
	return nil
}

func (s *Stream) appendID(id []byte, values []penstock.Value) ([]byte, error) {
	for i, slot := range s.ID {
		v := &values[slot]
		if v.Missing() {
			return id[:0], penstock.NewReject("id", s.pointer(slot), "the field is part of the event's identity and is %v; send it", v.Kind)
		}
		if i > 0 {
			id = append(id, ',')
		}
		from := len(id)
		id = AppendPlain(id, v)
		if len(s.ID) > 1 && bytes.ContainsAny(id[from:], ",%") {
			id = appendPercent(id[:from], bytes.Clone(id[from:]))
		}
	}
	if len(id) == 0 || len(id) > IDBytesMax {
		return id[:0], penstock.NewReject("id", s.pointer(s.ID[0]), "the event's identity has %d bytes; it must have 1 to %d", len(id), IDBytesMax)
	}
	return id, nil
}

// AppendPlain appends the text that two values share when they are the same: of
// a number not the literal that came, but what it is worth.
// Identities, keys and questions of look-ups are such texts.
func AppendPlain(dst []byte, v *penstock.Value) []byte {
	if v.Kind == penstock.Number {
		return parseNumber(v.Bytes).appendPlain(dst)
	}
	return v.AppendText(dst)
}

func appendPercent(dst, part []byte) []byte {
	for _, b := range part {
		switch b {
		case ',':
			dst = append(dst, "%2C"...)
		case '%':
			dst = append(dst, "%25"...)
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

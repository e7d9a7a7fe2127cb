package orders

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Form is how orders are written.
type Form uint8

// The forms. Lines end in \n.
const (
	NDJSON          Form = iota // a JSON object a line
	Array                       // one JSON array of objects
	CSV                         // a header, then a record each; null is an empty cell
	CloudEvents                 // a CloudEvent in structured mode a line
	CloudEventBatch             // one JSON array of CloudEvents
)

var formNames = [...]string{"ndjson", "array", "csv", "cloudevents", "cloudevents-batch"}

// String is the form's name on a command line.
func (f Form) String() string { return formNames[f] }

// ParseForm returns the form of a name.
func ParseForm(name string) (Form, error) {
	for i, n := range formNames {
		if n == name {
			return Form(i), nil
		}
	}
	return 0, fmt.Errorf("no form %q of orders; write one of %s", name, strings.Join(formNames[:], ", "))
}

// A frame is what stands around the orders of a form.
type frame struct{ open, between, end string }

func (f Form) frame() frame {
	switch f {
	case Array, CloudEventBatch:
		return frame{"[\n", ",\n", "\n]\n"}
	case CSV:
		return frame{strings.Join(names[:], ",") + "\n", "\n", "\n"}
	}
	return frame{"", "\n", "\n"}
}

// writeBytes is how much is given to the writer at a time.
const writeBytes = 64 << 10

// Write writes count orders, beginning with order from.
func (g Generator) Write(w io.Writer, f Form, from, count uint64) error {
	frame := f.frame()
	buf := append(make([]byte, 0, writeBytes+4096), frame.open...)
	var o Order
	for n := range count {
		if n > 0 {
			buf = append(buf, frame.between...)
		}
		g.Order(from+n, &o)
		buf = o.Append(buf, f)
		if len(buf) < writeBytes {
			continue
		}
		if err := write(w, buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	if count > 0 || frame.open == "[\n" {
		buf = append(buf, frame.end...)
	}
	return write(w, buf)
}

func write(w io.Writer, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write orders: %w", err)
	}
	return nil
}

// Append appends the order in a form, without what stands around it.
func (o *Order) Append(dst []byte, f Form) []byte {
	w := o.flawIn(f)
	start := len(dst)
	switch f {
	case CSV:
		dst = o.appendCSV(dst, w)
	case CloudEvents, CloudEventBatch:
		return o.appendCloudEvent(dst, w)
	default:
		dst = o.appendJSON(dst, w)
	}
	return spoil(dst, start, w)
}

func spoil(dst []byte, start int, w *flaw) []byte {
	if w != nil && w.spoil != nil {
		return w.spoil(dst, start)
	}
	return dst
}

// replaced reports whether w puts something else, or nothing, in a field's place.
func (w *flaw) replaced(field int) bool { return w != nil && w.spoil == nil && w.field == field }

func (o *Order) appendJSON(dst []byte, w *flaw) []byte {
	dst = append(dst, '{')
	begun := false
	for field := range fieldCount {
		if w.replaced(field) && w.without {
			continue
		}
		if begun {
			dst = append(dst, ',')
		}
		begun = true
		dst = append(dst, '"')
		dst = append(dst, names[field]...)
		dst = append(dst, `":`...)
		if w.replaced(field) {
			dst = append(dst, w.literal...)
			continue
		}
		dst = o.appendJSONValue(dst, field)
	}
	return append(dst, '}')
}

func (o *Order) appendJSONValue(dst []byte, field int) []byte {
	switch field {
	case orderID, userID:
		return o.appendText(dst, field)
	case amount:
		if !o.Quoted {
			return o.appendText(dst, field)
		}
	case email:
		if o.Email == nil {
			return append(dst, "null"...)
		}
	case note:
		if o.Note == nil {
			return append(dst, "null"...)
		}
		if !o.plain {
			return appendQuoted(dst, o.Note)
		}
	}
	dst = append(dst, '"')
	dst = o.appendText(dst, field)
	return append(dst, '"')
}

// appendText appends a field without quotes; nothing for null.
func (o *Order) appendText(dst []byte, field int) []byte {
	switch field {
	case orderID:
		return strconv.AppendInt(dst, o.ID, 10)
	case userID:
		return strconv.AppendInt(dst, o.UserID, 10)
	case createdAt:
		return o.CreatedAt.AppendFormat(dst, time.RFC3339Nano)
	case amount:
		dst = strconv.AppendInt(dst, o.Amount/100, 10)
		return append(dst, '.', byte('0'+o.Amount%100/10), byte('0'+o.Amount%10))
	case currency:
		return append(dst, o.Currency...)
	case status:
		return append(dst, o.Status...)
	case email:
		return append(dst, o.Email...)
	}
	return append(dst, o.Note...)
}

// appendQuoted appends valid UTF-8 as a JSON string, each fourth character
// beyond ASCII as \u escapes, so that readers meet both.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i, r := range string(text) {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r < ' ' || r > '~' && r <= math.MaxUint16 && i%4 == 0:
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func (o *Order) appendCSV(dst []byte, w *flaw) []byte {
	for field := range fieldCount {
		if w.replaced(field) && w.without {
			continue
		}
		if field > 0 {
			dst = append(dst, ',')
		}
		switch {
		case w.replaced(field):
			dst = append(dst, w.literal...)
		case field == note && !o.plain && o.Note != nil || field == email && len(o.Email) > 0 && o.Email[0] == ' ':
			start := len(dst)
			dst = append(o.appendText(append(dst, '"'), field), '"')
			dst = doubleQuotes(dst, start+1)
		default:
			dst = o.appendText(dst, field)
		}
	}
	return dst
}

// doubleQuotes doubles each quote of the cell dst[start:len(dst)-1].
func doubleQuotes(dst []byte, start int) []byte {
	if bytes.IndexByte(dst[start:len(dst)-1], '"') < 0 {
		return dst
	}
	cell := bytes.ReplaceAll(dst[start:len(dst)-1], []byte(`"`), []byte(`""`))
	return append(append(dst[:start], cell...), '"')
}

// appendCloudEvent appends the order as the data of a CloudEvent of version
// 1.0, whose id is the order's.
func (o *Order) appendCloudEvent(dst []byte, w *flaw) []byte {
	dst = append(dst, `{"specversion":"1.0","type":"com.example.order","source":"/shop/`...)
	dst = strconv.AppendInt(dst, o.UserID%16, 10)
	dst = append(dst, `","id":"`...)
	dst = strconv.AppendInt(dst, o.ID, 10)
	dst = append(dst, `","time":"`...)
	dst = o.appendText(dst, createdAt)
	dst = append(dst, `","datacontenttype":"application/json","data":`...)
	start := len(dst)
	dst = spoil(o.appendJSON(dst, w), start, w)
	return append(dst, '}')
}

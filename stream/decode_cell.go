package stream

import (
	"github.com/penstock-io/penstock"
)

// Cell reads text, a cell of a CSV file or another place that has no types of
// its own, as a value of the declared field at slot: the very value that the
// event would have if it had come as JSON. Numbers, booleans, objects and
// arrays are written in a cell as in JSON, text and times without the quotes;
// a field of any type gets Text. What does not fit the field's type becomes
// Text, for Check to reject.
//
// An empty cell is Absent: a file of cells has no other way to leave a field
// out. A door that can tell an empty text from none sets the value itself.
//
// The value points into text or the decoder's memory, which lasts until Reset.
// The error is a *penstock.Reject, with the offset within the cell, for what no
// field may hold: invalid UTF-8, numbers out of range, objects that no decoder
// would take.
func (d *Decoder) Cell(slot int, text []byte) (v penstock.Value, err error) {
	err = d.CellInto(slot, text, &v)
	return v, err
}

// CellInto is Cell, but sets v, which must be the zero Value and is that again
// after an error: for doors that read very many.
func (d *Decoder) CellInto(slot int, text []byte, v *penstock.Value) (err error) {
	if len(text) == 0 {
		return nil
	}
	f := &d.index.fields[slot]
	if f.plainCell(text, v) {
		return nil
	}
	*v, err = d.anyCell(slot, text)
	return err
}

// plainCell reads the cells that nearly all are, and leaves v alone when text
// is another: what it reads, anyCell would read the same.
func (f *Field) plainCell(text []byte, v *penstock.Value) bool {
	switch f.Type {
	case Int:
		n, places := plainNumber(text)
		if places != 0 {
			return false
		}
		v.Kind, v.Num = penstock.Int, n
	case Decimal:
		n, places := plainNumber(text)
		if places < 0 || places > int(f.Scale) || !f.FromNumber || len(text) > 17-int(f.Scale) {
			return false
		}
		n *= int64(pow10[int(f.Scale)-places])
		if !fitsPrecision(n, f.Precision) {
			return false
		}
		v.Kind, v.Num, v.Scale = penstock.Decimal, n, f.Scale
	case Time:
		seconds, nanos, ok := parseTime(text)
		if !ok {
			return false
		}
		v.Kind, v.Num, v.Nanos = penstock.Time, seconds, nanos
	case Text:
		if !validText(text) {
			return false
		}
		v.Kind = penstock.Text
	default:
		return false
	}
	v.Bytes = text
	return true
}

// plainNumber reads up to 18 digits, with a point among them or without, that
// are a JSON number: places is how many follow the point, -1 when text is
// anything else.
func plainNumber(text []byte) (n int64, places int) {
	if len(text) > 18 || text[0] == '0' && len(text) > 1 && text[1] != '.' {
		return 0, -1
	}
	point := -1
	for i, c := range text {
		if c-'0' <= 9 {
			n = n*10 + int64(c-'0')
			continue
		}
		if c != '.' || point >= 0 || i == 0 || i == len(text)-1 {
			return 0, -1
		}
		point = i
	}
	if point < 0 {
		return n, 0
	}
	return n, len(text) - 1 - point
}

// anyCell reads any cell that is not empty.
func (d *Decoder) anyCell(slot int, text []byte) (penstock.Value, error) {
	f := &d.index.fields[slot]
	v := penstock.Value{Kind: penstock.Text, Bytes: text}
	if !validText(text) {
		at := validUTF8(text)
		return penstock.Value{}, &penstock.Reject{Code: codeUTF8, Pointer: d.stream.pointer(slot), Offset: int64(at),
			Detail: "the cell is not valid UTF-8; write the file in UTF-8"}
	}
	switch f.Type {
	case Bool:
		if string(text) == "true" || string(text) == "false" {
			v = penstock.BoolValue(text[0] == 't')
		}
	case Time:
		f.fromText(text, &v)
	case Int, Number, Decimal:
		return d.numberCell(slot, text)
	case JSON:
		return d.jsonCell(slot, text)
	}
	return v, nil
}

// numberCell reads the cell as the JSON number it is or, for a Decimal that
// may be sent as text, as the JSON string it would be.
func (d *Decoder) numberCell(slot int, text []byte) (v penstock.Value, err error) {
	f := &d.index.fields[slot]
	v = penstock.Value{Kind: penstock.Text, Bytes: text}
	n, end, wrong := readNumeral(text, 0)
	switch {
	case wrong != "" || end != len(text):
	case n.vast || len(text) > numberBytesMax:
		return penstock.Value{}, &penstock.Reject{Code: codeRange, Pointer: d.stream.pointer(slot), Offset: 0, Detail: numberRangeDetail}
	case f.Type == Decimal && !f.FromNumber:
		f.fromText(text, &v)
	default:
		f.fromNumber(text, n, &v)
	}
	return v, nil
}

func (d *Decoder) jsonCell(slot int, text []byte) (penstock.Value, error) {
	v := penstock.Value{Kind: penstock.Text, Bytes: text}
	d.begin(text)
	c := &d.scan
	if b := c.peek(0); b != '{' && b != '[' {
		return v, nil
	}
	if end := c.container(0, 1); end != len(text) {
		return v, nil
	}
	if !c.fault.none() {
		r := d.reject(c.fault)
		r.Pointer = d.stream.pointer(slot) + r.Pointer
		return penstock.Value{}, r
	}
	v.Kind = penstock.JSON
	return v, nil
}

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
func (d *Decoder) Cell(slot int, text []byte) (penstock.Value, error) {
	f := &d.index.fields[slot]
	v := penstock.Value{Kind: penstock.Text, Bytes: text}
	if len(text) == 0 {
		return penstock.Value{}, nil
	}
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

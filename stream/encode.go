package stream

import (
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
)

// A member is one field of the record as it leaves.
type member struct {
	slot int
	head string // `,"name":`
}

// newLayout lists the record's members: each name once, at the place of its
// first slot, with the value of its last.
func newLayout(fields []Field) []member {
	var layout []member
	at := map[string]int{}
	for slot, f := range fields {
		if i, ok := at[f.Name]; ok {
			layout[i].slot = slot
			continue
		}
		at[f.Name] = len(layout)
		head := AppendQuoted([]byte{','}, []byte(f.Name))
		layout = append(layout, member{slot, string(append(head, ':'))})
	}
	return layout
}

// Encode is the step that sets e.Body to the record as it leaves: one JSON
// object with the fields in slot order, each name once, then e.Extra. Absent
// fields are left out; decimals have all digits of their scale; times are RFC
// 3339 in UTC. The same values always give the same bytes. It appends to
// e.Body[:0], which it first gives the room that such an event most likely needs.
func (s *Stream) Encode(_ context.Context, e *penstock.Event) error {
	if len(e.Values) != len(s.Fields) {
		panic("stream: Encode of an event with another row than stream " + s.Name + " has")
	}
	body := append(slices.Grow(e.Body[:0], len(e.Raw)+s.encodedMore), '{')
	for _, m := range s.layout {
		v := &e.Values[m.slot]
		if v.Kind == penstock.Absent {
			continue
		}
		head := m.head
		if len(body) == 1 {
			head = head[1:]
		}
		body = append(body, head...)
		if v.Kind == penstock.Text && !validText(v.Bytes) {
			e.Body = body[:0]
			return penstock.NewReject(codeUTF8, s.pointer(m.slot), "the text is not valid UTF-8 and no JSON can hold it")
		}
		body = appendValue(body, v)
	}
	if len(e.Extra) > 0 {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, e.Extra...)
	}
	e.Body = append(body, '}')
	return nil
}

// pointer is the JSON pointer of a field.
func (s *Stream) pointer(slot int) string { return "/" + escapePointer(s.Fields[slot].Name) }

func appendValue(dst []byte, v *penstock.Value) []byte {
	switch v.Kind {
	case penstock.Null, penstock.Absent:
		return append(dst, "null"...)
	case penstock.Text:
		return AppendQuoted(dst, v.Bytes)
	case penstock.Time:
		dst = append(dst, '"')
		dst = v.AsTime().AppendFormat(dst, time.RFC3339Nano)
		return append(dst, '"')
	}
	return v.AppendText(dst) // is JSON for all other kinds
}

// AppendQuoted appends text, which is valid UTF-8, as a JSON string that
// escapes only what must be escaped.
func AppendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := cleanText(text, 0); i < len(text); i = cleanText(text, i+1) {
		dst = append(dst, text[from:i]...)
		dst = appendEscape(dst, text[i])
		from = i + 1
	}
	dst = append(dst, text[from:]...)
	return append(dst, '"')
}

// cleanText returns the index of the first byte at or behind i that must be
// escaped, eight bytes at a time as in scanner.text.
func cleanText(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		q := w ^ ones*'"'
		b := w ^ ones*'\\'
		stop := ((q - ones) &^ q) | ((b - ones) &^ b) | ((w - ones*' ') &^ w)
		if stop &= highs; stop != 0 {
			return i + bits.TrailingZeros64(stop)>>3
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= ' ' {
		i++
	}
	return i
}

func appendEscape(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
}

// validText is utf8.Valid, faster for ASCII.
func validText(text []byte) bool { return isASCII(text) || utf8.Valid(text) }

// isASCII reports that text has no byte of 0x80 or more.
func isASCII(text []byte) bool {
	i := 0
	var foreign uint64
	for ; i+8 <= len(text); i += 8 {
		foreign |= binary.LittleEndian.Uint64(text[i:])
	}
	if i > 0 && i < len(text) {
		foreign |= binary.LittleEndian.Uint64(text[len(text)-8:])
		i = len(text)
	}
	for ; i < len(text); i++ {
		foreign |= uint64(text[i])
	}
	return foreign&highs == 0
}

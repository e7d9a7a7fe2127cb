package penstock

import (
	"encoding/json"
	"strconv"
	"time"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of value. The zero Kind is Absent: the event does not have the
// field at all, which is not the same as Null.
const (
	Absent  Kind = iota
	Null         // an explicit null
	Bool         // Num is 0 or 1
	Int          // Num is the integer
	Decimal      // Num × 10^-Scale, exact
	Number       // Bytes is a JSON number literal that Int and Decimal cannot hold exactly, or that nobody asked to convert
	Time         // Num is Unix seconds, Nanos the nanoseconds within; Bytes is the text as received
	Text         // Bytes is valid UTF-8, already unescaped
	JSON         // Bytes is one valid JSON object or array, as received
)

var kindNames = [...]string{"absent", "null", "boolean", "integer", "decimal", "number", "time", "text", "json"}

// String names the kind as error messages do.
func (k Kind) String() string { return kindNames[k] }

// A Value is one field of an event: 40 bytes, no pointer but Bytes. It never
// passes through float64. Bytes points into the event's Raw bytes or into the
// batch's own memory, so a Value lives no longer than its batch; copy what you
// keep.
type Value struct {
	Kind  Kind
	Scale uint8  // Decimal: digits after the point, 0 to 18
	Nanos uint32 // Time: 0 to 999,999,999
	Num   int64
	Bytes []byte
}

// IntValue returns n as a Value.
func IntValue(n int64) Value { return Value{Kind: Int, Num: n} }

// DecimalValue returns unscaled × 10^-scale as a Value; scale is 0 to 18.
func DecimalValue(unscaled int64, scale uint8) Value {
	return Value{Kind: Decimal, Scale: scale, Num: unscaled}
}

// BoolValue returns b as a Value.
func BoolValue(b bool) Value {
	v := Value{Kind: Bool}
	if b {
		v.Num = 1
	}
	return v
}

// TextValue returns s, which must be valid UTF-8, as a Value that owns its bytes.
func TextValue(s string) Value { return Value{Kind: Text, Bytes: []byte(s)} }

// TimeValue returns t as a Value, to the nanosecond.
func TimeValue(t time.Time) Value {
	return Value{Kind: Time, Num: t.Unix(), Nanos: uint32(t.Nanosecond())}
}

// Missing reports whether the value is absent or null.
func (v Value) Missing() bool { return v.Kind <= Null }

// AsTime returns the instant of a Time value, in UTC.
func (v Value) AsTime() time.Time { return time.Unix(v.Num, int64(v.Nanos)).UTC() }

// AppendText appends the value as a person, a CSV cell or a look-up key would
// write it: no quotes, times as RFC 3339 in UTC, decimals with all digits of
// their scale; nothing for Absent and Null.
func (v Value) AppendText(dst []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.Num == 1)
	case Int:
		return strconv.AppendInt(dst, v.Num, 10)
	case Decimal:
		return appendDecimal(dst, v.Num, int(v.Scale))
	case Time:
		return v.AsTime().AppendFormat(dst, time.RFC3339Nano)
	case Number, Text, JSON:
		return append(dst, v.Bytes...)
	}
	return dst
}

// String is AppendText for messages and tests.
func (v Value) String() string { return string(v.AppendText(nil)) }

// MarshalJSON encodes the value for tests and tools; the fast path is in
// package stream. An absent value is null.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.Kind {
	case Absent, Null:
		return []byte("null"), nil
	case Text, Time:
		return json.Marshal(v.String())
	}
	return v.AppendText(nil), nil
}

func appendDecimal(dst []byte, unscaled int64, scale int) []byte {
	u := uint64(unscaled)
	if unscaled < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var digits [24]byte
	d := strconv.AppendUint(digits[:0], u, 10)
	if scale == 0 {
		return append(dst, d...)
	}
	for pad := scale + 1 - len(d); pad > 0; pad-- {
		if pad == scale+1-len(d) {
			dst = append(dst, '0', '.')
			continue
		}
		dst = append(dst, '0')
	}
	if len(d) <= scale {
		return append(dst, d...)
	}
	whole := len(d) - scale
	dst = append(dst, d[:whole]...)
	dst = append(dst, '.')
	return append(dst, d[whole:]...)
}

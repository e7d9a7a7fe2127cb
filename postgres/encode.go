package postgres

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/penstock-io/penstock"
)

// An encoder appends a value that is neither absent nor null as one field of a
// binary COPY: 32 bits of length, then the value as the type's receive function
// wants it. A text says why the column cannot hold the value.
type encoder func(dst []byte, v *penstock.Value) (_ []byte, why string)

// encoders are those of the column types that events are copied to directly.
// Columns of other types are filled by the server's own cast from the type that
// is natural for the field.
var encoders = map[uint32]encoder{
	pgtype.BoolOID:        encodeBool,
	pgtype.Int2OID:        encodeInt2,
	pgtype.Int4OID:        encodeInt4,
	pgtype.Int8OID:        encodeInt8,
	pgtype.NumericOID:     encodeNumeric,
	pgtype.Float8OID:      encodeFloat8,
	pgtype.TimestamptzOID: encodeTime,
	pgtype.TextOID:        encodeText,
	pgtype.VarcharOID:     encodeText,
	pgtype.BPCharOID:      encodeText,
	pgtype.JSONOID:        encodeJSON,
	pgtype.JSONBOID:       encodeJSONB,
	pgtype.UUIDOID:        encodeUUID,
}

const nullField = math.MaxUint32

func encodeBool(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Bool {
		return dst, "the column holds true or false"
	}
	return append(dst, 0, 0, 0, 1, byte(v.Num)), ""
}

func encodeInt8(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Int {
		return dst, "the column holds whole numbers from -2^63 to 2^63-1"
	}
	dst = append(dst, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(dst, uint64(v.Num)), ""
}

func encodeInt4(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Int || v.Num != int64(int32(v.Num)) {
		return dst, "the column holds whole numbers from -2147483648 to 2147483647"
	}
	dst = append(dst, 0, 0, 0, 4)
	return binary.BigEndian.AppendUint32(dst, uint32(v.Num)), ""
}

func encodeInt2(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Int || v.Num != int64(int16(v.Num)) {
		return dst, "the column holds whole numbers from -32768 to 32767"
	}
	dst = append(dst, 0, 0, 0, 2)
	return binary.BigEndian.AppendUint16(dst, uint16(v.Num)), ""
}

func encodeNumeric(dst []byte, v *penstock.Value) ([]byte, string) {
	switch v.Kind {
	case penstock.Decimal:
		return appendDecimal(dst, v.Num, v.Scale), ""
	case penstock.Int:
		return appendDecimal(dst, v.Num, 0), ""
	case penstock.Number:
		if dst, ok := appendLiteral(dst, v.Bytes); ok {
			return dst, ""
		}
	}
	return dst, "the column holds numbers of up to 131072 digits before and 16383 behind the point"
}

// encodeFloat8 is for the schema type number alone, whose events come from
// floats as a rule; a decimal is never copied to such a column.
func encodeFloat8(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Number && v.Kind != penstock.Int {
		return dst, "the column holds numbers"
	}
	f, err := strconv.ParseFloat(string(v.AppendText(nil)), 64)
	if err != nil {
		return dst, "the column holds numbers of at most 1.8e308"
	}
	dst = append(dst, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f)), ""
}

// PostgreSQL counts microseconds from the start of 2000, back to 4713 BC.
const (
	epoch2000   = 946_684_800 // Unix seconds
	secondsFrom = -210_866_803_200
	secondsTo   = 9_224_318_016_000 // the start of 294277
)

// encodeTime cuts off what is finer than a microsecond, as the cursors of
// package reads do.
func encodeTime(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Time || v.Num < secondsFrom || v.Num >= secondsTo {
		return dst, "the column holds times from 4713 BC to 294276 AD"
	}
	dst = append(dst, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(dst, uint64((v.Num-epoch2000)*1e6+int64(v.Nanos)/1000)), ""
}

const whyNUL = "the text has the character U+0000, which PostgreSQL cannot store; send it without"

func encodeText(dst []byte, v *penstock.Value) ([]byte, string) {
	if v.Kind != penstock.Text {
		return sized(dst, v, penstock.Value.AppendText)
	}
	text := v.Bytes
	if why := unfit(text); why != "" {
		return dst, why
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...), ""
}

// unfit says what PostgreSQL would refuse of a text, which is valid UTF-8 as that
// of each Value is.
func unfit(text []byte) string {
	if bytes.IndexByte(text, 0) >= 0 {
		return whyNUL
	}
	return ""
}

// encodeJSON keeps the bytes as received; the column type json does too.
func encodeJSON(dst []byte, v *penstock.Value) ([]byte, string) {
	return sized(dst, v, appendJSON)
}

func encodeJSONB(dst []byte, v *penstock.Value) ([]byte, string) {
	return sized(dst, v, func(v penstock.Value, dst []byte) []byte { return appendJSON(v, append(dst, 1)) })
}

func appendJSON(v penstock.Value, dst []byte) []byte {
	if v.Kind != penstock.Text && v.Kind != penstock.Time {
		return v.AppendText(dst)
	}
	dst, _ = jsontext.AppendQuote(dst, v.AppendText(nil))
	return dst
}

// sized appends what write appends, with its length in front.
func sized(dst []byte, v *penstock.Value, write func(penstock.Value, []byte) []byte) ([]byte, string) {
	at := len(dst)
	dst = write(*v, append(dst, 0, 0, 0, 0))
	text := dst[at+4:]
	binary.BigEndian.PutUint32(dst[at:], uint32(len(text)))
	return dst, unfit(text)
}

func encodeUUID(dst []byte, v *penstock.Value) ([]byte, string) {
	const why = "the column holds UUIDs, as 0190163d-8694-739b-aea5-966c26f8ad91"
	b := v.Bytes
	if v.Kind != penstock.Text || len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return dst, why
	}
	dst = append(dst, 0, 0, 0, 16)
	for _, part := range [][]byte{b[:8], b[9:13], b[14:18], b[19:23], b[24:]} {
		var err error
		if dst, err = hex.AppendDecode(dst, part); err != nil {
			return dst, why
		}
	}
	return dst, ""
}

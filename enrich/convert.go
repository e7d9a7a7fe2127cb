package enrich

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A converter makes a cell of an answer, as its source writes it, a value of
// the field's type. The value may point into cell.
type converter func(f stream.Field, cell []byte) (penstock.Value, error)

// fromCSV converts a CSV cell; an empty one is null.
func fromCSV(f stream.Field, cell []byte) (penstock.Value, error) {
	if len(cell) == 0 {
		return penstock.Value{Kind: penstock.Null}, nil
	}
	return fromText(f, cell)
}

// fromText converts text. A field of type Any takes it as it is.
func fromText(f stream.Field, text []byte) (penstock.Value, error) {
	if !utf8.Valid(text) {
		return penstock.Value{}, fmt.Errorf("%s: not valid UTF-8", f.Name)
	}
	v, err := typed(f, text)
	if err != nil {
		return penstock.Value{}, fmt.Errorf("%s: %.64q %w", f.Name, text, err)
	}
	return v, nil
}

func typed(f stream.Field, text []byte) (penstock.Value, error) {
	switch f.Type {
	case stream.Bool:
		switch string(text) {
		case "true":
			return penstock.BoolValue(true), nil
		case "false":
			return penstock.BoolValue(false), nil
		}
		return penstock.Value{}, errors.New("is neither true nor false")
	case stream.Int:
		return integer(text)
	case stream.Decimal:
		return decimal(f, text)
	case stream.Number:
		if !stream.ValidValue(text) || text[0] == '{' || text[0] == '[' {
			return penstock.Value{}, errors.New("is not a JSON number")
		}
		return penstock.Value{Kind: penstock.Number, Bytes: text}, nil
	case stream.Time:
		v, ok := stream.ReadTime(text)
		if !ok {
			return penstock.Value{}, errors.New("is not a time as 2006-01-02T15:04:05Z")
		}
		return v, nil
	case stream.JSON:
		if k := jsontext.Value(text).Kind(); k != '{' && k != '[' || !stream.ValidValue(text) {
			return penstock.Value{}, errors.New("is neither a JSON object nor an array")
		}
		return penstock.Value{Kind: penstock.JSON, Bytes: text}, nil
	}
	return penstock.Value{Kind: penstock.Text, Bytes: text}, nil
}

// integer is an Int, or a Number when int64 is too small.
func integer(text []byte) (penstock.Value, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err == nil && text[0] != '+' {
		return penstock.IntValue(n), nil
	}
	if errors.Is(err, strconv.ErrRange) && stream.ValidValue(text) {
		return penstock.Value{Kind: penstock.Number, Bytes: text}, nil
	}
	return penstock.Value{}, errors.New("is not an integer")
}

// decimal reads an exact decimal of at most f.Precision digits, f.Scale of them
// after the point. More zeros at the end are no more digits.
func decimal(f stream.Field, text []byte) (penstock.Value, error) {
	wrong := fmt.Errorf("is not a decimal(%d,%d)", f.Precision, f.Scale)
	digits := bytes.TrimPrefix(text, []byte("-"))
	whole, fraction, point := bytes.Cut(digits, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	if len(whole) == 0 || point && digits[len(digits)-1] == '.' || len(fraction) > int(f.Scale) {
		return penstock.Value{}, wrong
	}
	whole = bytes.TrimLeft(whole, "0")
	if len(whole) > int(f.Precision)-int(f.Scale) {
		return penstock.Value{}, wrong
	}
	var n int64
	for _, part := range [][]byte{whole, fraction} {
		for _, c := range part {
			if c < '0' || c > '9' {
				return penstock.Value{}, wrong
			}
			n = n*10 + int64(c-'0')
		}
	}
	for range int(f.Scale) - len(fraction) {
		n *= 10
	}
	if text[0] == '-' {
		n = -n
	}
	return penstock.DecimalValue(n, f.Scale), nil
}

// fromJSON converts a JSON value. A number or a boolean for a text field
// becomes its literal: added fields are text unless the stream says otherwise.
func fromJSON(f stream.Field, cell []byte) (penstock.Value, error) {
	switch kind := jsontext.Value(cell).Kind(); kind {
	case 'n':
		return penstock.Value{Kind: penstock.Null}, nil
	case '"':
		text, err := jsontext.AppendUnquote(nil, cell)
		if err != nil {
			return penstock.Value{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		return fromText(f, text)
	case '{', '[':
		if f.Type == stream.Any || f.Type == stream.JSON {
			f.Type = stream.JSON
			return fromText(f, cell)
		}
		return penstock.Value{}, fmt.Errorf("%s: is a JSON object or array; a member of it cannot be added, let the source flatten it", f.Name)
	default:
		if f.Type == stream.Any {
			f.Type = literalType(cell)
		}
		return fromText(f, cell)
	}
}

// literalType is the narrowest type of a JSON number or boolean.
func literalType(cell []byte) stream.Type {
	switch {
	case cell[0] == 't' || cell[0] == 'f':
		return stream.Bool
	case bytes.ContainsAny(cell, ".eE"):
		return stream.Number
	}
	return stream.Int
}

// fromSQL converts what a database driver gives. A float is taken as the
// shortest decimal that reads as that float.
func fromSQL(f stream.Field, cell any) (penstock.Value, error) {
	narrow := f
	switch c := cell.(type) {
	case nil:
		return penstock.Value{Kind: penstock.Null}, nil
	case []byte:
		return fromText(f, bytes.Clone(c))
	case string:
		return fromText(f, []byte(c))
	case time.Time:
		narrow.Type = anyAs(f.Type, stream.Time)
		return fromText(narrow, c.UTC().AppendFormat(nil, time.RFC3339Nano))
	case int64:
		if f.Type == stream.Bool && (c == 0 || c == 1) { // SQLite has no boolean
			return penstock.BoolValue(c == 1), nil
		}
		narrow.Type = anyAs(f.Type, stream.Int)
		return fromText(narrow, strconv.AppendInt(nil, c, 10))
	case float64:
		narrow.Type = anyAs(f.Type, stream.Number)
		return fromText(narrow, strconv.AppendFloat(nil, c, 'f', -1, 64))
	case bool:
		narrow.Type = anyAs(f.Type, stream.Bool)
		return fromText(narrow, strconv.AppendBool(nil, c))
	}
	return penstock.Value{}, fmt.Errorf("%s: the query gives a %T; cast it to text", f.Name, cell)
}

// anyAs is t, or narrow for a field that takes what comes.
func anyAs(t, narrow stream.Type) stream.Type {
	if t == stream.Any {
		return narrow
	}
	return t
}

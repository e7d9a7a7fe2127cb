package enrich

import (
	"bytes"
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
	v, ok := f.Read(text)
	switch {
	case ok:
		return v, nil
	case !utf8.Valid(text):
		return penstock.Value{}, fmt.Errorf("%s: not valid UTF-8", f.Name)
	}
	return penstock.Value{}, fmt.Errorf("%s: %.64q is not %s", f.Name, text, wanted(f))
}

// wanted says how a value of the field is written.
func wanted(f stream.Field) string {
	switch f.Type {
	case stream.Bool:
		return "true or false"
	case stream.Decimal:
		return fmt.Sprintf("a decimal(%d,%d)", f.Precision, f.Scale)
	case stream.Time:
		return "a time as 2006-01-02T15:04:05Z"
	}
	return f.Type.String()
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

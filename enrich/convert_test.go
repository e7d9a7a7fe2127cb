package enrich

import (
	"bufio"
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

func TestConversions(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600))
	for _, c := range []struct {
		kind stream.Type
		cell any // a string is JSON
		want string
	}{
		{stream.Any, `"x"`, "text x"}, {stream.Any, `12`, "integer 12"}, {stream.Any, `1e3`, "number 1e3"}, {stream.Any, `true`, "boolean true"},
		{stream.Any, `{"a":1}`, `json {"a":1}`}, {stream.Any, `null`, "null "}, {stream.Any, `9223372036854775808`, "number 9223372036854775808"},
		{stream.Text, `12`, "text 12"}, {stream.Text, `false`, "text false"}, {stream.Text, `{}`, "error"},
		{stream.Int, `"12"`, "integer 12"}, {stream.Int, `1.0`, "integer 1"}, {stream.Int, `1.5`, "error"}, {stream.Int, `"007"`, "error"}, {stream.Int, `9223372036854775808`, "number 9223372036854775808"}, {stream.Int, `"+1"`, "error"}, {stream.Int, `""`, "error"},
		{stream.Bool, `"true"`, "boolean true"}, {stream.Bool, `1`, "error"},
		{stream.Number, `"1e5"`, "number 1e5"}, {stream.Number, `" 1"`, "error"}, {stream.Number, `"NaN"`, "error"},
		{stream.Decimal, `12.5`, "decimal 12.50"}, {stream.Decimal, `"-0.05"`, "decimal -0.05"}, {stream.Decimal, `1.005`, "error"},
		{stream.Decimal, `"999.990"`, "decimal 999.99"}, {stream.Decimal, `1000`, "error"}, {stream.Decimal, `"1."`, "error"}, {stream.Decimal, `".5"`, "error"},
		{stream.Decimal, `"-"`, "error"}, {stream.Decimal, `"1,5"`, "error"}, {stream.Decimal, `1e1`, "decimal 10.00"}, {stream.Decimal, `"012.5"`, "error"},
		{stream.Time, `"2026-01-02T03:04:05.5+01:00"`, "time 2026-01-02T02:04:05.5Z"}, {stream.Time, `"2026-02-30T00:00:00Z"`, "error"},
		{stream.JSON, `"[1]"`, "json [1]"}, {stream.JSON, `"1"`, "error"},
		// What an event could not hold, a record must not either: it could not be read back.
		{stream.Time, `"9999-12-31T23:59:59-01:00"`, "error"}, {stream.Time, `"2026-01-02T03:04:05,5Z"`, "error"}, {stream.Time, `"2026-01-02T03:04:05.1234567891Z"`, "error"},
		{stream.Any, at.AddDate(8000, 0, 0), "error"}, {stream.Number, `1e999`, "error"}, {stream.Any, `-1e999`, "error"},
		{stream.Any, `[1e999]`, "error"}, {stream.JSON, `"{\"a\":1e999}"`, "error"}, {stream.Any, strings.Repeat("[", 64) + strings.Repeat("]", 64), "error"},
		{stream.Any, nil, "null "}, {stream.Any, int64(-3), "integer -3"}, {stream.Any, 2.5, "number 2.5"}, {stream.Any, math.NaN(), "error"}, {stream.Any, at, "time 2026-01-02T02:04:05.0000006Z"},
		{stream.Text, at, "text 2026-01-02T02:04:05.0000006Z"}, {stream.Bool, int64(1), "boolean true"}, {stream.Bool, int64(2), "error"},
		{stream.Decimal, 1e21, "error"}, {stream.Decimal, 0.1, "decimal 0.10"}, {stream.Text, []byte{0xff}, "error"}, {stream.Text, struct{}{}, "error"},
	} {
		f := stream.Field{Name: "x", Type: c.kind, Precision: 5, Scale: 2}
		var v penstock.Value
		var err error
		if text, ok := c.cell.(string); ok {
			v, err = fromJSON(f, []byte(text))
		} else {
			v, err = fromSQL(f, c.cell)
		}
		got := v.Kind.String() + " " + v.String()
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%v as type %d is %q, want %q (%v)", c.cell, c.kind, got, c.want, err)
		}
	}
}

// FuzzFile reads any bytes as a look-up file: it must not panic, and what it
// takes it must find again, as valid values.
func FuzzFile(f *testing.F) {
	f.Add([]byte("k,v\n1,a\n2,\"b\nc\"\n"), false)
	f.Add([]byte(`[{"k":1,"v":"a"},{"k":"2","v":{}}]`), true)
	f.Add([]byte("{\"k\":1}\n{\"k\":2,\"v\":1e9}"), true)
	f.Add([]byte("]"), true) // once read for ever
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := "f.csv"
		if isJSON {
			name = "f.json"
		}
		in := &file{declared: stream.Lookup{File: name, Column: "k", Add: []stream.Added{{From: "v"}}}, fields: []stream.Field{{Name: "v"}}}
		table, err := in.parse(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		for row := range table.rows() {
			if table.find(table.key(row)) != row {
				t.Fatalf("row %d with key %q is not found", row, table.key(row))
			}
			if v := table.value(row, 0); !utf8.Valid(v.Bytes) {
				t.Fatalf("row %d has invalid UTF-8: %q", row, v.Bytes)
			}
		}
	})
}

// FuzzAddress: whatever the value, the request goes to the declared host, path
// and query.
func FuzzAddress(f *testing.F) {
	for _, value := range []string{"7", "..", "a/../../b", "%2e%2e", "@evil/", "?x=y#z", "\\..\\", "\x00", "é"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		address, ok := addressOf("http://127.0.0.1:8080/users/{}/card?id={}", value)
		if !ok {
			return
		}
		rest, ok := strings.CutPrefix(address, "http://127.0.0.1:8080/users/")
		path, query, cut := strings.Cut(rest, "/card?id=")
		if !ok || !cut || path != query || strings.ContainsAny(path, "/?#&=\\ \r\n\x00") {
			t.Fatalf("%q gives %s", value, address)
		}
	})
}

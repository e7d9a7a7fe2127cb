package stream

import (
	"context"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/penstock-io/penstock"
)

// FuzzDerive: no derive section and no event makes the program panic, and what
// loads gives values of the type it was inferred to give, twice the same.
func FuzzDerive(f *testing.F) {
	const event = `{"i":42,"d":12.50,"n":1e2,"at":"2026-01-31T23:30:00+02:00","s":" Ab ","u":"7","b":true,"j":[1],"a":"7","year":1}`
	for _, derive := range []string{
		"{from: s, do: [trim, upper, {hash: sha256}]}", "{from: d, do: [{scale: 3}, {cast: integer}, {default: 5}]}",
		"{from: n, do: [{cast: \"decimal(10,3)\"}, {scale: -4}, {cast: text}]}", "{concat: [s, {text: x}, at], do: [lower]}",
		"{from: u, do: [{map: {7: 1.5, 8: 2}, else: null}]}", "{from: a, do: [{cast: integer}, {scale: 2}]}",
		"{expr: 'i * 2 + d'}", "{expr: 'year(at) % 4 == 0 ? \"leap\" : u ?? s'}", "{expr: 'let x = div(n, 3, 5); round(x, 2) in [1] or s matches \"^a\"'}",
		"{expr: 'if b { -i } else { abs(i) }', do: [{cast: text}]}", "{expr: 'substr(replace(s, \"A\", u), 1, 2)'}", "{expr: '1.5 * .5'}",
		"{expr: 's | upper() | trim()'}", "{expr: '[1, i][0] + {\"a\": 1}.a'}", "{expr: 'all(1..3, # > 0) ? now() : $env'}",
	} {
		f.Add(derive, event)
	}
	f.Fuzz(func(t *testing.T, derive, event string) {
		if len(derive) > 500 || len(event) > 1000 {
			return
		}
		s := rowStream()
		if tryCompile(s, "z: "+derive) != nil || len(s.Fields) != 11 {
			return
		}
		var e penstock.Event
		if _, err := s.NewDecoder().Decode([]byte(event), &e); err != nil {
			return
		}
		first := derivedJSON(t, s, &e)
		if again := derivedJSON(t, s, &e); again != first {
			t.Fatalf("derived %s, then %s", first, again)
		}
		if v := e.Values[10]; !v.Missing() && !s.Fields[10].admits(v) {
			t.Fatalf("field inferred as %s holds the %v %v", s.Fields[10].describe(), v.Kind, v)
		}
		if err := s.Encode(context.Background(), &e); err != nil || !jsontext.Value(e.Body).IsValid() {
			t.Fatalf("record %s, %v", e.Body, err)
		}
	})
}

// FuzzCell: a cell is the value that JSON is, written as a number if it is one
// and the field takes numbers, and as a string if not.
func FuzzCell(f *testing.F) {
	for _, cell := range []string{"", "12.50", "-0", "1e2", "1e401", "true", "2026-01-31T12:00:00Z", `{"a":[1]}`, "[}", "null", "007", "\"x\"", "a\x00b", "ü", "\xff"} {
		for slot := range 8 {
			f.Add(slot, cell)
		}
	}
	s := fuzzStream(f)
	s.Fields[0].Type = Text // of any type: a cell is text
	d := s.NewDecoder()
	f.Fuzz(func(t *testing.T, slot int, cell string) {
		if slot < 0 || slot >= len(s.Fields) || len(cell) > 1<<12 {
			return
		}
		d.Reset()
		got, err := d.Cell(slot, []byte(cell))
		if cell == "" || !utf8.ValidString(cell) {
			if (err == nil) != (cell == "") || got.Kind != penstock.Absent {
				t.Fatalf("%q: %v, %v", cell, got, err)
			}
			return
		}
		quoted, _ := jsontext.AppendQuote(nil, cell)
		var e penstock.Event
		if _, qerr := d.Decode(append(append([]byte(`{`+strconv.Quote(s.Fields[slot].Name)+`:`), quoted...), '}'), &e); qerr != nil {
			t.Fatal(qerr)
		}
		want := e.Values[slot]
		if takesLiteral(s.Fields[slot].Type, cell) {
			n, lerr := d.Decode([]byte(`{`+strconv.Quote(s.Fields[slot].Name)+`:`+cell+`}`), &e)
			if n > 0 && (lerr == nil) != (err == nil) {
				t.Fatalf("%q: %v, as JSON %v", cell, err, lerr)
			}
			if n > 0 && e.Raw[len(e.Raw)-1] == '}' && lerr == nil {
				want = e.Values[slot]
			}
		}
		if err == nil && (got.Kind != want.Kind || got.Num != want.Num || got.Scale != want.Scale || got.Nanos != want.Nanos || got.String() != want.String()) {
			t.Fatalf("%s %q: %+v, as JSON %+v", s.Fields[slot].Name, cell, got, want)
		}
		read, ok := s.Fields[slot].Read([]byte(cell))
		if ok && (err != nil || read.Kind != got.Kind || read.String() != got.String()) && (s.Fields[slot].Type != Decimal || s.Fields[slot].FromNumber) {
			t.Fatalf("%s %q: %+v, %v, read alone %+v", s.Fields[slot].Name, cell, got, err, read)
		}
	})
}

// takesLiteral reports whether a cell of the type is written as in JSON: the
// cell is one JSON value of a kind that the type has.
func takesLiteral(t Type, cell string) bool {
	kind := jsontext.Value(cell).Kind()
	if cell[0] <= ' ' || cell[len(cell)-1] <= ' ' {
		return false
	}
	value := jsontext.Value(cell)
	if !value.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return false
	}
	switch t {
	case Bool:
		return kind == 't' || kind == 'f'
	case Int, Number, Decimal:
		return kind == '0'
	case JSON:
		return kind == '{' || kind == '['
	}
	return false
}

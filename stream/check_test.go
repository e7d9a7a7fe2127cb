package stream

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// typicalOrder has 401 bytes, as the orders of facts/ingest.md.
var typicalOrder = []byte(`{"order_id":9007199254740993,"user_id":48213,"created_at":"2026-01-31T12:34:56.789+01:00","amount":1249.90,` +
	`"currency":"SEK","status":"paid","email":"Astrid.Lindqvist@example.com","note":"` + strings.Repeat("Leave it with the neighbour. ", 7) + `"}`)

func loadOrders(t testing.TB) *Stream {
	t.Helper()
	streams, err := Load("../examples/orders/orders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return streams[0]
}

// decoded is raw as an event of s, ready for Check.
func decoded(t testing.TB, s *Stream, raw []byte) *penstock.Event {
	t.Helper()
	e := &penstock.Event{}
	if _, err := s.NewDecoder().Decode(raw, e); err != nil {
		t.Fatalf("decode %s: %v", raw, err)
	}
	return e
}

func TestCheckAllocatesNothing(t *testing.T) {
	s := loadOrders(t)
	e := decoded(t, s, typicalOrder)
	ctx := context.Background()
	if err := s.Check(ctx, e); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = s.Check(ctx, e) }); n != 0 {
		t.Errorf("Check of a valid order allocates %v times, want 0", n)
	}
	// Numbers of every size, against bounds, multiples and lists.
	s = loadText(t, `stream: numbers
schema:
  properties:
    n: {type: number, minimum: -1e30, maximum: 1e30, multipleOf: 0.01}
    d: {type: number, format: "decimal(18,2)", multipleOf: 0.05, exclusiveMinimum: 0}
    i: {type: integer, multipleOf: 3}
    l: {type: number, enum: [0.5, 12345678901234567890123, 7]}
    e: {type: string, format: email}
    u: {type: string, format: uuid}
    a: {type: string, format: ipv4}
`)
	e = decoded(t, s, []byte(`{"n":12.340,"d":99.95,"i":-9,"l":12345678901234567890123.0,"e":"a@b.c","u":"123e4567-e89b-12d3-a456-426614174000","a":"10.0.0.1"}`))
	if err := s.Check(ctx, e); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = s.Check(ctx, e) }); n != 0 {
		t.Errorf("Check of valid numbers allocates %v times, want 0", n)
	}
}

// TestCheckDetails keeps the words of rejects, on both paths.
func TestCheckDetails(t *testing.T) {
	var got strings.Builder
	for _, c := range []struct{ schema, documents string }{
		{`{properties: {a: {type: integer, minimum: 1, maximum: 9}}, required: [a], additionalProperties: false}`,
			`{} {"a":0} {"a":10} {"a":1.5} {"a":"1"} {"a":null} {"a":[1]} {"a":{}} {"a":true} {"a":1,"b":2} {"a":1,"aa":2}`},
		{`{properties: {a: {type: string, minLength: 2, maxLength: 4, pattern: "^[a-z]+$"}}}`,
			`{"a":""} {"a":"a"} {"a":"abcde"} {"a":"AB"} {"a":12345678901234567890123456789012345678901234567890}`},
		{`{properties: {a: {type: [number, string, "null"], format: "decimal(5,2)", minimum: 0, multipleOf: 0.05}}}`,
			`{"a":"1e2"} {"a":1.234} {"a":"12345"} {"a":-1} {"a":"-1.00"} {"a":0.01} {"a":false}`},
		{`{properties: {a: {enum: [x, 1, null]}, b: {const: 2.50}, c: {type: [string, "null"], format: date-time}, d: false}}`,
			`{"a":"y"} {"b":2.51} {"c":"yesterday"} {"d":1} {"a":"0123456789012345678901234567890123456789andmore"}`},
		{`{properties: {a: {type: object, required: [b, c], properties: {b: {type: integer, exclusiveMinimum: 0.5}, c: true, "d/e": {type: string, format: uuid}}, additionalProperties: false}}}`,
			`{"a":{}} {"a":{"b":0,"c":1}} {"a":{"b":1,"c":1,"z":1}} {"a":{"b":1,"c":1,"d/e":"x"}} {"a":1}`},
		{`{properties: {a: {type: array, items: {multipleOf: 0.1}, minItems: 2, uniqueItems: true}, b: {anyOf: [{type: integer}, {maxLength: 2}]}, c: {not: {const: 1}}}, minProperties: 1}`,
			`{} {"a":[1]} {"a":[1,2.05]} {"a":[1,1]} {"b":"abc"} {"c":1} {"c":1,"a":[0.01,1]}`},
	} {
		s := loadText(t, "stream: details\nschema: "+c.schema+"\n")
		got.WriteString(c.schema + "\n")
		for _, raw := range strings.Fields(c.documents) {
			err := s.Check(context.Background(), decoded(t, s, []byte(raw)))
			if err == nil {
				t.Errorf("%s passes %s", raw, c.schema)
				continue
			}
			got.WriteString("  " + raw + "\n    " + err.Error() + "\n")
		}
	}
	golden(t, "testdata/details.golden", got.String())
}

// TestCheckTogether: a stream may be used by any number of goroutines, on both
// paths.
func TestCheckTogether(t *testing.T) {
	for _, r := range rivals(t) {
		if r.name != "42-orders" && r.name != "24-nested" && r.name != "41-slow-decimal" {
			continue
		}
		var judges sync.WaitGroup
		for range 4 {
			judges.Go(func() {
				for _, literal := range literals {
					for _, f := range r.stream.Fields {
						r.agree(t, []byte(`{`+strconv.Quote(f.Name)+`:`+literal+`}`))
					}
				}
			})
		}
		judges.Wait()
	}
}

// TestCheckNeedsTheRow: a door that hands in too few values is a mistake in
// the program, not in the event.
func TestCheckNeedsTheRow(t *testing.T) {
	s := loadOrders(t)
	defer func() {
		if recover() == nil {
			t.Error("Check of an event without its row did not panic")
		}
	}()
	_ = s.Check(context.Background(), &penstock.Event{})
}

// BenchmarkCheck is the verdict on a parsed order, beside the full validator's
// on the decoded value.
func BenchmarkCheck(b *testing.B) {
	s := loadOrders(b)
	e := decoded(b, s, typicalOrder)
	ctx := context.Background()
	b.Run("stream", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Check(ctx, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	document, err := s.document(e)
	if err != nil {
		b.Fatal(err)
	}
	full := oracle(b, "testdata/schemas/42-orders.schema.yaml")
	b.Run("santhosh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := full.Validate(document); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("santhosh-from-bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(typicalOrder)))
			if err == nil {
				err = full.Validate(v)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	slow := &Stream{Name: s.Name, Fields: s.Fields, Declared: s.Declared}
	slow.checks, slow.full = s.checks, &fullSchema{schema: full}
	b.Run("slow-path", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := slow.Check(ctx, e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPattern is the direct match beside the regular expression's.
func BenchmarkPattern(b *testing.B) {
	p := newPattern("^[A-Z]{3}$")
	if p.runs == nil {
		b.Fatal("not a simple pattern")
	}
	text := []byte("SEK")
	b.Run("runs", func(b *testing.B) {
		for b.Loop() {
			if !p.match(text) {
				b.Fatal("no match")
			}
		}
	})
	b.Run("regexp", func(b *testing.B) {
		for b.Loop() {
			if !p.re.Match(text) {
				b.Fatal("no match")
			}
		}
	})
}

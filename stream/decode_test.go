package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/penstock-io/penstock"
)

// ordersStream is the row of examples/orders, built by hand.
func ordersStream(t testing.TB) *Stream {
	t.Helper()
	s := &Stream{
		Name: "orders",
		Fields: []Field{
			{Name: "order_id", Type: Int},
			{Name: "user_id", Type: Int},
			{Name: "created_at", Type: Time},
			{Name: "amount", Type: Decimal, Precision: 12, Scale: 2, FromText: true, FromNumber: true},
			{Name: "currency", Type: Text},
			{Name: "status", Type: Text},
			{Name: "email", Type: Text},
			{Name: "note", Type: Text},
		},
		Declared: 8, ID: []int{0}, Key: 1, Time: 2,
	}
	compile(t, s, `
amount_minor: {from: amount, do: [{scale: 2}, {cast: integer}]}
email: {from: email, do: [trim, lower]}
`)
	return s
}

const orderJSON = `{"order_id":4611686018427387905,"user_id":1234567,"created_at":"2026-01-31T12:34:56.789+02:00",` +
	`"amount":1299.50,"currency":"EUR","status":"paid","email":"jane.doe@example.com",` +
	`"note":"Please leave the parcel at the side door, the bell is broken; call ahead if the gate is closed. ` +
	`The dog is friendly but loud. Thank you very much for the quick delivery the last time, it was appreciated!"}`

func BenchmarkDecode(b *testing.B) {
	s := ordersStream(b)
	d := s.NewDecoder()
	var e penstock.Event
	data := []byte(orderJSON)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		if _, err := d.Decode(data, &e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSONText is the rival: jsontext's strict mode, which only walks the
// text and gives no values.
func BenchmarkJSONText(b *testing.B) {
	data := []byte(orderJSON)
	reader := bytes.NewReader(data)
	d := jsontext.NewDecoder(reader)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(data)
		d.Reset(reader)
		if _, err := d.ReadValue(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeDeriveEncode(b *testing.B) {
	s := ordersStream(b)
	d := s.NewDecoder()
	var e penstock.Event
	data := []byte(orderJSON)
	ctx := context.Background()
	steps := []penstock.Step{s.Derive, s.Identify, s.Encode}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		if _, err := d.Decode(data, &e); err != nil {
			b.Fatal(err)
		}
		for _, step := range steps {
			if err := step(ctx, &e); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestDecodeRejects: each mistake has a code, a JSON pointer, a byte offset,
// and an end when the end is certain.
func TestDecodeRejects(t *testing.T) {
	s := ordersStream(t)
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	tests := []struct {
		data, code, pointer string
		offset              int64
		n                   int
		detail              string
	}{
		{`{"order_id":1,}`, "syntax", "", 14, 0, "expected a name in double quotes, found '}'"},
		{`{"order_id":1`, "syntax", "/order_id", 13, 0, "expected ',' or '}' behind the member, found the end of the text"},
		{`{"order_id" 1}`, "syntax", "/order_id", 12, 0, "expected ':' behind the name, found '1'"},
		{`{"order_id":}`, "syntax", "/order_id", 12, 0, "expected a value, found '}'"},
		{`{"x":{"y":[1,{"z":01}]}}`, "syntax", "/x/y/1/z", 19, 0, "expected no digit behind a leading 0, found '1'"},
		{`{"note":"a`, "syntax", "/note", 10, 0, "expected '\"' at the end of the string"},
		{"{\"note\":\"a\nb\"}", "syntax", "/note", 10, 0, "control character"},
		{`{"note":"\q"}`, "syntax", "/note", 10, 0, "behind a backslash, found 'q'"},
		{`{"note":"\u12g4"}`, "syntax", "/note", 13, 0, "four hex digits"},
		{`{"note":nul}`, "syntax", "/note", 11, 0, "expected null, found '}'"},
		{"\xef\xbb\xbf{}", "syntax", "", 0, 0, "a byte order mark"},
		{``, "syntax", "", 0, 0, "the end of the text"},
		{" \n{\"note\":tru}", "syntax", "/note", 11, 0, "expected true"},
		{`[{"order_id":1}] `, "not_object", "", 0, 16, "an event is a JSON object"},
		{`"text"`, "not_object", "", 0, 6, "an event is a JSON object"},
		{`{"order_id":1,"order_id":2} {}`, "duplicate_name", "/order_id", 14, 27, "twice"},
		{`{"order_id":1,"order\u005fid":2}`, "duplicate_name", "/order_id", 14, 32, "twice"},
		{`{"x":{"a/b":[{"q":1},{"q":1,"~":0,"q":2}]}}`, "duplicate_name", "/x/a~1b/1/q", 34, 43, "twice"},
		{`{"x":1,"y":2,"x":3}`, "duplicate_name", "/x", 13, 19, "twice"},
		{`{"amount_minor":1}`, "reserved_name", "/amount_minor", 1, 18, "leave it out"},
		{"{\"note\":\"ab\xffc\"}", "invalid_utf8", "/note", 11, 15, "UTF-8"},
		{"{\"x\":{\"\xff\":1}}", "invalid_utf8", "/x", 7, 13, "UTF-8"},
		{`{"note":"\ud800"}`, "invalid_utf8", "/note", 9, 17, "surrogate"},
		{`{"note":"\ud800\u0041"}`, "invalid_utf8", "/note", 9, 23, "surrogate"},
		{`{"x":` + deep + `}`, "depth", "/x" + strings.Repeat("/0", 63), 68, 134, "64 deep"},
		{`{"x":1e401}`, "number_range", "/x", 5, 11, "as a string"},
		{`{"amount":1e-401}`, "number_range", "/amount", 10, 17, "as a string"},
		{`{"x":[` + strings.Repeat("1", 401) + `]}`, "number_range", "/x/0", 6, 409, "as a string"},
		{`{"x":"` + strings.Repeat("a", 1<<20) + `"}`, "too_large", "", 0, 1<<20 + 8, "1048584 bytes"},
	}
	d := s.NewDecoder()
	for _, tt := range tests {
		var e penstock.Event
		n, err := d.Decode([]byte(tt.data), &e)
		r := penstock.AsReject(err)
		if r == nil {
			t.Errorf("%.60q decoded: %v", tt.data, err)
			continue
		}
		if r.Code != tt.code || r.Pointer != tt.pointer || r.Offset != tt.offset || n != tt.n || !strings.Contains(r.Detail, tt.detail) {
			t.Errorf("%.60q:\n%s at %q byte %d, end %d: %s\nwant %s at %q byte %d, end %d: %s",
				tt.data, r.Code, r.Pointer, r.Offset, n, r.Detail, tt.code, tt.pointer, tt.offset, tt.n, tt.detail)
		}
		for slot, v := range e.Values {
			if v.Kind != penstock.Absent {
				t.Errorf("%.60q: refused, yet %s is %v", tt.data, s.Fields[slot].Name, v)
			}
		}
		if n > 0 && string(e.Raw) != strings.TrimSpace(tt.data[:n]) {
			t.Errorf("%.60q: raw is %q", tt.data, e.Raw)
		}
	}
}

// TestDecodeDeep: no nesting overflows the stack, and the end is still found.
func TestDecodeDeep(t *testing.T) {
	const deep = 2_000_000
	data := `{"x":` + strings.Repeat(`[`, deep) + strings.Repeat(`]`, deep) + `}`
	d := ordersStream(t).NewDecoder()
	var e penstock.Event
	n, err := d.Decode([]byte(data), &e)
	if r := penstock.AsReject(err); r == nil || r.Code != codeTooLarge || n != len(data) {
		t.Fatalf("read %d, %v", n, err)
	}
	d.BytesMax, d.DepthMax = len(data), 100
	if _, err = d.Decode([]byte(data), &e); penstock.AsReject(err) == nil || penstock.AsReject(err).Code != codeDepth {
		t.Fatal(err)
	}
	if r := penstock.AsReject(err); len(r.Pointer) > 2*pointerBytesMax {
		t.Fatalf("a pointer of %d bytes", len(r.Pointer))
	}
}

// TestDecodeManyNames: large objects find their duplicates too, at every
// level, and in time that grows with their size only.
func TestDecodeManyNames(t *testing.T) {
	d := ordersStream(t).NewDecoder()
	d.BytesMax = 1 << 24
	random := rand.New(rand.NewPCG(1, 2))
	for _, count := range []int{1, 2, 47, 48, 49, 50, 200, 50_000} {
		for _, nested := range []bool{false, true} {
			var b strings.Builder
			for i := range count {
				fmt.Fprintf(&b, `,"n%d":{"n%d":%d}`, i, i%3, i)
			}
			body := b.String()[1:]
			text := func(body string) []byte {
				if nested {
					return []byte(`{"note":null,"x":[{` + body + `}]}`)
				}
				return []byte(`{"note":null,` + body + `}`)
			}
			var e penstock.Event
			if _, err := d.Decode(text(body), &e); err != nil {
				t.Fatalf("%d names: %v", count, err)
			}
			twice := random.IntN(count)
			_, err := d.Decode(text(body+fmt.Sprintf(`,"n%d":1,"end":2`, twice)), &e)
			r := penstock.AsReject(err)
			if r == nil || r.Code != codeDuplicate || !strings.HasSuffix(r.Pointer, fmt.Sprintf("/n%d", twice)) {
				t.Fatalf("%d names, n%d twice, nested %v: %v", count, twice, nested, err)
			}
		}
	}
}

// TestDecodeMemory: unescaped text of many events lasts until Reset.
func TestDecodeMemory(t *testing.T) {
	d := ordersStream(t).NewDecoder()
	events := make([]penstock.Event, 2000)
	for round := range 3 {
		d.Reset()
		for i := range events {
			data := fmt.Sprintf(`{"note":"\u0041 %d/%d\n","x%d":[%d],"y":1}`, round, i, i, i)
			if _, err := d.Decode([]byte(data), &events[i]); err != nil {
				t.Fatal(err)
			}
		}
		for i := range events {
			note, extra := fmt.Sprintf("A %d/%d\n", round, i), fmt.Sprintf(`"x%d":[%d],"y":1`, i, i)
			if got := events[i].Values[7].String(); got != note || string(events[i].Extra) != extra {
				t.Fatalf("event %d: %q %q, want %q %q", i, got, events[i].Extra, note, extra)
			}
		}
	}
}

func TestCheckEnd(t *testing.T) {
	d := ordersStream(t).NewDecoder()
	for data, offset := range map[string]int64{"{} \t\r\n": -1, "{}": -1, " {} {}": 4, "{},": 2} {
		var e penstock.Event
		n, err := d.Decode([]byte(data), &e)
		if err != nil {
			t.Fatal(err)
		}
		err = CheckEnd([]byte(data), n)
		if r := penstock.AsReject(err); (r == nil) != (offset < 0) || r != nil && (r.Offset != offset || r.Code != codeSyntax) {
			t.Errorf("%q: %v, want one at %d", data, err, offset)
		}
	}
}

// TestNoAllocations: a valid event costs the garbage collector nothing.
func TestNoAllocations(t *testing.T) {
	s := ordersStream(t)
	d := s.NewDecoder()
	var e penstock.Event
	ctx := context.Background()
	for name, data := range map[string]string{
		"plain":   orderJSON,
		"escaped": strings.Replace(orderJSON, "parcel", `p\u00e4rcel \n \"`, 1),
		"extra":   strings.Replace(orderJSON, "{", `{"x":{"y":[1,2,{"z":null}]},"w":0,`, 1),
		"changed": strings.Replace(orderJSON, "jane.doe@example.com", " Jane.Doe@Example.com ", 1),
	} {
		raw := []byte(data)
		allocations := testing.AllocsPerRun(500, func() {
			d.Reset()
			_, err := d.Decode(raw, &e)
			if err := errors.Join(err, s.Derive(ctx, &e), s.Identify(ctx, &e), s.Encode(ctx, &e)); err != nil {
				t.Fatal(err)
			}
		})
		if allocations > 0 {
			t.Errorf("%s: %v allocations an event", name, allocations)
		}
	}
}

// TestCell: a cell becomes the very value that JSON becomes.
func TestCell(t *testing.T) {
	s := fuzzStream(t)
	s.Fields[0].Type = Text
	d := s.NewDecoder()
	tests := []struct{ name, cell, json string }{
		{"a", "x", `"x"`}, {"a", "12", `"12"`}, {"a", "null", `"null"`},
		{"i", "12", `12`}, {"i", "1e2", `1e2`}, {"i", "-9223372036854775808", `-9223372036854775808`}, {"i", "9223372036854775808", `9223372036854775808`},
		{"i", "007", `"007"`}, {"i", "+1", `"+1"`}, {"i", "1,5", `"1,5"`}, {"i", " 1", `" 1"`},
		{"d", "12.50", `12.50`}, {"d", "12.50", `"12.50"`}, {"d", "12.5", `12.5`}, {"d", "0.001", `0.001`}, {"d", "x", `"x"`},
		{"n", "1e400", `1e400`}, {"n", "x", `"x"`},
		{"t", "2026-01-31T12:00:00+01:00", `"2026-01-31T12:00:00+01:00"`}, {"t", "31.1.2026", `"31.1.2026"`},
		{"b", "true", `true`}, {"b", "false", `false`}, {"b", "TRUE", `"TRUE"`},
		{"j", `{"a":[1]}`, `{"a":[1]}`}, {"j", `[]`, `[]`}, {"j", `{"a"`, `"{\"a\""`}, {"j", `12`, `"12"`}, {"j", `[] `, `"[] "`},
		{"s", "ü", `"ü"`},
	}
	for _, tt := range tests {
		var e penstock.Event
		if _, err := d.Decode([]byte(fmt.Sprintf(`{%q:%s}`, tt.name, tt.json)), &e); err != nil {
			t.Fatal(err)
		}
		slot := s.slot(tt.name)
		got, err := d.Cell(slot, []byte(tt.cell))
		if want := e.Values[slot]; err != nil || !reflect.DeepEqual(clean(got), clean(want)) {
			t.Errorf("cell %s = %q: %+v %v, want %+v", tt.name, tt.cell, got, err, want)
		}
	}
	if v, err := d.Cell(0, nil); err != nil || v.Kind != penstock.Absent {
		t.Errorf("empty cell: %v %v", v, err)
	}
	for _, tt := range []struct{ name, cell, code, pointer string }{
		{"s", "a\xff", codeUTF8, "/s"}, {"n", "1e401", codeRange, "/n"}, {"j", `{"a":[{"b":1,"b":2}]}`, codeDuplicate, "/j/a/0/b"},
	} {
		_, err := d.Cell(s.slot(tt.name), []byte(tt.cell))
		if r := penstock.AsReject(err); r == nil || r.Code != tt.code || r.Pointer != tt.pointer {
			t.Errorf("cell %s = %q: %v, want %s at %s", tt.name, tt.cell, err, tt.code, tt.pointer)
		}
	}
}

// clean leaves out the bytes of booleans and the like, which nobody reads.
func clean(v penstock.Value) penstock.Value {
	if len(v.Bytes) == 0 {
		v.Bytes = nil
	}
	return v
}

// TestRecordDecoder: who reads the topic gets the row that was written.
func TestRecordDecoder(t *testing.T) {
	s := ordersStream(t)
	ctx := context.Background()
	var e, again penstock.Event
	data := strings.Replace(orderJSON, "{", `{"x":[1],`, 1)
	if _, err := s.NewDecoder().Decode([]byte(data), &e); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Derive(ctx, &e), s.Identify(ctx, &e), s.Encode(ctx, &e)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewDecoder().Decode(e.Body, &again); penstock.AsReject(err) == nil {
		t.Fatalf("a record was taken for an event: %v", err)
	}
	if _, err := s.NewRecordDecoder().Decode(e.Body, &again); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.layout {
		a, b := e.Values[m.slot], again.Values[m.slot]
		if a.Kind != b.Kind || a.Num != b.Num || a.Scale != b.Scale || a.Nanos != b.Nanos || a.String() != b.String() {
			t.Errorf("%s was %+v, is %+v", s.Fields[m.slot].Name, a, b)
		}
	}
	if err := s.Encode(ctx, &again); err != nil || string(again.Body) != string(e.Body) {
		t.Fatalf("record changes: %s, then %s, %v", e.Body, again.Body, err)
	}
}

func TestIdentify(t *testing.T) {
	tests := []struct {
		ids             []int
		event, id, key  string
		reject, pointer string
	}{
		{[]int{0}, `{"order_id":1e2,"user_id":7,"created_at":"2026-01-31T12:00:00+01:00"}`, "100", "7", "", ""},
		{[]int{4}, `{"currency":"a,b%c"}`, "a,b%c", "", "", ""},
		{[]int{4, 0, 2}, `{"currency":"a,b%c","order_id":-1,"created_at":"2026-01-31T12:00:00+01:00"}`, "a%2Cb%25c,-1,2026-01-31T11:00:00Z", "", "", ""},
		{[]int{4, 5}, `{"currency":"","status":""}`, ",", "", "", ""},
		{[]int{0}, `{}`, "", "", "is absent", "/order_id"},
		{[]int{0, 4}, `{"order_id":1,"currency":null}`, "", "", "is null", "/currency"},
		{[]int{4}, `{"currency":""}`, "", "", "0 bytes", "/currency"},
		{[]int{4}, `{"currency":"` + strings.Repeat("x", 1025) + `"}`, "", "", "1025 bytes", "/currency"},
		{nil, `{"user_id":9}`, "door's own", "9", "", ""},
	}
	for _, tt := range tests {
		s := ordersStream(t)
		s.ID = tt.ids
		e := penstock.Event{ID: []byte("door's own"), Key: []byte("old"), Time: time.Now()}
		if _, err := s.NewDecoder().Decode([]byte(tt.event), &e); err != nil {
			t.Fatal(err)
		}
		err := s.Identify(context.Background(), &e)
		if r := penstock.AsReject(err); tt.reject != "" {
			if r == nil || !strings.Contains(r.Detail, tt.reject) || r.Pointer != tt.pointer {
				t.Errorf("%.60s: %v, want %q at %s", tt.event, err, tt.reject, tt.pointer)
			}
			continue
		}
		if err != nil || string(e.ID) != tt.id || string(e.Key) != tt.key {
			t.Errorf("%.60s: id %q key %q %v, want %q %q", tt.event, e.ID, e.Key, err, tt.id, tt.key)
		}
		if want := strings.Contains(tt.event, "created_at"); want == e.Time.IsZero() {
			t.Errorf("%.60s: time %v", tt.event, e.Time)
		}
	}
}

// TestIdentityOfNumbers: one number is one identity and one key, however it is
// written and whatever types its field has.
func TestIdentityOfNumbers(t *testing.T) {
	for _, kind := range []string{"number", "[integer, string]", "[number, \"null\"]", "integer", "[number, object]"} {
		s := loadText(t, "stream: n\nid: n\nkey: n\nschema: {properties: {n: {type: "+kind+"}}}\n")
		tests := map[string][]string{
			"1": {"1", "1.0", "1e0", "10e-1", "0.01E+2"}, "-120": {"-120", "-1.2e2", "-120.00"}, "0": {"0", "0.0", "0e7", "-0", "-0.0"},
			"100000000000000000000": {"1e20", "100000000000000000000", "100000000000000000000.0"},
			"1.5":                   {"1.5", "1.50", "15e-1"}, "-0.00025": {"-0.00025", "-2.5e-4", "-0.000250"}, "10.05": {"10.05", "1005E-2"},
		}
		for want, literals := range tests {
			for _, literal := range literals {
				var e penstock.Event
				if _, err := s.NewDecoder().Decode([]byte(`{"n":`+literal+`}`), &e); err != nil {
					t.Fatal(err)
				}
				if s.Check(t.Context(), &e) != nil { // 1.5 is no integer
					continue
				}
				if err := s.Identify(t.Context(), &e); err != nil || string(e.ID) != want || string(e.Key) != want {
					t.Errorf("type %s: %s has the identity %q and the key %q, %v; want %s", kind, literal, e.ID, e.Key, err, want)
				}
			}
		}
	}
}

// TestEncode: what needs an escape, what is left out, and what no JSON holds.
func TestEncode(t *testing.T) {
	s := ordersStream(t)
	ctx := context.Background()
	var e penstock.Event
	s.Row(&e)
	encode := func() string {
		if err := s.Encode(ctx, &e); err != nil {
			return err.Error()
		}
		return string(e.Body)
	}
	expect := func(want string) {
		t.Helper()
		if got := encode(); got != want {
			t.Errorf("record %s, want %s", got, want)
		}
	}
	expect(`{}`)
	e.Extra = []byte(`"x":1`)
	expect(`{"x":1}`)
	e.Values[1] = penstock.Value{Kind: penstock.Null}
	e.Values[3] = penstock.DecimalValue(-5, 2)
	e.Values[7] = penstock.TextValue("\x00\x1f\b\f\n\r\t\"\\/\u2028é😀\x7f long enough for eight bytes \" and more")
	expect(`{"user_id":null,"amount":-0.05,"note":"\u0000\u001f\b\f\n\r\t\"\\/` + "\u2028é😀\x7f" + ` long enough for eight bytes \" and more","x":1}`)
	e.Values[7] = penstock.TextValue("a\xff")
	expect("/note: the text is not valid UTF-8 and no JSON can hold it (invalid_utf8)")
	e.Values = e.Values[:3]
	defer func() {
		if recover() == nil {
			t.Error("a row of another stream was encoded")
		}
	}()
	encode()
}

func BenchmarkSteps(b *testing.B) {
	s := ordersStream(b)
	d := s.NewDecoder()
	var e penstock.Event
	if _, err := d.Decode([]byte(orderJSON), &e); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for _, step := range []struct {
		name string
		run  penstock.Step
	}{{"derive", s.Derive}, {"identify", s.Identify}, {"encode", s.Encode}} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := step.run(ctx, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkExpr(b *testing.B) {
	for _, code := range []string{`i * 2 + 1`, `round(d * 1.19, 2)`, `s == nil ? "none" : upper(s)`} {
		b.Run(code, func(b *testing.B) {
			s := rowStream()
			compile(b, s, "z: {expr: '"+code+"'}")
			var e penstock.Event
			if _, err := s.NewDecoder().Decode([]byte(`{"i":42,"d":12.50,"s":"text"}`), &e); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Derive(b.Context(), &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEvent is all that the stream does with one event of the example.
func BenchmarkEvent(b *testing.B) {
	streams, err := Load("../examples/orders/orders.yaml")
	if err != nil {
		b.Fatal(err)
	}
	s := streams[0]
	d := s.NewDecoder()
	var e penstock.Event
	data := []byte(orderJSON)
	steps := []penstock.Step{s.Check, s.Derive, s.Identify, s.Encode}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		if _, err := d.Decode(data, &e); err != nil {
			b.Fatal(err)
		}
		for _, step := range steps {
			if err := step(b.Context(), &e); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// FuzzPlainCell: the short way of reading cells and the long one agree.
func FuzzPlainCell(f *testing.F) {
	for _, cell := range []string{"1", "0", "00", "-1", "1.", ".5", "0.5", "12.50", "12.345", "123456789012345678", "1234567890.12", "12345678901.12", "2026-01-02T03:04:05Z", "true", "é", "\xe9"} {
		f.Add(cell)
	}
	s := &Stream{Name: "cells", Fields: []Field{
		{Name: "int", Type: Int}, {Name: "text", Type: Text}, {Name: "time", Type: Time}, {Name: "bool", Type: Bool}, {Name: "number", Type: Number},
		{Name: "d2", Type: Decimal, Precision: 12, Scale: 2, FromNumber: true}, {Name: "d0", Type: Decimal, Precision: 3, FromNumber: true, FromText: true},
		{Name: "d18", Type: Decimal, Precision: 18, Scale: 18, FromNumber: true}, {Name: "quoted", Type: Decimal, Precision: 12, Scale: 2, FromText: true},
	}}
	s.Declared = len(s.Fields)
	order := make([]int, len(s.Fields))
	for i := range order {
		order[i] = i
	}
	d := s.newDecoder(newFieldIndex(s.Fields, order))
	f.Fuzz(func(t *testing.T, cell string) {
		if cell == "" {
			return
		}
		for slot, field := range s.Fields {
			got, gotErr := d.Cell(slot, []byte(cell))
			want, wantErr := d.anyCell(slot, []byte(cell))
			if !reflect.DeepEqual(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Errorf("%s %q: %#v, %v, want %#v, %v", field.Name, cell, got, gotErr, want, wantErr)
			}
		}
	})
}

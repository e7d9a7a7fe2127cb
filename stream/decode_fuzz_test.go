package stream

import (
	"bytes"
	"context"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/penstock-io/penstock"
)

// fuzzStream has a field of every type, short names, and one that must be
// escaped in JSON.
func fuzzStream(t testing.TB) *Stream {
	t.Helper()
	s := &Stream{
		Name: "fuzz",
		Fields: []Field{
			{Name: "a", Type: Any},
			{Name: "i", Type: Int},
			{Name: "d", Type: Decimal, Precision: 12, Scale: 2, FromText: true, FromNumber: true},
			{Name: "n", Type: Number},
			{Name: "t", Type: Time},
			{Name: "s", Type: Text},
			{Name: "b", Type: Bool},
			{Name: "j", Type: JSON},
			{Name: "long_name_one", Type: Text},
			{Name: "long_name_two", Type: Text},
			{Name: "quo\"te", Type: Any},
			{Name: "ü", Type: Any},
		},
		Declared: 12, ID: []int{5}, Key: 1, Time: 4,
	}
	compile(t, s, "")
	return s
}

var decodeSeeds = []string{
	`{}`, ` {"a":1} `, `{"a":1}{"a":2}`, `{"a":1,}`, `{"a":1`, `{"a"1}`, `{a:1}`, `[1,2]`, `"x"`, `12`, ``, ` `,
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"x":1,"x":2}`, `{"j":{"x":1,"x":2}}`, `{"j":[{"x":1,"\u0078":2}]}`,
	"{\"s\":\"\xff\"}", "{\"\xc0\xaf\":1}", "{\"s\":\"\xed\xa0\x80\"}", `{"s":"\ud800"}`, `{"s":"\ud83d\ude00"}`, `{"s":"\ude00\ud83d"}`,
	`{"s":"\ud800\ud800\udc00"}`, `{"s":"\ud800\u0041"}`, `{"s":"\ud8"}`, `{"s":"\x"}`, "{\"s\":\"\n\"}", "{\"s\":\"\x00\"}",
	`{"i":1.0,"d":1e2,"n":1e-5}`, `{"i":9223372036854775807}`, `{"i":9223372036854775808}`, `{"i":-9223372036854775808}`,
	`{"i":-0,"a":-0,"d":-0.00}`, `{"i":100000000000000000000000e-20}`, `{"d":0.001}`, `{"d":"12.50"}`, `{"d":"1e2"}`, `{"d":12.500}`,
	`{"d":9999999999.99}`, `{"d":10000000000}`, `{"n":01}`, `{"n":1.}`, `{"n":.5}`, `{"n":+1}`, `{"n":1e}`, `{"n":1e999}`, `{"n":-}`,
	`{"t":"2026-01-31T12:34:56Z"}`, `{"t":"2026-02-29T12:34:56.123456789+23:59"}`, `{"t":"2026-01-31t12:34:60z"}`, `{"t":"0000-01-01T00:00:00+00:01"}`,
	`{"b":true,"a":false,"j":null}`, `{"b":tru}`, `{"b":truex}`, `{"j":[]}`, `{"j":[1,[2,{"k":[]}],"x"]}`, `{"j":[1 2]}`, `{"j":[1,]}`, `{"j":{]}`, `{"j":{"x"}}`,
	`{"j":[1}}`, `{"j":{"x":1]}`, `{"j":[{"x":1]]}`, `{"j":[1}]}`, `{"i":1.00000000000000000001}`, `{"d":-0.010000000000000000000000001}`, `{"a":18446744073709551616}`,
	`{"i":1000000000000000000000000000001e-30}`, `{"i":10000000000000000000}`, "{\"s\":\"ab\xffcdef\",\"x\":\"\"}", "{\"s\":\"\xc3\",\"x\":\"abcdefgh\"}", "{\"s\":\"abcdefgh\xc3\\n\",\"x\":\"abcdefgh\"}",
	`{"quo\"te":1,"ü":2,"\u00fc":3}`, `{"long_name_one":"x","long_name_two":"y","long_name_six":"z"}`,
	"{\"s\":\"0123456789 ü 0123456789 \\n\\\\ 😀\"}", "\xef\xbb\xbf{}", `{"x":{"y":1},"z":[{}],"s":"end"}`,
	`{"j":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{"j":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	`{"j":{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0,"r":0,"a":1}}`,
}

// FuzzDecode holds the decoder against jsontext in its strict mode: both must
// take the same texts, and read the same values from them.
func FuzzDecode(f *testing.F) {
	for _, seed := range append(decodeSeeds, orderJSON) {
		f.Add([]byte(seed))
	}
	s := fuzzStream(f)
	d := s.NewDecoder()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		d.Reset()
		before := bytes.Clone(data)
		var e penstock.Event
		n, err := d.Decode(data, &e)
		if !bytes.Equal(data, before) {
			t.Fatal("Decode wrote to its input")
		}
		if err != nil {
			compareRefused(t, data, n, penstock.AsReject(err))
			return
		}
		value, end, jerr := readOne(data)
		if jerr != nil || value.Kind() != '{' {
			t.Fatalf("decoded what jsontext refuses: %v", jerr)
		}
		if n != end || !bytes.Equal(e.Raw, value) {
			t.Fatalf("read %d bytes %q, jsontext %d bytes %q", n, e.Raw, end, value)
		}
		compareValues(t, s, &e)
		compareEncoded(t, s, d, &e)
	})
}

func readOne(data []byte, o ...jsontext.Options) (jsontext.Value, int, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(data), o...)
	v, err := dec.ReadValue()
	return v, int(dec.InputOffset()), err
}

// compareRefused: a malformed text is one that jsontext refuses even when it
// is lenient; a refusal with a certain end is one where the lenient jsontext
// sees the same end and the strict one a fault.
func compareRefused(t *testing.T, data []byte, n int, r *penstock.Reject) {
	t.Helper()
	if r == nil || r.Detail == "" || r.Offset < 0 || int(r.Offset) > len(data) {
		t.Fatalf("an error that is no useful reject: %+v", r)
	}
	value, end, err := readOne(data, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if r.Code == codeSyntax {
		if n != 0 || err == nil && value.Kind() == '{' {
			t.Fatalf("refused as malformed what jsontext reads: %v", r)
		}
		return
	}
	if n == 0 {
		t.Fatalf("no end given for %v", r)
	}
	if r.Code != codeNotObject && (err != nil || end != n) {
		t.Fatalf("end %d, jsontext %d, %v: %v", n, end, err, r)
	}
	_, _, strict := readOne(data)
	switch r.Code {
	case codeUTF8, codeDuplicate:
		if strict == nil {
			t.Fatalf("refused what jsontext takes: %v", r)
		}
	case codeDepth, codeRange, codeNotObject:
	default:
		t.Fatalf("unexpected code: %v", r)
	}
}

// compareValues reads the event again with jsontext and compares field by
// field, exactly.
func compareValues(t *testing.T, s *Stream, e *penstock.Event) {
	t.Helper()
	dec := jsontext.NewDecoder(bytes.NewReader(e.Raw))
	if _, err := dec.ReadToken(); err != nil {
		t.Fatal(err)
	}
	var extra []string
	came := map[string]bool{}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			t.Fatal(err)
		}
		name := token.String()
		raw, err := dec.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		slot := s.slot(name)
		if slot < 0 {
			extra = append(extra, name)
			continue
		}
		came[name] = true
		compareValue(t, s.Fields[slot], e.Values[slot], raw)
	}
	for slot, f := range s.Fields {
		if !came[f.Name] && e.Values[slot].Kind != penstock.Absent {
			t.Fatalf("field %s made up: %v", f.Name, e.Values[slot])
		}
	}
	var kept []string
	rest := jsontext.NewDecoder(strings.NewReader("{" + string(e.Extra) + "}"))
	if _, err := rest.ReadToken(); err != nil {
		t.Fatal(err)
	}
	for rest.PeekKind() != '}' {
		token, err := rest.ReadToken()
		if err != nil {
			t.Fatalf("extra %q: %v", e.Extra, err)
		}
		kept = append(kept, token.String())
		if err := rest.SkipValue(); err != nil {
			t.Fatalf("extra %q: %v", e.Extra, err)
		}
	}
	if strings.Join(kept, "\x00") != strings.Join(extra, "\x00") {
		t.Fatalf("extra members %q, want %q", kept, extra)
	}
}

func compareValue(t *testing.T, f Field, v penstock.Value, raw jsontext.Value) {
	t.Helper()
	want := func(ok bool) {
		if !ok {
			t.Fatalf("field %s of %s: %v %q (num %d scale %d)", f.Name, raw, v.Kind, v.Bytes, v.Num, v.Scale)
		}
	}
	switch raw.Kind() {
	case 'n':
		want(v.Kind == penstock.Null)
	case 't', 'f':
		want(v.Kind == penstock.Bool && (v.Num == 1) == (raw.Kind() == 't'))
	case '{', '[':
		want(v.Kind == penstock.JSON && bytes.Equal(v.Bytes, raw))
	case '"':
		text, err := jsontext.AppendUnquote(nil, raw)
		want(err == nil && bytes.Equal(v.Bytes, text))
		switch v.Kind {
		case penstock.Time:
			compareTime(t, string(text), v)
		case penstock.Decimal:
			r, ok := new(big.Rat).SetString(string(text))
			want(f.Type == Decimal && ok && r.Cmp(ratOf(v)) == 0)
		default:
			want(v.Kind == penstock.Text)
		}
	default:
		want(bytes.Equal(v.Bytes, raw))
		r, ok := new(big.Rat).SetString(string(raw))
		want(ok)
		fitsInt := r.IsInt() && r.Num().IsInt64()
		switch f.Type {
		case Int:
			want((v.Kind == penstock.Int) == fitsInt)
		case Decimal:
			scaled := new(big.Rat).Mul(r, big.NewRat(100, 1))
			fits := scaled.IsInt() && scaled.Num().IsInt64() && fitsPrecision(scaled.Num().Int64(), 12)
			want((v.Kind == penstock.Decimal) == fits)
		case Number:
			want(v.Kind == penstock.Number)
		}
		if v.Kind != penstock.Number {
			want(r.Cmp(ratOf(v)) == 0)
		}
	}
}

func ratOf(v penstock.Value) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(v.Num), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Scale)), nil))
}

func compareTime(t *testing.T, text string, v penstock.Value) {
	t.Helper()
	want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	if err != nil || !want.Equal(v.AsTime()) {
		t.Fatalf("time %q is %v, want %v, %v", text, v.AsTime(), want, err)
	}
}

// compareEncoded: the record is JSON that a strict reader takes, and decoding
// it gives the same record again.
func compareEncoded(t *testing.T, s *Stream, d *Decoder, e *penstock.Event) {
	t.Helper()
	ctx := context.Background()
	if err := s.Encode(ctx, e); err != nil {
		t.Fatal(err)
	}
	if !jsontext.Value(e.Body).IsValid() {
		t.Fatalf("record is not strict JSON: %s", e.Body)
	}
	var again penstock.Event
	n, err := d.Decode(e.Body, &again)
	if err != nil || n != len(e.Body) {
		t.Fatalf("decode the record %s: %v", e.Body, err)
	}
	if err := s.Encode(ctx, &again); err != nil || !bytes.Equal(again.Body, e.Body) {
		t.Fatalf("record changes when decoded again: %s, then %s, %v", e.Body, again.Body, err)
	}
}

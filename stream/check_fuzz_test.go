package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// A rival is a schema in both judges: the stream's own checks, and the full
// validator on the document itself.
type rival struct {
	name   string
	stream *Stream
	oracle *jsonschema.Schema
}

func rivals(t testing.TB) []*rival {
	t.Helper()
	files, err := filepath.Glob("testdata/schemas/*.schema.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d schemas (%v), want at least 40", len(files), err)
	}
	var all []*rival
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		s := loadText(t, "stream: rival\nschema: "+path+"\n")
		all = append(all, &rival{strings.TrimSuffix(filepath.Base(file), ".schema.yaml"), s, oracle(t, path)})
	}
	return all
}

// loadText loads a stream file with the given text.
func loadText(t testing.TB, text string) *Stream {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stream.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	streams, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return streams[0]
}

// oracle compiles the schema with the library's own formats. Ours are only
// date-time, which is held against package time elsewhere, and decimal, which
// is written here in another way than the checks have it.
func oracle(t testing.TB, path string) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	node, err := parseYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	document, err := toJSON(node)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	c.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: formatNamed("date-time").validate})
	for p := 1; p <= 18; p++ {
		for s := 0; s <= p; s++ {
			c.RegisterFormat(&jsonschema.Format{Name: fmt.Sprintf("decimal(%d,%d)", p, s), Validate: func(v any) error {
				if !rationalDecimal(v, p, s) {
					return errors.New("no such decimal")
				}
				return nil
			}})
		}
	}
	c.RegisterFormat(&jsonschema.Format{Name: "email", Validate: func(v any) error {
		if text, _ := v.(string); strings.HasPrefix(text, "@") {
			return errors.New("the library takes an empty local part, RFC 5321 does not")
		}
		return libraryEmail.Validate(v)
	}})
	c.RegisterVocabulary(decimalBounds)
	c.AssertVocabs()
	if err := c.AddResource("file:///"+filepath.Base(path), document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("file:///" + filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

var libraryEmail = func() *jsonschema.Schema {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///email.json", map[string]any{"format": "email"}); err != nil {
		panic(err)
	}
	return c.MustCompile("file:///email.json")
}()

var decimalGrammar = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// rationalDecimal: v × 10^s is an integer, and |v| < 10^(p-s).
func rationalDecimal(v any, p, s int) bool {
	var text string
	switch v := v.(type) {
	case string:
		if !decimalGrammar.MatchString(v) {
			return false
		}
		text = v
	case json.Number:
		text = string(v)
	default:
		return true
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return false
	}
	ten := func(n int) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
	}
	return new(big.Rat).Mul(r, ten(s)).IsInt() && new(big.Rat).Abs(r).Cmp(ten(p-s)) < 0
}

// document is what the oracle is shown: the text as an independent reader has
// it. A decimal that may come in both forms is a number in either.
func (r *rival) document(raw []byte) any {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		panic(fmt.Sprintf("the decoder took %q, encoding/json: %v", raw, err))
	}
	for i := range r.stream.Declared {
		f := &r.stream.Fields[i]
		text, isText := v.(map[string]any)[f.Name].(string)
		if isText && f.FromText && f.FromNumber && rationalDecimal(text, int(f.Precision), int(f.Scale)) {
			v.(map[string]any)[f.Name] = json.Number(text)
		}
	}
	return v
}

// complaint is a failing place and the keyword that fails there.
type complaint struct{ pointer, code string }

// complaints lists all that stands in the oracle's tree, and its leaves.
func complaints(e *jsonschema.ValidationError) (all, leaves []complaint) {
	pointer := ""
	for _, token := range e.InstanceLocation {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
	}
	code := "schema"
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		code = path[0]
	}
	here := []complaint{{pointer, code}}
	switch k := e.ErrorKind.(type) {
	case *kind.FalseSchema:
		here[0].code = "false"
	case *kind.Not:
		here[0].code = "not"
	case *kind.PropertyNames:
		here[0].pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k.Property)
	case *kind.AdditionalProperties:
		here = nil
		for _, name := range k.Properties {
			here = append(here, complaint{pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name), code})
		}
	}
	all = append(all, here...)
	if len(e.Causes) == 0 {
		leaves = append(leaves, here...)
	}
	for _, cause := range e.Causes {
		a, l := complaints(cause)
		all, leaves = append(all, a...), append(leaves, l...)
	}
	return all, leaves
}

// agree reports an error unless both judges give raw the same verdict, for a
// reason that the oracle has too.
func (r *rival) agree(t *testing.T, raw []byte) {
	t.Helper()
	d := r.stream.NewDecoder()
	e := &penstock.Event{}
	if _, err := d.Decode(raw, e); err != nil {
		return
	}
	err := r.stream.Check(context.Background(), e)
	want := r.oracle.Validate(r.document(e.Raw))
	if (err == nil) != (want == nil) {
		t.Errorf("%s judges %s:\n  check: %v\n oracle: %v", r.name, raw, err, want)
		return
	}
	if again := r.onRecord(t, e, err == nil); (again == nil) != (err == nil) {
		t.Errorf("%s judges %s: %v, and its record: %v", r.name, raw, err, again)
	}
	if err == nil {
		return
	}
	got := penstock.AsReject(err)
	if got == nil {
		t.Errorf("%s judges %s: %v is not a reject", r.name, raw, err)
		return
	}
	if len(got.Pointer) > 150 {
		return // cut short
	}
	all, leaves := complaints(want.(*jsonschema.ValidationError))
	if !slices.Contains(all, complaint{got.Pointer, got.Code}) {
		t.Errorf("%s judges %s:\n  check: %v\n oracle: %v", r.name, raw, got, want)
		return
	}
	if len(leaves) == 1 && len(all) <= 3 && !slices.Contains(leaves, complaint{got.Pointer, got.Code}) &&
		!slices.Contains([]string{"anyOf", "oneOf", "contains", "minContains", "propertyNames", "contentSchema"}, got.Code) {
		t.Errorf("%s judges %s:\n  check: %v\n oracle has one cause: %v", r.name, raw, got, leaves[0])
		return
	}
	// The same event must get the very same answer again.
	if again := penstock.AsReject(r.stream.Check(context.Background(), e)); again == nil || *again != *got {
		t.Errorf("%s judges %s twice:\n  first: %v\n second: %v", r.name, raw, got, again)
		return
	}
}

// onRecord is CheckRecord's verdict on the event: one that passed as it was
// encoded and read again, one that did not as it stands. Of the latter those
// with values whose text a record has not are left out.
func (r *rival) onRecord(t *testing.T, e *penstock.Event, passed bool) error {
	if !passed {
		if slices.ContainsFunc(e.Values, func(v penstock.Value) bool { return v.Kind == penstock.Time || v.Kind == penstock.Decimal }) {
			return errors.New("not asked")
		}
		return r.stream.CheckRecord(context.Background(), e)
	}
	record := &penstock.Event{Values: e.Values, Extra: e.Extra}
	if err := r.stream.Encode(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	if _, err := r.stream.NewRecordDecoder().Decode(record.Body, record); err != nil {
		t.Fatal(err)
	}
	return r.stream.CheckRecord(context.Background(), record)
}

// literals are JSON values on and about the edges of the schemas.
var literals = []string{
	`null`, `true`, `false`, `0`, `-0`, `0.0`, `-0.0`, `1`, `1.0`, `1e0`, `2`, `2.0`, `3`, `3e0`, `-3`, `-4`, `5`, `5.0`, `5.00000000000000000001`, `6`, `9`, `10`, `11`,
	`0.5`, `0.1`, `0.09999999999999999999999`, `0.01`, `0.015`, `0.05`, `0.25`, `-0.05`, `-0.1`, `2.5`, `-2.5`, `2.51`, `7.5`, `99.99`, `99.995`, `100`, `999.99`, `1000`, `1e3`, `1e-2`, `1e2`, `1000.1`, `1.50`, `1.5`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`, `9223372036854775807.0`, `12345678901234567890123`, `12345678901234567890123.5`,
	`-1e20`, `-1e21`, `1e30`, `1e-30`, `1E5`, `1e999`, `-1e-999`, `300`, `301`, `0.999999999999999999`, `0.9999999999999999999`, `123456789012345678`,
	`""`, `"a"`, `"ab"`, `"abc"`, `"ABC"`, `"ABc"`, `"ABCD"`, `"ABC\n"`, `"abcd"`, `"abcde"`, `"abcdef"`, `"aa"`, `"aaa"`, `"aaab12"`, `"12"`, `"x"`, `"é"`, `"éé"`, `"😀😀"`, `"\u0061b"`, `"new"`, `"paid"`, `"1"`, `"j"`, `"abcdabcd"`,
	`"1.50"`, `"1.5"`, `"2"`, `"2.00"`, `"-1.25"`, `"99.99"`, `"999.99"`, `"1000.00"`, `"1e2"`, `"01.50"`, `".5"`, `"5."`, `"+1"`, `"-"`, `"-0"`, `"0.0"`, `"0.1234"`, `"0.12345"`, `"1.500"`, `"123456789012345678"`, `"1234567890123456789"`,
	`"2026-01-31"`, `"2026-02-29"`, `"2024-02-29"`, `"2026-1-31"`, `"2026-01x31"`, `"2026x01-31"`, `"2026-00-10"`, `"2026-13-10"`, `"2026-04-31"`, `"1900-02-29"`, `"2000-02-29"`, `"+026-01-31"`, `"2026-01-31T12:00:00Z"`, `"2026-01-31T12:00:00.5Z"`, `"2026-01-31t12:00:00z"`, `"2026-01-31T24:00:00Z"`, `"2026-01-31T12:00:00+02:00"`, `"2026-01-31 12:00:00Z"`, `"1990-12-31T23:59:60Z"`, `"2026-01-31T12:00:00.1234567891Z"`,
	`"123e4567-e89b-12d3-a456-426614174000"`, `"123E4567-E89B-12D3-A456-42661417400"`, `"g23e4567-e89b-12d3-a456-426614174000"`,
	`"a@b.c"`, `"a@b"`, `"@b"`, `"a@"`, `"a..b@c"`, `".a@c"`, `"\"a b\"@c"`, `"a@[127.0.0.1]"`, `"a@[IPv6:::1]"`, `"a@b@c"`, `"a@-b"`, `"www.example.com"`, `"www..com"`, `"-a"`, `"a-"`, `"a."`, `"."`, `"a_b"`,
	`"127.0.0.1"`, `"127.0.0.256"`, `"127.0.01.1"`, `"1.2.3"`, `"1.2.3.4.5"`, `"::1"`, `"::1%eth0"`, `"::ffff:1.2.3.4"`, `":::"`, `"http://a/b?c#d"`, `"/a"`, `"a:b"`, `"http://[::1]/"`, `"http://::1/"`, `"http://a b"`, `"://"`,
	`"aGVsbG8="`, `"aGVsbG8"`, `"12 "`, `"{}"`, `"[1"`,
	`{}`, `{"a":1}`, `{"a":-1}`, `{"a":"x"}`, `{"a":1,"b":"x"}`, `{"a":1,"c":0}`, `{"b":2}`, `{"a":{"a":{"b":1}}}`, `{"a":{"a":{"b":"x"}}}`, `{"a":{"c":1}}`,
	`[]`, `[1]`, `[1,2]`, `[1,1]`, `[1,1.0]`, `[1,2,3]`, `[1,2,3,4]`, `["x"]`, `["x",1]`, `[1,1,1]`, `[null]`, `[{"a":1},{"a":1.0}]`,
}

// randomObject makes an object of a few members with the schemas' names.
func randomObject(rng *rand.Rand, names []string) []byte {
	raw := []byte{'{'}
	seen := map[string]bool{}
	for range rng.IntN(5) {
		name := names[rng.IntN(len(names))]
		if rng.IntN(8) == 0 {
			name = []string{"x_a", "zz", "longer", "a/b", "q~", "ü"}[rng.IntN(6)]
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		if len(raw) > 1 {
			raw = append(raw, ',')
		}
		raw = append(append(strconv.AppendQuote(raw, name), ':'), literals[rng.IntN(len(literals))]...)
	}
	return append(raw, '}')
}

// TestCheckAgrees judges random documents, and every literal in every field.
func TestCheckAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, r := range rivals(t) {
		t.Run(r.name, func(t *testing.T) {
			var names []string
			for _, f := range r.stream.Fields {
				names = append(names, f.Name)
				for _, literal := range literals {
					r.agree(t, []byte(`{`+strconv.Quote(f.Name)+`:`+literal+`}`))
				}
			}
			for range 400 {
				r.agree(t, randomObject(rng, names))
			}
		})
	}
}

// TestSchemaPaths keeps which of the schemas need the full validator.
func TestSchemaPaths(t *testing.T) {
	var got strings.Builder
	for _, r := range rivals(t) {
		fmt.Fprintf(&got, "%s: %s\n", r.name, strings.Join(r.stream.Slow, " "))
	}
	golden(t, "testdata/schemas.golden", got.String())
}

// FuzzCheck holds the checks against the full validator: on every document the
// decoder takes, by every schema, both must agree.
func FuzzCheck(f *testing.F) {
	for _, name := range []string{"i", "n", "s", "d", "t", "a", "o", "x"} {
		for i, literal := range literals {
			if i%9 == int(name[0])%9 {
				f.Add([]byte(`{"` + name + `":` + literal + `}`))
			}
		}
	}
	f.Add([]byte(`{"order_id":1,"user_id":2,"created_at":"2026-01-01T00:00:00Z","amount":"12.50","currency":"SEK","status":"new","email":null}`))
	all := rivals(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 4096 {
			return
		}
		for _, r := range all {
			r.agree(t, raw)
		}
	})
}

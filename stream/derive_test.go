package stream

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

// compile compiles s with the derive section given as YAML.
func compile(t testing.TB, s *Stream, derive string) {
	t.Helper()
	if err := tryCompile(s, derive); err != nil {
		t.Fatal(err)
	}
}

func tryCompile(s *Stream, derive string) error {
	if derive != "" {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(derive), &doc); err != nil {
			return err
		}
		if err := s.compileDerive(doc.Content[0]); err != nil {
			return err
		}
	}
	return s.compileCodec()
}

// rowStream has a field of every type.
func rowStream() *Stream {
	return &Stream{
		Name: "row",
		Fields: []Field{
			{Name: "i", Type: Int},
			{Name: "d", Type: Decimal, Precision: 12, Scale: 2, FromText: true, FromNumber: true},
			{Name: "n", Type: Number},
			{Name: "at", Type: Time},
			{Name: "s", Type: Text},
			{Name: "u", Type: Text},
			{Name: "b", Type: Bool},
			{Name: "j", Type: JSON},
			{Name: "a", Type: Any},
			{Name: "year", Type: Int}, // has the name of a function
		},
		Declared: 10, Key: -1, Time: -1,
	}
}

func TestDerive(t *testing.T) {
	const all = `{"i":42,"d":12.50,"n":1e2,"at":"2026-01-31T23:30:00+02:00","s":" Ünï Straße ","u":"x,y","b":true,"j":[1],"a":"7"}`
	tests := []struct{ derive, event, want string }{
		{`{from: s}`, all, `" Ünï Straße "`},
		{`{from: s, do: [trim]}`, all, `"Ünï Straße"`},
		{`{from: s, do: [trim, upper]}`, all, `"ÜNÏ STRAßE"`},
		{`{from: u, do: [upper]}`, all, `"X,Y"`},
		{`{from: u, do: [upper]}`, `{}`, `absent`},
		{`{from: u, do: [upper]}`, `{"u":null}`, `null`},
		{`{from: u, do: [upper, {default: none}]}`, `{"u":null}`, `"none"`},
		{`{from: u, do: [{default: none}, upper]}`, `{}`, `"NONE"`},
		{`{from: i, do: [{default: 0}]}`, `{}`, `0`},
		{`{from: d, do: [{default: 1}]}`, `{}`, `1.00`},
		{`{from: at, do: [{default: 2026-01-01T00:00:00Z}]}`, `{}`, `"2026-01-01T00:00:00Z"`},
		{`{from: j, do: [{default: {a: [1, 2.50]}}]}`, `{}`, `{"a":[1,2.50]}`},
		{`{from: d, do: [{scale: 2}]}`, all, `1250`},
		{`{from: d, do: [{scale: 2}, {cast: integer}]}`, all, `1250`},
		{`{from: d, do: [{scale: 1}]}`, all, `125.0`},
		{`{from: d, do: [{scale: 4}]}`, all, `125000`},
		{`{from: d, do: [{scale: -2}]}`, all, `0.1250`},
		{`{from: d, do: [{scale: -2}]}`, `{"d":-9999999999.99}`, `-99999999.9999`},
		{`{from: d, do: [{scale: 18}]}`, all, `reject: 12.50 × 10^18 does not fit`},
		{`{from: i, do: [{scale: 3}]}`, all, `42000`},
		{`{from: i, do: [{scale: -3}]}`, all, `0.042`},
		{`{from: i, do: [{scale: 18}]}`, all, `reject: 42 × 10^18 does not fit integers`},
		{`{from: i, do: [{scale: -18}]}`, `{"i":9223372036854775807}`, `reject: does not fit decimal(18,18)`},
		{`{from: d, do: [{cast: integer}]}`, all, `reject: the decimal "12.50" cannot become integer exactly`},
		{`{from: d, do: [{cast: integer}]}`, `{"d":12.00}`, `12`},
		{`{from: d, do: [{cast: "decimal(5,1)"}]}`, all, `12.5`},
		{`{from: d, do: [{cast: "decimal(2,1)"}]}`, all, `reject: cannot become decimal(2,1) exactly`},
		{`{from: d, do: [{cast: text}]}`, all, `"12.50"`},
		{`{from: d, do: [{cast: number}]}`, all, `12.50`},
		{`{from: n, do: [{cast: integer}]}`, all, `100`},
		{`{from: n, do: [{cast: "decimal(18,4)"}]}`, all, `100.0000`},
		{`{from: at, do: [{cast: text}]}`, all, `"2026-01-31T21:30:00Z"`},
		{`{from: b, do: [{cast: text}]}`, all, `"true"`},
		{`{from: a, do: [{cast: integer}]}`, all, `7`},
		{`{from: a, do: [{cast: boolean}]}`, all, `reject: the text "7" cannot become boolean`},
		{`{from: a, do: [{cast: boolean}]}`, `{"a":"true"}`, `true`},
		{`{from: a, do: [{cast: time}]}`, `{"a":"2026-01-31T00:00:00.5-01:00"}`, `"2026-01-31T01:00:00.5Z"`},
		{`{from: s, do: [{cast: integer}]}`, `{"s":"1e2"}`, `reject: the text "1e2" cannot become integer`},
		{`{from: s, do: [{cast: integer}]}`, `{"s":"-9223372036854775808"}`, `-9223372036854775808`},
		{`{from: s, do: [{map: {a: x, b: null}, else: other}]}`, `{"s":"a"}`, `"x"`},
		{`{from: s, do: [{map: {a: x, b: null}, else: other}]}`, `{"s":"b"}`, `null`},
		{`{from: s, do: [{map: {a: x}, else: other}]}`, `{"s":"c"}`, `"other"`},
		{`{from: s, do: [{map: {a: x}}]}`, `{"s":"c"}`, `reject: map has no entry for "c", and no else`},
		{`{from: i, do: [{map: {42: 1.5, 43: 2}}]}`, all, `1.5`},
		{`{from: i, do: [{map: {42: 1.5, 43: 2}}]}`, `{"i":43}`, `2.0`},
		{`{from: b, do: [{map: {true: 1, false: 0}}]}`, all, `1`},
		{`{from: u, do: [{hash: sha256}]}`, all, `"968e772cf168b7f17f3fbd00e6e1c8b4afb8db2f0c1548d9928f3c3d7a758a75"`},
		{`{concat: [i, {text: "-"}, u, {text: ""}, d, b]}`, all, `"42-x,y12.50true"`},
		{`{concat: [i, {text: "-"}, u]}`, `{"i":1}`, `absent`},
		{`{concat: [i, {text: "-"}, u]}`, `{"i":1,"u":null}`, `null`},
		{`{concat: [i, u]}`, `{"u":null}`, `absent`},
		{`{concat: [u, i]}`, `{"u":null}`, `absent`},
		{`{concat: [i, at], do: [lower, {cast: text}]}`, all, `"422026-01-31t21:30:00z"`},
	}
	for _, tt := range tests {
		t.Run(tt.derive, func(t *testing.T) { testDerivation(t, tt.derive, tt.event, tt.want) })
	}
}

// testDerivation derives one field and compares it as Encode writes it.
func testDerivation(t *testing.T, derive, event, want string) {
	t.Helper()
	s := rowStream()
	compile(t, s, "z: "+derive)
	var e penstock.Event
	if _, err := s.NewDecoder().Decode([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	got := ""
	for range 2 { // a step may run again
		got = derivedJSON(t, s, &e)
	}
	if reason, ok := strings.CutPrefix(want, "reject: "); ok {
		if !strings.HasPrefix(got, "reject: /z: ") || !strings.Contains(got, reason) {
			t.Fatalf("got %s, want a reject with %q", got, reason)
		}
		return
	}
	if got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if f, v := s.Fields[len(s.Fields)-1], e.Values[len(s.Fields)-1]; !v.Missing() && !f.admits(v) {
		t.Fatalf("field inferred as %s holds the %v %v", f.describe(), v.Kind, v)
	}
}

func derivedJSON(t *testing.T, s *Stream, e *penstock.Event) string {
	t.Helper()
	if err := s.Derive(context.Background(), e); err != nil {
		r := penstock.AsReject(err)
		if r == nil || r.Code != "derive" {
			t.Fatalf("not a derive reject: %v", err)
		}
		return "reject: " + r.Error()
	}
	v := e.Values[len(s.Fields)-1]
	if v.Kind == penstock.Absent {
		return "absent"
	}
	return string(appendValue(nil, &v))
}

// admits reports whether a value is one of the field's type.
func (f Field) admits(v penstock.Value) bool {
	switch f.Type {
	case Any:
		return true
	case Decimal:
		return v.Kind == penstock.Decimal && v.Scale == f.Scale && fitsPrecision(v.Num, f.Precision)
	}
	return v.Kind == [...]penstock.Kind{0, penstock.Bool, penstock.Int, 0, penstock.Number, penstock.Time, penstock.Text, penstock.JSON}[f.Type]
}

func TestExpr(t *testing.T) {
	const all = `{"i":42,"d":12.50,"n":1e2,"at":"2026-01-31T23:30:00+02:00","s":"Ünï","u":"x,y","b":true,"year":2025}`
	tests := []struct{ expr, event, want string }{
		{`i + 1`, all, `43`},
		{`i % 5 * -1`, all, `-2`},
		{`i + i`, `{"i":9223372036854775807}`, `reject: the integer overflows 64 bits`},
		{`i - 2`, `{"i":-9223372036854775807}`, `reject: the integer overflows`},
		{`i * i`, `{"i":4294967296}`, `reject: the integer overflows`},
		{`-i`, `{"i":-9223372036854775808}`, `reject: the integer overflows`},
		{`i % 0`, all, `reject: division by zero`},
		{`d * 1.1`, all, `13.750`},
		{`0.1 + 0.2 == 0.3`, all, `true`},
		{`d + i`, all, `54.50`},
		{`-d`, all, `-12.50`},
		{`d * d * d * d * d * d * d * d`, `{"d":9999999999.99}`, `99999999999200000000002799999999994400000000006999999999994400000000002799999999.9992000000000001`},
		{`d > 12 and d < 12.51 and 12.5 == d and d != 13`, all, `true`},
		{`n == i`, all, `false`},
		{`n / 2`, all, `load: / has no exact result`},
		{`div(n, 3, 4)`, all, `33.3333`},
		{`div(1, 8, 2)`, all, `0.13`},
		{`div(-1, 8, 2)`, all, `-0.13`},
		{`div(d, 0, 2)`, all, `reject: division by zero`},
		{`round(d * 1.05, 2)`, all, `13.13`},
		{`int(round(d, 0))`, all, `13`},
		{`int(d)`, all, `reject: 12.50 is no integer`},
		{`min(i, 7) + max(1, 2) + abs(-3)`, all, `12`},
		{`decimal("0.1") + 1`, all, `1.1`},
		{`"a" + s + upper(u)`, all, `"aÜnïX,Y"`},
		{`len(s)`, all, `3`},
		{`substr(s, 1, 1) + substr(s, 5, 2) + substr(s, 0, 9)`, all, `"nÜnï"`},
		{`replace(u, ",", ";")`, all, `"x;y"`},
		{`text(i) + text(d) + text(b) + text(at)`, all, `"4212.50true2026-01-31T21:30:00Z"`},
		{`s == "Ünï" ? "yes" : "no"`, all, `"yes"`},
		{`u in ["a", "x,y"] && not (u in ["b"])`, all, `true`},
		{`u matches "^x" and u contains "," and u startsWith "x" and u endsWith "y"`, all, `true`},
		{`year(at) * 100 + month(at)`, all, `202601`},
		{`hour(at)`, all, `21`},
		{`year + 1`, all, `2026`},
		{`weekday(at)`, all, `6`},
		{`unix(at)`, all, `1769895000`},
		{`at`, all, `"2026-01-31T21:30:00Z"`},
		{`let x = i * 2; x + x`, all, `168`},
		{`u + s`, `{"s":"x"}`, `absent`},
		{`u + s`, `{"s":"x","u":null}`, `null`},
		{`(u ?? "-") + s`, `{"s":"x"}`, `"-x"`},
		{`u == nil ? "none" : u`, `{}`, `"none"`},
		{`u != nil ? upper(u) : "none"`, `{"u":"a"}`, `"A"`},
		{`upper(u) + (u ?? "")`, `{}`, `reject: upper() of a missing value`},
		{`(d ?? 0.0) + 1`, `{}`, `1`},
		{`b ? u : nil`, `{"b":false,"u":"x"}`, `null`},
		{`b == nil and not b`, `{}`, `reject: a missing value stands where one is needed; write what stands for it, as (field ?? false)`},
		{`b == nil and (b ? true : false)`, `{}`, `reject: a missing value stands where one is needed`},
		{`round(n, -1)`, all, `reject: -1 digits behind the point; write 0 to 18`},
		{`b && i > 3`, all, `true`},
		{`if b { 1 } else { 2 }`, all, `1`},
		{`i`, `{"i":9223372036854775808}`, `reject: i is the number 9223372036854775808, and the expression works on integers`},
		{`n + 1`, `{"n":1e300}`, `reject: the number has more than 153 digits`},
		{`0.1234567890123456`, all, `load: cannot be held exactly`},
		{`1e3`, all, `load: cannot be held exactly`},
		{`i +`, all, `load: unexpected token EOF`},
		{`nope + 1`, all, `load: unknown name nope`},
		{`text(nope)`, all, `load: unknown name nope`},
		{`text(nope and 1)`, all, `load: unknown name nope`},
		{`upper(b ? i : s)`, all, `load: make both branches one type`},
		{`text(i and b)`, all, `load: invalid operation`},
		{`j == nil`, all, `load: j has no single type`},
		{`a + 1`, all, `load: a has no single type`},
		{`s + 1`, all, `load: to call +`},
		{`s == 1`, all, `load: to call ==`},
		{`(d ?? 0) + 1`, all, `load: make both branches one type`},
		{`b ? 1 : "x"`, all, `load: make both branches one type`},
		{`now()`, all, `load: no function of stream expressions`},
		{`float(i)`, all, `load: no function of stream expressions`},
		{`filter([1, 2], # > 1)`, all, `load: not part of stream expressions`},
		{`at.Year()`, all, `load: not part of stream expressions`},
		{`$env["i"]`, all, `load: not part of stream expressions`},
		{`s[0:1]`, all, `load: not part of stream expressions`},
		{`1..5`, all, `load: ranges are not part`},
		{`2 ** 3`, all, `load: not part of stream expressions`},
		{`u matches s`, all, `load: pattern written as text`},
		{`u matches "("`, all, `load: missing closing`},
		{`d in [12.5]`, all, `load: in looks for text or an integer`},
		{`[1]`, all, `load: its result is`},
		{`nil`, all, `load: its result is`},
		{`{"a": 1}`, all, `load: not part of stream expressions`},
		{`at - at`, all, `load: to call -`},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			quoted := "{expr: '" + strings.ReplaceAll(tt.expr, "'", "''") + "'}"
			if reason, ok := strings.CutPrefix(tt.want, "load: "); ok {
				err := tryCompile(rowStream(), "z: "+quoted)
				if err == nil || !strings.Contains(err.Error(), reason) {
					t.Fatalf("loaded with %v, want an error with %q", err, reason)
				}
				return
			}
			testDerivation(t, quoted, tt.event, tt.want)
		})
	}
}

// TestDeriveOrder: later derivations see earlier ones, an override stands at
// the place of what it overrides, and what was received stays in its slot.
func TestDeriveOrder(t *testing.T) {
	s := rowStream()
	compile(t, s, `
x: {from: i, do: [{scale: 1}]}
u: {from: u, do: [trim]}
y: {concat: [u, {text: "/"}, x]}
u2: {from: u, do: [upper]}
w: {expr: 'x + 1', do: [{cast: text}, {hash: sha256}]}
`)
	var e penstock.Event
	if _, err := s.NewDecoder().Decode([]byte(`{"u":" q ","i":3,"s":"end"}`), &e); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := errors.Join(s.Derive(ctx, &e), s.Encode(ctx, &e)); err != nil {
		t.Fatal(err)
	}
	want := `{"i":3,"s":"end","u":"q","x":30,"y":"q/30","u2":"Q","w":"eb1e33e8a81b697b75855af6bfcdbcbf7cbbde9f94962ceaec1ed8af21f5a50f"}`
	if string(e.Body) != want {
		t.Fatalf("record\n%s, want\n%s", e.Body, want)
	}
	if string(e.Values[5].Bytes) != " q " {
		t.Fatalf("the received value is now %q", e.Values[5].Bytes)
	}
}

var update = flag.Bool("update-derive", false, "write the golden file of derive mistakes anew")

// TestDeriveMistakes holds every mistake's message against its golden text.
func TestDeriveMistakes(t *testing.T) {
	path := filepath.Join("testdata", "derive_mistakes.golden")
	var got strings.Builder
	for _, derive := range []string{
		"z: upper", "z: [a]", "z: {}", "z: {from: s, concat: [s]}", "z: {form: s}", "z: {from: nope}", "z: {from: userid}", "z: {from: 3}",
		"z: {from: s, do: upper}", "z: {from: s, do: [uper]}", "z: {from: s, do: [scale]}", "z: {from: s, do: [{upper: 1}]}",
		"z: {from: s, do: [{scale: 1, cast: text}]}", "z: {from: s, do: [{else: 1}]}", "z: {from: i, do: [upper]}",
		"z: {from: s, do: [{scale: 2}]}", "z: {from: d, do: [{scale: 99}]}", "z: {from: d, do: [{scale: -18}]}", "z: {from: d, do: [{scale: x}]}",
		"z: {from: d, do: [{cast: int}]}", "z: {from: d, do: [{cast: time}]}", "z: {from: j, do: [{cast: integer}]}", "z: {from: d, do: [{cast: decimal(20,2)}]}",
		"z: {from: d, do: [{cast: [a]}]}", "z: {from: s, do: [{map: {}}]}", "z: {from: s, do: [{map: {a: 1, b: x}}]}", "z: {from: s, do: [{map: {a: [1]}}]}",
		"z: {from: at, do: [{map: {a: 1}}]}", "z: {from: s, do: [{map: {a: 0x10}}]}", "z: {from: i, do: [{default: x}]}", "z: {from: i, do: [{default: 1.5}]}", "z: {from: i, do: [{default: null}]}",
		"z: {from: s, do: [{default: 1}]}", "z: {from: at, do: [{default: yesterday}]}", "z: {from: j, do: [{default: 1}]}",
		"z: {from: s, do: [{hash: md5}]}", "z: {concat: s}", "z: {concat: []}", "z: {concat: [{literal: x}]}", "z: {concat: [nope]}", "z: {concat: [j]}",
		"z: {expr: [1]}", "z: {expr: ''}", "y: {from: z}\nz: {from: s}", "z: {from: nope}\ny: {from: z, do: [uper]}", "z: {from: s}\nz: {from: s}",
	} {
		err := tryCompile(rowStream(), derive)
		if err == nil {
			t.Errorf("loaded: %s", derive)
			continue
		}
		fmt.Fprintf(&got, "%s\n\t%s\n", strings.ReplaceAll(derive, "\n", " | "), strings.ReplaceAll(err.Error(), "\n", "\n\t"))
	}
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("messages changed (run with -update-derive to take them):\n%s", got.String())
	}
}

// TestDeriveConcurrent: events of many goroutines never share a byte of
// derived text, and nothing overwrites it later.
func TestDeriveConcurrent(t *testing.T) {
	s := rowStream()
	compile(t, s, `
x: {from: s, do: [upper]}
y: {concat: [s, {text: "/"}, i]}
z: {expr: 'upper(s) + text(i)'}
`)
	x := len(s.Fields) - 3
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			d := s.NewDecoder()
			events := make([]penstock.Event, 500)
			for i := range events {
				data := fmt.Sprintf(`{"s":"g%d-%d-%s","i":%d}`, g, i, strings.Repeat("x", i), i)
				_, err := d.Decode([]byte(data), &events[i])
				if err := errors.Join(err, s.Derive(context.Background(), &events[i])); err != nil {
					t.Error(err)
					return
				}
			}
			for i := range events {
				text := fmt.Sprintf("g%d-%d-%s", g, i, strings.Repeat("x", i))
				want := [3]string{strings.ToUpper(text), fmt.Sprintf("%s/%d", text, i), fmt.Sprintf("%s%d", strings.ToUpper(text), i)}
				row := events[i].Values
				if got := [3]string{row[x].String(), row[x+1].String(), row[x+2].String()}; got != want {
					t.Errorf("derived %q, want %q", got, want)
					return
				}
			}
		})
	}
	all.Wait()
}

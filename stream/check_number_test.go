package stream

import (
	"math/big"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
)

// FuzzNumber holds comparison, wholeness and multiples of number literals
// against rational arithmetic.
func FuzzNumber(f *testing.F) {
	for i, a := range literals {
		if _, ok := parseNumeral([]byte(a)); ok {
			f.Add(a, literals[(i+7)%len(literals)])
			f.Add(a, a)
			f.Add(a, a+"0")
		}
	}
	f.Add("0.05", "5e-2")
	f.Add("10.0", "1e1")
	f.Add("-0.0", "0e5")
	f.Fuzz(func(t *testing.T, a, b string) {
		if _, ok := parseNumeral([]byte(a)); !ok {
			return
		}
		if _, ok := parseNumeral([]byte(b)); !ok {
			return
		}
		x, ok1 := new(big.Rat).SetString(a)
		y, ok2 := new(big.Rat).SetString(b)
		if !ok1 || !ok2 {
			t.Fatalf("package big does not read %q or %q", a, b)
		}
		if got, want := parseNumber([]byte(a)).compare(parseNumber([]byte(b))), x.Cmp(y); got != want {
			t.Errorf("%s compared to %s is %d, want %d", a, b, got, want)
		}
		if got, want := parseNumber([]byte(a)).whole(), x.IsInt(); got != want {
			t.Errorf("%s is whole: %v, want %v", a, got, want)
		}
		p, q := string(parseNumber([]byte(a)).appendPlain(nil)), string(parseNumber([]byte(b)).appendPlain(nil))
		if z, ok := new(big.Rat).SetString(p); !ok || z.Cmp(x) != 0 || (p == q) != (x.Cmp(y) == 0) || strings.Contains(p, "e") {
			t.Errorf("%s is written %s, and %s %s", a, p, b, q)
		}
		if y.Sign() > 0 {
			want := new(big.Rat).Quo(x, y).IsInt()
			for _, v := range valuesOf(a) {
				if got := newMultiple([]byte(b)).divides(&v); got != want {
					t.Errorf("the %v %s is a multiple of %s: %v, want %v", v.Kind, a, b, got, want)
				}
			}
		}
		for keyword, want := range map[string]bool{
			"minimum": x.Cmp(y) < 0, "exclusiveMinimum": x.Cmp(y) <= 0, "maximum": x.Cmp(y) > 0, "exclusiveMaximum": x.Cmp(y) >= 0,
		} {
			limits := newBounds([]bound{{keyword, []byte(b), parseNumber([]byte(b))}}, 2)
			for _, v := range valuesOf(a) {
				if got := limits.broken(&v) != nil; got != want {
					t.Errorf("the %v %s breaks %s %s: %v, want %v", v.Kind, a, keyword, b, got, want)
				}
			}
		}
	})
}

// valuesOf is the literal as every kind of value that can hold it.
func valuesOf(literal string) []penstock.Value {
	values := []penstock.Value{{Kind: penstock.Number, Bytes: []byte(literal)}}
	n, _ := parseNumeral([]byte(literal))
	if i, ok := n.scaled(0); ok {
		values = append(values, penstock.IntValue(i))
	}
	for _, scale := range []uint8{2, 5} {
		if d, ok := n.decimal(18, scale); ok {
			values = append(values, penstock.DecimalValue(d, scale))
		}
	}
	return values
}

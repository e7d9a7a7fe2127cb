package penstock_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

func TestValueText(t *testing.T) {
	noon := time.Date(2026, 3, 1, 13, 0, 0, 5e6, time.FixedZone("", 3600))
	for _, c := range []struct {
		value      penstock.Value
		text, json string
	}{
		{penstock.Value{}, "", "null"},
		{penstock.Value{Kind: penstock.Null}, "", "null"},
		{penstock.BoolValue(true), "true", "true"},
		{penstock.BoolValue(false), "false", "false"},
		{penstock.IntValue(math.MinInt64), "-9223372036854775808", "-9223372036854775808"},
		{penstock.DecimalValue(0, 2), "0.00", "0.00"},
		{penstock.DecimalValue(5, 0), "5", "5"},
		{penstock.DecimalValue(-5, 3), "-0.005", "-0.005"},
		{penstock.DecimalValue(1999, 2), "19.99", "19.99"},
		{penstock.DecimalValue(math.MinInt64, 18), "-9.223372036854775808", "-9.223372036854775808"},
		{penstock.DecimalValue(1, 18), "0.000000000000000001", "0.000000000000000001"},
		{penstock.Value{Kind: penstock.Number, Bytes: []byte("1e400")}, "1e400", "1e400"},
		{penstock.TextValue(`say "hi"`), `say "hi"`, `"say \"hi\""`},
		{penstock.TimeValue(noon), "2026-03-01T12:00:00.005Z", `"2026-03-01T12:00:00.005Z"`},
		{penstock.TimeValue(time.Unix(-1, 999999999)), "1969-12-31T23:59:59.999999999Z", `"1969-12-31T23:59:59.999999999Z"`},
		{penstock.Value{Kind: penstock.JSON, Bytes: []byte(`{"a":[1]}`)}, `{"a":[1]}`, `{"a":[1]}`},
	} {
		if got := c.value.String(); got != c.text {
			t.Errorf("%v as text: %q, want %q", c.value.Kind, got, c.text)
		}
		if got, err := json.Marshal(c.value); err != nil || string(got) != c.json {
			t.Errorf("%v as JSON: %s (%v), want %s", c.value.Kind, got, err, c.json)
		}
		if got, want := c.value.Missing(), c.json == "null"; got != want {
			t.Errorf("%v missing: %v, want %v", c.value.Kind, got, want)
		}
	}
	if at := penstock.TimeValue(noon).AsTime(); !at.Equal(noon) {
		t.Errorf("time came back as %v, want %v", at, noon)
	}
}

// FuzzDecimal: a decimal's text is exactly the number it stands for, with as
// many digits after the point as its scale.
func FuzzDecimal(f *testing.F) {
	f.Add(int64(math.MinInt64), uint8(18))
	f.Add(int64(-1), uint8(1))
	f.Add(int64(100), uint8(2))
	f.Fuzz(func(t *testing.T, unscaled int64, scale uint8) {
		scale %= 19
		text := penstock.DecimalValue(unscaled, scale).String()
		got, ok := new(big.Rat).SetString(text)
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		want := new(big.Rat).SetFrac(big.NewInt(unscaled), ten)
		if !ok || got.Cmp(want) != 0 {
			t.Errorf("%d x 10^-%d is written %q", unscaled, scale, text)
		}
		if text != want.FloatString(int(scale)) {
			t.Errorf("%d x 10^-%d is written %q, want %q", unscaled, scale, text, want.FloatString(int(scale)))
		}
	})
}

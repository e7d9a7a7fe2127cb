package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestFigures: what JSON has no number for is null, and something says why.
func TestFigures(t *testing.T) {
	const huge = math.MaxFloat64
	for _, c := range []struct {
		data []float64
		want []string
	}{
		{nil, []string{`"count":0,`, `"mean":null,"median":null,`, `"mode":null,"modes":[],`, `"sum":null,"stddev":null,"overflows":[]`, `"exact":true`}},
		{[]float64{2}, []string{`"mean":2,`, `"modes":[2],`, `"stddev":null,"overflows":[]`}},
		{[]float64{huge, huge}, []string{`"mean":1.7976931348623157e+308,`, `"sum":null,"stddev":0,"overflows":["sum"]`}},
		{[]float64{-huge, huge}, []string{`"mean":0,`, `"sum":0,"stddev":null,"overflows":["stddev"]`}},
		{[]float64{huge, inf, inf, 1, 1}, []string{`"pos_infs":2,`, `"mean":null,`, `"mode":1,"modes":[1],"mode_count":2,"mode_ties":2,`, `"sum":null,"stddev":null,"overflows":[]`}},
	} {
		s, _ := Compute(c.data, Options{})
		text, err := json.Marshal(s.Figures())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(text), want) {
				t.Errorf("%v: %s, want %s", c.data, text, want)
			}
		}
	}
	for _, policy := range []NaNPolicy{PropagateNaN, OmitNaN} {
		s, err := Compute([]float64{1, nan, 2, nan}, Options{NaN: policy})
		text, wrong := json.Marshal(s.Figures())
		if err != nil || wrong != nil || !strings.Contains(string(text), `"nans":2`) || strings.Contains(string(text), `"mean":null`) != (policy == PropagateNaN) {
			t.Errorf("policy %d: %s, %v, %v", policy, text, err, wrong)
		}
	}
	s, err := Compute([]float64{1, 2, inf}, Options{Quantiles: []float64{0, 0.75}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s.Figures().Quantiles)
	if want := `[{"p":0,"value":1,"error":0},{"p":0.75,"value":null,"error":0}]`; err != nil || string(text) != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
}

// TestNumber: every float64 reads back as it was, and from 2^53 on is no integer of
// which the last digits are wrong.
func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", -2: "-2", 0.1: "0.1", 1234567.25: "1234567.25", 1e-6: "0.000001", 1e-7: "1e-07", denormal: "5e-324",
		1<<53 - 1: "9007199254740991", 1 << 53: "9.007199254740992e+15", -1e300: "-1e+300", inf: "+Inf",
	} {
		if got := Number(x).String(); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
	random := rand.New(rand.NewPCG(71, 72))
	for _, x := range append(scattered(random, 2000), shapes(random, 500)["prices"]...) {
		text, err := json.Marshal(Number(x))
		if err != nil {
			t.Fatal(err)
		}
		var back float64
		if err := json.Unmarshal(text, &back); err != nil || back != x {
			t.Errorf("%v is written %s and read as %v, %v", x, text, back, err)
		}
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && (n <= -1<<53 || n >= 1<<53) {
			t.Errorf("%v is written as the integer %s", x, text)
		}
	}
}

package stats

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestRounds(t *testing.T) {
	for text, want := range map[string]bool{
		"9007199254740993": true, "-9007199254740993": true, "+09007199254740993.000": true, "9007199254740992": false,
		"9223372036854775807": true, "9223372036854775808": false, "18446744073709551617": true,
		"100000000000000000000000": true, "100000000000000000000": false, "1e23": false, "1e400": false, "0": false, "": false,
		"9007199254740993.5": false, "Inf": false, "Infinity": false, "0.1": false, "12": false,
	} {
		x, _ := strconv.ParseFloat(text, 64)
		if Rounds(text, x) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
	huge := "1"
	for range 400 {
		huge += "0"
	}
	x, _ := strconv.ParseFloat(huge, 64)
	if !Rounds(huge, x) {
		t.Error("an integer beyond the largest float64 is rounded")
	}
}

func FuzzRounds(f *testing.F) {
	for _, text := range []string{"9007199254740993", "-09007199254740994.0", "1e5", "inf", "00", "+"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := strconv.ParseFloat(text, 64)
		n, isInteger := new(big.Int).SetString(text, 10)
		if err != nil || !isInteger || len(text) > 400 {
			return
		}
		exact, _ := new(big.Float).SetFloat64(x).Int(nil)
		if got, want := Rounds(text, x), exact.Cmp(n) != 0; got != want {
			t.Errorf("%q is %v: %v", text, x, got)
		}
	})
}

// TestVanishes: what is read as 0 and is none is told apart from what is, or is
// read as the smallest float64.
func TestVanishes(t *testing.T) {
	for text, want := range map[string]bool{
		"0": false, "-0": false, "+0.000": false, "0e5": false, "0E-400": false, "": false, "1": false, "4.9e-324": false, "2.5e-324": false,
		"1e-400": true, "-1e-400": true, "2.4e-324": true, "0.1E-400": true, "+9e-99999": true, "0." + strings.Repeat("0", 400) + "1": true,
	} {
		x, _ := strconv.ParseFloat(text, 64)
		if got := Vanishes(text, x); got != want {
			t.Errorf("%.20s: %v, want %v", text, got, want)
		}
	}
}

// TestMergeNil: a nil accumulator does not fit, and is no panic.
func TestMergeNil(t *testing.T) {
	var a Accumulator
	a.Add(1)
	if err := a.Merge(nil); !errors.Is(err, ErrIncompatible) {
		t.Error(err)
	}
}

// TestLimit: an accumulator whose limit is lowered says what is no longer
// certain, and one that has no more values than that stays exact.
func TestLimit(t *testing.T) {
	var a Accumulator
	for i := range 1000 {
		a.Add(float64(i))
		a.Add(float64(i % 10))
	}
	if a.Distinct() != 1000 {
		t.Errorf("%d different values", a.Distinct())
	}
	for _, n := range []int{0, -1, maxDistinctMax + 1} {
		if err := a.Limit(n, maxCellsDefault); !errors.Is(err, ErrBadOption) {
			t.Errorf("%d: %v", n, err)
		}
	}
	for _, n := range []int{0, -1, maxCellsLeast - 1, maxCellsMax + 1} {
		if err := a.Limit(1000, n); !errors.Is(err, ErrBadOption) {
			t.Errorf("%d cells: %v", n, err)
		}
	}
	for _, c := range []struct {
		limit int
		exact bool
	}{{1000, true}, {100, false}, {1, false}} {
		if err := a.Limit(c.limit, maxCellsDefault); err != nil {
			t.Fatal(err)
		}
		s, err := a.Summary()
		if err != nil || s.Exact != c.exact || a.Distinct() > c.limit || s.Count != 2000 || s.Mean != 252 {
			t.Errorf("limit %d: %d different values, %+v, %v", c.limit, a.Distinct(), s, err)
		}
		if s.ModeCount > 101 || s.ModeCount+s.ModeErr < 101 {
			t.Errorf("limit %d: the mode occurs 101 times, not %d to %d", c.limit, s.ModeCount, s.ModeCount+s.ModeErr)
		}
	}
}

package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pythonProgram computes with Python's statistics what each line of hexadecimal
// float64s holds.
const pythonProgram = `
import json, statistics, sys
def hexed(f, data):
    try: return f(data).hex()
    except Exception as e: return type(e).__name__
for line in sys.stdin:
    data = [float.fromhex(x) for x in line.split()]
    print(json.dumps({
        "mean": hexed(statistics.mean, data), "fmean": hexed(statistics.fmean, data), "median": hexed(statistics.median, data),
        "mode": hexed(statistics.mode, data), "stdev": hexed(statistics.stdev, data),
        "modes": [x.hex() for x in sorted(statistics.multimode(data))]}))
`

type pythonAnswer struct {
	Mean, Fmean, Median, Mode, Stdev string
	Modes                            []string
}

// python asks Python's statistics about each set of values.
func python(t *testing.T, sets [][]float64) []pythonAnswer {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err == nil {
		// Before 3.11 the standard deviation was rounded more than once.
		err = exec.Command(program, "-c", "import sys; sys.exit(sys.version_info < (3, 11))").Run()
	}
	if err != nil {
		const why = "python3, version 3.11 or later, is not on the PATH (%v): install it to compare with its statistics module"
		if os.Getenv("CI") == "true" {
			t.Fatalf(why, err)
		}
		t.Skipf("SKIP: "+why, err)
	}
	var in strings.Builder
	for _, data := range sets {
		for _, x := range data {
			in.WriteString(strconv.FormatFloat(x, 'x', -1, 64) + " ")
		}
		in.WriteByte('\n')
	}
	command := exec.Command(program, "-c", pythonProgram)
	command.Stdin = strings.NewReader(in.String())
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &complaint)
	}
	answers := make([]pythonAnswer, len(sets))
	decoder := json.NewDecoder(bytes.NewReader(out))
	for i := range answers {
		if err := decoder.Decode(&answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

// fromHex reads what Python wrote; zero is +0.
func fromHex(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatalf("Python says %s", text)
	}
	return x + 0
}

// TestPython agrees with Python's statistics, to the last bit, wherever that is
// right: mean, median, mode (the first), all modes and the deviation.
func TestPython(t *testing.T) {
	random := rand.New(rand.NewPCG(27, 28))
	sets := [][]float64{{1}, {3, 1, 3, 1, 2}, {.1, .1, .1}, {1e100, 1, -1e100}, {1e16, 1, 1}, {denormal, 0}, {1, inf}, {negZero, 0, 1}}
	for _, n := range []int{2, 3, 10, 101, 500} {
		for name, data := range shapes(random, n) {
			if name == "any bits" { // keep the sum of the middle two, which Python forms, finite
				for i := range data {
					data[i] /= 4
				}
			}
			sets = append(sets, data)
		}
	}
	for i, answer := range python(t, sets) {
		data := sets[i]
		s, err := Compute(data, Options{Tie: FirstTie})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, python string
			ours         float64
		}{{"mean", answer.Mean, s.Mean}, {"median", answer.Median, s.Median}, {"mode", answer.Mode, s.Mode}, {"stdev", answer.Stdev, s.StdDev}} {
			if c.name == "stdev" && (len(data) < 2 || s.PosInfs > 0) {
				continue // an error there, NaN here
			}
			if theirs := fromHex(t, c.python); !same(theirs, c.ours) {
				t.Errorf("%s of %v: Python says %v, stats %v", c.name, shown(data), theirs, c.ours)
			}
		}
		modes, _, err := Modes(data)
		if err != nil || !slices.EqualFunc(answer.Modes, modes, func(p string, m float64) bool { return fromHex(t, p) == m }) {
			t.Errorf("the modes of %v: Python says %v, stats %v (%v)", shown(data), answer.Modes, modes, err)
		}
	}
}

// TestPythonWrong lists where Python's statistics is not right, or says nothing
// useful, with what stats says. It fails when a Python says something else than
// the list has: then docs/statistics.md is no longer true of it.
func TestPythonWrong(t *testing.T) {
	const largest = math.MaxFloat64
	cases := []struct {
		data          []float64
		which, python string // what it says, or one of several with |
		ours          float64
	}{
		{[]float64{largest, largest}, "median", "inf", largest},           // the sum of the middle two overflows
		{[]float64{largest, largest}, "fmean", "OverflowError", largest},  // so does the sum
		{[]float64{.1, .1, .1}, "fmean", "0x1.999999999999bp-4", .1},      // rounded twice
		{[]float64{inf, -inf}, "fmean", "ValueError", nan},                // mean says nan
		{[]float64{nan, 1, 2}, "median", "0x1.0000000000000p+0", nan},     // it depends on where
		{[]float64{1, nan, 2}, "median", "nan|0x1.0000000000000p+1", nan}, // the NaN stands
		{[]float64{negZero, negZero}, "mode", "-0x0.0p+0", 0},             // a zero with a sign
	}
	sets := make([][]float64, len(cases))
	for i, c := range cases {
		sets[i] = c.data
	}
	for i, answer := range python(t, sets) {
		c := cases[i]
		theirs := map[string]string{"median": answer.Median, "fmean": answer.Fmean, "mode": answer.Mode}[c.which]
		if !slices.Contains(strings.Split(c.python, "|"), theirs) {
			t.Errorf("%s of %v: this Python says %s, where the list in docs/statistics.md has %s", c.which, c.data, theirs, c.python)
		}
		s, err := Compute(c.data, Options{NaN: PropagateNaN})
		if err != nil {
			t.Fatal(err)
		}
		ours := map[string]float64{"median": s.Median, "fmean": s.Mean, "mode": s.Mode}[c.which]
		if !same(ours, c.ours) {
			t.Error(fmt.Sprintf("%s of %v", c.which, c.data), "is", ours, "want", c.ours)
		}
	}
}

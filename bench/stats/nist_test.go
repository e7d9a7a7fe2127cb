package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/stats"
)

// nistSets are NIST's univariate reference sets as the tests of
// montanaflynn/stats have them. They are read from there since NIST states no
// licence for the files. PiDigits is not what it says: its 957th digit is 3,
// where pi has an 8, and NIST's values are those of the file.
func nistSets(t *testing.T) map[string][]float64 {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/montanaflynn/stats").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(strings.TrimSpace(string(dir)), "nist_test.go")
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]float64{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		list, ok := spec.Values[0].(*ast.CompositeLit)
		if !ok {
			return true
		}
		for _, e := range list.Elts {
			if x, ok := literal(e); ok {
				sets[spec.Names[0].Name] = append(sets[spec.Names[0].Name], x)
			}
		}
		return true
	})
	return sets
}

func literal(e ast.Expr) (float64, bool) {
	sign := 1.0
	if u, ok := e.(*ast.UnaryExpr); ok {
		sign, e = -1, u.X
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(lit.Value, 64)
	return sign * x, err == nil
}

// TestNIST holds mean and standard deviation against NIST's certified values,
// and median and modes against those that rational arithmetic gives.
func TestNIST(t *testing.T) {
	sets := nistSets(t)
	for _, c := range []struct {
		name            string
		n               int
		mean, deviation float64
		r1              float64 // the correlation of neighbours
		median          float64
		modes           []float64
		count           uint64
	}{
		{"lew", 200, -177.435, 277.332168044316, -0.307304800605679, -162, []float64{83, 194}, 4},
		{"lottery", 218, 518.958715596330, 291.699727470969, -0.120948622967393, 522.5, nil, 2},
		{"mavro", 50, 2.001856, 0.000429123454003053, 0.937989183438248, 2.0018, []float64{2.0015}, 9},
		{"michelson", 100, 299.8524, 0.0790105478190518, 0.535199668621283, 299.85, []float64{299.81, 299.88}, 10},
		{"pidigits", 5000, 4.5348, 2.86733906028871, -0.00355099287237972, 5, []float64{1}, 531},
	} {
		data := sets[c.name]
		if len(data) != c.n {
			t.Errorf("%s has %d values, want %d", c.name, len(data), c.n)
			continue
		}
		s, err := stats.Compute(data, stats.Options{})
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, got, want float64) {
			// What the decimals lose when they become float64s shows in a
			// deviation that is small beside the mean.
			if off := math.Abs(got - want); !(off <= 1e-14*math.Abs(want)+0x1p-53*math.Abs(c.mean)) {
				t.Errorf("%s: %s is %v, certified %v", c.name, what, got, want)
			}
		}
		near("mean", s.Mean, c.mean)
		near("deviation", s.StdDev, c.deviation)
		if r1 := correlation(data, s); math.Abs(r1-c.r1) > 1e-13+0x1p-51*math.Abs(c.mean/c.deviation) {
			t.Errorf("%s: r(1) is %v, certified %v", c.name, r1, c.r1)
		}
		if s.Median != c.median || s.ModeCount != c.count || c.modes == nil && s.ModeTies != 19 {
			t.Errorf("%s: median %v, %d modes, %d times", c.name, s.Median, s.ModeTies, s.ModeCount)
		}
		for i, m := range c.modes {
			if s.Modes()[i] != m {
				t.Errorf("%s: modes %v, want %v", c.name, s.Modes(), c.modes)
			}
		}
	}
}

// correlation is NIST's r(1), from the mean, a sum and the deviation.
func correlation(data []float64, s stats.Summary) float64 {
	products := make([]float64, len(data)-1)
	for i := range products {
		products[i] = (data[i] - s.Mean) * (data[i+1] - s.Mean)
	}
	p, err := stats.Compute(products, stats.Options{})
	if err != nil {
		panic(err)
	}
	return p.Sum / (s.StdDev * s.StdDev * float64(len(data)-1))
}

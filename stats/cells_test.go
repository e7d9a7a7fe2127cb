package stats

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// scattered are values over all of float64's range: what somebody sends who wants
// as many cells as there are.
func scattered(random *rand.Rand, n int) []float64 {
	data := make([]float64, 0, n)
	for len(data) < n {
		if x := math.Float64frombits(random.Uint64()); x-x == 0 {
			data = append(data, x)
		}
	}
	return data
}

// TestCells: however far values are scattered, there are no more cells than are
// allowed, the figures lie within the bounds they name, and neither order nor
// division makes a difference.
func TestCells(t *testing.T) {
	random := rand.New(rand.NewPCG(61, 62))
	data := scattered(random, 60_000)
	for _, o := range []Options{
		{MaxDistinct: 100, MaxCells: maxCellsLeast, Quantiles: quartiles},
		{MaxDistinct: 100, MaxCells: 3 * maxCellsLeast, Quantiles: quartiles},
		{MaxDistinct: 100, MaxCells: maxCellsLeast, Approx: approxCoarsest, Quantiles: quartiles},
	} {
		want := oracle(data, o)
		a := accumulate(t, o)
		for i, x := range data {
			if a.Add(x); a.Cells() > o.MaxCells {
				t.Fatalf("%+v: %d cells after %d values", o, a.Cells(), i+1)
			}
		}
		first := summary(t, a)
		checkRough(t, "scattered", data, first, want, approxCoarsest)
		for _, shards := range []int{2, 7} {
			got := sharded(t, o, data, shards)
			what := fmt.Sprintf("%+v: %d shards", o, shards)
			if got.Median != first.Median || got.MedianErr != first.MedianErr || !slices.Equal(got.Quantiles, first.Quantiles) {
				t.Errorf("%s: the order makes a difference: %+v, before %+v", what, got, first)
			}
		}
	}
}

// TestCellsMerge: accumulators whose cells differ in width merge to what one of all
// values has.
func TestCellsMerge(t *testing.T) {
	random := rand.New(rand.NewPCG(63, 64))
	o := Options{MaxDistinct: 1, MaxCells: maxCellsLeast}
	wild, tame := scattered(random, 30_000), mapped(shapes(random, 3000)["prices"], math.Abs)
	both := accumulate(t, o, append(slices.Clone(wild), tame...)...)
	for _, order := range [][2][]float64{{wild, tame}, {tame, wild}} {
		a, b := accumulate(t, o, order[0]...), accumulate(t, o, order[1]...)
		if a.rough.coarse == b.rough.coarse {
			t.Fatal("both have cells of the same width")
		}
		if err := a.Merge(b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.rough.cells.append(nil), both.rough.cells.append(nil)) || a.rough.coarse != both.rough.coarse {
			t.Errorf("%d cells, %d bits wide; those of all values are %d, %d wide", a.Cells(), a.rough.coarse, both.Cells(), both.rough.coarse)
		}
	}
}

// TestCellsNarrow: values near each other keep the error that was asked for, in as
// few cells as are allowed.
func TestCellsNarrow(t *testing.T) {
	random := rand.New(rand.NewPCG(65, 66))
	o := Options{MaxDistinct: 100, MaxCells: maxCellsLeast, Quantiles: quartiles}
	for _, name := range []string{"prices", "normal"} {
		data := shapes(random, 20_000)[name]
		checkRough(t, name, data, summary(t, accumulate(t, o, data...)), oracle(data, o), approxFinest)
	}
}

// TestCellsBinary: cells of any width are read back as they were, those of more than
// are allowed are made wider, and impossible widths are refused.
func TestCellsBinary(t *testing.T) {
	random := rand.New(rand.NewPCG(67, 68))
	data := scattered(random, 30_000)
	a := accumulate(t, Options{MaxDistinct: 100, MaxCells: maxCellsLeast}, data...)
	var b Accumulator
	if err := b.UnmarshalBinary(marshal(t, a)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(marshal(t, &b), marshal(t, a)) || b.Cells() != a.Cells() {
		t.Errorf("read back with %d cells, written with %d", b.Cells(), a.Cells())
	}
	agree(t, "read back", data, summary(t, &b), summary(t, a))

	many := accumulate(t, Options{MaxDistinct: 100, MaxCells: maxCellsMax}, data...)
	many.options.MaxCells = maxCellsLeast
	if err := b.UnmarshalBinary(marshal(t, many)); err != nil || b.Cells() != a.Cells() || b.rough.coarse != a.rough.coarse {
		t.Errorf("%d cells were read as %d: %v", many.Cells(), b.Cells(), err)
	}
	for _, coarse := range []uint{0, a.options.coarse() - 1, coarsest + 1, 64} {
		a.rough.coarse = coarse
		if err := b.UnmarshalBinary(marshal(t, a)); !errors.Is(err, ErrBadState) {
			t.Errorf("cells of %d bits: %v", coarse, err)
		}
	}
}

// TestCellsLimit: an accumulator whose cells are limited later is what it would be had
// they been from the beginning.
func TestCellsLimit(t *testing.T) {
	data := scattered(rand.New(rand.NewPCG(69, 70)), 30_000)
	a := accumulate(t, Options{MaxDistinct: 100}, data...)
	if a.Cells() <= maxCellsLeast {
		t.Fatalf("%d cells are no more than are allowed later", a.Cells())
	}
	if err := a.Limit(100, maxCellsLeast); err != nil {
		t.Fatal(err)
	}
	want := accumulate(t, Options{MaxDistinct: 100, MaxCells: maxCellsLeast}, data...)
	if a.Cells() > maxCellsLeast || !bytes.Equal(marshal(t, a), marshal(t, want)) {
		t.Errorf("%d cells, %d bits wide; want %d, %d wide", a.Cells(), a.rough.coarse, want.Cells(), want.rough.coarse)
	}
}

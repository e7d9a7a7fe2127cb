package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// gridShapes are values that suit a grid, nearly, or only where a sample looks.
func gridShapes(random *rand.Rand, n int) map[string][]float64 {
	all := map[string][]float64{}
	fill := func(name string, f func(i int) float64) {
		data := make([]float64, n)
		for i := range data {
			data[i] = f(i)
		}
		all[name] = data
	}
	price := func(int) float64 { return math.Round(random.Float64()*10000) / 100 }
	rarely := func(usual, rare func(i int) float64) func(i int) float64 {
		return func(i int) float64 {
			if random.IntN(200) == 0 {
				return rare(i)
			}
			return usual(i)
		}
	}
	fill("prices", price)
	fill("prices and others between", rarely(price, func(int) float64 { return random.Float64() * 100 }))
	fill("prices and others far away", rarely(price, func(int) float64 { return random.NormFloat64() * 1e100 }))
	fill("prices and one other, often", rarely(price, func(int) float64 { return 100. / 3 }))
	fill("prices next to prices", rarely(price, func(i int) float64 { return math.Nextafter(price(i), inf) }))
	fill("credits and debits", func(int) float64 { return math.Round(random.NormFloat64()*1000) / 10 })
	fill("small integers", func(int) float64 { return float64(random.IntN(90)) })
	fill("each once", func(i int) float64 { return float64(i) / 1000 })
	fill("each once but one", func(i int) float64 { return float64(max(i, 1)) })
	fill("days", func(int) float64 { return 1.7e9 + float64(random.IntN(5000)) })
	fill("the last steps", func(int) float64 { return gridStepsMax - 6000 + float64(random.IntN(5000)) })
	fill("the last negative steps", func(int) float64 { return 6000 - gridStepsMax - float64(random.IntN(5000)) })
	fill("a hundredth of many steps", func(int) float64 { return 22517998136852.48 + math.Round(random.Float64()*5000)/100 })
	fill("two middles", func(i int) float64 { return float64(i%2) * 3 })
	fill("middles aside", func(i int) float64 { return [...]float64{1, 2}[i%2] })
	fill("zeros of both signs", func(i int) float64 { return math.Copysign(0, float64(i%2)-0.5) })
	all["middles aside"][n/2], all["middles aside"][n/3] = 1.3333, 1.7777
	misleading := all["small integers"]
	misleading = slices.Clone(misleading)
	for i := n / 2; i < n; i++ {
		if i%16 != 0 {
			misleading[i] = random.Float64()
		}
	}
	all["half of it"] = misleading
	return all
}

// hideFromSample makes all values of data others than decimals but those that
// sampled looks at.
func hideFromSample(random *rand.Rand, data []float64) {
	at := make([]float64, len(data))
	for i := range at {
		at[i] = float64(i)
	}
	w := new(scratch)
	w.sampled(at, 0)
	seen := map[int]bool{}
	for _, k := range w.keys {
		seen[int(valueOf(k))] = true
	}
	for i := range data {
		if !seen[i] {
			data[i] = random.Float64() * 100
		}
	}
}

// TestGrid: what is counted in cells is the same as the oracle's.
func TestGrid(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(41, 42))
		for _, n := range []int{largeMin, largeMin + 1, largeMin + blockLen - 1} {
			all := gridShapes(random, n)
			hidden := slices.Clone(all["prices"])
			hideFromSample(random, hidden)
			all["only where a sample looks"] = hidden
			for name, data := range all {
				checkAll(t, data, Options{Tie: TiePolicy(n % 2)})
				if t.Failed() {
					t.Fatalf("with %d values: %s", n, name)
				}
			}
		}
	})
}

// TestGridUsed: values that suit a grid are counted in one, and others are not.
func TestGridUsed(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(43, 44))
		n := 40000
		all := gridShapes(random, n)
		all["hidden"] = slices.Clone(all["prices"])
		hideFromSample(random, all["hidden"])
		all["normal"] = shapes(random, n)["normal"]
		for name, fits := range map[string]bool{
			"prices": true, "prices and others between": true, "prices and others far away": true, "prices next to prices": true,
			"days": true, "the last steps": true, "two middles": true, "hidden": false, "normal": false, "half of it": false,
		} {
			w, s := &scratch{crowd: new(crowd)}, Summary{Count: uint64(n)}
			w.partials.reset()
			v := &survey{exact: !vectors, middle: w.sampled(all[name], n/2)}
			g, ok := gridOf(w.keys, n)
			if ok {
				ok, _ = w.describeGrid(&s, v, &g, all[name])
			}
			if ok != fits {
				t.Errorf("%s: %v, want %v", name, ok, fits)
			}
		}
	})
}

// TestGridCells: a value has the cell of the decimal that it is, its neighbours have
// none, and vectors put each value where plain code does.
func TestGridCells(t *testing.T) {
	random := rand.New(rand.NewPCG(45, 46))
	for scale := 1.0; scale <= gridScaleMax; scale *= 10 {
		for _, base := range []int64{-500, 0, 1 << 20, 2 - gridStepsMax, gridStepsMax - 1000} {
			g := grid{scale: scale, base: base, width: 900}
			data := []float64{0, negZero, denormal, -denormal, math.MaxFloat64, -math.MaxFloat64, 1 << 63, -1 << 63, 1 << 62, 1e17 / 3, 1e18, -1e18}
			for range 300 {
				x := g.value(random.IntN(902) - 1)
				data = append(data, x, math.Nextafter(x, inf), math.Nextafter(x, -inf), x+0.5/scale)
			}
			for at := range int(g.width) {
				if got, ok := g.cell(g.value(at)); !ok || got != uint64(at) {
					t.Fatalf("cell %d of %+v: its value %v is found in %d, %v", at, g, g.value(at), got, ok)
				}
			}
			gridWays(t, g, data)
		}
	}
}

// gridWays counts data with vectors and without.
func gridWays(t *testing.T, g grid, data []float64) {
	t.Helper()
	var cells [2][cellsMax]uint32
	var aside [2][]float64
	have := vectors
	defer func() { vectors = have }()
	for i := range cells {
		vectors = have && i == 0
		some, put := g, make([]float64, len(data)+8)
		some.take(data, &cells[i], put)
		aside[i] = put[:some.aside]
		all := 0
		for at, n := range cells[i][:g.width] {
			all += int(n)
			if n > 0 && n != uint32(times(data, g.value(at))) {
				t.Fatalf("cell %d of %+v has %d values, want %d", at, g, n, times(data, g.value(at)))
			}
		}
		if all+len(aside[i]) != len(data) {
			t.Fatalf("%+v: %d values in cells and %d aside, want %d together", g, all, len(aside[i]), len(data))
		}
	}
	if !slices.Equal(aside[0], aside[1]) || !slices.Equal(cells[0][:g.width], cells[1][:g.width]) {
		t.Fatalf("%+v: vectors count other values than plain code", g)
	}
}

func times(data []float64, x float64) (n int) {
	for _, v := range data {
		n += int(one(v == x))
	}
	return n
}

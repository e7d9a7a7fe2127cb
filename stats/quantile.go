package stats

import (
	"math"
	"math/big"
)

// position is where the quantile p of n values lies: at rank, from 0, and part
// of the way on to the next.
func position(n uint64, p float64) (rank uint64, part float64) {
	whole, part := math.Modf(float64(n-1) * p)
	if whole >= float64(n-1) {
		return n - 1, 0
	}
	return uint64(whole), part
}

// exactBits is the precision with which a difference of two float64s times a
// third is exact.
const exactBits = 2300

// between is a + part·(b-a) for a <= b and 0 < part < 1, rounded once.
func between(a, b, part float64) float64 {
	switch {
	case a == b:
		return a
	case math.IsInf(a, 0) || math.IsInf(b, 0):
		return a + b // towards the infinite one; NaN between opposite ones
	}
	exact := func(x float64) *big.Float { return new(big.Float).SetPrec(exactBits).SetFloat64(x) }
	x := exact(b)
	x.Sub(x, exact(a))
	x.Mul(x, exact(part))
	x.Add(x, exact(a))
	rounded, _ := x.Float64()
	return rounded + 0 // never -0
}

package stats

import (
	"math"
	"math/big"
)

// position is where the quantile p of n values lies, as exactly as p is given:
// at rank, from 0, and part of the way on to the next.
func position(n uint64, p float64) (rank uint64, part *big.Float) {
	at := wide(p)
	at.Mul(at, wide(0).SetUint64(n-1))
	rank, _ = at.Uint64() // cuts off the part
	return rank, at.Sub(at, wide(0).SetUint64(rank))
}

// wideBits is the precision with which a float64, plus the difference of two
// times a float64 times a count, is exact.
const wideBits = 3400

// wide is x with room for what is exact of it.
func wide(x float64) *big.Float { return new(big.Float).SetPrec(wideBits).SetFloat64(x) }

// between is a + part·(b-a) for a <= b and 0 <= part < 1, rounded once.
func between(a, b float64, part *big.Float) float64 {
	switch {
	case a == b || part.Sign() == 0:
		return a
	case math.IsInf(a, 0) || math.IsInf(b, 0):
		return a + b // towards the infinite one; NaN between opposite ones
	}
	x := wide(b)
	x.Sub(x, wide(a))
	x.Mul(x, part)
	x.Add(x, wide(a))
	rounded, _ := x.Float64()
	return rounded + 0 // never -0
}

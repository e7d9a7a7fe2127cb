package main

import (
	"math"
	"math/rand/v2"
	"sort"
)

// A zipfian draws k < n with probability in proportion to 1/(k+1)^s, for any s.
type zipfian struct{ cumulative []float64 }

func newZipf(s float64, n int) *zipfian {
	z := &zipfian{make([]float64, n)}
	sum := 0.0
	for k := range z.cumulative {
		sum += math.Pow(float64(k+1), -s)
		z.cumulative[k] = sum
	}
	return z
}

func (z *zipfian) next(random *rand.Rand) uint64 {
	return uint64(sort.SearchFloat64s(z.cumulative, random.Float64()*z.cumulative[len(z.cumulative)-1]))
}

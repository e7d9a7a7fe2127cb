package stream

import "math/big"

// A limit is a bound on numbers; an open one is not within it.
type limit struct {
	value *big.Rat
	open  bool
}

// newLimit is the tighter of two bounds, above which (inward +1) or below which
// (-1) numbers are; nil when neither is given.
func newLimit(closed, open *big.Rat, inward int) *limit {
	var l *limit
	if closed != nil {
		l = &limit{value: closed}
	}
	if open != nil {
		l = l.tighter(&limit{open, true}, inward)
	}
	return l
}

func (l *limit) tighter(m *limit, inward int) *limit {
	if l == nil {
		return m
	}
	if c := m.value.Cmp(l.value) * inward; c > 0 || c == 0 && m.open {
		return m
	}
	return l
}

// onStep is the first multiple of step that is within the limit.
func (l *limit) onStep(step *big.Rat, inward int64) *big.Rat {
	count := new(big.Rat).Quo(l.value, step)
	n := new(big.Int).Div(count.Num(), count.Denom()) // rounds down
	if inward > 0 && !count.IsInt() || count.IsInt() && l.open {
		n.Add(n, big.NewInt(inward))
	}
	return new(big.Rat).Mul(new(big.Rat).SetInt(n), step)
}

package stream

import (
	"errors"
	"fmt"
	"math/big"
)

// exact is a decimal number of an expression: n × 10^-scale, always exact.
type exact struct {
	n     *big.Int
	scale int // 0 or above
}

// The limits of an exact: no expression comes near them by honest work.
const (
	exactBitsMax  = 512
	exactScaleMax = 100
	exactBytesMax = exactBitsMax*3/10 + exactScaleMax + 4 // digits, zeros, sign, point
)

var (
	errExactRange = fmt.Errorf("the number has more than %d digits", exactBitsMax*3/10)
	errDivide     = errors.New("division by zero")
)

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// bounded returns x if it is within the limits.
func (x exact) bounded() (exact, error) {
	if x.n.BitLen() > exactBitsMax || x.scale > exactScaleMax {
		return x, errExactRange
	}
	return x, nil
}

func exactInt(i int) exact { return exact{n: big.NewInt(int64(i))} }

// exactOf returns a numeral as it is.
func exactOf(n numeral) (exact, error) {
	if n.inexact {
		return exact{}, errors.New("the number has more than 19 digits; cast it to text or leave it out of the expression")
	}
	m := new(big.Int).SetUint64(n.mant)
	if n.neg {
		m.Neg(m)
	}
	if n.exp <= 0 {
		return exact{m, -n.exp}.bounded()
	}
	return exact{m.Mul(m, tenTo(n.exp)), 0}.bounded()
}

// align returns the numbers of x and y at one scale.
func (x exact) align(y exact) (a, b *big.Int, scale int) {
	a, b, scale = x.n, y.n, max(x.scale, y.scale)
	if x.scale < scale {
		a = new(big.Int).Mul(a, tenTo(scale-x.scale))
	}
	if y.scale < scale {
		b = new(big.Int).Mul(b, tenTo(scale-y.scale))
	}
	return a, b, scale
}

func (x exact) add(y exact) (exact, error) {
	a, b, scale := x.align(y)
	return exact{new(big.Int).Add(a, b), scale}.bounded()
}

func (x exact) subtract(y exact) (exact, error) {
	a, b, scale := x.align(y)
	return exact{new(big.Int).Sub(a, b), scale}.bounded()
}

func (x exact) multiply(y exact) (exact, error) {
	return exact{new(big.Int).Mul(x.n, y.n), x.scale + y.scale}.bounded()
}

func (x exact) compare(y exact) int {
	a, b, _ := x.align(y)
	return a.Cmp(b)
}

// divide returns x / y with the given digits behind the point, halves rounded
// away from zero, as SQL's numeric does.
func (x exact) divide(y exact, scale int) (exact, error) {
	if y.n.Sign() == 0 {
		return exact{}, errDivide
	}
	if scale < 0 || scale > 18 {
		return exact{}, fmt.Errorf("%d digits behind the point; write 0 to 18", scale)
	}
	// x.n·10^-xs / (y.n·10^-ys) × 10^scale
	top, bottom := new(big.Int).Set(x.n), new(big.Int).Set(y.n)
	if shift := scale + y.scale - x.scale; shift >= 0 {
		top.Mul(top, tenTo(shift))
	} else {
		bottom.Mul(bottom, tenTo(-shift))
	}
	return exact{roundedQuotient(top, bottom), scale}.bounded()
}

// roundedQuotient rounds halves away from zero.
func roundedQuotient(top, bottom *big.Int) *big.Int {
	sign := int64(top.Sign() * bottom.Sign())
	quotient, rest := new(big.Int).QuoRem(top, bottom, new(big.Int))
	if rest.Lsh(rest, 1).CmpAbs(bottom) >= 0 {
		quotient.Add(quotient, big.NewInt(sign))
	}
	return quotient
}

// round returns x with the given digits behind the point.
func (x exact) round(scale int) (exact, error) { return x.divide(exactInt(1), scale) }

// whole returns x as an int if it is one.
func (x exact) whole() (int, error) {
	quotient, rest := new(big.Int).QuoRem(x.n, tenTo(x.scale), new(big.Int))
	if rest.Sign() != 0 {
		return 0, fmt.Errorf("%v is no integer; round it first, as int(round(x, 0))", x)
	}
	if !quotient.IsInt64() || int64(int(quotient.Int64())) != quotient.Int64() {
		return 0, errOverflow
	}
	return int(quotient.Int64()), nil
}

// appendTo appends x as a JSON number.
func (x exact) appendTo(dst []byte) []byte {
	digits := new(big.Int).Abs(x.n).Append(nil, 10)
	if x.n.Sign() < 0 {
		dst = append(dst, '-')
	}
	for pad := x.scale + 1 - len(digits); pad > 0; pad-- {
		digits = append([]byte{'0'}, digits...)
	}
	point := len(digits) - x.scale
	dst = append(dst, digits[:point]...)
	if x.scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[point:]...)
	}
	return dst
}

// String is x as a JSON number.
func (x exact) String() string { return string(x.appendTo(nil)) }

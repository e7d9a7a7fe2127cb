package stream

import (
	"bytes"
	"math"
	"math/big"

	"github.com/penstock-io/penstock"
)

// exponent reads the digits behind the e of a number; beyond ±9999 it stops
// counting.
func exponent(digits []byte) int {
	negative := false
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	n := 0
	for _, c := range digits {
		if n = n*10 + int(c-'0'); n > 9999 {
			break
		}
	}
	if negative {
		return -n
	}
	return n
}

// A number is a JSON number literal taken apart for exact comparison, without
// arithmetic: ±0.d₁d₂… × 10^exp, where d₁ is not 0. Zero has no digits.
type number struct {
	negative bool
	digits   []byte // from the first to the last that is not 0; may hold the point
	exp      int
}

func parseNumber(literal []byte) number {
	var n number
	if len(literal) > 0 && literal[0] == '-' {
		n.negative = true
		literal = literal[1:]
	}
	if e := bytes.IndexAny(literal, "eE"); e >= 0 {
		n.exp = exponent(literal[e+1:])
		literal = literal[:e]
	}
	point := bytes.IndexByte(literal, '.')
	if point < 0 {
		point = len(literal)
	}
	first := 0
	for first < len(literal) && (literal[first] == '0' || literal[first] == '.') {
		first++
	}
	last := len(literal)
	for last > first && (literal[last-1] == '0' || literal[last-1] == '.') {
		last--
	}
	if first == last {
		return number{}
	}
	n.digits = literal[first:last]
	n.exp += point - first
	if first > point {
		n.exp++ // the point itself stood between
	}
	return n
}

// compare returns -1, 0 or +1 as n is below, equal to or above m.
func (n number) compare(m number) int {
	switch {
	case len(n.digits) == 0 && len(m.digits) == 0:
		return 0
	case len(n.digits) == 0:
		return m.sign() * -1
	case len(m.digits) == 0 || n.negative != m.negative:
		return n.sign()
	}
	return n.sign() * n.compareSize(m)
}

func (n number) sign() int {
	if n.negative {
		return -1
	}
	return 1
}

// compareSize compares two that are not zero, without their signs.
func (n number) compareSize(m number) int {
	if n.exp != m.exp {
		if n.exp < m.exp {
			return -1
		}
		return 1
	}
	a, b := n.digits, m.digits
	for len(a) > 0 && len(b) > 0 {
		if a[0] == '.' {
			a = a[1:]
			continue
		}
		if b[0] == '.' {
			b = b[1:]
			continue
		}
		if a[0] != b[0] {
			if a[0] < b[0] {
				return -1
			}
			return 1
		}
		a, b = a[1:], b[1:]
	}
	// What is left ends in a digit that is not 0, so the longer one is larger.
	switch {
	case len(a) > 0:
		return 1
	case len(b) > 0:
		return -1
	}
	return 0
}

// whole reports whether the number is an integer.
func (n number) whole() bool {
	count := len(n.digits)
	if bytes.IndexByte(n.digits, '.') >= 0 {
		count--
	}
	return n.exp >= count
}

// appendPlain appends the number without an exponent and without zeros that
// say nothing, as an Int is written. A literal that a Decoder takes has 800
// digits at most.
func (n number) appendPlain(dst []byte) []byte {
	if len(n.digits) == 0 {
		return append(dst, '0')
	}
	if n.negative {
		dst = append(dst, '-')
	}
	if n.exp <= 0 {
		dst = append(dst, "0."...)
		dst = append(dst, bytes.Repeat([]byte("0"), -n.exp)...)
	}
	places := n.exp
	for _, c := range n.digits {
		if c == '.' {
			continue
		}
		if places == 0 && n.exp > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, c)
		places--
	}
	if places > 0 {
		dst = append(dst, bytes.Repeat([]byte("0"), places)...)
	}
	return dst
}

// literalOf is the number a value holds as a JSON literal, written into buf if
// need be; nil when it holds none.
func literalOf(v *penstock.Value, buf []byte) []byte {
	switch v.Kind {
	case penstock.Number:
		return v.Bytes
	case penstock.Int, penstock.Decimal:
		return v.AppendText(buf)
	}
	return nil
}

// bounds are a field's minimum, maximum and exclusive ones, compiled to a
// range of integers and a range of decimals at the field's scale, so that the
// usual value costs two comparisons. They are exact: r ≤ n ⇔ ⌈r⌉ ≤ n.
type bounds struct {
	given          []bound // in the order the validator tries them
	intLow, intTop int64
	scale          uint8
	decLow, decTop int64
}

// A bound is one of the four keywords.
type bound struct {
	keyword string
	literal []byte
	number  number
}

func newBounds(given []bound, scale uint8) *bounds {
	b := &bounds{given: given, scale: scale}
	b.intLow, b.intTop = rangeAt(given, 0)
	b.decLow, b.decTop = rangeAt(given, scale)
	return b
}

// rangeAt is the range of n for which n × 10^-scale is within the bounds; low
// is above top when there is none.
func rangeAt(given []bound, scale uint8) (low, top int64) {
	low, top = math.MinInt64, math.MaxInt64
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	for _, b := range given {
		r, ok := new(big.Rat).SetString(string(b.literal))
		if !ok {
			panic("stream: bound " + string(b.literal) + " is not a number")
		}
		r.Mul(r, new(big.Rat).SetInt(power))
		floor := new(big.Int)
		rest := new(big.Int)
		floor.DivMod(r.Num(), r.Denom(), rest)
		ceil := new(big.Int).Set(floor)
		if rest.Sign() != 0 {
			ceil.Add(ceil, big.NewInt(1))
		}
		switch b.keyword {
		case "minimum":
			low = max(low, clampLow(ceil))
		case "exclusiveMinimum":
			low = max(low, clampLow(floor.Add(floor, big.NewInt(1))))
		case "maximum":
			top = min(top, clampTop(floor))
		case "exclusiveMaximum":
			top = min(top, clampTop(ceil.Sub(ceil, big.NewInt(1))))
		}
		if isEmptyRange(b.keyword, floor, ceil) {
			return math.MaxInt64, math.MinInt64
		}
	}
	return low, top
}

// isEmptyRange reports a lower bound above every int64 or an upper one below.
func isEmptyRange(keyword string, floor, ceil *big.Int) bool {
	limit := ceil
	switch keyword {
	case "exclusiveMinimum", "maximum":
		limit = floor
	}
	if limit.IsInt64() {
		return false
	}
	lower := keyword == "minimum" || keyword == "exclusiveMinimum"
	return lower == (limit.Sign() > 0)
}

func clampLow(n *big.Int) int64 {
	if n.IsInt64() {
		return n.Int64()
	}
	return math.MinInt64 // below every int64; above is isEmptyRange's
}

func clampTop(n *big.Int) int64 {
	if n.IsInt64() {
		return n.Int64()
	}
	return math.MaxInt64
}

// broken returns the first bound that v breaks, or nil. A value that holds no
// number breaks none.
func (b *bounds) broken(v *penstock.Value) *bound {
	switch v.Kind {
	case penstock.Int:
		if v.Num >= b.intLow && v.Num <= b.intTop {
			return nil
		}
	case penstock.Decimal:
		if v.Scale == b.scale && v.Num >= b.decLow && v.Num <= b.decTop {
			return nil
		}
	case penstock.Number:
	default:
		return nil
	}
	var buf [32]byte
	return b.brokenBy(parseNumber(literalOf(v, buf[:0])))
}

// brokenBy compares digit by digit, for numbers of any size.
func (b *bounds) brokenBy(n number) *bound {
	for i := range b.given {
		g := &b.given[i]
		c := n.compare(g.number)
		broken := false
		switch g.keyword {
		case "minimum":
			broken = c < 0
		case "exclusiveMinimum":
			broken = c <= 0
		case "maximum":
			broken = c > 0
		case "exclusiveMaximum":
			broken = c >= 0
		}
		if broken {
			return g
		}
	}
	return nil
}

// A multiple is the keyword multipleOf: m × 10^-scale.
type multiple struct {
	literal []byte
	rat     *big.Rat
	m       int64 // 0 when it does not fit
	scale   int
}

func newMultiple(literal []byte) *multiple {
	rat, ok := new(big.Rat).SetString(string(literal))
	if !ok {
		panic("stream: multipleOf " + string(literal) + " is not a number")
	}
	f := &multiple{literal: literal, rat: rat}
	f.m, f.scale, _ = smallDecimal(literal)
	return f
}

// divides reports whether v is a multiple; a value that holds no number is.
func (f *multiple) divides(v *penstock.Value) bool {
	var n int64
	scale, small := 0, true
	switch v.Kind {
	case penstock.Int:
		n = v.Num
	case penstock.Decimal:
		n, scale = v.Num, int(v.Scale)
	case penstock.Number:
		n, scale, small = smallDecimal(v.Bytes)
	default:
		return true
	}
	if small && f.m != 0 {
		if whole, sure := dividesScaled(n, scale, f.m, f.scale); sure {
			return whole
		}
	}
	var buf [32]byte
	r, ok := new(big.Rat).SetString(string(literalOf(v, buf[:0])))
	return ok && r.Quo(r, f.rat).IsInt()
}

// dividesScaled answers n×10^-a mod m×10^-b == 0 in int64, if it can.
func dividesScaled(n int64, a int, m int64, b int) (whole, sure bool) {
	for ; a < b; a++ {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return false, false
		}
		n *= 10
	}
	for ; b < a; b++ {
		if m > math.MaxInt64/10 {
			return false, false
		}
		m *= 10
	}
	return n%m == 0, true
}

// smallDecimal reads a literal without exponent and of at most 18 digits as
// n × 10^-scale.
func smallDecimal(literal []byte) (n int64, scale int, ok bool) {
	negative := len(literal) > 0 && literal[0] == '-'
	if negative {
		literal = literal[1:]
	}
	if len(literal) == 0 || len(literal) > 18 {
		return 0, 0, false
	}
	point := false
	for _, c := range literal {
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c < '0' || c > '9':
			return 0, 0, false
		}
		n = n*10 + int64(c-'0')
		if point {
			scale++
		}
	}
	if negative {
		n = -n
	}
	return n, scale, true
}

package postgres

import (
	"encoding/binary"
	"math"
)

// PostgreSQL sends a numeric as groups of four decimal digits, aligned at the
// point: ndigits, weight of the first group, sign, digits behind the point to
// show, and the groups, all 16 bits. Groups of zeros at either end are left
// out, so each value has one form. Source: numeric_send in the server's
// src/backend/utils/adt/numeric.c.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
	groupBase       = 10_000
	groupDigits     = 4
)

var powersOf10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// appendDecimal appends unscaled × 10^-scale with its length in front; scale
// is 0 to 18. Nothing in it passes through a float.
func appendDecimal(dst []byte, unscaled int64, scale uint8) []byte {
	sign, u := uint16(numericPositive), uint64(unscaled)
	if unscaled < 0 {
		sign, u = numericNegative, -u
	}
	whole, part := u/powersOf10[scale], u%powersOf10[scale]
	var groups [10]uint16 // five whole, five behind the point
	for i := 4; whole > 0; i-- {
		groups[i] = uint16(whole % groupBase)
		whole /= groupBase
	}
	placeFraction(&groups, part, scale)
	first, last := 0, len(groups)
	for first < last && groups[first] == 0 {
		first++
	}
	for last > first && groups[last-1] == 0 {
		last--
	}
	weight := 4 - first
	if first == last {
		weight, sign = 0, numericPositive
	}
	dst = appendNumericHead(dst, last-first, weight, sign, int(scale))
	for _, g := range groups[first:last] {
		dst = binary.BigEndian.AppendUint16(dst, g)
	}
	return dst
}

// placeFraction sets the groups behind the point to part × 10^-scale. Four
// groups are padded to 16 digits; the fifth holds what is beyond them.
func placeFraction(groups *[10]uint16, part uint64, scale uint8) {
	if part == 0 {
		return
	}
	if scale > 16 {
		beyond := powersOf10[scale-16]
		groups[9] = uint16(part % beyond * powersOf10[20-scale])
		part /= beyond
	} else {
		part *= powersOf10[16-scale]
	}
	for i := 8; part > 0; i-- {
		groups[i] = uint16(part % groupBase)
		part /= groupBase
	}
}

func appendNumericHead(dst []byte, groups, weight int, sign uint16, scale int) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(8+2*groups))
	dst = binary.BigEndian.AppendUint16(dst, uint16(groups))
	dst = binary.BigEndian.AppendUint16(dst, uint16(int16(weight)))
	dst = binary.BigEndian.AppendUint16(dst, sign)
	return binary.BigEndian.AppendUint16(dst, uint16(scale))
}

// appendLiteral appends a JSON number of any size with its length in front.
// ok is false when text is none, or is beyond what a numeric holds.
func appendLiteral(dst []byte, text []byte) (_ []byte, ok bool) {
	n, ok := readLiteral(text)
	if !ok {
		return dst, false
	}
	digits, point := n.digits, n.point // value is 0.digits × 10^point
	for len(digits) > 0 && digits[0] == '0' {
		digits, point = digits[1:], point-1
	}
	scale := max(0, len(digits)-point)
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	if len(digits) == 0 {
		return appendNumericHead(dst, 0, 0, numericPositive, min(scale, math.MaxInt16>>1)), true
	}
	weight := floorDiv(point-1, groupDigits)
	lead := (weight+1)*groupDigits - point // zeros in front of the first digit
	groups := (lead + len(digits) + groupDigits - 1) / groupDigits
	if scale > 16_383 || point > 131_072 {
		return dst, false
	}
	sign := uint16(numericPositive)
	if n.negative {
		sign = numericNegative
	}
	dst = appendNumericHead(dst, groups, weight, sign, scale)
	for i := range groups {
		g := uint16(0)
		for j := range groupDigits {
			g *= 10
			if at := i*groupDigits + j - lead; at >= 0 && at < len(digits) {
				g += uint16(digits[at] - '0')
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, g)
	}
	return dst, true
}

// A literal is a JSON number taken apart: ±0.digits × 10^point.
type literal struct {
	negative bool
	digits   []byte
	point    int
}

const exponentMax = 200_000 // beyond it no numeric is, and no sum overflows

func readLiteral(text []byte) (n literal, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		n.negative, text = true, text[1:]
	}
	n.digits = make([]byte, 0, len(text))
	whole := true
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			n.digits = append(n.digits, c)
			if whole {
				n.point++
			}
		case c == '.' && whole:
			whole = false
		case c|0x20 == 'e':
			exp, ok := readExponent(text[i+1:])
			n.point += exp
			return n, ok && len(n.digits) > 0
		default:
			return n, false
		}
	}
	return n, len(n.digits) > 0
}

func readExponent(text []byte) (exp int, ok bool) {
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative, text = text[0] == '-', text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		if exp = exp*10 + int(c-'0'); exp > exponentMax {
			return 0, false
		}
	}
	if negative {
		exp = -exp
	}
	return exp, len(text) > 0
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

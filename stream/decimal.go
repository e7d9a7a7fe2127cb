package stream

import (
	"math"
	"math/bits"
)

// The limits of a number's literal: beyond every double and every 18-digit
// decimal, yet small enough that exact arithmetic on it stays cheap. Without
// them an exact 1e999999999 is a gigabyte.
const (
	numberBytesMax    = 400 // of the literal
	numberExponentMax = 400 // of the exponent as written, either sign
)

// A numeral is a decimal number as written: ±mant × 10^exp.
type numeral struct {
	mant    uint64 // the first 19 significant digits
	exp     int
	neg     bool
	inexact bool // digits other than 0 are missing from mant
	plain   bool // neither a point nor an exponent
	exped   bool // has an exponent
	vast    bool // the exponent is beyond numberExponentMax
}

// mantissaFull: one more digit still fits below it.
const mantissaFull = 1e18

// readNumeral reads the JSON number at data[i:]. When it is none, wrong says
// what was expected at end.
func readNumeral(data []byte, i int) (n numeral, end int, wrong string) {
	if i < len(data) && data[i] == '-' {
		n.neg = true
		i++
	}
	n.plain = true
	switch {
	case i == len(data) || data[i]-'0' > 9:
		return n, i, "a digit"
	case data[i] == '0':
		i++
		if i < len(data) && data[i]-'0' < 10 {
			return n, i, "no digit behind a leading 0"
		}
	default:
		i = n.digits(data, i, 0)
	}
	if i < len(data) && data[i] == '.' {
		n.plain = false
		if i++; i == len(data) || data[i]-'0' > 9 {
			return n, i, "a digit behind the point"
		}
		i = n.digits(data, i, -1)
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		return n.exponent(data, i+1)
	}
	return n, i, ""
}

// digits reads digits; each moves the exponent by step, and by one up when the
// mantissa has no room for it.
func (n *numeral) digits(data []byte, i, step int) int {
	for ; i < len(data); i++ {
		d := data[i] - '0'
		if d > 9 {
			break
		}
		if n.mant < mantissaFull {
			n.mant = n.mant*10 + uint64(d)
			n.exp += step
			continue
		}
		n.inexact = n.inexact || d != 0
		n.exp += step + 1
	}
	return i
}

func (n numeral) exponent(data []byte, i int) (_ numeral, end int, wrong string) {
	n.plain, n.exped = false, true
	down := false
	if i < len(data) && (data[i] == '+' || data[i] == '-') {
		down = data[i] == '-'
		i++
	}
	if i == len(data) || data[i]-'0' > 9 {
		return n, i, "a digit in the exponent"
	}
	x := 0
	for ; i < len(data) && data[i]-'0' < 10; i++ {
		if x <= numberExponentMax {
			x = x*10 + int(data[i]-'0')
		}
	}
	n.vast = x > numberExponentMax
	if down {
		x = -x
	}
	n.exp += x
	return n, i, ""
}

// parseNumeral reads text that must be one JSON number and nothing else.
func parseNumeral(text []byte) (numeral, bool) {
	n, end, wrong := readNumeral(text, 0)
	return n, wrong == "" && end == len(text) && len(text) <= numberBytesMax && !n.vast
}

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// scaled returns the numeral × 10^scale if that is an integer that fits.
func (n numeral) scaled(scale int) (int64, bool) {
	if n.inexact {
		return 0, false
	}
	m, exp := n.mant, n.exp+scale
	switch {
	case m == 0:
		return 0, true
	case exp > 0:
		if exp >= len(pow10) {
			return 0, false
		}
		hi, lo := bits.Mul64(m, pow10[exp])
		if hi != 0 {
			return 0, false
		}
		m = lo
	case exp < 0:
		if -exp >= len(pow10) || m%pow10[-exp] != 0 {
			return 0, false
		}
		m /= pow10[-exp]
	}
	return signed(m, n.neg)
}

// signed returns ±m if it fits.
func signed(m uint64, neg bool) (int64, bool) {
	if neg {
		return -int64(m), m <= 1<<63
	}
	return int64(m), m <= math.MaxInt64
}

// decimal returns the unscaled value of the numeral as decimal(precision,scale).
func (n numeral) decimal(precision, scale uint8) (int64, bool) {
	v, ok := n.scaled(int(scale))
	return v, ok && fitsPrecision(v, precision)
}

// fitsPrecision reports whether v has at most precision digits; 0 and beyond
// 18 mean any.
func fitsPrecision(v int64, precision uint8) bool {
	if precision == 0 || precision > 18 {
		return true
	}
	limit := int64(pow10[precision])
	return -limit < v && v < limit
}

// parseDecimal reads text as decimal(precision,scale): a JSON number without
// exponent, of at most precision-scale digits before the point and scale
// behind it, zeros at the very end not counted. Format decimal means this and
// nothing else, at every door.
func parseDecimal(text []byte, precision, scale uint8) (unscaled int64, ok bool) {
	n, ok := parseNumeral(text)
	if !ok || n.exped {
		return 0, false
	}
	return n.decimal(precision, scale)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

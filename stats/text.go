package stats

import (
	"math"
	"strconv"
	"strings"
)

// Rounds reports whether text is an integer in decimal digits, behind which
// there may be a point and zeros, that x, the float64 nearest to it, is not:
// beyond 2^53 not every integer is a float64. It is false for what has an
// exponent or a fraction.
func Rounds(text string, x float64) bool {
	if math.Abs(x) < 1<<53 {
		return false
	}
	digits, fraction, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	if strings.Trim(digits, "0123456789") != "" || strings.Trim(fraction, "0") != "" {
		return false
	}
	if math.IsInf(x, 0) {
		return digits != ""
	}
	return strings.TrimLeft(digits, "0") != strconv.FormatFloat(math.Abs(x), 'f', 0, 64)
}

// Vanishes reports whether text is a decimal number other than 0 of which x, the
// float64 nearest to it, is 0: one below half of the smallest float64.
func Vanishes(text string, x float64) bool {
	if x != 0 {
		return false
	}
	if end := strings.IndexAny(text, "eE"); end >= 0 {
		text = text[:end]
	}
	return strings.ContainsAny(text, "123456789")
}

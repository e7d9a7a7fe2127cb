package stream

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// A scanner walks one JSON text (RFC 8259, and the stricter reading of it that
// RFC 7493 calls I-JSON) without building anything. It knows two kinds of
// mistake. A broken text has no certain end, so nothing behind it can be
// trusted. A fault leaves the end certain: duplicate names, invalid UTF-8,
// nesting that is too deep; the first one is kept and the walk goes on.
//
// Its methods take the index where something begins and return the index
// behind it, or -1 once the text is broken.
type scanner struct {
	data     []byte
	depthMax int // objects and arrays open at once
	broken   fault
	fault    fault
	names    nameSet
	kinds    []uint64 // a bit for each open container: 1 is an object
	unescape func(raw []byte) []byte
}

// A fault is what is wrong and where. The zero fault is none.
type fault struct {
	code, detail string
	at           int
}

func (f *fault) none() bool { return f.code == "" }

// The codes of a reject that decoding gives.
const (
	codeSyntax    = "syntax"
	codeUTF8      = "invalid_utf8"
	codeDuplicate = "duplicate_name"
	codeReserved  = "reserved_name"
	codeDepth     = "depth"
	codeTooLarge  = "too_large"
	codeRange     = "number_range"
	codeNotObject = "not_object"
)

// forget lets go of the data.
func (c *scanner) forget() {
	c.data = nil
	clear(c.names.names[:cap(c.names.names)])
}

func (c *scanner) begin(data []byte, depthMax int) {
	c.data = data
	c.depthMax = depthMax
	c.broken = fault{}
	c.fault = fault{}
	c.names.reset()
}

// mark keeps the first fault.
func (c *scanner) mark(code string, at int, detail string) {
	if c.fault.none() {
		c.fault = fault{code, detail, at}
	}
}

// wrong breaks the text at i, where something else was expected.
func (c *scanner) wrong(i int, expected string) int {
	found := "the end of the text"
	if i < len(c.data) {
		r, size := utf8.DecodeRune(c.data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			found = fmt.Sprintf("byte 0x%02x", c.data[i])
		case r == '\uFEFF':
			found = "a byte order mark"
		default:
			found = strconv.QuoteRune(r)
		}
	}
	c.broken = fault{codeSyntax, "expected " + expected + ", found " + found, i}
	return -1
}

// peek returns the byte at i, and 0 at the end: no JSON token begins with it.
func (c *scanner) peek(i int) byte {
	if i < len(c.data) {
		return c.data[i]
	}
	return 0
}

// space returns the index of the first byte at or behind i that is no JSON
// whitespace.
func (c *scanner) space(i int) int {
	if i < len(c.data) && c.data[i] > ' ' {
		return i
	}
	return i + SkipSpace(c.data[i:])
}

// SkipSpace returns how many bytes of JSON whitespace data begins with.
func SkipSpace(data []byte) int {
	for i, b := range data {
		if b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			return i
		}
	}
	return len(data)
}

// literal matches true, false or null.
func (c *scanner) literal(i int, word string) int {
	if len(c.data)-i >= len(word) && string(c.data[i:i+len(word)]) == word {
		return i + len(word)
	}
	for k := range len(word) {
		if c.peek(i+k) != word[k] {
			return c.wrong(i+k, word)
		}
	}
	return c.wrong(i, word)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text walks the string whose opening quote is at i. Its bytes are
// c.data[i+1:end-1]; escaped says that they hold escapes.
func (c *scanner) text(i int) (end int, escaped bool) {
	data := c.data
	start := i + 1
	i = start
	var foreign uint64 // has a high bit where a byte was not ASCII
	for {
		// Eight bytes at a time. Each test is exact for the lowest byte it
		// hits, which is the only one that is used.
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			q := w ^ ones*'"'
			b := w ^ ones*'\\'
			stop := ((q - ones) &^ q) | ((b - ones) &^ b) | ((w - ones*' ') &^ w)
			stop &= highs
			if stop == 0 {
				foreign |= w & highs
				i += 8
				continue
			}
			low := bits.TrailingZeros64(stop)
			foreign |= w & highs & (1<<low - 1)
			i += low >> 3
			break
		}
		for i < len(data) && data[i] != '"' && data[i] != '\\' && data[i] >= ' ' {
			foreign |= uint64(data[i]) & 0x80
			i++
		}
		if i == len(data) {
			return c.wrong(i, `'"' at the end of the string`), false
		}
		switch data[i] {
		case '"':
			if foreign != 0 && !utf8.Valid(data[start:i]) {
				c.mark(codeUTF8, start+validUTF8(data[start:i]), "the string is not valid UTF-8")
			}
			return i + 1, escaped
		case '\\':
			escaped = true
			if i = c.escape(i); i < 0 {
				return -1, false
			}
		default:
			return c.wrong(i, `an escape (such as \n or \u0000) for a control character`), false
		}
	}
}

// escape walks the escape whose backslash is at i. Half a surrogate pair is a
// fault: it is no character, and no UTF-8 can hold it.
func (c *scanner) escape(i int) int {
	switch c.peek(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return c.wrong(i+1, `one of "\/bfnrtu behind a backslash`)
	}
	r, bad := hex4(c.data, i+2)
	if bad >= 0 {
		return c.wrong(bad, `four hex digits behind \u`)
	}
	if r&0xF800 != 0xD800 {
		return i + 6
	}
	const half = `\u escapes of half a surrogate pair stand for no character`
	if r >= 0xDC00 || c.peek(i+6) != '\\' || c.peek(i+7) != 'u' {
		c.mark(codeUTF8, i, half)
		return i + 6
	}
	low, bad := hex4(c.data, i+8)
	if bad >= 0 {
		return c.wrong(bad, `four hex digits behind \u`)
	}
	if low&0xFC00 != 0xDC00 {
		c.mark(codeUTF8, i, half)
		return i + 6 // the second escape is judged by itself
	}
	return i + 12
}

// hex4 reads four hex digits; bad is the index of what is none, or -1.
func hex4(data []byte, i int) (r rune, bad int) {
	for k := i; k < i+4; k++ {
		var b byte
		if k < len(data) {
			b = data[k]
		}
		switch {
		case b-'0' < 10:
			b -= '0'
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			b = (b | 0x20) - 'a' + 10
		default:
			return 0, k
		}
		r = r<<4 | rune(b)
	}
	return r, -1
}

// validUTF8 returns the length of the valid prefix of text.
func validUTF8(text []byte) int {
	i := 0
	for i < len(text) {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return i
}

// appendUnescaped appends the characters of a string that text has walked
// without a fault. The result is never longer than raw.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			k := i + 1
			for k < len(raw) && raw[k] != '\\' {
				k++
			}
			dst = append(dst, raw[i:k]...)
			i = k
			continue
		}
		switch b := raw[i+1]; b {
		case 'u':
			r, _ := hex4(raw, i+2)
			i += 6
			if r&0xFC00 == 0xD800 && i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
				if low, _ := hex4(raw, i+2); low&0xFC00 == 0xDC00 {
					r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, unescaped(b))
			i += 2
		}
	}
	return dst
}

func unescaped(b byte) byte {
	switch b {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return b // quote, backslash, slash
}

// number walks the number at i.
func (c *scanner) number(i int) (end int, n numeral) {
	n, end, bad := readNumeral(c.data, i)
	if bad != "" {
		return c.wrong(end, bad), n
	}
	if end-i > numberBytesMax || n.vast {
		c.mark(codeRange, i, numberRangeDetail)
	}
	return end, n
}

var numberRangeDetail = fmt.Sprintf("the number has more than %d characters or an exponent beyond ±%d; send it as a string if it is meant",
	numberBytesMax, numberExponentMax)

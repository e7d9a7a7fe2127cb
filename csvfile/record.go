package csvfile

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/penstock-io/penstock"
)

// A dialect is what the walk through a record has to know.
type dialect struct {
	comma   byte
	lenient bool
	bytes   int // most of a record
}

// An outcome is how a walk through a record ended.
type outcome uint8

const (
	whole    outcome = iota
	partial          // the text ends before the record does, and more text is to come
	bareCell         // a quote stands within a cell that has not begun with one
	badClose         // something follows the closing quote
	unclosed         // the text ends, for good, within quotes
)

// walk reads the record at text[i:], adding to ends the place behind each of
// its cells, and returns where the next one begins. final says that no text
// follows. This is the rule: what the fast way of index makes of clean text is
// the same, and it leaves all other text to walk.
//
// A record with a misplaced quote ends with the line the quote is in, as in
// encoding/csv: where the cell was meant to end cannot be known, and to guess
// could make records that nobody wrote. at is the place of that quote.
func (d dialect) walk(text []byte, i int, final bool, ends []uint32) (_ []uint32, next int, how outcome, at int) {
	for {
		if i < len(text) && text[i] == '"' {
			open := i
			i, how = d.quoted(text, i, final)
			switch how {
			case partial:
				return ends, 0, partial, 0
			case unclosed:
				return ends, 0, unclosed, open
			case badClose:
				next, how = lineEnd(text, i, final, badClose)
				return ends, next, how, i
			}
		} else {
			i = d.plain(text, i)
			if i < len(text) && text[i] == '"' {
				next, how = lineEnd(text, i, final, bareCell)
				return ends, next, how, i
			}
		}
		if i == len(text) {
			if !final {
				return ends, 0, partial, 0
			}
			return append(ends, uint32(i)), i, whole, 0
		}
		ends = append(ends, uint32(i))
		i++
		if text[i-1] == '\n' {
			return ends, i, whole, 0
		}
	}
}

// plain returns where the cell at i, which begins with no quote, ends; or the
// place of a quote that may not be there.
func (d dialect) plain(text []byte, i int) int {
	comma, quote := d.comma, byte('"')
	if d.lenient {
		quote = '\n' // quotes are nothing special here
	}
	// Eight bytes at a time: a byte that is equal to the one sought becomes zero,
	// and the lowest zero byte of a word is found by its borrow.
	commas, quotes := ones*uint64(comma), ones*uint64(quote)
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		c, q, f := w^commas, w^quotes, w^(ones*'\n')
		if stop := ((c - ones) &^ c) | ((q - ones) &^ q) | ((f - ones) &^ f); stop&highs != 0 {
			return i + bits.TrailingZeros64(stop&highs)>>3
		}
	}
	for i < len(text) && text[i] != comma && text[i] != quote && text[i] != '\n' {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// quoted returns where the cell whose opening quote is at i ends, be it by a
// comma, a line feed or the end of the text.
func (d dialect) quoted(text []byte, i int, final bool) (int, outcome) {
	i++
	for {
		k := bytes.IndexByte(text[i:], '"')
		if k < 0 {
			switch {
			case !final:
				return 0, partial
			case d.lenient:
				return len(text), whole
			}
			return 0, unclosed
		}
		i += k + 1
		if i == len(text) {
			return i, whole // walk looks whether more is to come
		}
		switch c := text[i]; {
		case c == '"':
			i++
			continue
		case c == d.comma || c == '\n':
			return i, whole
		case c == '\r' && i+1 == len(text):
			return i + 1, whole
		case c == '\r' && text[i+1] == '\n':
			return i + 1, whole
		}
		if !d.lenient {
			return i, badClose
		}
	}
}

// lineEnd is where the line that i is in is over and the next one begins.
func lineEnd(text []byte, i int, final bool, how outcome) (next int, _ outcome) {
	k := bytes.IndexByte(text[i:], '\n')
	switch {
	case k >= 0:
		return i + k + 1, how
	case final:
		return len(text), how
	}
	return 0, partial
}

// The codes of rejects that only a file of records knows.
const (
	codeQuote    = "csv_quote"
	codeColumns  = "csv_columns"
	codeTooLarge = "too_large"
)

// reject says what is wrong with the quote at offset bytes into the record.
func (d dialect) reject(how outcome, offset int) *penstock.Reject {
	r := &penstock.Reject{Code: codeQuote, Offset: int64(offset)}
	switch how {
	case bareCell:
		r.Detail = `a quote stands within a cell that does not begin with one; quote the cell and double the quotes in it, or allow this with --lenient`
	case badClose:
		r.Detail = `something follows the quote that ends a cell; double the quotes within a quoted cell, or allow this with --lenient`
	default:
		r.Detail = `the quote that opens this cell is never closed, so only its line is taken for the record; close it`
	}
	return r
}

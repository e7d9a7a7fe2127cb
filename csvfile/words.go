package csvfile

import (
	"encoding/binary"
	"math/bits"
)

// words is fast for machines without vectors: eight bytes at a time, and the
// cells in quotes by walk's own rule. It returns where the first record begins
// that it has not entered.
func (x *index) words(text []byte, start int, d dialect) int {
	if d.lenient {
		return start // quotes within cells are for walk
	}
	first := len(x.ends)
	commas := ones * uint64(d.comma)
	cell := start // where the cell begins
	ends := x.ends
	for at := start; at+8 <= len(text); {
		w := binary.LittleEndian.Uint64(text[at:])
		stops := zeros(w^commas) | zeros(w^ones*'\n') | zeros(w^ones*'"')
		next := at + 8
		for ; stops != 0; stops &= stops - 1 {
			i := at + bits.TrailingZeros64(stops)>>3
			if text[i] == '"' {
				end, how := d.quoted(text, i, false)
				if i != cell || how != whole || end == len(text) {
					x.ends = ends[:first]
					return start
				}
				i, next, stops = end, end+1, 1 // go on behind the cell
			}
			ends = append(ends, uint32(i))
			cell = i + 1
			if text[i] == '\n' {
				x.ends = ends
				if i-start > d.bytes {
					x.ends = ends[:first]
					return start
				}
				x.add(text, start, first, len(ends))
				start, first = cell, len(ends)
			}
		}
		at = next
	}
	x.ends = ends[:first]
	return start
}

// zeros has the high bit of each byte of v that is 0, and no other.
func zeros(v uint64) uint64 {
	const low = ^uint64(highs)
	return ^((v&low + low) | v | low)
}

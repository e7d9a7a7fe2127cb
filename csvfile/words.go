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
		c, f, q := w^commas, w^(ones*'\n'), w^(ones*'"')
		// What is sought makes a byte zero, and a zero byte has its high bit set
		// here. So may a byte above one: a look at the text tells.
		stops := ((c-ones)&^c | (f-ones)&^f | (q-ones)&^q) & highs
		next := at + 8
		for ; stops != 0; stops &= stops - 1 {
			i := at + bits.TrailingZeros64(stops)>>3
			b := text[i]
			if b == '"' {
				end, how := d.quoted(text, i, false)
				if i != cell || how != whole || end == len(text) {
					x.ends = ends[:first]
					return start
				}
				i, next, stops = end, end+1, 1 // go on behind the cell
				b = text[i]
			}
			if b == d.comma {
				ends = append(ends, uint32(i))
				cell = i + 1
				continue
			}
			if b != '\n' {
				continue
			}
			ends = append(ends, uint32(i))
			cell = i + 1
			x.ends = ends
			if i-start > d.bytes {
				x.ends = ends[:first]
				return start
			}
			x.add(text, start, first, len(ends))
			start, first = cell, len(ends)
		}
		at = next
	}
	x.ends = ends[:first]
	return start
}

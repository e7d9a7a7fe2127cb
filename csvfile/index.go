package csvfile

import (
	"math/bits"

	"github.com/penstock-io/penstock"
)

// blockBytes is how much text one mask speaks of, windowBlocks how many masks
// are made at a time: few enough that beginning anew after a misplaced quote
// costs little, and enough to make the call worth it.
const (
	blockBytes   = 64
	windowBlocks = 32
)

// A vectorSet is which of a machine's instructions masks are made with.
type vectorSet uint8

const (
	noVectors vectorSet = iota // words is used, and not fast
	avx2
	avx512
)

func (v vectorSet) String() string { return [...]string{"none", "AVX2", "AVX-512"}[v] }

// A mask has a bit for each byte of a block. stops are the bytes that end a
// cell: commas and line feeds.
type mask struct{ quotes, stops, feeds uint64 }

// A span is one record of a text: its first byte, and its cells' places in the
// index's ends. A malformed one has no cells, and one entry in ends.
type span struct{ start, first, cells uint32 }

// A fault is what is wrong with a malformed record.
type fault struct {
	row int
	why *penstock.Reject
}

// An index says where the records and cells of a text are, by offsets: nothing
// is copied and no slice is made for a cell until somebody asks for it.
type index struct {
	ends   []uint32 // behind each cell: its comma, its line feed or the end of the text
	rows   []span
	faults []fault
}

func (x *index) reset() {
	x.ends, x.rows, x.faults = x.ends[:0], x.rows[:0], x.faults[:0]
}

// add enters the record that begins at start and whose cells end at
// ends[first:upto], unless it is an empty line.
func (x *index) add(text []byte, start, first, upto int) {
	if upto-first == 1 && emptyLine(text, start, int(x.ends[first])) {
		return
	}
	x.rows = append(x.rows, span{uint32(start), uint32(first), uint32(upto - first)})
}

func emptyLine(text []byte, start, end int) bool {
	return end == start || end == start+1 && text[start] == '\r'
}

// addFault enters the malformed record that is text[start:next].
func (x *index) addFault(text []byte, start, next int, why *penstock.Reject) {
	end := next
	if end > start && text[end-1] == '\n' {
		end--
	}
	x.faults = append(x.faults, fault{len(x.rows), why})
	x.rows = append(x.rows, span{uint32(start), uint32(len(x.ends)), 0})
	x.ends = append(x.ends, uint32(end))
}

// fast enters records from text[start:] on for as long as the quotes are where
// they belong, and returns where the first record begins that it has not
// entered: one with a misplaced quote, a long one, or the last one, which may
// go on behind the text.
func (x *index) fast(text []byte, start int, d dialect) int {
	var window [windowBlocks]mask
	q := quoting{beginning: 1}
	first := len(x.ends)
	for at := start; ; {
		n := masks(text[at:], d.comma, window[:])
		clean := q.outside(text[at:], window[:n])
		upto := len(x.ends)
		x.ends = places(x.ends, window[:clean], uint32(at))
		for k := range window[:clean] {
			m := &window[k]
			for f := m.feeds; f != 0; f &= f - 1 {
				end := at + bits.TrailingZeros64(f)
				if end-start > d.bytes {
					x.ends = x.ends[:first]
					return start
				}
				cells := upto + bits.OnesCount64(m.stops&(f^(f-1)))
				x.add(text, start, first, cells)
				start, first = end+1, cells
			}
			upto += bits.OnesCount64(m.stops)
			at += blockBytes
		}
		if n == 0 || clean < n {
			x.ends = x.ends[:first]
			return start
		}
	}
}

// A quoting is what has to be known of the bytes before a block.
type quoting struct {
	within    uint64 // all ones within quotes
	beginning uint64 // bit 0: the byte before ended a cell or was a quote
	closed    uint64 // bit 0: the byte before was a quote that closed
}

// outside clears the stops within quotes, and returns how many blocks come
// before one with a misplaced quote.
//
// Within quotes is where an odd number of quotes stands before. That is right
// if every quote that opens stands at the beginning of a cell or follows the
// one that closed (a doubled quote), and every quote that closes stands at the
// end of a cell or precedes the one that opens again; the masks show both at
// once for 64 bytes. The idea is that of Langdale and Lemire, Parsing gigabytes
// of JSON per second, VLDB Journal 28 (2019), section 3.1.
func (q *quoting) outside(text []byte, window []mask) int {
	within, beginning, closed := q.within, q.beginning, q.closed
	for k := range window {
		m := &window[k]
		if m.quotes|within|closed == 0 {
			beginning = m.stops >> 63
			continue
		}
		inside := prefixXor(m.quotes) ^ within
		marks := m.stops | m.quotes
		wrong := m.quotes & inside &^ (marks<<1 | beginning)
		if after := (m.quotes&^inside<<1 | closed) &^ marks; wrong == 0 && after != 0 {
			wrong = notCRLF(text, k*blockBytes, after)
		}
		if wrong != 0 {
			return k
		}
		within = uint64(int64(inside) >> 63)
		closed = (m.quotes &^ inside) >> 63
		beginning = marks >> 63
		m.stops &^= inside
		m.feeds &^= inside
	}
	*q = quoting{within, beginning, closed}
	return len(window)
}

// prefixXor sets each bit to the parity of the bits up to and including it.
func prefixXor(m uint64) uint64 {
	m ^= m << 1
	m ^= m << 2
	m ^= m << 4
	m ^= m << 8
	m ^= m << 16
	m ^= m << 32
	return m
}

// notCRLF returns those bits of after, places of text[at:], where no line
// break of a carriage return and a line feed stands.
func notCRLF(text []byte, at int, after uint64) (wrong uint64) {
	for m := after; m != 0; m &= m - 1 {
		i := at + bits.TrailingZeros64(m)
		if text[i] != '\r' || i+1 >= len(text) || text[i+1] != '\n' {
			wrong |= m & -m
		}
	}
	return wrong
}

package csvfile

import (
	"bytes"
	"sort"

	"github.com/penstock-io/penstock"
)

// A Chunk is some whole records of a text, by offsets. It is for one
// goroutine. The zero Chunk is ready for a Scanner to fill.
type Chunk struct {
	Start int64  // byte of the text where it begins
	First uint64 // number of its first record, from 1
	Line  int64  // the line it begins in, from 1

	text    []byte
	columns int
	index
	memory []byte // cells that had doubled quotes

	lineAt int   // a byte of text that was asked for,
	lines  int64 // and how many lines are before it
}

func (c *Chunk) begin(s *Scanner) {
	c.Start, c.First, c.Line = s.offset, s.record, s.line
	c.columns = len(s.columns)
	c.lineAt, c.lines = 0, 0
	c.memory = c.memory[:0]
}

// Len is how many records the chunk has.
func (c *Chunk) Len() int { return len(c.rows) }

// Bytes is how much text the chunk is.
func (c *Chunk) Bytes() int64 { return int64(len(c.text)) }

// Row is record i of the chunk, from 0. It is valid as long as the chunk is.
func (c *Chunk) Row(i int) Row { return Row{c, i} }

// A Row is one record of a chunk.
type Row struct {
	chunk *Chunk
	i     int
}

// A Position says where in its file a record begins.
type Position struct {
	Record uint64 // its number, from 1; the header and empty lines are none
	Line   int64  // from 1
	Offset int64  // byte of the text, decompressed and in UTF-8, from 0
}

// Position is where the record begins.
func (r Row) Position() Position {
	c := r.chunk
	start := int(c.rows[r.i].start)
	if start < c.lineAt {
		c.lineAt, c.lines = 0, 0
	}
	c.lines += int64(bytes.Count(c.text[c.lineAt:start], lineFeed))
	c.lineAt = start
	return Position{Record: c.First + uint64(r.i), Line: c.Line + c.lines, Offset: c.Start + int64(start)}
}

// Cells is how many cells the record has; 0 when it is malformed.
func (r Row) Cells() int { return int(r.chunk.rows[r.i].cells) }

// Err is what is wrong with the record itself, or nil: a misplaced quote, too
// many bytes, more or fewer cells than there are columns.
func (r Row) Err() *penstock.Reject {
	c := r.chunk
	n := r.Cells()
	if n == 0 {
		k := sort.Search(len(c.faults), func(k int) bool { return c.faults[k].row >= r.i })
		return c.faults[k].why
	}
	if n != c.columns {
		return penstock.NewReject(codeColumns, "", "the record has %d cells, but there are %d columns; quote cells that hold commas or line breaks", n, c.columns)
	}
	return nil
}

// Raw is the record as it stands in the text, without its line break.
func (r Row) Raw() []byte {
	c := r.chunk
	s := c.rows[r.i]
	last := s.first
	if s.cells > 0 {
		last += s.cells - 1
	}
	raw := c.text[s.start:c.ends[last]]
	if n := len(raw); n > 0 && raw[n-1] == '\r' {
		raw = raw[:n-1]
	}
	return raw
}

// cells are the row's text and where in it its cells end.
func (r Row) cells() (text []byte, start uint32, ends []uint32) {
	c := r.chunk
	s := &c.rows[r.i]
	return c.text, s.start, c.ends[s.first : s.first+s.cells]
}

// cellOf is cell j of what cells returns, as it stands there: in its quotes, but
// without the carriage return of the line's end.
func cellOf(text []byte, start uint32, ends []uint32, j int) []byte {
	if j > 0 {
		start = ends[j-1] + 1
	}
	end := ends[j]
	if end > start && text[end-1] == '\r' && j == len(ends)-1 {
		end--
	}
	return text[start:end]
}

// Cell is the text of cell j, from 0, which must be less than Cells. It is
// valid as long as the chunk is.
func (r Row) Cell(j int) []byte {
	cell, _ := r.text(j)
	return cell
}

// text is the text of cell j, and whether it was quoted.
func (r Row) text(j int) (cell []byte, quoted bool) {
	text, start, ends := r.cells()
	cell = cellOf(text, start, ends, j)
	if len(cell) == 0 || cell[0] != '"' {
		return cell, false
	}
	return r.chunk.unquoted(cell), true
}

// unquoted is the text of a cell that begins with a quote.
func (c *Chunk) unquoted(cell []byte) []byte {
	cell = cell[1:]
	if n := len(cell); n > 0 && cell[n-1] == '"' {
		cell = cell[:n-1]
	}
	if k := bytes.IndexByte(cell, '"'); k >= 0 {
		return c.unquote(cell, k)
	}
	return cell
}

// unquote makes each doubled quote of cell, the first of which is at k, a
// single one.
func (c *Chunk) unquote(cell []byte, k int) []byte {
	from := len(c.memory)
	for ; k >= 0; k = bytes.IndexByte(cell, '"') {
		c.memory = append(c.memory, cell[:k+1]...)
		cell = cell[k+1:]
		if len(cell) > 0 && cell[0] == '"' {
			cell = cell[1:]
		}
	}
	c.memory = append(c.memory, cell...)
	return c.memory[from:len(c.memory):len(c.memory)]
}

func tooLarge(bytes, most int) *penstock.Reject {
	return penstock.NewReject(codeTooLarge, "", "the record has %d bytes; at most %d are taken", bytes, most)
}

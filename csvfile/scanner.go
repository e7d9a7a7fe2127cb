package csvfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// Options say how a file is written. The zero Options read commas, a header and
// strict quotes.
type Options struct {
	// Comma is the byte between cells, any of ASCII but a quote or a line break;
	// 0 means a comma.
	Comma byte

	// Columns are the names of the columns of a file without a header.
	Columns []string

	// Lenient lets a quote stand anywhere: within a cell that did not begin with
	// one, and undoubled within one that did, as LazyQuotes of encoding/csv does.
	Lenient bool

	// ChunkBytes is how much text a chunk has at most, unless its only record is
	// larger; 0 means 2 MiB.
	ChunkBytes int

	// RecordBytesMax is the longest record that is taken, 0 means 1 MiB; longer
	// ones are rejects. A quote that is not closed within so much is a misplaced one.
	RecordBytesMax int
}

// The defaults of Options.
const (
	DefaultChunkBytes     = 2 << 20
	DefaultRecordBytesMax = 1 << 20
)

// lineBytesMax is how long a line may be to be a reject and not the end of the
// reading: text that has no line breaks is no CSV file.
const lineBytesMax = 64 << 20

func (o Options) dialect() dialect {
	d := dialect{comma: o.Comma, lenient: o.Lenient, bytes: o.RecordBytesMax}
	if d.comma == 0 {
		d.comma = ','
	}
	if d.bytes <= 0 {
		d.bytes = DefaultRecordBytesMax
	}
	return d
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	if c := o.Comma; c == '"' || c == '\n' || c == '\r' || c >= 0x80 {
		return fmt.Errorf("%q cannot stand between cells: choose a byte of ASCII that is no quote or line break, as ; or a tab", c)
	}
	return nil
}

// A Scanner cuts a text into chunks, in one pass. Where a chunk ends depends on
// the text and on Options alone, not on how the text comes: a chunk is the
// records that end within ChunkBytes of its start, and at least one. It is for
// one goroutine, and fast enough to feed many.
type Scanner struct {
	in      io.Reader
	dialect dialect
	chunk   int // most bytes
	columns []string

	rest   []byte // read, and not yet given out
	eof    bool
	offset int64  // of rest
	record uint64 // number of the first record in rest, from 1
	line   int64  // of the first byte of rest, from 1
}

// NewScanner returns a Scanner of in, whose header it reads unless o names the
// columns. in is UTF-8 or something like it; see Open.
func NewScanner(in io.Reader, o Options) (*Scanner, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s := &Scanner{in: in, dialect: o.dialect(), chunk: o.ChunkBytes, columns: o.Columns, record: 1, line: 1}
	if s.chunk <= 0 {
		s.chunk = DefaultChunkBytes
	}
	if o.Columns != nil {
		return s, nil
	}
	return s, s.readHeader()
}

// Columns are the names of the columns, in the file's order.
func (s *Scanner) Columns() []string { return s.columns }

// readHeader takes the first record for the columns' names.
func (s *Scanner) readHeader() error {
	whole := *s
	whole.chunk = 1 // a chunk of one record
	var c Chunk
	if err := whole.Next(&c); errors.Is(err, io.EOF) {
		return errors.New("there is no header: the file is empty; for a file without a header name its columns")
	} else if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	header := c.Row(0)
	if len(c.faults) > 0 {
		return fmt.Errorf("read the header: line %d: %w", header.Position().Line, c.faults[0].why)
	}
	columns := make([]string, header.Cells())
	for j := range columns {
		columns[j] = string(header.Cell(j))
	}
	whole.chunk, whole.columns, whole.record = s.chunk, columns, 1
	*s = whole
	return nil
}

// Next reads the next chunk into c, whose memory it uses again, and returns
// io.EOF when there is none. What c gave out before is no longer valid.
func (s *Scanner) Next(c *Chunk) error {
	for {
		if err := s.next(c); err != nil {
			return err
		}
		if c.Len() > 0 {
			return nil
		}
	}
}

// stepBytes is how much text is read and then indexed at a time: few enough that
// it is still in the processor's cache.
const stepBytes = 128 << 10

// next is Next, but the chunk may turn out to be empty lines.
func (s *Scanner) next(c *Chunk) error {
	c.begin(s)
	c.reset()
	c.text = slices.Grow(append(c.text[:0], s.rest...), max(0, s.chunk-len(s.rest)))
	used, lines := 0, 0
	for goesOn := true; len(c.text) < s.chunk && !s.eof; {
		if err := s.fill(c, min(len(c.text)+stepBytes, s.chunk)); err != nil {
			return err
		}
		if was := used; goesOn { // else each step would look at one long record again
			used = s.clean(c, c.text, used)
			lines += bytes.Count(c.text[was:used], lineFeed)
			goesOn = used > was
		}
	}
	if len(c.text) == 0 {
		return io.EOF
	}
	for cleaned := used; ; {
		var err error
		if used, err = s.scan(c, used); err != nil {
			return err
		}
		if used > 0 {
			lines += bytes.Count(c.text[cleaned:used], lineFeed)
			break
		}
		if err := s.fill(c, 2*len(c.text)); err != nil {
			return err
		}
	}
	s.rest = append(s.rest[:0], c.text[used:]...)
	c.text = c.text[:used]
	s.offset += int64(used)
	s.record += uint64(len(c.rows))
	s.line += int64(lines)
	return nil
}

var lineFeed = []byte{'\n'}

// fill reads until the chunk has n bytes or the text ends. It does not use
// io.ReadFull, whose io.ErrUnexpectedEOF for a text that ends would look like
// the one of an archive that is cut off.
func (s *Scanner) fill(c *Chunk, n int) error {
	have := len(c.text)
	if have >= n || s.eof {
		return nil
	}
	c.text = slices.Grow(c.text, n-have)[:n]
	for idle := 0; have < n; {
		got, err := s.in.Read(c.text[have:])
		have += got
		if idle++; got > 0 {
			idle = 0
		}
		if s.eof = err == io.EOF; s.eof {
			break
		}
		if err == nil && idle == readsIdleMax {
			err = io.ErrNoProgress
		}
		if err != nil {
			return err
		}
	}
	c.text = c.text[:have]
	return nil
}

// readsIdleMax is how many reads in a row may give nothing.
const readsIdleMax = 100

// clean indexes text[used:] for as long as its quotes are where they belong, and
// returns where that ended.
func (s *Scanner) clean(c *Chunk, text []byte, used int) int {
	if vectors != noVectors {
		return c.fast(text, used, s.dialect)
	}
	return c.words(text, used, s.dialect)
}

// scan indexes what there is of the chunk from byte used on, and returns how much
// of the text is indexed then; 0 means that the first record needs more.
func (s *Scanner) scan(c *Chunk, used int) (_ int, err error) {
	text := c.text[:min(len(c.text), s.chunk)]
	final := s.eof && len(text) == len(c.text)
	for used < len(text) {
		if used = s.clean(c, text, used); used == len(text) {
			return used, nil
		}
		next, err := s.one(c, text, used, final)
		if err != nil {
			return 0, err
		}
		if next == used {
			break
		}
		used = next
	}
	if used == 0 && len(text) < len(c.text) { // one record that is larger than a chunk
		return s.one(c, c.text, 0, s.eof)
	}
	return used, nil
}

// one enters the record at text[start:] and returns where the next one begins,
// start itself if the text ends before the record does.
func (s *Scanner) one(c *Chunk, text []byte, start int, final bool) (next int, err error) {
	d, first := s.dialect, len(c.ends)
	ends, next, how, at := d.walk(text, start, final, c.ends)
	c.ends = ends
	end := len(text)
	switch how {
	case whole:
		end = int(ends[len(ends)-1])
	case bareCell, badClose:
		end = next - bytes.Count(text[next-1:next], lineFeed)
	}
	if how == whole && end-start <= d.bytes {
		c.add(text, start, first, len(ends))
		return next, nil
	}
	c.ends = ends[:first]
	switch {
	case end-start > d.bytes:
		return s.long(c, text, start, final)
	case how == partial:
		return start, nil
	case how == unclosed:
		next = start + lineBytes(text[start:])
	}
	c.addFault(text, start, next, d.reject(how, at-start))
	return next, nil
}

// long enters the record at text[start:], which is longer than may be: its
// first line if it has several, since then a quote is not closed.
func (s *Scanner) long(c *Chunk, text []byte, start int, final bool) (next int, err error) {
	d := s.dialect
	line := lineBytes(text[start:])
	next = start + line
	switch ended := text[next-1] == '\n' || final; {
	case !ended && line > lineBytesMax:
		return 0, fmt.Errorf("line %d, at byte %d, is longer than %d bytes: is this a CSV file?", s.line+int64(bytes.Count(text[:start], lineFeed)), s.offset+int64(start), lineBytesMax)
	case !ended:
		return start, nil
	case line-1 > d.bytes:
		c.addFault(text, start, next, tooLarge(line, d.bytes))
	default:
		c.addFault(text, start, next, d.reject(unclosed, bytes.IndexByte(text[start:next], '"')))
	}
	return next, nil
}

// lineBytes is how long the first line of text is, its line feed included.
func lineBytes(text []byte) int {
	if k := bytes.IndexByte(text, '\n'); k >= 0 {
		return k + 1
	}
	return len(text)
}

// Skip passes over the next chunk without looking at it: it is known to be so
// long and to hold so many records.
func (s *Scanner) Skip(length int64, records uint64) error {
	var buf []byte
	for left := length; left > 0; {
		if len(s.rest) == 0 {
			if buf == nil {
				buf = make([]byte, min(left, 1<<20))
			}
			n, err := io.ReadFull(s.in, buf[:min(left, int64(len(buf)))])
			if n == 0 {
				return fmt.Errorf("pass over what is loaded: the text ends at byte %d, %d bytes too early: %w", s.offset, left, err)
			}
			s.rest = buf[:n]
		}
		n := min(left, int64(len(s.rest)))
		s.line += int64(bytes.Count(s.rest[:n], lineFeed))
		s.rest = s.rest[n:]
		s.offset += n
		left -= n
	}
	s.record += records
	return nil
}

// Offset is where in the text the next chunk begins.
func (s *Scanner) Offset() int64 { return s.offset }

// Rows are all rows that are left, one after the other, the malformed ones
// too: see Row.Err. A Row and its cells are valid until the next one; the error,
// if there is one, comes last and alone.
func (s *Scanner) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var c Chunk
		for {
			err := s.Next(&c)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			for i := range c.Len() {
				if !yield(c.Row(i), nil) {
					return
				}
			}
		}
	}
}

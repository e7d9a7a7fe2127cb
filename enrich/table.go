package enrich

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A table is a file's rows, found by key. It is made for a million rows and
// more: rows are numbers into shared memory, and a cell is the number of a
// value that all rows with the same text share, so that the garbage collector
// has only the distinct values to look at. A finished table never changes.
type table struct {
	seed    maphash.Seed
	index   []uint64 // open addressing, at most half full: the hash's upper half, then row+1, 0 is free; its length is a power of two
	keys    []byte
	stride  int      // columns + 1
	records []uint32 // row r's record is at r*stride: the offset of its key, which ends where the next one begins, and the number of each cell's value
	values  []penstock.Value
}

// rows is how many there are. Behind the last record stands the end of its key.
func (t *table) rows() int { return len(t.records) / t.stride }

// find returns the row of a key, or -1.
func (t *table) find(key []byte) int {
	row, _ := t.seek(key)
	return row
}

// seek returns the row of a key, or -1 and the place in the index where it
// would stand.
func (t *table) seek(key []byte) (row int, at uint64) {
	mask := uint64(len(t.index) - 1)
	hash := maphash.Bytes(t.seed, key)
	for at = hash & mask; t.index[at] != 0; at = (at + 1) & mask {
		if (t.index[at]^hash)>>32 != 0 {
			continue
		}
		row = int(uint32(t.index[at]) - 1)
		if string(t.key(row)) == string(key) {
			return row, at
		}
	}
	return -1, at
}

func (t *table) key(row int) []byte {
	at := row * t.stride
	return t.keys[t.records[at]:t.records[at+t.stride]]
}

// enter makes a row found at the place in the index that seek gave for its key.
func (t *table) enter(at uint64, key []byte, row int) {
	t.index[at] = maphash.Bytes(t.seed, key)>>32<<32 | uint64(row+1)
}

// value returns the value of a row's column.
func (t *table) value(row, column int) penstock.Value {
	return t.values[t.records[row*t.stride+1+column]]
}

// A tableBuilder makes a table row by row.
type tableBuilder struct {
	table   *table
	fields  []stream.Field
	convert converter
	shared  []map[string]uint32 // per column, the values so far by their text; nil once there are too many
	memory  []byte              // what is left of the chunk that texts are copied into
}

const (
	sharedMax  = 1 << 16 // distinct texts of a column, beyond which it is taken to have no repetitions
	chunkBytes = 1 << 16
)

func newTableBuilder(fields []stream.Field, convert converter) *tableBuilder {
	b := &tableBuilder{
		table:   &table{seed: maphash.MakeSeed(), index: make([]uint64, 16), stride: len(fields) + 1, records: []uint32{0}, values: make([]penstock.Value, 1)},
		fields:  fields,
		convert: convert,
		shared:  make([]map[string]uint32, len(fields)),
	}
	for i := range b.shared {
		b.shared[i] = map[string]uint32{}
	}
	return b
}

// add puts a row in. A nil cell is absent; the builder keeps nothing of cells.
func (b *tableBuilder) add(key []byte, cells [][]byte) error {
	t := b.table
	if 2*(t.rows()+1) > len(t.index) {
		b.grow()
	}
	row, at := t.seek(key)
	if row >= 0 {
		return fmt.Errorf("the key %.64q stands here for the second time; keep one of them", key)
	}
	if len(t.keys)+len(key) > math.MaxUint32 || len(t.values)+len(cells) > math.MaxUint32 || t.rows() >= math.MaxInt32 {
		return errors.New("too much data for a file look-up; use an sql look-up")
	}
	row = t.rows()
	for column, cell := range cells {
		n, err := b.value(column, cell)
		if err != nil {
			return err // the table is not used after an error
		}
		t.records = append(t.records, n)
	}
	t.keys = append(t.keys, key...)
	t.records = append(t.records, uint32(len(t.keys)))
	t.enter(at, key, row)
	return nil
}

// value returns the number of a cell's value, new or shared. Number 0 is absent.
func (b *tableBuilder) value(column int, cell []byte) (uint32, error) {
	if cell == nil {
		return 0, nil
	}
	shared := b.shared[column]
	if n, ok := shared[string(cell)]; ok {
		return n, nil
	}
	v, err := b.convert(b.fields[column], b.hold(cell))
	if err != nil {
		return 0, err
	}
	n := uint32(len(b.table.values))
	b.table.values = append(b.table.values, v)
	if shared != nil {
		shared[string(cell)] = n
		if len(shared) >= sharedMax {
			b.shared[column] = nil
		}
	}
	return n, nil
}

// hold copies a text into memory of the table's own.
func (b *tableBuilder) hold(text []byte) []byte {
	if len(text) > chunkBytes/4 {
		return append([]byte(nil), text...)
	}
	if len(text) > len(b.memory) {
		b.memory = make([]byte, chunkBytes)
	}
	held := b.memory[:len(text):len(text)]
	b.memory = b.memory[len(text):]
	copy(held, text)
	return held
}

func (b *tableBuilder) grow() {
	t := b.table
	t.index = make([]uint64, 2*len(t.index))
	for row := range t.rows() {
		key := t.key(row)
		_, at := t.seek(key)
		t.enter(at, key, row)
	}
}

package stats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// The binary form, version 2: "pstA", the version, the options, the counts,
// the values in order with how often each occurs, and of a rough accumulator
// its sums and cells; then the CRC-32C of all that, little-endian. Numbers are
// uvarints, float64s and words of the sums 8 bytes little-endian. Keys are told
// as the difference to the one before. The same values give the same bytes.
// Version 1 had no MaxCells, and cells of Approx always.
const (
	binaryMagic   = "pstA"
	binaryVersion = 2
	binaryOldest  = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary returns the accumulator's binary form. Forms of older versions
// can always be read.
func (a *Accumulator) MarshalBinary() ([]byte, error) { return a.AppendBinary(nil) }

// AppendBinary appends the accumulator's binary form to b.
func (a *Accumulator) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	o := a.options
	b = append(b, binaryMagic...)
	b = append(b, binaryVersion, byte(o.NaN), byte(o.Tie))
	b = binary.AppendUvarint(b, uint64(o.MaxDistinct))
	b = appendFloat(b, o.Approx)
	b = binary.AppendUvarint(b, uint64(o.MaxCells))
	b = binary.AppendUvarint(b, uint64(len(o.Quantiles)))
	for _, p := range o.Quantiles {
		b = appendFloat(b, p)
	}
	for _, n := range []uint64{a.count, a.missing, a.nans, a.posInfs, a.negInfs} {
		b = binary.AppendUvarint(b, n)
	}
	b = a.values.append(b)
	if a.rough == nil {
		b = append(b, 0)
	} else {
		b = a.rough.append(append(b, 1))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

func (r *rough) append(b []byte) []byte {
	for _, w := range r.sums.x {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	for _, w := range r.sums.xx {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	b = binary.AppendUvarint(b, r.min)
	b = binary.AppendUvarint(b, r.max)
	b = binary.AppendUvarint(b, r.off)
	b = append(b, byte(r.coarse))
	return r.cells.append(b)
}

func (c *counts) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(c.len))
	before := uint64(0)
	for _, key := range c.sorted() {
		n, first := c.find(key)
		b = binary.AppendUvarint(b, key-before)
		b = binary.AppendUvarint(b, n)
		if c.firsts != nil {
			b = binary.AppendUvarint(b, first)
		}
		before = key
	}
	return b
}

func appendFloat(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

// UnmarshalBinary replaces the accumulator with the one whose binary form data
// is: ErrBadState if it is none, or is damaged.
func (a *Accumulator) UnmarshalBinary(data []byte) error {
	r := &reader{rest: data}
	if string(r.bytes(len(binaryMagic))) != binaryMagic {
		return ErrBadState
	}
	if r.version = r.byte(); r.version < binaryOldest || r.version > binaryVersion {
		return fmt.Errorf("%w: its version is %d, this program reads versions %d to %d", ErrBadState, r.version, binaryOldest, binaryVersion)
	}
	if len(data) < 4 || crc32.Checksum(data[:len(data)-4], castagnoli) != binary.LittleEndian.Uint32(data[len(data)-4:]) {
		return fmt.Errorf("%w: it is damaged or cut off", ErrBadState)
	}
	r.rest = r.rest[:len(r.rest)-4]
	read, err := r.accumulator()
	if err != nil {
		return fmt.Errorf("%w: %v", ErrBadState, err)
	}
	*a = *read
	return nil
}

// A reader takes a binary form apart. The first thing that is wrong stays in
// err, and everything after is zero.
type reader struct {
	version byte
	rest    []byte
	err     error
}

func (r *reader) fail(why string) {
	if r.err == nil {
		r.err = errors.New(why)
	}
	r.rest = nil
}

func (r *reader) bytes(n int) []byte {
	if len(r.rest) < n {
		r.fail("it is too short")
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte     { return r.bytes(1)[0] }
func (r *reader) word() uint64   { return binary.LittleEndian.Uint64(r.bytes(8)) }
func (r *reader) float() float64 { return math.Float64frombits(r.word()) }

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("a number has no end")
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

// length reads how many things follow, of at least one byte each.
func (r *reader) length() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail("it is too short")
		return 0
	}
	return int(n)
}

func (r *reader) accumulator() (*Accumulator, error) {
	a := &Accumulator{options: r.options()}
	if r.err != nil {
		return nil, r.err
	}
	for _, n := range []*uint64{&a.count, &a.missing, &a.nans, &a.posInfs, &a.negInfs} {
		*n = r.uvarint()
	}
	if a.count > valuesMax || a.nans > valuesMax-a.count {
		r.fail(ErrTooMany.Error())
	}
	counted := r.counts(&a.values, a.options, keyNegInf, keyPosInf)
	switch r.byte() {
	case 0:
	case 1:
		a.rough = &rough{}
		counted = r.rough(a.rough, a.options)
	default:
		r.fail("it is neither exact nor rough")
	}
	if counted != a.count || a.posInfs > a.count || a.negInfs > a.count-a.posInfs {
		r.fail("the counts do not agree")
	}
	if len(r.rest) > 0 {
		r.fail("it goes on after its end")
	}
	return a, r.err
}

func (r *reader) options() Options {
	o := Options{NaN: NaNPolicy(r.byte()), Tie: TiePolicy(r.byte())}
	distinct := r.uvarint()
	o.MaxDistinct = int(min(distinct, maxDistinctMax+1))
	o.Approx = r.float()
	if r.version > 1 {
		o.MaxCells = int(min(r.uvarint(), maxCellsMax+1))
	}
	for range min(r.length(), quantilesMax+1) {
		o.Quantiles = append(o.Quantiles, r.float())
	}
	if err := o.check(); err != nil {
		r.fail(err.Error())
	}
	return o
}

// counts reads the counts of keys from least to greatest into c and returns
// their sum.
func (r *reader) counts(c *counts, o Options, least, greatest uint64) (sum uint64) {
	key := uint64(0)
	for range r.length() {
		delta, n, first := r.uvarint(), r.uvarint(), uint64(0)
		if o.Tie == FirstTie {
			first = r.uvarint()
		}
		next := key + delta
		if next <= key || next < least || next > greatest || n == 0 || sum+n < sum {
			r.fail("a value is out of order")
			return 0
		}
		key = next
		sum += n
		c.add(key, n, first, o)
	}
	return sum
}

// rough reads what only a rough accumulator has and returns how many values its
// cells count.
func (r *reader) rough(to *rough, o Options) (sum uint64) {
	for i := range to.sums.x {
		to.sums.x[i] = r.word()
	}
	for i := range to.sums.xx {
		to.sums.xx[i] = r.word()
	}
	to.min, to.max, to.off = r.uvarint(), r.uvarint(), r.uvarint()
	to.coarse = o.coarse()
	if r.version > 1 {
		to.coarse = uint(r.byte())
	}
	if to.coarse < o.coarse() || to.coarse > coarsest {
		r.fail("its cells are too narrow or too wide")
		return 0
	}
	if to.min > to.max || to.min < keyNegInf || to.max > keyPosInf {
		r.fail("the least and the greatest value are out of order")
		return 0
	}
	least, greatest := to.min>>to.coarse, to.max>>to.coarse
	sum = r.counts(&to.cells, Options{}, least, greatest)
	if !to.cells.has(least) || !to.cells.has(greatest) {
		r.fail("the least or the greatest value has no cell")
		return 0
	}
	to.fit(o)
	return sum
}

package stats

import (
	"hash/maphash"
	"math"
)

// A crowd finds the values that may occur most often, without an order. Values
// go by a hash, so that those with one hash share a cell; only those in the
// fullest cells can be the most frequent, and are looked at again.
type crowd struct {
	cells      [cellsMax]uint32 // bits or counts
	multiplier uint64           // of the hash
	shift      uint64           // right, so that hashes are of the cells or bits in use
	late       []float64        // at its beginning, values that did not come first to their bit
	lates      int              // how many they are
}

const (
	cellsMax    = 1 << 18 // 1 MiB, so that they stay in the cache
	bitsAValue  = 8       // or up to twice as many, where values are marked
	crowdFew    = 1 << 12 // values that are sorted
	crowdLevels = 5       // times that values are looked at
)

// crowdSeed differs from process to process, so that no input can be made to
// share cells more than by chance: after M. Dietzfelbinger et al., "A reliable
// randomized algorithm for the closest-pair problem" (1997).
var crowdSeed = maphash.String(maphash.MakeSeed(), "crowd")

// use makes c ready for 2^width bits or cells, with another hash than before:
// values that shared a cell then are not to share one again.
func (c *crowd) use(width int) {
	c.multiplier = c.multiplier*0x5851f42d4c957f2d ^ crowdSeed&^1 | 1
	c.shift = uint64(64 - width)
}

// hash is the same for equal values.
func (c *crowd) hash(x float64) uint64 { return hash(x, c.multiplier, c.shift) }

func hash(x float64, multiplier, shift uint64) uint64 {
	return math.Float64bits(x+0) * multiplier >> (shift & 63)
}

// width is the least from low to high of which the power of two is at least n,
// or high.
func width(n, low, high int) int {
	for low < high && 1<<low < n {
		low++
	}
	return low
}

const cellsWidth = 18

// begin makes c ready to mark n values. It reports whether it can.
func (c *crowd) begin(n int) bool {
	w := width(bitsAValue*n, 12, cellsWidth+5)
	c.use(w)
	clear(c.cells[:1<<w/32])
	c.lates = 0
	c.late = roomFor(c.late, n/4+2*blockLen)
	return 1<<w >= bitsAValue/2*n
}

// mark sets the bit of each value of a block, and adds the values whose bit was
// set to late. It reports whether late has room for another block: else too many
// values are not the first.
func (c *crowd) mark(block []float64) bool {
	n, late := 0, c.late[c.lates:][:len(block)]
	if steps := len(block) / 8; vectors && steps > 0 {
		n = markAVX512(&block[0], steps, c, &late[0])
		block = block[8*steps:]
	}
	multiplier, shift := c.multiplier, c.shift // or each store to a cell could change them
	for _, v := range block {
		h := hash(v, multiplier, shift)
		cell := &c.cells[h/32%cellsMax]
		late[n] = v
		n += int(*cell >> (h % 32) & 1)
		*cell |= 1 << (h % 32)
	}
	c.lates += n
	return c.lates+blockLen <= len(c.late)
}

// marked returns those of x that share their bit with another, after all were
// marked; with to for room. It reports whether there is enough.
func (c *crowd) marked(x, to []float64) ([]float64, bool) {
	clear(c.cells[:1<<(64-c.shift)/32])
	for _, v := range c.late[:c.lates] {
		h := c.hash(v)
		c.cells[h/32%cellsMax] |= 1 << (h % 32)
	}
	n := 0
	for at := 0; at < len(x); at += blockLen {
		block := x[at:min(at+blockLen, len(x))]
		if n+len(block) > len(to) {
			return nil, false
		}
		if steps := len(block) / 8; vectors && steps > 0 {
			n += markedAVX512(&block[0], steps, c, &to[n])
			block = block[8*steps:]
		}
		for _, v := range block {
			h := c.hash(v)
			to[n] = v
			n += int(c.cells[h/32%cellsMax] >> (h % 32) & 1)
		}
	}
	return to[:n], true
}

// beginTally makes c ready to count n values.
func (c *crowd) beginTally(n int) {
	w := width(n, 12, cellsWidth)
	c.use(w)
	clear(c.cells[:1<<w])
}

// tally counts the values of x in the cells.
func (c *crowd) tally(x []float64) {
	if steps := len(x) / 8; vectors && steps > 0 {
		tallyAVX512(&x[0], steps, c)
		x = x[8*steps:]
	}
	multiplier, shift := c.multiplier, c.shift
	for _, v := range x {
		c.cells[hash(v, multiplier, shift)%cellsMax]++
	}
}

// fullest is the most in any cell.
func (c *crowd) fullest() (most uint32) {
	for _, n := range c.cells[:1<<(64-c.shift)] {
		most = max(most, n)
	}
	return most
}

// level returns how full a cell must be so that the cells that are as full hold
// about part values, by what every sixteenth cell holds: from 2 to top, the most
// in any.
func (c *crowd) level(part int, top uint32) uint32 {
	var held [256]uint32 // by cells with so many, or more for the last
	for i := 0; i < 1<<(64-c.shift); i += 16 {
		n := c.cells[i%cellsMax]
		held[min(n, uint32(len(held)-1))] += n
	}
	level, all := uint32(len(held)), 0
	for level > 2 && all+int(held[level-1]) <= part/16 {
		level--
		all += int(held[level])
	}
	if level == uint32(len(held)) {
		return top
	}
	return min(level, top)
}

// full returns the values of x whose cell holds at least level, in to, which
// grows as needed.
func (c *crowd) full(x []float64, to *[]float64, level uint32) []float64 {
	n := 0
	for at := 0; at < len(x); at += blockLen {
		block := x[at:min(at+blockLen, len(x))]
		if n+len(block) > len(*to) {
			more := make([]float64, 2*len(*to)+blockLen)
			copy(more, (*to)[:n])
			*to = more
		}
		to := *to
		if steps := len(block) / 8; vectors && steps > 0 {
			n += fullAVX512(&block[0], steps, c, &to[n], level)
			block = block[8*steps:]
		}
		for _, v := range block {
			to[n] = v
			n += int(one(c.cells[c.hash(v)%cellsMax] >= level))
		}
	}
	return (*to)[:n]
}

// frequent returns how often the most frequent of the values of x occur, and
// sets w.tied to their keys, in order, unless each occurs once. It fails if that
// would not be worth the work.
func (w *scratch) frequent(x []float64, depth int) (most int, ok bool) {
	switch {
	case len(x) == 0:
		return 1, true
	case allSame(x):
		w.tied = append(w.tied[:0], keyOf(math.Float64bits(x[0]+0)))
		return len(x), true
	case len(x) <= crowdFew:
		w.order(x)
		most = longestRun(w.keys)
		w.tie(w.keys, most)
		return most, true
	case depth == crowdLevels:
		return 0, false
	}
	if most, ok := w.frequentMarked(x, depth); ok {
		return most, true
	}
	return w.frequentCounted(x, depth)
}

// frequentMarked is frequent for values of which most occur once.
func (w *scratch) frequentMarked(x []float64, depth int) (most int, ok bool) {
	c := w.crowd
	if !c.begin(len(x)) {
		return 0, false
	}
	for at := 0; at < len(x); at += blockLen {
		if !c.mark(x[at:min(at+blockLen, len(x))]) {
			return 0, false
		}
	}
	return w.frequentShared(x, depth)
}

// frequentShared is frequent for values that are marked.
func (w *scratch) frequentShared(x []float64, depth int) (most int, ok bool) {
	w.crowds[depth] = roomFor(w.crowds[depth], len(x)/2+blockLen)
	some, ok := w.crowd.marked(x, w.crowds[depth])
	if !ok {
		return 0, false
	}
	return w.frequent(some, depth+1)
}

// frequentCounted is frequent by counting.
func (w *scratch) frequentCounted(x []float64, depth int) (most int, ok bool) {
	w.crowd.beginTally(len(x))
	w.crowd.tally(x)
	return w.frequentTallied(x, depth)
}

// frequentTallied is frequent for values that are counted.
func (w *scratch) frequentTallied(x []float64, depth int) (most int, ok bool) {
	c := w.crowd
	top := c.fullest()
	if top == 1 {
		return 1, true
	}
	level := c.level(len(x)/16, top)
	for {
		most, ok = w.frequent(c.full(x, &w.crowds[depth], level), depth+1)
		if !ok || most >= int(level) || level == 2 {
			return most, ok
		}
		level = uint32(max(most, 2)) // some value occurs as often
		c.beginTally(len(x))
		c.tally(x)
	}
}

// tie sets w.tied to the keys of which there are most in a row, which is the
// longest, if that is more than one.
func (w *scratch) tie(sorted []uint64, most int) {
	w.tied = w.tied[:0]
	eachRun(sorted, most, func(key uint64) bool {
		w.tied = append(w.tied, key)
		return most > 1
	})
}

func allSame(x []float64) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}

package ttlcache

import "sync/atomic"

// A directory finds the table of a key by the leading bits of its hash
// (extendible hashing: Fagin et al., ACM TODS 4(3), 1979). A table that is full
// is split in two, and only its own entries move: however large the cache, no
// lock is held for longer than that takes. Tables that have become nearly empty
// are made smaller and put together again, so memory goes back after a spike.
type directory[K comparable, V any] struct {
	only   atomic.Pointer[table[K, V]] // the only table, if there is one: two waits for memory less
	index  atomic.Pointer[index[K, V]] // nil until needed
	hasher *hasher[K]
	count  int   // entries in all tables
	skip   uint8 // the leading bits of a hash that chose the shard
	like   features
}

// An index is a directory's tables at one time. It is read without a lock (see
// shard): a directory of another depth is another index.
type index[K comparable, V any] struct {
	tables []atomic.Pointer[table[K, V]] // by depth bits of the hash; a table of lesser depth stands in several places
	shift  uint8                         // to those bits
	depth  uint8
}

func newIndex[K comparable, V any](skip, depth uint8) *index[K, V] {
	return &index[K, V]{make([]atomic.Pointer[table[K, V]], 1<<depth), (64 - skip - depth) & 63, depth}
}

// at is the place of h's table.
func (x *index[K, V]) at(h uint64) int { return int(h >> (x.shift & 63) & uint64(len(x.tables)-1)) }

const directoryDepthMax = 31 - tableBits // as many bits of a hash are left in a ref; beyond that, tables grow

// at is the place of h's table.
func (d *directory[K, V]) at(h uint64) int { return d.index.Load().at(h) }

// use makes x the index.
func (d *directory[K, V]) use(x *index[K, V]) {
	d.index.Store(x)
	if x != nil && x.depth == 0 {
		d.only.Store(x.tables[0].Load())
	} else {
		d.only.Store(nil)
	}
}

// table is the one for h, or nil.
func (d *directory[K, V]) table(h uint64) *table[K, V] {
	if t := d.only.Load(); t != nil {
		return t
	}
	if x := d.index.Load(); x != nil {
		return x.tables[x.at(h)].Load()
	}
	return nil
}

// fetch is the table for h, or nil, and makes the memory come in which the key
// is, unless that is at hand.
func (d *directory[K, V]) fetch(h uint64) *table[K, V] {
	t := d.table(h)
	if t != nil && !t.atHand() {
		t.fetch(t.home(h))
	}
	return t
}

// find is k's table and slot; the slot is -1 if there is none.
func (d *directory[K, V]) find(h uint64, k K) (*table[K, V], int) {
	t := d.table(h)
	if t == nil {
		return nil, -1
	}
	return t, t.find(h, k)
}

// claim is a free slot for a key that has none.
func (d *directory[K, V]) claim(h uint64) (*table[K, V], int) {
	if d.index.Load() == nil {
		first := newIndex[K, V](d.skip, 0)
		first.tables[0].Store(newTable[K, V](groupSlots, 0, d.like))
		d.use(first)
	}
	t := d.table(h)
	for t.room == 0 {
		d.grow(t, d.at(h))
		t = d.table(h)
	}
	d.count++
	return t, t.claim(h)
}

// grow makes room in the table at a place.
func (d *directory[K, V]) grow(t *table[K, V], at int) {
	slots := len(t.entries)
	switch {
	case t.count <= slots/2: // the rest is deleted slots
		d.resize(t, at, slots)
	case slots < tableSlotsMax || t.depth == directoryDepthMax:
		d.resize(t, at, larger(slots))
	default:
		d.split(t, at)
	}
}

// span is where the table at a place stands: from first, n times.
func (d *directory[K, V]) span(t *table[K, V], at int) (first, n int) {
	n = 1 << (d.index.Load().depth - t.depth)
	return at &^ (n - 1), n
}

// replace puts a table where another was.
func (d *directory[K, V]) replace(first, n int, by *table[K, V]) {
	x := d.index.Load()
	for i := range n {
		x.tables[first+i].Store(by)
	}
	d.use(x)
}

func (d *directory[K, V]) resize(t *table[K, V], at, slots int) {
	to := newTable[K, V](slots, t.depth, d.like)
	for i := range t.used {
		to.take(t, i, d.hasher.of(t.at(i).key))
	}
	first, n := d.span(t, at)
	d.replace(first, n, to)
}

// split replaces a table by two, which differ in the next bit of the hash.
func (d *directory[K, V]) split(t *table[K, V], at int) {
	if x := d.index.Load(); t.depth == x.depth {
		double := newIndex[K, V](d.skip, x.depth+1)
		for i := range double.tables {
			double.tables[i].Store(x.tables[i/2].Load())
		}
		d.use(double)
		at *= 2
	}
	half := func(h uint64) int { return int(h << d.skip << t.depth >> 63) }
	var counts [2]int
	for i := range t.used {
		counts[half(d.hasher.of(t.at(i).key))]++
	}
	var halves [2]*table[K, V]
	for i, n := range counts {
		slots := tableSlotsMax * 5 / 8
		if n > slots*7/8 { // nearly all have the next bit in common too
			slots = tableSlotsMax
		}
		halves[i] = newTable[K, V](slots, t.depth+1, d.like)
	}
	for i := range t.used {
		h := d.hasher.of(t.at(i).key)
		halves[half(h)].take(t, i, h)
	}
	first, n := d.span(t, at)
	d.replace(first, n/2, halves[0])
	d.replace(first+n/2, n/2, halves[1])
}

// release frees a slot. The table stays where it is: see shrink.
func (d *directory[K, V]) release(t *table[K, V], i int) {
	t.release(i)
	d.count--
}

// shrink gives memory back when the table at a place is nearly empty: it is
// put together with its other half, or made smaller.
func (d *directory[K, V]) shrink(t *table[K, V], at int) {
	slots := len(t.entries)
	switch {
	case d.count == 0:
		d.use(nil)
	case t.count >= slots/8:
	case t.depth > 0 && d.merge(t, at):
	case slots > groupSlots:
		d.resize(t, at, slotsFor(t.count))
	}
}

// larger is the next size: a quarter more, so that little stands empty, or less
// if the table is large, since most tables of a large cache are.
func larger(slots int) int {
	step := max(groupSlots, min(slots/4, tableSlotsMax/8)/groupSlots*groupSlots)
	switch next := slots + step; {
	case slots >= tableSlotsMax:
		return 2 * slots
	case next > tableSlotsMax-2*step:
		return tableSlotsMax
	default:
		return next
	}
}

// slotsFor is how many slots are right for n entries that may become more.
func slotsFor(n int) int {
	slots := groupSlots
	for slots < 2*n {
		slots *= 2
	}
	return slots
}

// merge puts the table at a place together with its other half, if both are
// at the same depth and hold little.
func (d *directory[K, V]) merge(t *table[K, V], at int) bool {
	first, n := d.span(t, at)
	x := d.index.Load()
	other := x.tables[first^n].Load()
	if other.depth != t.depth || t.count+other.count > tableSlotsMax/4 {
		return false
	}
	to := newTable[K, V](slotsFor(t.count+other.count), t.depth-1, d.like)
	for _, from := range []*table[K, V]{t, other} {
		for i := range from.used {
			to.take(from, i, d.hasher.of(from.at(i).key))
		}
	}
	d.replace(min(first, first^n), 2*n, to)
	if t.depth == x.depth {
		d.fold()
	}
	return true
}

// fold halves the index while no table needs all of its bits.
func (d *directory[K, V]) fold() {
	x := d.index.Load()
	for x.depth > 0 && !x.full() {
		half := newIndex[K, V](d.skip, x.depth-1)
		for i := range half.tables {
			half.tables[i].Store(x.tables[2*i].Load())
		}
		x = half
	}
	d.use(x)
}

// full reports whether there is a table for all bits.
func (x *index[K, V]) full() bool {
	for i := range x.tables {
		if x.tables[i].Load().depth == x.depth {
			return true
		}
	}
	return false
}

// each yields every table once, and its place.
func (d *directory[K, V]) each(yield func(int, *table[K, V]) bool) {
	x := d.index.Load()
	if x == nil {
		return
	}
	for at := 0; at < len(x.tables); {
		t := x.tables[at].Load()
		if !yield(at, t) {
			return
		}
		at += 1 << (x.depth - t.depth)
	}
}

// due is the earliest that anything in it may be due.
func (d *directory[K, V]) due() int64 {
	earliest := int64(never)
	for _, t := range d.each {
		earliest = min(earliest, t.due)
	}
	return earliest
}

// live is how many entries are alive.
func (d *directory[K, V]) live(now int64) int {
	n := 0
	for _, t := range d.each {
		n += t.live(now)
	}
	return n
}

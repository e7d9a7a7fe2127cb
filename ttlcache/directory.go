package ttlcache

import "slices"

// A directory finds the table of a key by the leading bits of its hash
// (extendible hashing: Fagin et al., ACM TODS 4(3), 1979). A table that is full
// is split in two, and only its own entries move: however large the cache, no
// lock is held for longer than that takes. Tables that have become nearly empty
// are made smaller and put together again, so memory goes back after a spike.
type directory[K comparable, V any] struct {
	tables []*table[K, V] // indexed by depth bits; a table of lesser depth stands in several places. Empty until needed
	depth  uint8
	count  int   // entries in all tables
	skip   uint8 // the leading bits of a hash that chose the shard
	hasher *hasher[K]
	like   features
}

const directoryDepthMax = 31 - tableBits // as many bits of a hash are left in a ref; beyond that, tables grow

// at is the place of h's table.
func (d *directory[K, V]) at(h uint64) int { return int(h << d.skip >> (64 - d.depth)) }

// find is k's table and slot; the slot is -1 if there is none.
func (d *directory[K, V]) find(h uint64, k K) (*table[K, V], int) {
	if len(d.tables) == 0 {
		return nil, -1
	}
	t := d.tables[d.at(h)]
	return t, t.find(h, k)
}

// claim is a free slot for a key that has none.
func (d *directory[K, V]) claim(h uint64) (*table[K, V], int) {
	if len(d.tables) == 0 {
		d.tables = []*table[K, V]{newTable[K, V](groupSlots, 0, d.like)}
	}
	t := d.tables[d.at(h)]
	for t.room == 0 {
		d.grow(t, d.at(h))
		t = d.tables[d.at(h)]
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
	n = 1 << (d.depth - t.depth)
	return at &^ (n - 1), n
}

// replace puts a table where another was.
func (d *directory[K, V]) replace(first, n int, by *table[K, V]) {
	for i := range n {
		d.tables[first+i] = by
	}
}

func (d *directory[K, V]) resize(t *table[K, V], at, slots int) {
	to := newTable[K, V](slots, t.depth, d.like)
	for i := range t.used {
		to.take(t, i, d.hasher.of(t.entries[i].key))
	}
	first, n := d.span(t, at)
	d.replace(first, n, to)
}

// split replaces a table by two, which differ in the next bit of the hash.
func (d *directory[K, V]) split(t *table[K, V], at int) {
	if t.depth == d.depth {
		double := make([]*table[K, V], 2*len(d.tables))
		for i, t := range d.tables {
			double[2*i], double[2*i+1] = t, t
		}
		d.tables, d.depth, at = double, d.depth+1, 2*at
	}
	var halves [2]*table[K, V]
	for i := range halves {
		halves[i] = newTable[K, V](tableSlotsMax*5/8, t.depth+1, d.like)
	}
	for i := range t.used {
		h := d.hasher.of(t.entries[i].key)
		halves[h<<d.skip<<t.depth>>63].take(t, i, h)
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
		d.tables, d.depth = nil, 0
	case t.count >= slots/8:
	case t.depth > 0 && d.merge(t, at):
	case slots > groupSlots:
		d.resize(t, at, slotsFor(t.count))
	}
}

// larger is the next size. Small tables double; near the end, where most tables
// of a large cache are, the steps are smaller, so that less stands empty.
func larger(slots int) int {
	switch slots {
	case tableSlotsMax / 2, tableSlotsMax * 5 / 8:
		return slots + tableSlotsMax/8
	case tableSlotsMax * 3 / 4:
		return tableSlotsMax
	}
	return 2 * slots
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
	other := d.tables[first^n]
	if other.depth != t.depth || t.count+other.count > tableSlotsMax/4 {
		return false
	}
	to := newTable[K, V](slotsFor(t.count+other.count), t.depth-1, d.like)
	for _, from := range []*table[K, V]{t, other} {
		for i := range from.used {
			to.take(from, i, d.hasher.of(from.entries[i].key))
		}
	}
	d.replace(min(first, first^n), 2*n, to)
	if t.depth == d.depth {
		d.fold()
	}
	return true
}

// fold halves the directory while no table needs all of its bits.
func (d *directory[K, V]) fold() {
	for d.depth > 0 && !slices.ContainsFunc(d.tables, func(t *table[K, V]) bool { return t.depth == d.depth }) {
		half := make([]*table[K, V], len(d.tables)/2)
		for i := range half {
			half[i] = d.tables[2*i]
		}
		d.tables, d.depth = half, d.depth-1
	}
}

// each yields every table once, and its place.
func (d *directory[K, V]) each(yield func(int, *table[K, V]) bool) {
	for at := 0; at < len(d.tables); {
		t := d.tables[at]
		if !yield(at, t) {
			return
		}
		at += 1 << (d.depth - t.depth)
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

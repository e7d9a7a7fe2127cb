package ttlcache

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A table is a part of a shard: a hash table with open addressing whose slots
// come in groups of eight. A group's control word has a byte for each slot with
// seven bits of the key's hash, so that eight slots are ruled out by a few
// instructions (Kulukundis, "Designing a Fast, Efficient, Cache-friendly Hash
// Table, Step by Step", CppCon 2017). Key, deadline and value lie side by side,
// so that a Get touches two cache lines in the usual case. There are no
// pointers but those in K and V: if these have none, the garbage collector has
// nothing to look at.
//
// A table also knows when it has to be looked at next, by the earliest
// deadline in each group. Such a minimum may be earlier than is true, after a
// deadline was moved or an entry removed, but never later: a sweep that comes
// in vain puts it right, and each Set can cause at most one such visit. That is
// all there is to find the expired: no list, no heap, one byte for each slot.
//
// Control words, stamps and pairs are read without the lock once a table is in
// a directory (see shard), so they are stored by sync/atomic from then on.
type table[K comparable, V any] struct {
	groups  []group
	entries []entry[K, V]
	places  []uint32 // where in the shard's order an entry is; nil in a cache without limits
	costs   []int64  // nil in a cache without MaxCost

	due   int64 // nothing is due earlier
	count int   // slots in use
	room  int   // slots that may still be taken before the table must grow
	depth uint8 // how many bits of the hash all its keys have in common
	like  features
}

// A group describes eight slots.
type group struct {
	control atomic.Uint64 // a byte for each slot
	due     int64         // nothing is due earlier
}

// An entry is one key's value.
type entry[K comparable, V any] struct {
	stamp atomic.Uint64 // the deadline, and in the last two bits how often it was used; 0 if the slot is free
	pair[K, V]
}

const (
	groupSlots    = 8
	tableSlotsMax = 2048 // then it is split in two, so that no lock is held for long
	hashBits      = 7    // of a hash are in the control word
	homeBits      = 10   // choose the group

	slotEmpty   = 0x80
	slotDeleted = 0xFE // a search goes on here
	lowBits     = 0x0101010101010101
	highBits    = 0x8080808080808080

	usesMax  = 3       // as many as stamp has room for
	usesBits = 2       // of a stamp
	writing  = 1 << 63 // in a stamp: a Set is storing the value without the lock
)

func stampOf(due int64, uses uint64) uint64 { return uint64(due)<<usesBits | uses }

// dueOf is the deadline in a stamp, or never. What never expires may have any
// later deadline, so that each value stored in place has a later one than the
// value before.
func dueOf(stamp uint64) int64 { return min(int64(stamp&^writing>>usesBits), never) }

// due is the first instant at which e is dead, or never.
func (e *entry[K, V]) due() int64 { return dueOf(e.stamp.Load()) }

func (e *entry[K, V]) uses() uint64 { return e.stamp.Load() & usesMax }

// use counts a use, if there is room and nobody else is faster.
func (e *entry[K, V]) use(stamp uint64) {
	if stamp&usesMax != usesMax && stamp&writing == 0 {
		e.stamp.CompareAndSwap(stamp, stamp+1)
	}
}

// at is the entry in slot i, for who changes the shard: a Set that is storing
// a value in it without the lock has come to its end, and no other gets beyond
// its mark, which it takes away again if it still finds it. Such a Set has some
// instructions to go and needs no lock, but its goroutine may have been stopped
// in between.
func (t *table[K, V]) at(i int) *entry[K, V] {
	e := &t.entries[i]
	for e.stamp.Load()&writing != 0 {
		runtime.Gosched()
	}
	return e
}

// write stores slot i's pair.
func (t *table[K, V]) write(i int, k K, v V) {
	e := &t.entries[i]
	if !t.like.words.few {
		e.key, e.value = k, v
		return
	}
	var from entry[K, V]
	from.key, from.value = k, v
	t.like.words.store(unsafe.Pointer(&e.pair), unsafe.Pointer(&from.pair), 0)
}

// newTable returns an empty table; slots is a multiple of eight. It has what like has.
func newTable[K comparable, V any](slots int, depth uint8, like features) *table[K, V] {
	t := &table[K, V]{
		groups: make([]group, slots/groupSlots), entries: make([]entry[K, V], slots), depth: depth, like: like,
	}
	if like.ordered {
		t.places = make([]uint32, slots)
	}
	if like.weighed {
		t.costs = make([]int64, slots)
	}
	for g := range t.groups {
		t.groups[g].control.Store(slotEmpty * lowBits)
		t.groups[g].due = never
	}
	t.due = never
	t.room = slots * 7 / 8
	return t
}

// features are the parts of a table that not every cache needs.
type features struct {
	ordered, weighed bool
	words            words
}

// matchHash marks the slots whose seven bits are those of h. It may mark others.
func matchHash(control, h uint64) uint64 {
	x := control ^ lowBits*(h&(1<<hashBits-1))
	return (x - lowBits) &^ x & highBits
}

// matchEmpty marks the slots at which a search may end.
func matchEmpty(control uint64) uint64 { return control &^ (control << 6) & highBits }

// matchFree marks the slots that may be taken; matchUsed the others.
func matchFree(control uint64) uint64 { return control & highBits }
func matchUsed(control uint64) uint64 { return ^control & highBits }

// lane is the first slot marked.
func lane(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// home is the group at which the search for a key begins. A table may have any
// number of groups, so ten bits of the hash are scaled to it.
func (t *table[K, V]) home(h uint64) int {
	return int(h>>hashBits&(1<<homeBits-1)) * len(t.groups) >> homeBits
}

// after is the group at which a search goes on.
func (t *table[K, V]) after(g int) int {
	if g++; g < len(t.groups) {
		return g
	}
	return 0
}

// atHand reports whether a table is so small that its memory is likely to be in
// the processor's caches.
func (t *table[K, V]) atHand() bool { return len(t.groups) <= 32 }

// fetch makes the memory of a group come, without waiting for it.
func (t *table[K, V]) fetch(g int) {
	fetch(unsafe.Pointer(&t.groups[g]), unsafe.Pointer(&t.entries[g*groupSlots]))
}

// find is k's slot, or -1, for who changes the shard. The entries of the first
// group, where nearly all keys are, are fetched while the processor waits for
// the control word that says which of them it is: one wait for memory instead
// of two.
func (t *table[K, V]) find(h uint64, k K) int {
	g := t.home(h)
	t.fetch(g)
	for ; ; g = t.after(g) {
		control := t.groups[g].control.Load()
		for m := matchHash(control, h); m != 0; m &= m - 1 {
			if i := g*groupSlots + lane(m); t.at(i).key == k {
				return i
			}
		}
		if matchEmpty(control) != 0 {
			return -1
		}
	}
}

// findPlace is the slot of the entry that is at this place of the order, or -1.
func (t *table[K, V]) findPlace(h uint64, place uint32) int {
	for g := t.home(h); ; g = t.after(g) {
		control := t.groups[g].control.Load()
		for m := matchHash(control, h); m != 0; m &= m - 1 {
			if i := g*groupSlots + lane(m); t.places[i] == place {
				return i
			}
		}
		if matchEmpty(control) != 0 {
			return -1
		}
	}
}

// claim takes a slot for a key that has none. There must be room.
func (t *table[K, V]) claim(h uint64) int {
	for g := t.home(h); ; g = t.after(g) {
		control := t.groups[g].control.Load()
		if free := matchFree(control); free != 0 {
			n := lane(free)
			if matchEmpty(control)>>(8*n)&slotEmpty != 0 {
				t.room--
			}
			t.groups[g].set(n, h&(1<<hashBits-1))
			t.count++
			return g*groupSlots + n
		}
	}
}

// release frees a slot.
func (t *table[K, V]) release(i int) {
	t.at(i).stamp.Store(0)
	if w := t.like.words; !w.few || w.pointers != 0 { // let go of what they point to
		var none pair[K, V]
		t.write(i, none.key, none.value)
	}
	t.count--
	g := &t.groups[i/groupSlots]
	if matchEmpty(g.control.Load()) != 0 { // no search ever went beyond this group
		g.set(i%groupSlots, slotEmpty)
		t.room++
	} else {
		g.set(i%groupSlots, slotDeleted)
	}
}

// set makes to the control byte of the group's n-th slot.
func (g *group) set(n int, to uint64) {
	g.control.Store(g.control.Load()&^(0xFF<<(8*n)) | to<<(8*n))
}

// used yields the slots in use.
func (t *table[K, V]) used(yield func(int) bool) {
	for g := range t.groups {
		for m := matchUsed(t.groups[g].control.Load()); m != 0; m &= m - 1 {
			if !yield(g*groupSlots + lane(m)) {
				return
			}
		}
	}
}

// lower makes sure that slot i is looked at when it is due, and reports
// whether that is earlier than anything else in the table.
func (t *table[K, V]) lower(i int, due int64) bool {
	g := &t.groups[i/groupSlots]
	if due >= g.due {
		return false
	}
	g.due = due
	if due >= t.due {
		return false
	}
	t.due = due
	return true
}

// take copies slot i of another table to this one, which must have room and be
// in no directory yet.
func (t *table[K, V]) take(from *table[K, V], i int, h uint64) {
	n := t.claim(h)
	e := from.at(i)
	t.entries[n].stamp.Store(e.stamp.Load() &^ writing)
	t.entries[n].pair = e.pair
	if t.places != nil {
		t.places[n] = from.places[i]
	}
	if t.costs != nil {
		t.costs[n] = from.costs[i]
	}
	t.lower(n, t.entries[n].due())
}

// expire removes what was due by limit through drop, and makes all minima
// exact.
func (t *table[K, V]) expire(limit int64, drop func(i int)) {
	earliest := int64(never)
	for g := range t.groups {
		if t.groups[g].due <= limit {
			t.expireGroup(g, limit, drop)
		}
		earliest = min(earliest, t.groups[g].due)
	}
	t.due = earliest
}

func (t *table[K, V]) expireGroup(g int, limit int64, drop func(i int)) {
	earliest := int64(never)
	for m := matchUsed(t.groups[g].control.Load()); m != 0; m &= m - 1 {
		i := g*groupSlots + lane(m)
		if due := t.at(i).due(); due > limit {
			earliest = min(earliest, due)
		} else {
			drop(i)
		}
	}
	t.groups[g].due = earliest
}

// live is how many entries are alive. Only the groups in which something may
// be due are looked at.
func (t *table[K, V]) live(now int64) int {
	if t.due > now {
		return t.count
	}
	n := t.count
	for g := range t.groups {
		if t.groups[g].due > now {
			continue
		}
		for m := matchUsed(t.groups[g].control.Load()); m != 0; m &= m - 1 {
			if t.entries[g*groupSlots+lane(m)].due() <= now {
				n--
			}
		}
	}
	return n
}

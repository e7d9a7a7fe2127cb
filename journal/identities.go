package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math"
)

// An identity is the keyed 96-bit hash of an event's ID. Two different IDs
// never meet in practice: a new event meets one of a million remembered once in
// 10^22. And nobody without the key can make them meet.
type identity struct {
	hi uint64
	lo uint32
}

// A hasher makes identities. The key is drawn at Open and never stored, since
// the memory of identities is rebuilt then.
type hasher struct {
	block cipher.Block
	x     [aes.BlockSize]byte // here, not on the stack: the interface call would move it to the heap
}

func newHashKey() (cipher.Block, error) {
	var key [16]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fmt.Errorf("draw the key of the identity hash: %w", err)
	}
	return aes.NewCipher(key[:])
}

// sum is CBC-MAC with the length in the first block, which makes it a secure
// keyed hash for messages of any length.
func (h *hasher) sum(id []byte) identity {
	clear(h.x[:])
	le.PutUint64(h.x[:], uint64(len(id)))
	h.block.Encrypt(h.x[:], h.x[:])
	for len(id) > 0 {
		n := subtle.XORBytes(h.x[:], h.x[:], id[:min(len(id), aes.BlockSize)])
		h.block.Encrypt(h.x[:], h.x[:])
		id = id[n:]
	}
	return identity{le.Uint64(h.x[:]), le.Uint32(h.x[8:])}
}

// identities remembers the last max identities with their sequence numbers:
// a ring in order of arrival, and an open-addressing index into it. It holds no
// pointers to speak of, so the garbage collector hardly looks inside. The ring
// grows chunk by chunk, which copies nothing; one million identities take
// 22 MB. The zero identities forgets nothing.
//
// A slot has beside the place in the ring how far it is behind its identity's
// home, the slot where the search for it begins. So a search looks into the
// ring, which is far from any cache, only for what has the same home, and a
// removal hardly at all.
type identities struct {
	max     int // 0: no bound
	ring    [][]remembered
	size    int // places in the ring
	head, n int
	base    uint64   // what the numbers in the ring are counted from
	slots   []uint32 // place in the ring + 1, and above placeBits the distance from home; 0 is free
	evicted uint64
	warmth  uint32 // what warm has read: of no use but to keep the reads
}

// IdentitiesMax is the most identities that a journal can remember.
const IdentitiesMax = 1<<placeBits - 1

// placeBits hold the largest place + 1. The bits above them hold the distance,
// or awayMax for all that are too long.
const (
	placeBits = 25
	awayMax   = 1<<(32-placeBits) - 1
)

type remembered struct {
	hi  uint64
	lo  uint32
	seq uint32 // above base
}

const identitiesChunk = 1024

// at is the entry at a place in the ring.
func (t *identities) at(place int) *remembered {
	return &t.ring[place/identitiesChunk][place%identitiesChunk]
}

// place is the place in the ring of the i-th oldest. A division would take longer
// than all else that adding does.
func (t *identities) place(i int) int {
	if i += t.head; i >= t.size {
		i -= t.size
	}
	return i
}

// find returns the sequence number of id.
func (t *identities) find(id identity) (seq uint64, ok bool) {
	if r := t.lookUp(id); r != nil {
		return t.base + uint64(r.seq), true
	}
	return 0, false
}

func (t *identities) lookUp(id identity) *remembered {
	if t.n == 0 {
		return nil
	}
	away := uint32(0)
	for i := t.home(id.lo); t.slots[i] != 0; i = t.next(i) {
		if slot := t.slots[i]; slot>>placeBits == min(away, awayMax) {
			if r := t.at(placeOf(slot)); r.hi == id.hi && r.lo == id.lo {
				return r
			}
		}
		away++
	}
	return nil
}

// warm reads the slot where a search begins, so that it is in the processor's
// cache when the search comes. Slots are far from any cache, and the reads for
// many identities do not wait for one another, as their searches would.
func (t *identities) warm(lo uint32) {
	if t.n > 0 {
		t.warmth += t.slots[t.home(lo)]
	}
}

// addAll adds those of other, none of which is known.
func (t *identities) addAll(other *identities) {
	for i := range other.n {
		t.warm(other.at(other.place(i)).lo)
		if i < t.n { // it goes, when the table is full
			t.warm(t.at(t.place(i)).lo)
		}
	}
	other.each(t.add)
}

func placeOf(slot uint32) int { return int(slot&IdentitiesMax) - 1 }

// home is the slot where the search for an identity begins.
func (t *identities) home(lo uint32) uint32 {
	return uint32(uint64(lo) * uint64(len(t.slots)) >> 32)
}

// next is the slot behind i.
func (t *identities) next(i uint32) uint32 {
	if i++; int(i) < len(t.slots) {
		return i
	}
	return 0
}

// away is how far slot i is behind slot from.
func (t *identities) away(from, i uint32) uint32 {
	if i >= from {
		return i - from
	}
	return i + uint32(len(t.slots)) - from
}

// remember adds id unless it is known: then it keeps its first number.
func (t *identities) remember(id identity, seq uint64) {
	if _, ok := t.find(id); !ok {
		t.add(id, seq)
	}
}

// renumber gives id another number, or adds it.
func (t *identities) renumber(id identity, seq uint64) {
	t.reach(seq)
	if r := t.lookUp(id); r != nil {
		r.seq = uint32(seq - t.base)
		return
	}
	t.add(id, seq)
}

// add adds an id that is not known. One too many forgets the oldest.
func (t *identities) add(id identity, seq uint64) {
	t.reach(seq)
	if t.n == t.size && !t.grow() {
		t.forgetOldest()
		t.evicted++
	}
	place := t.place(t.n)
	*t.at(place) = remembered{id.hi, id.lo, uint32(seq - t.base)}
	t.n++
	t.index(place)
}

// reach moves base so that seq, which is above all others, can be told from it.
// What is more than 2^31 numbers older is forgotten.
func (t *identities) reach(seq uint64) {
	if t.n > 0 && seq-t.base > math.MaxUint32 {
		young := identities{max: t.max, evicted: t.evicted}
		t.each(func(id identity, old uint64) {
			if seq-old > 1<<31 {
				young.evicted++
				return
			}
			young.add(id, old)
		})
		*t = young
	}
	if t.n == 0 {
		t.base = seq
	}
}

func (t *identities) index(place int) {
	away := uint32(0)
	i := t.home(t.at(place).lo)
	for t.slots[i] != 0 {
		i = t.next(i)
		away++
	}
	t.slots[i] = uint32(place+1) | min(away, awayMax)<<placeBits
}

// awayFromHome is how far what is in slot i is from its home.
func (t *identities) awayFromHome(i uint32) uint32 {
	if away := t.slots[i] >> placeBits; away < awayMax {
		return away
	}
	return t.away(t.home(t.at(placeOf(t.slots[i])).lo), i)
}

// grow adds a chunk to the ring, up to max, and reports whether there is
// room now. The ring only grows while nothing was forgotten, so it begins at 0
// and every place in it stays what it was.
func (t *identities) grow() bool {
	limit := IdentitiesMax
	if t.max > 0 {
		limit = t.max
	}
	size := min(t.size+identitiesChunk, limit)
	if size <= t.size {
		return false
	}
	t.ring = append(t.ring, make([]remembered, size-t.size))
	t.size = size
	if 3*size <= 2*len(t.slots) {
		return true
	}
	t.slots = make([]uint32, min(max(2*len(t.slots), 2*identitiesChunk), limit*3/2+1))
	for place := range t.n {
		t.index(place)
	}
	return true
}

// forgetOldest frees the slot of the oldest and moves up what was displaced by
// it, so that no search ends early at the hole.
func (t *identities) forgetOldest() {
	hole := t.home(t.at(t.head).lo)
	for placeOf(t.slots[hole]) != t.head {
		hole = t.next(hole)
	}
	for i := t.next(hole); t.slots[i] != 0; i = t.next(i) {
		away, back := t.awayFromHome(i), t.away(hole, i)
		if away >= back {
			t.slots[hole] = t.slots[i]&IdentitiesMax | min(away-back, awayMax)<<placeBits
			hole = i
		}
	}
	t.slots[hole] = 0
	t.head = t.place(1)
	t.n--
}

// oldest is the sequence number of the oldest identity, or 0.
func (t *identities) oldest() uint64 {
	if t.n == 0 {
		return 0
	}
	return t.base + uint64(t.at(t.head).seq)
}

// each calls f for every identity, oldest first.
func (t *identities) each(f func(identity, uint64)) {
	for i := range t.n {
		r := t.at(t.place(i))
		f(identity{r.hi, r.lo}, t.base+uint64(r.seq))
	}
}

// reset forgets all but keeps the memory, unless that has become much larger
// than what was in it.
func (t *identities) reset() {
	if t.size > identitiesChunk && t.n < t.size/16 {
		t.ring, t.slots, t.size = nil, nil, 0
	}
	clear(t.slots)
	t.head, t.n = 0, 0
}

package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
)

// An identity is the keyed 128-bit hash of an event's ID. Two different IDs
// never meet in practice, and nobody without the key can make them.
type identity struct{ hi, lo uint64 }

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
	return identity{le.Uint64(h.x[:]), le.Uint64(h.x[8:])}
}

// identities remembers the last max identities with their sequence numbers:
// a ring in order of arrival, and an open-addressing index into it. It holds no
// pointers to speak of, so the garbage collector hardly looks inside. The ring
// grows chunk by chunk, which copies nothing; one million identities take
// 32 MB. The zero identities forgets nothing.
//
// A slot has the low bits of its identity's home, the slot where the search
// for it begins, beside the place in the ring. So a search looks into the ring,
// which is far from any cache, only for what has the same home, and a removal
// not at all.
type identities struct {
	max     int // 0: no bound
	ring    [][]remembered
	size    int // places in the ring
	head, n int
	slots   []uint32 // place in the ring + 1, and above placeBits the home; 0 is free
	far     bool     // an identity stands too far from its home for its slot to tell it
	evicted uint64
}

// IdentitiesMax is the most identities that a journal can remember.
const IdentitiesMax = 1<<placeBits - 1

// placeBits hold the largest place + 1. The bits above them tell the home of
// what stands at most homeMask slots behind it, and so practically always, see
// home.
const (
	placeBits = 25
	homeMask  = 1<<(32-placeBits) - 1
)

type remembered struct {
	id  identity
	seq uint64
}

const identitiesChunk = 1024

// at is the entry at a place in the ring.
func (t *identities) at(place int) *remembered {
	return &t.ring[place/identitiesChunk][place%identitiesChunk]
}

// find returns the sequence number of id.
func (t *identities) find(id identity) (seq uint64, ok bool) {
	if r := t.lookUp(id); r != nil {
		return r.seq, true
	}
	return 0, false
}

func (t *identities) lookUp(id identity) *remembered {
	if t.n == 0 {
		return nil
	}
	mask := uint32(len(t.slots) - 1)
	home := uint32(id.lo) & mask
	for i := home; t.slots[i] != 0; i = (i + 1) & mask {
		if slot := t.slots[i]; slot>>placeBits == home&homeMask {
			if r := t.at(placeOf(slot)); r.id == id {
				return r
			}
		}
	}
	return nil
}

func placeOf(slot uint32) int { return int(slot&IdentitiesMax) - 1 }

// remember adds id unless it is known: then it keeps its first number.
func (t *identities) remember(id identity, seq uint64) {
	if _, ok := t.find(id); !ok {
		t.add(id, seq)
	}
}

// renumber gives id another number, or adds it.
func (t *identities) renumber(id identity, seq uint64) {
	if r := t.lookUp(id); r != nil {
		r.seq = seq
		return
	}
	t.add(id, seq)
}

// add adds an id that is not known. One too many forgets the oldest.
func (t *identities) add(id identity, seq uint64) {
	if t.n == t.size && !t.grow() {
		t.forgetOldest()
		t.evicted++
	}
	place := (t.head + t.n) % t.size
	*t.at(place) = remembered{id, seq}
	t.n++
	t.index(place)
}

func (t *identities) index(place int) {
	mask := uint32(len(t.slots) - 1)
	home := uint32(t.at(place).id.lo) & mask
	i := home
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = uint32(place+1) | home<<placeBits
	t.far = t.far || (i-home)&mask > homeMask
}

// home is where the search for what is in slot i begins.
func (t *identities) home(i, mask uint32) uint32 {
	if t.far {
		return uint32(t.at(placeOf(t.slots[i])).id.lo) & mask
	}
	return (i - (i-t.slots[i]>>placeBits)&homeMask) & mask
}

// grow adds a chunk to the ring, up to max, and reports whether there is room
// now. The ring only grows while nothing was forgotten, so it begins at 0 and
// every place in it stays what it was.
func (t *identities) grow() bool {
	size := min(t.size+identitiesChunk, IdentitiesMax)
	if t.max > 0 {
		size = min(size, t.max)
	}
	if size <= t.size {
		return false
	}
	t.ring = append(t.ring, make([]remembered, size-t.size))
	t.size = size
	if 2*size <= len(t.slots) {
		return true
	}
	t.slots = make([]uint32, max(2*len(t.slots), 2*identitiesChunk))
	t.far = false
	for place := range t.n {
		t.index(place)
	}
	return true
}

// forgetOldest frees the slot of the oldest and moves up what was displaced by
// it, so that no search ends early at the hole.
func (t *identities) forgetOldest() {
	mask := uint32(len(t.slots) - 1)
	hole := uint32(t.at(t.head).id.lo) & mask
	for placeOf(t.slots[hole]) != t.head {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if (i-t.home(i, mask))&mask >= (i-hole)&mask {
			t.slots[hole] = t.slots[i]
			hole = i
		}
	}
	t.slots[hole] = 0
	t.head = (t.head + 1) % t.size
	t.n--
}

// oldest is the sequence number of the oldest identity, or 0.
func (t *identities) oldest() uint64 {
	if t.n == 0 {
		return 0
	}
	return t.at(t.head).seq
}

// each calls f for every identity, oldest first.
func (t *identities) each(f func(identity, uint64)) {
	for i := range t.n {
		r := t.at((t.head + i) % t.size)
		f(r.id, r.seq)
	}
}

// reset forgets all but keeps the memory, unless that has become much larger
// than what was in it.
func (t *identities) reset() {
	if t.size > identitiesChunk && t.n < t.size/16 {
		t.ring, t.slots, t.size = nil, nil, 0
	}
	clear(t.slots)
	t.head, t.n, t.far = 0, 0, false
}

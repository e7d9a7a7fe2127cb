package ttlcache

// An order says which entry of a shard makes room. It is S3-FIFO (Yang et al.,
// "FIFO queues are all you need for cache eviction", SOSP 2023): what is new
// waits in a small queue, from which it leaves soon unless it is used; what was
// used, or comes back soon after it left, goes to the main queue, where each
// use gives it another round. A Get only counts, in two bits of the entry.
//
// Entries move in memory, so the queues hold refs, bits of the hash by which an
// entry is found, and each entry knows its place in its queue.
type order struct {
	queues [2]queue // small, main
	ghosts []uint32 // refs of what left the small queue, each where its bits say; as many as entries
}

const (
	smallQueue = 0
	mainQueue  = 1

	smallShare = 20 // the small queue may hold one in so many entries
	examineMax = 64 // candidates looked at for one eviction, so that no lock is held for long
)

const tableBits = hashBits + homeBits // of a hash are all that a table looks at

// refOf is what the order keeps of a hash: the bits that choose table and
// group, and the seven of the control word. It is never 0.
func refOf(h uint64, skip uint8) uint32 {
	return 1<<31 | uint32(h<<skip>>(64-directoryDepthMax))<<tableBits | uint32(h&(1<<tableBits-1))
}

// hashOf is a hash whose ref is r.
func hashOf(r uint32, skip uint8) uint64 {
	return uint64(r&^(1<<31)>>tableBits)<<(64-directoryDepthMax)>>skip | uint64(r&(1<<tableBits-1))
}

// newOrder is nil if the cache has no use for an order.
func newOrder(like features) *order {
	if !like.ordered {
		return nil
	}
	return new(order)
}

// returns reports whether a new entry was here lately, and forgets that.
func (o *order) returns(ref uint32) bool {
	g := o.ghost(ref)
	if g == nil || *g != ref {
		return false
	}
	*g = 0
	return true
}

// push adds a ref to a queue and returns its place there.
func (o *order) push(q uint32, ref uint32) uint32 { return placeOf(o.queues[q].push(ref), q) }

// placeOf is a place: the number of the push, and the queue.
func placeOf(number, q uint32) uint32 { return number<<1 | q }

// ref is what stands at a place.
func (o *order) ref(place uint32) uint32 { return *o.queues[place&1].at(place >> 1) }

// remove takes out what is at a place.
func (o *order) remove(place uint32) { o.queues[place&1].remove(place >> 1) }

// ghost is where the ref of an entry that has left is remembered.
func (o *order) ghost(ref uint32) *uint32 {
	if len(o.ghosts) == 0 {
		return nil
	}
	// The bits of a ref are already spread; the multiplication is there for
	// the few that choose a place.
	return &o.ghosts[uint64(ref*0x9E3779B1)*uint64(len(o.ghosts))>>32]
}

// remember keeps the ref of an entry that left the small queue unused.
func (o *order) remember(ref uint32) {
	if held := o.queues[0].held + o.queues[1].held; len(o.ghosts) == 0 || len(o.ghosts) < held || len(o.ghosts) > 4*held+64 {
		o.resizeGhosts(held + held/4 + 8)
	}
	*o.ghost(ref) = ref
}

func (o *order) resizeGhosts(n int) {
	old := o.ghosts
	o.ghosts = make([]uint32, n)
	for _, ref := range old {
		if ref != 0 {
			*o.ghost(ref) = ref
		}
	}
}

// first is the queue for what was not here lately. As long as nothing was
// evicted, the main queue is filled with what the small one has no room for:
// otherwise a loop would find nothing in its second round.
func (o *order) first(evicted uint64) uint32 {
	if evicted == 0 && o.queues[smallQueue].held > 0 && o.next() == smallQueue {
		return mainQueue
	}
	return smallQueue
}

// next is the queue whose oldest entry may have to leave next.
func (o *order) next() uint32 {
	small, main := o.queues[smallQueue].held, o.queues[mainQueue].held
	if small > (small+main)/smallShare || main == 0 {
		return smallQueue
	}
	return mainQueue
}

// A queue is first in, first out, in a ring that grows and shrinks. What is
// removed in the middle leaves a hole, 0.
type queue struct {
	ring       []uint32
	head, tail uint32 // numbers of the oldest, which is never a hole, and of the next push; they wrap
	held       int    // without holes
}

const numberMask = 1<<31 - 1 // a place has one bit for the queue

func (q *queue) at(number uint32) *uint32 { return &q.ring[number&uint32(len(q.ring)-1)] }

func (q *queue) length() int { return int((q.tail - q.head) & numberMask) }

// push appends a ref and returns its number.
func (q *queue) push(ref uint32) uint32 {
	if q.length() == len(q.ring) {
		q.resize(max(16, 2*len(q.ring)))
	}
	number := q.tail
	*q.at(number) = ref
	q.tail = (q.tail + 1) & numberMask
	q.held++
	return number
}

// remove makes a hole. At head there is none.
func (q *queue) remove(number uint32) {
	*q.at(number) = 0
	q.held--
	for q.head != q.tail && *q.at(q.head) == 0 {
		q.head = (q.head + 1) & numberMask
	}
	q.shrink()
}

// shrink gives memory back.
func (q *queue) shrink() {
	if len(q.ring) > 64 && q.length() < len(q.ring)/8 {
		q.resize(len(q.ring) / 4)
	}
}

// resize keeps numbers as they are, since entries know them.
func (q *queue) resize(slots int) {
	ring := make([]uint32, slots)
	for n := q.head; n != q.tail; n = (n + 1) & numberMask {
		ring[n&uint32(slots-1)] = *q.at(n)
	}
	q.ring = ring
}

// sparse reports whether holes are most of a queue, so that its oldest should
// be moved on.
func (q *queue) sparse() bool { return q.length() > 2*q.held+16 }

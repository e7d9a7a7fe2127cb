//go:build lockorder

package lockorder

import (
	"sync"
	"sync/atomic"
)

// A mode is how a lock is taken.
type mode uint8

const (
	exclusive mode = iota
	shared         // the read side
)

// A track is what is known of one lock.
type track struct {
	id   atomic.Uint32 // 0 until it is first taken
	turn uint32        // counts the writers; guarded by the lock itself
}

var lastID atomic.Uint32

// number is the lock's own, given when it is first taken. After four thousand
// million locks numbers begin anew, and two locks may share one.
func (t *track) number() uint32 {
	if id := t.id.Load(); id != 0 {
		return id
	}
	id := lastID.Add(1)
	if id == 0 {
		id = lastID.Add(1)
	}
	if t.id.CompareAndSwap(0, id) {
		return id
	}
	return t.id.Load()
}

// A holding is a lock that a goroutine has.
type holding struct {
	id   uint32
	mode mode
	turn uint32
	pc   uintptr // where it was taken
	sum  uint64  // stands for this holding and all before it
}

// A shelf is what one goroutine holds. Only that goroutine touches it.
type shelf struct {
	record uintptr // where the runtime keeps the goroutine: one at a time, reused
	next   *shelf
	who    uint64
	held   []holding
	sync   atomic.Uint32 // only for the race detector, which does not see that goroutines on one record follow one another
}

// shelves are by the goroutine's record. There are never more records than
// goroutines were alive at once, so shelves are made once and kept.
var shelves [1 << 13]atomic.Pointer[shelf]

// find returns the calling goroutine's shelf.
func find(me goroutine) *shelf {
	if !quick {
		return findSlowly(me.number)
	}
	head := &shelves[me.record>>6*0x9e3779b1>>7%uintptr(len(shelves))]
	s := head.Load()
	for s != nil && s.record != me.record {
		s = s.next
	}
	if s == nil {
		s = &shelf{record: me.record, who: me.number}
		for {
			s.next = head.Load()
			if head.CompareAndSwap(s.next, s) {
				break
			}
		}
	}
	if raceDetector {
		s.sync.Add(1)
	}
	if s.who != me.number { // another goroutine was here, and ended
		s.who, s.held = me.number, s.held[:0]
	}
	return s
}

// byNumber are the shelves where the record is not known, while they are not empty.
var byNumber struct {
	sync.Mutex
	of map[uint64]*shelf
}

func findSlowly(who uint64) *shelf {
	byNumber.Lock()
	defer byNumber.Unlock()
	if byNumber.of == nil {
		byNumber.of = map[uint64]*shelf{}
	}
	s := byNumber.of[who]
	if s == nil {
		s = &shelf{who: who}
		byNumber.of[who] = s
	}
	return s
}

// cleared is called when a goroutine's last holding went.
func (s *shelf) cleared() {
	if !quick {
		byNumber.Lock()
		defer byNumber.Unlock()
		delete(byNumber.of, s.who)
	}
}

// want is called before a goroutine waits for the lock.
func (t *track) want(s *shelf, pc uintptr, m mode) {
	if len(s.held) == 0 {
		return
	}
	if lost.n.Load() > 0 && s.drop() {
		return
	}
	id := t.number()
	key := mix(s.held[len(s.held)-1].sum, id, m)
	if slot := &known[key%uint64(len(known))]; slot.Load() != key {
		learn(s.who, s.held, id, pc, m)
		slot.Store(key)
	}
}

// got is called when the lock was taken.
func (t *track) got(s *shelf, pc uintptr, m mode, turn uint32) {
	var below uint64
	if n := len(s.held); n > 0 {
		below = s.held[n-1].sum
	}
	id := t.number()
	s.held = append(s.held, holding{id, m, turn, pc, mix(below, id, m)})
}

// gave is called before the lock is given back.
func (t *track) gave(s *shelf, m mode, turn uint32) {
	id := t.id.Load()
	for i := len(s.held) - 1; i >= 0; i-- {
		if h := &s.held[i]; h.id == id && h.mode == m {
			s.remove(i)
			return
		}
	}
	if len(s.held) == 0 {
		s.cleared()
	}
	lose(id, m, turn)
}

// remove takes one holding off.
func (s *shelf) remove(i int) {
	if last := len(s.held) - 1; i < last {
		copy(s.held[i:], s.held[i+1:])
	}
	s.held = s.held[:len(s.held)-1]
	for ; i < len(s.held); i++ {
		var below uint64
		if i > 0 {
			below = s.held[i-1].sum
		}
		s.held[i].sum = mix(below, s.held[i].id, s.held[i].mode)
	}
	if len(s.held) == 0 {
		s.cleared()
	}
}

// lost is the holdings that others gave back than who took them. Their owner
// strikes them off when he next looks.
var lost struct {
	sync.Mutex
	n  atomic.Int64
	of map[holding]int // by id, mode and turn
}

// lostMax bounds the holdings of goroutines that ended and never look.
const lostMax = 1 << 12

func lose(id uint32, m mode, turn uint32) {
	lost.Lock()
	defer lost.Unlock()
	if len(lost.of) >= lostMax || lost.of == nil {
		lost.of = map[holding]int{}
		lost.n.Store(0)
	}
	lost.of[holding{id: id, mode: m, turn: turn}]++
	lost.n.Add(1)
}

// drop strikes off what others gave back, and reports whether nothing is left.
func (s *shelf) drop() (empty bool) {
	lost.Lock()
	defer lost.Unlock()
	for i := len(s.held) - 1; i >= 0; i-- {
		key := holding{id: s.held[i].id, mode: s.held[i].mode, turn: s.held[i].turn}
		if lost.of[key] == 0 {
			continue
		}
		if lost.of[key]--; lost.of[key] == 0 {
			delete(lost.of, key)
		}
		lost.n.Add(-1)
		s.remove(i)
	}
	return len(s.held) == 0
}

// mix folds one more lock into a sum that stands for a row of them.
func mix(below uint64, id uint32, m mode) uint64 {
	x := below ^ (uint64(id)<<1|uint64(m))*0x9e3779b97f4a7c15
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x ^ x>>29
}

// known are rows of locks that have been learned, each at its place or
// overwritten by another there, which is then learned again.
var known [1 << 14]atomic.Uint64

//go:build lockorder

package lockorder

import "sync"

// Enabled reports whether the program was built with the tag lockorder.
const Enabled = true

// Mutex is sync.Mutex that watches the order in which it is taken. Its zero
// value is an unlocked mutex.
type Mutex struct {
	mu    sync.Mutex
	track track
}

// Lock locks m. A wait that can never end is told before it begins.
//
//go:noinline
func (m *Mutex) Lock() {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	s := find(me)
	m.track.want(s, pc, exclusive)
	m.mu.Lock()
	m.track.turn++
	m.track.got(s, pc, exclusive, m.track.turn)
}

// TryLock locks m if nobody has it, and reports whether it did.
//
//go:noinline
func (m *Mutex) TryLock() bool {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	if !m.mu.TryLock() {
		return false
	}
	s := find(me)
	m.track.turn++
	m.track.got(s, pc, exclusive, m.track.turn)
	return true
}

// Unlock unlocks m. As with sync.Mutex another goroutine than the one that
// locked it may do so.
//
//go:noinline
func (m *Mutex) Unlock() {
	me, _ := peek()
	if !quick {
		me, _ = look()
	}
	m.track.gave(find(me), exclusive, m.track.turn)
	m.mu.Unlock()
}

// RWMutex is sync.RWMutex that watches the order in which it is taken. Its zero
// value is an unlocked mutex.
type RWMutex struct {
	mu    sync.RWMutex
	track track
}

// Lock locks m to write.
//
//go:noinline
func (m *RWMutex) Lock() {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	s := find(me)
	m.track.want(s, pc, exclusive)
	m.mu.Lock()
	m.track.turn++
	m.track.got(s, pc, exclusive, m.track.turn)
}

// TryLock locks m to write if nobody has it, and reports whether it did.
//
//go:noinline
func (m *RWMutex) TryLock() bool {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	if !m.mu.TryLock() {
		return false
	}
	s := find(me)
	m.track.turn++
	m.track.got(s, pc, exclusive, m.track.turn)
	return true
}

// Unlock unlocks m for writing.
//
//go:noinline
func (m *RWMutex) Unlock() {
	me, _ := peek()
	if !quick {
		me, _ = look()
	}
	m.track.gave(find(me), exclusive, m.track.turn)
	m.mu.Unlock()
}

// RLock locks m to read. Reading again while one reads is told: a writer that
// comes between the two waits for the first, and the second for the writer.
//
//go:noinline
func (m *RWMutex) RLock() {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	s := find(me)
	m.track.want(s, pc, shared)
	m.mu.RLock()
	m.track.got(s, pc, shared, 0)
}

// TryRLock locks m to read if nobody writes, and reports whether it did.
//
//go:noinline
func (m *RWMutex) TryRLock() bool {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	if !m.mu.TryRLock() {
		return false
	}
	s := find(me)
	m.track.got(s, pc, shared, 0)
	return true
}

// RUnlock undoes one RLock.
//
//go:noinline
func (m *RWMutex) RUnlock() {
	me, _ := peek()
	if !quick {
		me, _ = look()
	}
	m.track.gave(find(me), shared, 0)
	m.mu.RUnlock()
}

// RLocker returns a sync.Locker whose Lock and Unlock are m's RLock and RUnlock.
func (m *RWMutex) RLocker() sync.Locker { return (*reader)(m) }

// A reader is the read side of an RWMutex as a lock of its own.
type reader RWMutex

//go:noinline
func (r *reader) Lock() {
	me, pc := peek()
	if !quick {
		me, pc = look()
	}
	s := find(me)
	r.track.want(s, pc, shared)
	r.mu.RLock()
	r.track.got(s, pc, shared, 0)
}

//go:noinline
func (r *reader) Unlock() { (*RWMutex)(r).RUnlock() }

package ttlcache

import (
	"time"
	"weak"
)

const (
	sweepBatch = 256              // entries removed in one hold of the lock, so that a mass expiry delays no Get for long
	sweepPause = time.Millisecond // sweeps are at least so far apart, so that many close deadlines cost one sweep
)

// setAlarm makes sure that a sweep comes no later than the first deadline. The
// caller holds mu.
func (s *store[K, V]) setAlarm(now int64) {
	first := s.due.first()
	if first == nil || first.expires >= s.wake {
		return
	}
	s.wake = first.expires
	wait := time.Duration(s.wake - now)
	if s.alarm != nil {
		s.alarm.Reset(wait)
		return
	}
	// The timer must not keep a forgotten cache alive.
	forgotten := weak.Make(s)
	s.alarm = time.AfterFunc(wait, func() {
		if s := forgotten.Value(); s != nil {
			s.sweep()
		}
	})
}

// sweep removes what has expired and sets the alarm for what comes next. It
// runs on the timer's goroutine and ends when nothing is due.
func (s *store[K, V]) sweep() {
	for s.sweepSome() {
	}
}

// sweepSome removes one batch and reports whether more is due.
func (s *store[K, V]) sweepSome() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for range sweepBatch {
		e := s.due.first()
		if e == nil {
			s.wake = never
			return false
		}
		if e.expires > now {
			s.wake = max(e.expires, now+int64(sweepPause))
			s.alarm.Reset(time.Duration(s.wake - now))
			return false
		}
		s.remove(e)
	}
	return true
}

// deadlines is a binary min-heap of the entries that expire. An entry knows
// its place, so that any of them can be moved.
type deadlines[K comparable, V any] []*entry[K, V]

// first is the entry that expires next, nil when none does.
func (d deadlines[K, V]) first() *entry[K, V] {
	if len(d) == 0 {
		return nil
	}
	return d[0]
}

// move gives e a new deadline; with never it leaves the heap.
func (d *deadlines[K, V]) move(e *entry[K, V], expires int64) {
	e.expires = expires
	switch {
	case expires == never && e.place < 0:
	case expires == never:
		d.take(e)
	case e.place < 0:
		*d = append(*d, e)
		e.place = len(*d) - 1
		d.up(e.place)
	default:
		d.down(e.place)
		d.up(e.place)
	}
}

func (d *deadlines[K, V]) take(e *entry[K, V]) {
	h := *d
	i, last := e.place, len(h)-1
	d.swap(i, last)
	h[last] = nil
	*d = h[:last]
	e.place = -1
	if i < last {
		moved := h[i]
		d.down(i)
		d.up(moved.place)
	}
	if cap(h) > 1024 && last < cap(h)/4 {
		*d = append(make(deadlines[K, V], 0, cap(h)/2), *d...)
	}
}

func (d deadlines[K, V]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if d[parent].expires <= d[i].expires {
			return
		}
		d.swap(i, parent)
		i = parent
	}
}

func (d deadlines[K, V]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(d) {
			return
		}
		if right := child + 1; right < len(d) && d[right].expires < d[child].expires {
			child = right
		}
		if d[i].expires <= d[child].expires {
			return
		}
		d.swap(i, child)
		i = child
	}
}

func (d deadlines[K, V]) swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

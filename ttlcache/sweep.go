package ttlcache

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// sweepPause is how far apart sweeps are at least, so that many deadlines close
// together cost one sweep. It bounds how late an entry leaves memory.
const sweepPause = time.Millisecond

// An alarm starts the sweep when something is due. While nothing is, there is
// a timer and no goroutine.
type alarm struct {
	at atomic.Int64 // when it goes off; never when it is not set

	mu       sync.Mutex
	timer    *time.Timer // nil until it is set for the first time
	earliest int64       // when it may go off again
	stopped  bool
}

// set makes sure that it goes off no later than at.
func (a *alarm) set(wake func(), now func() int64, at int64) {
	if at >= a.at.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at = max(at, a.earliest)
	if at >= a.at.Load() || a.stopped {
		return
	}
	a.at.Store(at)
	wait := time.Duration(at - now())
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, wake)
	} else {
		a.timer.Reset(wait)
	}
}

// gone says that it went off at this instant.
func (a *alarm) gone(now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at.Store(never)
	a.earliest = now + int64(sweepPause)
}

// stop is for good.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

// wakeAt makes sure that there is a sweep no later than at.
func (s *store[K, V]) wakeAt(at int64) {
	if at < s.alarm.at.Load() {
		s.alarm.set(s.weakSweep(), s.clock.now, at)
	}
}

// weakSweep is the sweep of a cache that may be forgotten: the timer must not
// keep it alive.
func (s *store[K, V]) weakSweep() func() {
	forgotten := weak.Make(s)
	return func() {
		if s := forgotten.Value(); s != nil {
			s.sweep()
		}
	}
}

// sweep removes what has expired and sets the alarm for what comes next. No
// deadline is missed: the alarm is taken down before the shards are looked at,
// so a Set that comes after the look finds it down and sets it.
func (s *store[K, V]) sweep() {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	s.alarm.gone(s.clock.now())
	next := int64(never)
	for i := range s.shards {
		sh := &s.shards[i]
		for s.sweepSome(sh) {
			// Who waits for the lock was woken when it came free, and would lose
			// it to the next turn here, for a millisecond at worst.
			runtime.Gosched()
		}
		next = min(next, sh.due.Load())
	}
	if next != never {
		s.wakeAt(next + s.grace)
	}
}

// sweepSome expires what is due in one table of a shard, and reports whether
// there may be more. The lock is held for no longer than that, and free while
// the callback runs.
func (s *store[K, V]) sweepSome(sh *shard[K, V]) bool {
	limit := s.clock.now() - s.grace
	if sh.due.Load() > limit {
		return false
	}
	var told removals[K, V]
	sh.lock()
	s.expireOne(sh, limit, &told)
	sh.unlock()
	s.report(told)
	return true
}

// expireOne removes what was due by limit from one table of a shard. If there
// is no such table it says so in sh.due. The caller has sh.lock.
func (s *store[K, V]) expireOne(sh *shard[K, V], limit int64, told *removals[K, V]) {
	for at, t := range sh.each {
		if t.due > limit {
			continue
		}
		t.expire(limit, func(i int) {
			sh.counts.late = max(sh.counts.late, limit-t.entries[i].due())
			s.drop(sh, t, i, Expired, told)
		})
		sh.shrink(t, at)
		return
	}
	sh.due.Store(sh.directory.due())
}

// report tells the callback what was removed. No lock is held, so it may use
// the cache. If it panics, the others are told all the same.
func (s *store[K, V]) report(told removals[K, V]) {
	if len(told) == 0 {
		return
	}
	defer func() { s.report(told) }()
	for len(told) > 0 {
		r := told[0]
		told = told[1:]
		s.onRemove(r.key, r.value, r.reason)
	}
}

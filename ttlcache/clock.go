package ttlcache

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"time"
)

// A clock is the time since a cache was made, in nanoseconds, monotonic.
//
// Reading the exact time costs more than all the rest of a Get, and its fence
// keeps the cache misses of consecutive Gets from overlapping. So where the
// processor has a counter that can be trusted, a Get reads that instead, which
// proves a bound: "it is certainly not later than". That is all it takes to see
// that an entry with some time left is alive. What the bound does not decide,
// the exact time does; so answers are always exact.
//
// The proof needs no background activity and cannot be outrun by a stopped
// process: it compares the counter now with the counter at the last exact
// reading, and whoever finds that reading too old takes another.
type clock struct {
	base    time.Time
	counted bool                    // the counter may be used
	last    atomic.Pointer[reading] // the last exact reading that was paired with the counter
}

// A reading pairs the counter with the exact time. The counter was read first,
// so that a pause in between makes the reading look older than it is.
type reading struct {
	counter uint64
	now     int64
}

const (
	// The counter runs at one tick in a nanosecond or faster, which
	// counterTrusted has measured, so a reading that is ticks old is at most as
	// many nanoseconds old.
	readingTicksMax = 50e6
	// What lives longer than that after the reading is alive: twice the bound,
	// for counters that differ a little between processors.
	readingMargin = int64(100 * time.Millisecond)
)

func newClock() clock {
	return clock{base: time.Now(), counted: !inBubble() && counterTrusted()}
}

// now is the exact time.
func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// alive reports whether due is still to come. It must be called while due can
// not change, so that the answer holds for an instant at which due did.
func (c *clock) alive(due int64) bool {
	if due == never {
		return true
	}
	if !c.counted {
		return due > c.now()
	}
	r := c.last.Load()
	if r != nil && due-r.now > readingMargin && counter()-r.counter < readingTicksMax {
		return true
	}
	return c.pair(r, due)
}

// pair reads the exact time and, if the last reading is old, keeps it as the
// next one. Of several that try, one succeeds.
func (c *clock) pair(last *reading, due int64) bool {
	ticks := counter()
	now := c.now()
	if last == nil || now-last.now > int64(20*time.Millisecond) {
		c.last.CompareAndSwap(last, &reading{ticks, now})
	}
	return due > now
}

// inBubble reports whether this goroutine is in a testing/synctest bubble,
// whose clock has nothing to do with the processor's. There is no function for
// this, but the goroutine's header says it; TestClockInBubble watches.
func inBubble() bool {
	var header [128]byte
	n := runtime.Stack(header[:], false)
	line, _, _ := bytes.Cut(header[:n], []byte("\n"))
	return bytes.Contains(line, []byte("synctest"))
}

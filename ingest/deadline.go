package ingest

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines gives each request a context that ends when its time is up. The
// requests of one deadlineTick share one: a timer and a channel for each would
// cost more than the decoding of its event.
type deadlines struct {
	timeout time.Duration
	last    atomic.Pointer[deadline]
}

type deadline struct {
	until  time.Time
	ctx    context.Context
	cancel context.CancelFunc // not called: the timer does it, and others may still be on it
}

// deadlineTick is how much longer than its timeout a request may have.
const deadlineTick = 50 * time.Millisecond

// from returns a context that ends the timeout after now, or up to one tick
// later.
func (d *deadlines) from(now time.Time) context.Context {
	least := now.Add(d.timeout)
	if last := d.last.Load(); last != nil && !least.After(last.until) {
		return last.ctx
	}
	next := &deadline{until: least.Add(deadlineTick)}
	next.ctx, next.cancel = context.WithDeadline(context.Background(), next.until)
	d.last.Store(next)
	return next.ctx
}

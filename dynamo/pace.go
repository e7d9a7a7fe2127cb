package dynamo

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// The pauses before something is sent again: full jitter, as in Marc Brooker,
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
const (
	pauseMin = 25 * time.Millisecond
	pauseMax = 5 * time.Second
)

// calmFor is about as long as the requests under way take to come back.
const calmFor = 50 * time.Millisecond

// jitter is a pause somewhere between nothing and twice the last bound.
func jitter(attempt int) time.Duration {
	most := pauseMax
	if attempt < 8 {
		most = min(most, pauseMin<<attempt)
	}
	return rand.N(most)
}

// wait pauses, or returns ctx's error when that comes first.
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// A pace limits how many requests run at once, as TCP limits what is in
// flight: each success adds a little, each throttling halves it.
type pace struct {
	most float64

	mu    sync.Mutex // guards what follows
	limit float64    // 1 to most
	busy  int
	calm  time.Time       // until then another throttling is the same event
	queue []chan struct{} // who waits, in their order
}

func newPace(most int) *pace { return &pace{most: float64(most), limit: float64(most)} }

// enter waits until one more request may run. Who enters must leave.
func (p *pace) enter(ctx context.Context) error {
	p.mu.Lock()
	if len(p.queue) == 0 && p.busy < int(p.limit) {
		p.busy++
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	p.queue = append(p.queue, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		p.abandon(turn)
		return ctx.Err()
	}
}

// abandon takes a waiter out of the queue. One whose turn came at the same
// moment has entered already, and leaves.
func (p *pace) abandon(turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.queue, turn)
	if i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return
	}
	p.busy--
	p.admit()
}

// leave ends a request that went as it should.
func (p *pace) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.limit = min(p.most, p.limit+1/p.limit)
	p.admit()
}

// leaveThrottled ends a request that the table had no room for. It reports
// whether the limit was lowered: the requests that were under way at that
// moment lower it only once.
func (p *pace) leaveThrottled(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	lower := now.After(p.calm)
	if lower {
		p.limit = max(1, p.limit/2)
		p.calm = now.Add(calmFor)
	}
	p.admit()
	return lower
}

// admit lets in who waits. The caller holds mu.
func (p *pace) admit() {
	for len(p.queue) > 0 && p.busy < int(p.limit) {
		p.busy++
		close(p.queue[0])
		p.queue = p.queue[1:]
	}
}

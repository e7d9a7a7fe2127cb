package penstock

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Retry writes again what still pends, for as long as the context allows. It
// gives up on nothing: a Reject settles an event before Retry sees it, and
// every other error is taken to pass.
type Retry struct {
	To Sink

	// Min is the first pause and Max the longest; each pause doubles the one
	// before and is jittered by half. 0 means 100 ms and 10 s.
	Min, Max time.Duration

	// OnError, if set, is told of each failed attempt, counted from 1, and of
	// the pause that follows.
	OnError func(err error, attempt int, pause time.Duration)
}

// Write returns nil once nothing of the batch pends, or an error that wraps
// both ctx's and the last attempt's.
func (r Retry) Write(ctx context.Context, b *Batch) error {
	for attempt := 1; ; attempt++ {
		err := r.To.Write(ctx, b)
		pending := b.Tally().Pending
		if pending == 0 {
			return nil
		}
		if err == nil { // believe the ledger, not the call
			err = fmt.Errorf("the sink returned no error but left %d of %d events pending", pending, len(b.Events))
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		pause := r.pause(attempt)
		if r.OnError != nil {
			r.OnError(err, attempt, pause)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

func (r Retry) pause(attempt int) time.Duration {
	pause, longest := r.Min, r.Max
	if pause <= 0 {
		pause = 100 * time.Millisecond
	}
	if longest <= 0 {
		longest = 10 * time.Second
	}
	for ; attempt > 1 && pause < longest; attempt-- {
		pause *= 2
	}
	pause = min(pause, longest)
	return pause/2 + rand.N(pause/2+1)
}

package penstock

import (
	"context"
	"errors"
)

// Bisect finds the bad event of a refused batch: on a *Refusal it writes each
// half by itself, in order, down to single events, which a sink rejects
// itself. Events are never reordered: the second half is only begun when the
// first is settled. Finding k bad events among n costs about 2k·log2(n) writes,
// or k when the sink rejects the first bad one itself before it refuses the rest.
//
// Put DeadLetters inside, so that a reject's letter is durable before anything
// behind it in the batch is written, and Retry outside, as a refusal never
// passes by itself: Retry{Bisect{DeadLetters{To: sink, ...}}}.
type Bisect struct {
	To Sink
}

// Write writes b, whole if it can.
func (s Bisect) Write(ctx context.Context, b *Batch) error {
	for {
		before := b.Tally().Pending
		err := s.To.Write(ctx, b)
		var refusal *Refusal
		if err == nil || !errors.As(err, &refusal) {
			return err
		}
		// Everything not settled goes on, condemned events too: their letters
		// are DeadLetters' work inside, and must not be overtaken.
		b = b.where(func(e *Event) bool { return e.verdict == Pending })
		n := len(b.Events)
		switch {
		case n == 0:
			return nil
		case int64(n) < before:
			continue // it got further: what is left may be good
		case n == 1:
			return err // the sink broke its word to reject a single event itself
		}
		if err := s.Write(ctx, &Batch{Events: b.Events[: n/2 : n/2]}); err != nil {
			return err
		}
		return s.Write(ctx, &Batch{Events: b.Events[n/2:]})
	}
}

package penstock

import (
	"context"
	"errors"
)

// Bisect finds the bad event of a refused batch: on a *Refusal it writes each
// half by itself, in order, down to single events, which a sink rejects
// itself. Events are never reordered: the second half is only begun when the
// first is settled. Finding k bad events among n costs about k·log2(n) writes.
//
// Put DeadLetters inside, so that a reject's letter is durable before anything
// behind it in the batch is written: Bisect{DeadLetters{To: sink, ...}}.
type Bisect struct {
	To Sink
}

// Write writes b, whole if it can.
func (s Bisect) Write(ctx context.Context, b *Batch) error {
	err := s.To.Write(ctx, b)
	var refusal *Refusal
	if err == nil || !errors.As(err, &refusal) {
		return err
	}
	// Everything not settled goes into the halves, condemned events too: their
	// letters are DeadLetters' work inside, and must not be overtaken.
	left := b.where(func(e *Event) bool { return e.verdict == Pending })
	n := len(left.Events)
	if n < 2 {
		return err
	}
	if err := s.Write(ctx, &Batch{Events: left.Events[: n/2 : n/2]}); err != nil {
		return err
	}
	return s.Write(ctx, &Batch{Events: left.Events[n/2:]})
}

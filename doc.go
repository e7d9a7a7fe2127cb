// Package penstock is the language of the house: events travel in batches
// from a door (Source) through steps to a sink, and the call is the ack.
//
//	into := penstock.DeadLetters{
//		To:      penstock.Pipeline{Steps: steps, To: journal},
//		Letters: journal,
//	}
//	err := into.Write(ctx, batch) // every event's fate stands in the batch
//
// A batch is a ledger. Write settles the events whose fate is certain, each
// exactly once, and returns an error that says why some still pend. The zero
// verdict is Pending, so what nobody settled is never acknowledged. There are
// no channels, goroutines or ack callbacks inside a pipeline: concurrency
// belongs to Sources. Needs one event: a Step. Needs the whole batch: a Sink
// round a Sink, as HTTP middleware is a Handler round a Handler.
//
// Errors are of two kinds. A *Reject is the event's fault: trying again gives
// the same answer. Every other error is the world's: the event pends, and
// calling Write again with the same batch touches only what still pends.
//
// The conservation law holds at all times and is asserted by every test:
//
//	read = delivered + dropped + rejected + pending
package penstock

import "context"

// A Source is a door: it reads events and writes them into a Sink. Run returns
// nil when the door is drained, or ctx's error when ctx ends first. It owns
// every goroutine it starts and waits for them before it returns.
type Source interface {
	Run(ctx context.Context, into Sink) error
}

// A Step looks at one event and may change it. A *Reject rejects the event;
// any other error is the world's and leaves it pending. A step may run again
// on the same event when its batch is retried, so it must be repeatable: the
// same event gives the same result twice.
type Step func(ctx context.Context, e *Event) error

// A Sink takes a batch and settles what is durable. When Write returns nil,
// every event of the batch is settled; an error says why some still pend. A
// Sink leaves settled events alone, keeps nothing that points into the batch
// once Write has returned, and may be called from many goroutines with
// different batches.
//
// A Sink begins with b.Pending(): the other events are settled or wait only
// for their dead letter. One that settles a part of a batch settles no event
// before the earlier ones of its key. With nothing pending it returns nil.
//
// A sink that refuses a batch without knowing which event is at fault settles
// none of the refused events and returns a *Refusal; given a single pending
// event it rejects that event itself. See Bisect.
//
// A sink that keeps progress, from which a door goes on after a crash, never
// counts an event in that has no place yet: until the letter of a rejected
// event is durable, a crash would lose it. Either its progress is the set of
// settled positions; or, if it is the last position alone, then a sink that
// rejects an event of many has delivered all before that one and nothing behind
// it, and returns a *Refusal, with DeadLetters and Bisect around it.
type Sink interface {
	Write(ctx context.Context, b *Batch) error
}

// SinkFunc lets an ordinary function be a Sink.
type SinkFunc func(ctx context.Context, b *Batch) error

// Write calls f.
func (f SinkFunc) Write(ctx context.Context, b *Batch) error { return f(ctx, b) }

package penstock

import "context"

// A Pipeline runs its steps over each pending event, in order, then writes
// those that passed. It is itself a Sink. An event whose step fails with a
// *Reject is rejected. One whose step fails otherwise pends, and everything
// behind it in the batch waits with it: so order survives the retry, a sink's
// progress cannot pass an event it never saw, and a look-up that is down costs
// one timeout a Write and not one an event.
//
// Rejected events are handed on too, and To leaves them alone unless it is
// DeadLetters. So both ways round are right: DeadLetters{To: Pipeline{...}}
// writes the letters last, Pipeline{To: DeadLetters{...}} before anything of
// the batch is written, as a sink whose progress is a last position needs it.
type Pipeline struct {
	Steps []Step
	To    Sink
}

// Write runs the steps and writes what passed.
func (p Pipeline) Write(ctx context.Context, b *Batch) error {
	n, held := p.run(ctx, b.Events)
	on := (&Batch{Events: b.Events[:n:n]}).where(func(e *Event) bool {
		return e.verdict == Pending || e.unlettered()
	})
	if len(on.Events) > 0 {
		if err := p.To.Write(ctx, on); err != nil {
			return err
		}
	}
	return held
}

// run judges the pending events up to the first that the world holds up, and
// returns how many stand before that one, and why it was held.
func (p Pipeline) run(ctx context.Context, events []*Event) (int, error) {
	for i, e := range events {
		if e.verdict != Pending || e.condemned() {
			continue
		}
		err := p.judge(ctx, e)
		if err == nil {
			continue
		}
		r := AsReject(err)
		if r == nil {
			return i, err
		}
		e.Reject(r)
	}
	return len(events), nil
}

func (p Pipeline) judge(ctx context.Context, e *Event) error {
	for _, step := range p.Steps {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

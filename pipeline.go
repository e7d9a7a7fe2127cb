package penstock

import "context"

// A Pipeline runs its steps over each pending event, then writes those that
// passed. It is itself a Sink. An event whose step fails with a *Reject is
// rejected; one whose step fails otherwise pends, and so does every later
// event of the same key, so that order by key survives the retry.
type Pipeline struct {
	Steps []Step
	To    Sink
}

// Write runs the steps and writes what passed.
func (p Pipeline) Write(ctx context.Context, b *Batch) error {
	pending := b.Pending()
	held, why := p.run(ctx, pending.Events)
	passed := pending.where(func(e *Event) bool { return e.verdict == Pending && !held.holds(e) })
	if len(passed.Events) > 0 {
		if err := p.To.Write(ctx, passed); err != nil {
			return err
		}
	}
	return why
}

// run judges the events and returns those the world's errors hold back, with
// the first such error.
func (p Pipeline) run(ctx context.Context, events []*Event) (held heldEvents, why error) {
	for _, e := range events {
		if held.keys != nil && held.keys[string(e.Key)] {
			held.add(e)
			continue
		}
		err := p.judge(ctx, e)
		if err == nil {
			continue
		}
		if r := AsReject(err); r != nil {
			e.Reject(r)
			continue
		}
		held.add(e)
		if why == nil {
			why = err
		}
	}
	return held, why
}

func (p Pipeline) judge(ctx context.Context, e *Event) error {
	for _, step := range p.Steps {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// heldEvents are the events of one Write that the world's errors hold back.
type heldEvents struct {
	events map[*Event]bool
	keys   map[string]bool
}

func (h *heldEvents) add(e *Event) {
	if h.events == nil {
		h.events = map[*Event]bool{}
		h.keys = map[string]bool{}
	}
	h.events[e] = true
	if len(e.Key) > 0 {
		h.keys[string(e.Key)] = true
	}
}

func (h *heldEvents) holds(e *Event) bool { return h.events != nil && h.events[e] }

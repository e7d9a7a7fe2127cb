package penstock

import "context"

// A Pipeline runs its steps over each pending event, then writes those that
// passed. It is itself a Sink. An event whose step fails with a *Reject is
// rejected; one whose step fails otherwise is held: it pends, and so does every
// later event of its key, so that order by key survives the retry. When the
// step that gives the key has not run on a held event, its key could be any,
// and every later event with a key is held too: put that step before those
// that the world can fail.
//
// Rejected events are handed on too, and To leaves them alone unless it is
// DeadLetters. So both ways round are right: DeadLetters{To: Pipeline{...}}
// writes the letters last, Pipeline{To: DeadLetters{...}} before anything of
// the batch is written, as a sink that keeps progress needs it.
type Pipeline struct {
	Steps []Step
	To    Sink
}

// Write runs the steps and writes what passed.
func (p Pipeline) Write(ctx context.Context, b *Batch) error {
	held, why := p.run(ctx, b.Pending().Events)
	on := b.where(func(e *Event) bool { return (e.verdict == Pending || e.unlettered()) && !held.holds(e) })
	if len(on.Events) > 0 {
		if err := p.To.Write(ctx, on); err != nil {
			return err
		}
	}
	return why
}

// run judges the events and returns those the world's errors hold back, with
// the first such error.
func (p Pipeline) run(ctx context.Context, events []*Event) (held heldEvents, why error) {
	for _, e := range events {
		if held.blocks(e) {
			held.add(e)
			continue
		}
		err := p.judge(ctx, e)
		if r := AsReject(err); r != nil {
			e.Reject(r)
			continue
		}
		if err != nil && why == nil {
			why = err
		}
		if err != nil || held.blocks(e) { // asked again: a step may have given the key
			held.add(e)
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
	events  map[*Event]bool
	keys    map[string]bool
	keyless bool // one of them has no key yet, so it may be of any
}

func (h *heldEvents) add(e *Event) {
	if h.events == nil {
		h.events = map[*Event]bool{}
		h.keys = map[string]bool{}
	}
	h.events[e] = true
	if len(e.Key) == 0 {
		h.keyless = true
		return
	}
	h.keys[string(e.Key)] = true
}

// blocks reports whether e would overtake a held event of its key.
func (h *heldEvents) blocks(e *Event) bool {
	return h.events != nil && len(e.Key) > 0 && (h.keyless || h.keys[string(e.Key)])
}

func (h *heldEvents) holds(e *Event) bool { return h.events != nil && h.events[e] }

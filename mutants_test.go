package penstock_test

import (
	"context"
	"errors"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
)

// A checker that never fails is no checker: each of these broken nouns must be
// caught by the simulation.
var mutants = []struct {
	name   string
	breaks func(*language)
}{
	{"retry gives up with nil", func(l *language) { l.retry = wrap(retryGivesUp) }},
	{"retry starts afresh with copies", func(l *language) { l.retry = wrap(retryCopies) }},
	{"bisect skips the second half", func(l *language) { l.bisect = wrap(bisectSkips) }},
	{"bisect goes on past an unsettled half", func(l *language) { l.bisect = wrap(bisectOvertakes) }},
	{"bisect writes the halves in reverse", func(l *language) { l.bisect = wrap(bisectReverses) }},
	{"bisect leaves out the condemned", func(l *language) { l.bisect = wrap(bisectForgetsLetters) }},
	{"dead letters settle before the letter is durable", func(l *language) { l.letters = lettersUnsure }},
	{"dead letters let others overtake a missing letter", func(l *language) { l.letters = lettersOvertaken }},
	{"dead letters write no letter", func(l *language) { l.letters = lettersNone }},
	{"pipeline lets events pass one that is held", func(l *language) { l.pipeline = pipelineOvertakes }},
	{"pipeline lets other keys pass one that is held", func(l *language) { l.pipeline = pipelineHoldsKeys }},
	{"pipeline judges the rejected again", func(l *language) { l.pipeline = pipelineAgain }},
	{"pipeline keeps its rejects from the sink", func(l *language) { l.pipeline = pipelineKeepsRejects }},
	{"pipeline takes the world's error for a reject", func(l *language) { l.pipeline = pipelineRejectsAll }},
	{"sink settles before it stores", func(l *language) { l.sink = mutant(sinkSettlesFirst) }},
	{"sink takes a timeout for success", func(l *language) { l.sink = mutant(sinkTrustsTimeouts) }},
	{"sink remembers an id before it is durable", func(l *language) { l.sink = sinkRemembersEarly }},
	{"sink's progress passes a reject", func(l *language) { l.sink = mutant(sinkPassesRejects) }},
	{"sink stores in no order", func(l *language) { l.sink = mutant(sinkReverses) }},
}

func TestMutantsAreCaught(t *testing.T) {
	const seeds = 300
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			for seed := range uint64(seeds) {
				l := honest()
				m.breaks(&l)
				if s := simulate(t, seed, l); len(s.violations) > 0 {
					t.Logf("caught by seed %d (%s): %s", seed, s.shape, s.violations[0])
					return
				}
			}
			t.Errorf("the simulation did not see it in %d seeds", seeds)
		})
	}
}

// A middleware writes a batch into a sink, in its own broken way.
type middleware func(ctx context.Context, to penstock.Sink, b *penstock.Batch) error

func wrap(m middleware) func(penstock.Sink) penstock.Sink {
	return func(to penstock.Sink) penstock.Sink {
		return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error { return m(ctx, to, b) })
	}
}

func mutant(m middleware) func(*faults.Sink) penstock.Sink {
	return func(s *faults.Sink) penstock.Sink { return wrap(m)(s) }
}

func retryGivesUp(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	for range 3 {
		if to.Write(ctx, b) == nil {
			break
		}
	}
	return nil
}

func retryCopies(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	for {
		c := clones(b.Events)
		if err := to.Write(ctx, c); err != nil && ctx.Err() == nil {
			continue
		} else if err != nil {
			return err
		}
		for i, e := range b.Pending().Events {
			e.Deliver(c.Events[i].Place())
		}
		return nil
	}
}

// halves is what a Bisect has to work on when b is refused; nil when it is not.
func halves(ctx context.Context, to penstock.Sink, b *penstock.Batch) (first, second *penstock.Batch, err error) {
	err = to.Write(ctx, b)
	var refusal *penstock.Refusal
	if !errors.As(err, &refusal) {
		return nil, nil, err
	}
	left := &penstock.Batch{}
	for _, e := range b.Events {
		if e.Verdict() == penstock.Pending {
			left.Events = append(left.Events, e)
		}
	}
	n := len(left.Events)
	return &penstock.Batch{Events: left.Events[:(n+1)/2]}, &penstock.Batch{Events: left.Events[(n+1)/2:]}, nil
}

func bisectSkips(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	first, _, err := halves(ctx, to, b)
	if first == nil {
		return err
	}
	return bisectSkips(ctx, to, first)
}

func bisectOvertakes(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	first, second, err := halves(ctx, to, b)
	if first == nil {
		return err
	}
	return errors.Join(bisectOvertakes(ctx, to, first), bisectOvertakes(ctx, to, second))
}

func bisectReverses(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	first, second, err := halves(ctx, to, b)
	if first == nil {
		return err
	}
	if err := bisectReverses(ctx, to, second); err != nil {
		return err
	}
	return bisectReverses(ctx, to, first)
}

func bisectForgetsLetters(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	first, second, err := halves(ctx, to, b.Pending())
	if first == nil {
		return err
	}
	if err := bisectForgetsLetters(ctx, to, first); err != nil {
		return err
	}
	return bisectForgetsLetters(ctx, to, second)
}

func letterOf(e *penstock.Event) *penstock.Event {
	return &penstock.Event{ID: e.ID, Key: e.Key, Origin: e.Origin, Body: e.Raw, Letter: true}
}

// rejected returns the letters of what is rejected in b.
func rejected(b *penstock.Batch) *penstock.Batch {
	letters := &penstock.Batch{}
	for _, e := range b.Events {
		if e.Verdict() == penstock.Rejected {
			letters.Events = append(letters.Events, letterOf(e))
		}
	}
	return letters
}

func lettersUnsure(to, letters penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		err := to.Write(ctx, b.Pending())
		_ = letters.Write(ctx, rejected(b))
		return err
	})
}

// lettersOvertaken writes the healthy events even while a letter is missing.
func lettersOvertaken(to, letters penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		pending := b.Pending()
		waiting := &penstock.Batch{}
		for _, e := range b.Events {
			if e.Reason() != nil {
				waiting.Events = append(waiting.Events, e)
			}
		}
		late := penstock.DeadLetters{To: to, Letters: letters}.Write(ctx, waiting)
		return errors.Join(penstock.DeadLetters{To: to, Letters: letters}.Write(ctx, pending), late)
	})
}

func lettersNone(to, _ penstock.Sink) penstock.Sink { return to }

// judge runs the steps over one event.
func judge(ctx context.Context, steps []penstock.Step, e *penstock.Event) error {
	for _, step := range steps {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// onward runs the steps over the events that choose picks, then writes b
// without those that hold says must wait.
func onward(ctx context.Context, steps []penstock.Step, to penstock.Sink, b *penstock.Batch,
	choose func(*penstock.Event) bool, hold func(*penstock.Event, error) bool) error {
	var world error
	on := &penstock.Batch{}
	for _, e := range b.Events {
		if !choose(e) {
			on.Events = append(on.Events, e)
			continue
		}
		err := judge(ctx, steps, e)
		if r := penstock.AsReject(err); r != nil {
			e.Reject(r)
			err = nil
		}
		if err != nil {
			world = err
		}
		if !hold(e, err) {
			on.Events = append(on.Events, e)
		}
	}
	if err := to.Write(ctx, on); err != nil {
		return err
	}
	return world
}

func undecided(e *penstock.Event) bool {
	return e.Verdict() == penstock.Pending && e.Reason() == nil
}

func failed(_ *penstock.Event, err error) bool { return err != nil }

func pipelineOvertakes(steps []penstock.Step, to penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		return onward(ctx, steps, to, b, undecided, failed)
	})
}

// pipelineHoldsKeys was once the real one: order by key survives, but the
// progress of a sink passes the held event.
func pipelineHoldsKeys(steps []penstock.Step, to penstock.Sink) penstock.Sink {
	keysFirst := append(steps[1:len(steps):len(steps)], steps[0])
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		held := map[string]bool{}
		return onward(ctx, keysFirst, to, b, undecided, func(e *penstock.Event, err error) bool {
			if err != nil {
				held[string(e.Key)] = true
			}
			return held[string(e.Key)]
		})
	})
}

func pipelineAgain(steps []penstock.Step, to penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		return onward(ctx, steps, to, b, func(e *penstock.Event) bool { return e.Verdict() == penstock.Pending }, failed)
	})
}

func pipelineKeepsRejects(steps []penstock.Step, to penstock.Sink) penstock.Sink {
	live := wrap(func(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
		return to.Write(ctx, b.Pending())
	})
	return penstock.Pipeline{Steps: steps, To: live(to)}
}

func pipelineRejectsAll(steps []penstock.Step, to penstock.Sink) penstock.Sink {
	all := func(ctx context.Context, e *penstock.Event) error {
		if err := judge(ctx, steps, e); err != nil {
			return penstock.NewReject("error", "", "%v", err)
		}
		return nil
	}
	return penstock.Pipeline{Steps: []penstock.Step{all}, To: to}
}

// clones are fresh pending events with the same contents.
func clones(events []*penstock.Event) *penstock.Batch {
	b := &penstock.Batch{}
	for _, e := range events {
		b.Events = append(b.Events, &penstock.Event{
			ID: e.ID, Key: e.Key, Origin: e.Origin, Raw: e.Raw, Body: e.Body, Headers: e.Headers, Letter: e.Letter,
		})
	}
	return b
}

func sinkSettlesFirst(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	pending := b.Pending().Events
	for _, e := range pending {
		e.Deliver(penstock.Place{})
	}
	return to.Write(ctx, clones(pending))
}

func sinkTrustsTimeouts(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	err := to.Write(ctx, b)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, e := range b.Pending().Events {
		e.Deliver(penstock.Place{})
	}
	return nil
}

func sinkRemembersEarly(s *faults.Sink) penstock.Sink {
	seen := map[string]bool{} // one bubble, one goroutine at a time
	return wrap(func(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
		for _, e := range b.Pending().Events {
			if seen[string(e.ID)] && !e.Letter {
				e.Drop(penstock.Place{})
			}
			seen[string(e.ID)] = true
		}
		return to.Write(ctx, b)
	})(s)
}

// sinkPassesRejects rejects what it can tell and delivers all the rest.
func sinkPassesRejects(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	rest := &penstock.Batch{}
	for _, e := range b.Pending().Events {
		if e.Raw != nil && !e.Letter && string(e.Raw[:4]) == "sink" {
			e.Reject(penstock.NewReject("bad", "", "too large"))
			continue
		}
		rest.Events = append(rest.Events, e)
	}
	return to.Write(ctx, rest)
}

func sinkReverses(ctx context.Context, to penstock.Sink, b *penstock.Batch) error {
	events := b.Pending().Events
	for i := len(events) - 1; i >= 0; i-- {
		if err := to.Write(ctx, &penstock.Batch{Events: events[i : i+1]}); err != nil {
			return err
		}
	}
	return nil
}

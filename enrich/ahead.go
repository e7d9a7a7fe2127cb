package enrich

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/penstock-io/penstock"
)

// Ahead returns a Sink that asks for a whole batch at once before it writes the
// batch to to, whose steps then find the answers in memory. Step by itself asks
// for one event after the other, so that a batch of many new values waits for as
// many answers. Put it behind the steps that give the values to ask with:
//
//	penstock.Pipeline{
//		Steps: []penstock.Step{s.Check, s.Derive, s.Identify},
//		To: lookups.Ahead(penstock.Pipeline{
//			Steps: []penstock.Step{lookups.Step, s.Encode},
//			To:    journal,
//		}),
//	}
//
// It decides nothing: what fails or is missing here, Step finds again.
func (x *Enricher) Ahead(to penstock.Sink) penstock.Sink {
	if x.remotes == 0 {
		return to
	}
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		if events := b.Pending().Events; len(events) > 1 {
			x.askAhead(ctx, events)
		}
		return to.Write(ctx, b)
	})
}

// askAhead runs the look-ups of the events in parallel. An event is one
// goroutine's at a time, and running a step twice is allowed.
func (x *Enricher) askAhead(ctx context.Context, events []*penstock.Event) {
	var next atomic.Int64
	var asking sync.WaitGroup
	for range min(concurrencyMax, len(events)) {
		asking.Go(func() {
			var uncounted counts // Step counts the events
			for {
				i := int(next.Add(1) - 1)
				if i >= len(events) || ctx.Err() != nil {
					return
				}
				for _, l := range x.lookups {
					if l.run(ctx, events[i], &uncounted) != nil {
						break
					}
				}
			}
		})
	}
	asking.Wait()
}

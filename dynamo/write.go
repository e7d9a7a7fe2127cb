package dynamo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-io/penstock"
)

// A chain is the events of one key in a Write, in their order.
type chain []*item

func (c chain) last() *item { return c[len(c)-1] }

// Write puts the pending events into the table and settles each as soon as
// DynamoDB has it. Of the events of one key the last is written; those before
// it, which it writes over, are delivered with it. An event that DynamoDB
// cannot hold is rejected by itself. An error says why the rest still pends.
func (t *Table) Write(ctx context.Context, b *penstock.Batch) error {
	chains, pieces := t.chains(b.Pending().Events)
	if len(chains) == 0 {
		return nil
	}
	if t.o.Mode != Put {
		return t.each(ctx, len(chains), func(ctx context.Context, i int) error { return t.putChain(ctx, chains[i]) })
	}
	return t.each(ctx, len(pieces), func(ctx context.Context, i int) error { return t.send(ctx, pieces[i]) })
}

// chains sorts the events by key, rejects those that cannot be items, and cuts
// the chains into pieces of one request each.
func (t *Table) chains(events []*penstock.Event) (chains []chain, pieces [][]chain) {
	at := make(map[string]int, len(events))
	for _, e := range events {
		it, why := t.item(e)
		if why != nil {
			e.Reject(why)
			continue
		}
		i, there := at[it.id]
		if !there {
			i = len(chains)
			at[it.id] = i
			chains = append(chains, nil)
		}
		chains[i] = append(chains[i], it)
	}
	return chains, t.cut(chains)
}

// cut makes pieces within the limits of a request. On the wire an item is at
// most about six times its own size: a byte may become \u0000.
func (t *Table) cut(chains []chain) (pieces [][]chain) {
	var piece []chain
	bytes := 0
	for _, c := range chains {
		wire := 6*c.last().bytes + 64*(len(t.fields)+len(c.last().added))
		if len(piece) == ItemsMax || len(piece) > 0 && bytes+wire > RequestBytes {
			pieces, piece, bytes = append(pieces, piece), nil, 0
		}
		piece = append(piece, c)
		bytes += wire
	}
	if len(piece) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// each does n things, as many at once as the table takes. The first error stops
// what has not begun.
func (t *Table) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	if n == 1 {
		return t.explain(do(ctx, 0))
	}
	var (
		wait sync.WaitGroup
		mu   sync.Mutex // guards next and first
		next int
		bad  error
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && bad == nil
	}
	for range min(n, t.o.Concurrency) {
		wait.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := do(ctx, i); err != nil {
					mu.Lock()
					bad = errors.Join(bad, err)
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return t.explain(bad)
}

func (t *Table) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("dynamo: write to table %s: %w", t.o.Table, explained(err))
}

// send writes a piece until all of it is settled, nothing of it gets through for
// as long as Patience, or ctx ends.
func (t *Table) send(ctx context.Context, piece []chain) error {
	since := time.Now() // of the last progress
	for attempt := 1; ; attempt++ {
		rest, err := t.request(ctx, piece)
		if len(rest) == 0 && err == nil {
			return nil
		}
		kind := classify(err)
		switch {
		case kind == refused:
			return t.split(ctx, piece, err)
		case kind == lasting || ctx.Err() != nil:
			return err
		case len(rest) < len(piece):
			attempt, since = 1, time.Now()
		case time.Since(since) > t.o.Patience:
			return fmt.Errorf("%d items did not get through in %v: %w", len(rest), t.o.Patience, orThrottled(err))
		}
		piece = rest
		if err := wait(ctx, jitter(attempt)); err != nil {
			return errors.Join(err, orThrottled(nil))
		}
	}
}

// split finds the item that DynamoDB refuses, by halves.
func (t *Table) split(ctx context.Context, piece []chain, why error) error {
	if len(piece) == 1 {
		c := piece[0]
		c.last().event.Reject(refusal(why))
		if len(c) == 1 {
			return nil
		}
		return t.send(ctx, []chain{c[:len(c)-1]}) // the one before is now the last
	}
	half := len(piece) / 2
	return errors.Join(t.send(ctx, piece[:half]), t.send(ctx, piece[half:]))
}

// deliver settles a whole chain: its last item is durable, and what it wrote
// over is as if it had been written before.
func (c chain) deliver(place penstock.Place) {
	for _, it := range c {
		it.event.Deliver(place)
	}
}

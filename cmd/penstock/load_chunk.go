package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
)

// examplesMax is how many rejects the summary shows.
const examplesMax = 10

// judge applies the stream's rules to a chunk's events, and stops the load when
// too many are refused.
func (l *loading) judge(ctx context.Context, w *csvfile.Work) error {
	if err := l.apply(ctx, w); err != nil {
		return err
	}
	l.read.Add(int64(len(w.Batch.Events)))
	return l.count(w.Batch.Tally().Rejected)
}

// count adds so many rejects, by the rules or by the table, and returns an
// error when there are more than may be.
func (l *loading) count(rejects int64) error {
	c, read, rejected := l.config, l.read.Load(), l.rejected.Add(rejects)
	if c.errorsMax >= 0 && rejected > c.errorsMax {
		return fmt.Errorf("%w: %d, and --max-errors is %d", errTooMany, rejected, c.errorsMax)
	}
	if read >= 1000 && float64(rejected) > c.errorRateMax*float64(read) {
		return fmt.Errorf("%w: %d of %d records, and --max-error-rate is %v", errTooMany, rejected, read, c.errorRateMax)
	}
	return nil
}

// apply runs the steps, again where a look-up fails for a while: a chunk is
// written when each of its events is judged, never in part.
func (l *loading) apply(ctx context.Context, w *csvfile.Work) error {
	s := l.stream
	passed := penstock.SinkFunc(func(context.Context, *penstock.Batch) error { return nil })
	last := []penstock.Step{l.lookups.Step}
	if l.toTopic {
		last = append(last, s.Encode) // tables take the values themselves
	}
	rules := penstock.Pipeline{
		Steps: []penstock.Step{s.Check, s.Derive, s.Identify},
		To:    l.lookups.Ahead(penstock.Pipeline{Steps: last, To: passed}),
	}
	return l.persist(ctx, func() error { return rules.Write(ctx, &w.Batch) })
}

// write puts a judged chunk into the target.
func (l *loading) write(ctx context.Context, w *csvfile.Work) error {
	w.Chunk.Job = l.job
	err := l.put(ctx, w)
	l.note(w)
	t := w.Batch.Tally()
	l.total.Add(t)
	if err != nil {
		return err
	}
	return l.count(t.Rejected - w.Chunk.Rejects)
}

// put writes a chunk whole: the letters of its rejects first, then its rows and
// its entry in the ledger in one transaction. What the table refuses becomes a
// letter, too, and the rest is written again.
func (l *loading) put(ctx context.Context, w *csvfile.Work) (err error) {
	began := time.Now()
	defer func() { l.serving.Add(int64(time.Since(began))) }()
	part := l.rejects.Part(w)
	defer func() { err = errors.Join(err, part.Close()) }()
	w.Chunk.Rejects = w.Batch.Tally().Rejected
	chunk := l.target.Chunk(w.Chunk)
	into := penstock.Bisect{To: penstock.DeadLetters{To: chunk, Letters: part}}
	return l.persist(ctx, func() error {
		if err := into.Write(ctx, &w.Batch); err != nil {
			return err
		}
		if t := w.Batch.Tally(); t.Delivered+t.Dropped > 0 {
			return nil
		}
		return chunk.Write(ctx, &penstock.Batch{}) // none is left, and the ledger is to know
	})
}

// look counts a chunk's events as delivered that would be, for --dry-run.
func (l *loading) look(_ context.Context, w *csvfile.Work) error {
	for _, e := range w.Batch.Events {
		if e.Verdict() == penstock.Pending {
			e.Deliver(penstock.Place{})
		}
	}
	l.note(w)
	l.total.Add(w.Batch.Tally())
	return nil
}

// note counts rejects by their codes and keeps the first as examples.
func (l *loading) note(w *csvfile.Work) {
	var bad []*penstock.Event
	for _, e := range w.Batch.Events {
		if e.Verdict() == penstock.Rejected {
			bad = append(bad, e)
		}
	}
	if len(bad) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range bad {
		l.codes[e.Reason().Code]++
		if len(l.examples) < examplesMax {
			l.examples = append(l.examples, w.Reject(e, e.Reason()))
		}
	}
}

// persist tries again for as long as --patience allows.
func (l *loading) persist(ctx context.Context, f func() error) error {
	var since time.Time
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if since.IsZero() {
			since = time.Now()
			l.log.Warn("it is tried again", "err", err, "patience", l.config.patience)
		}
		if time.Since(since) > l.config.patience {
			return fmt.Errorf("%w (tried for %v, see --patience; the same command goes on from here)", err, l.config.patience)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

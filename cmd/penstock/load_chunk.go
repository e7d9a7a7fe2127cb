package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
)

// examplesMax is how many rejects the summary shows.
const examplesMax = 10

// judge applies the stream's rules to some events of a chunk, and stops the
// load when too many are refused.
func (l *loading) judge(ctx context.Context, w *csvfile.Work, some *penstock.Batch) error {
	if err := l.rules(ctx, some); err != nil {
		return err
	}
	t := some.Tally()
	if t.Rejected > 0 {
		l.note(w, some)
	}
	l.read.Add(t.Read)
	return l.count(t.Rejected)
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

// rules runs the steps, again where a look-up fails for a while: a chunk is
// written when each of its events is judged, never in part.
func (l *loading) rules(ctx context.Context, b *penstock.Batch) error {
	s := l.stream
	passed := penstock.SinkFunc(func(context.Context, *penstock.Batch) error { return nil })
	last := []penstock.Step{l.lookups.Step}
	if l.toTopic {
		last = append(last, s.Encode) // tables take the values themselves
	}
	steps := penstock.Pipeline{
		Steps: []penstock.Step{s.Check, s.Derive, s.Identify},
		To:    l.lookups.Ahead(penstock.Pipeline{Steps: last, To: passed}),
	}
	return l.persist(ctx, func() error { return steps.Write(ctx, b) })
}

// write puts a judged chunk into the target.
func (l *loading) write(ctx context.Context, w *csvfile.Work) error {
	w.Chunk.Job = l.job
	t, err := l.put(ctx, w)
	l.total.Add(t)
	if err != nil {
		return err
	}
	l.noteDone(w.Chunk, t)
	return l.count(t.Rejected - w.Judged.Rejected)
}

// put writes a chunk whole: the letters of its rejects first, then its rows and
// its entry in the ledger in one transaction. What the table refuses becomes a
// letter, too, and the rest is written again.
func (l *loading) put(ctx context.Context, w *csvfile.Work) (t penstock.Tally, err error) {
	began := time.Now()
	defer func() { l.serving.Add(int64(time.Since(began))) }()
	part := l.rejects.Part(w)
	defer func() { err = errors.Join(err, part.Close()) }()
	w.Chunk.Rejects = w.Judged.Rejected
	passed := &w.Batch
	if w.Judged.Rejected > 0 {
		passed = w.Batch.Pending()
	}
	chunk := l.chunk(w.Chunk)
	into := penstock.Bisect{To: penstock.DeadLetters{To: chunk, Letters: part}}
	err = l.persist(ctx, func() error {
		err := into.Write(ctx, &w.Batch)
		t = w.Batch.Tally()
		if err != nil || t.Delivered+t.Dropped > 0 {
			return err
		}
		return chunk.Write(ctx, &penstock.Batch{}) // none is left, and the ledger is to know
	})
	if t.Rejected > w.Judged.Rejected {
		l.note(w, passed)
	}
	return t, err
}

// look counts a chunk's events as delivered that would be, for --dry-run.
func (l *loading) look(_ context.Context, w *csvfile.Work) error {
	t := w.Judged
	t.Delivered, t.Pending = t.Pending, 0
	l.total.Add(t)
	return nil
}

// note counts the rejects among some events of a chunk by their codes, and keeps
// the first as examples.
func (l *loading) note(w *csvfile.Work, some *penstock.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	codes := l.codes[placeOf(w.Chunk)]
	if codes == nil {
		codes = map[string]int64{}
		l.codes[placeOf(w.Chunk)] = codes
	}
	for _, e := range some.Events {
		if e.Verdict() != penstock.Rejected {
			continue
		}
		codes[e.Reason().Code]++
		if len(l.examples) < examplesMax {
			l.keepExample(w.Reject(e, e.Reason()))
		}
	}
}

// keepExample keeps a reject unless it is there, of a chunk that is loaded anew.
func (l *loading) keepExample(line csvfile.RejectLine) {
	same := func(e csvfile.RejectLine) bool { return e.File == line.File && e.Record == line.Record }
	if !slices.ContainsFunc(l.examples, same) {
		l.examples = append(l.examples, line)
	}
}

// countCodes are the rejects of all chunks by their codes.
func (l *loading) countCodes() map[string]int64 {
	sum := map[string]int64{}
	for _, codes := range l.codes {
		for code, n := range codes {
			sum[code] += n
		}
	}
	return sum
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

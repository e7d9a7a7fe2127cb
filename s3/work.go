package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penstock-io/penstock"
)

// settleWithin is how long the last entries of an invocation may take once its
// time for work is up.
const settleWithin = 3 * time.Second

// A worker carries one object on, from where the ledger says, for one
// invocation.
type worker struct {
	*Door
	*lease
	route  *Route
	report *Report
	cutter Cutter
}

// work carries the object on and leaves the ledger as it should be for whoever
// comes next.
func (d *Door) work(ctx context.Context, l *lease, route *Route, r *Report) error {
	w := &worker{Door: d, lease: l, route: route, report: r}
	working, cancel := w.within(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.keep(working, cancel)
	}()
	err := w.carry(working)
	if cause := context.Cause(working); cause != nil && err != nil {
		err = cause // why it was ended, not where that was noticed
	}
	cancel(nil)
	<-done

	// What follows must not fail for the work's deadline.
	settling, stop := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer stop()
	err = w.settle(settling, err)
	if errors.Is(err, errTaken) {
		err = w.yield(settling, err)
	}
	r.Progress = l.now()
	return err
}

// errTime ends the work of an invocation whose time is up.
var errTime = errors.New("the invocation's time is up")

// within is the time for work: until the margin before the deadline.
func (w *worker) within(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancelCause(ctx)
	}
	timed, stop := context.WithDeadlineCause(ctx, deadline.Add(-w.o.Margin), errTime)
	working, cancel := context.WithCancelCause(timed)
	return working, func(cause error) { cancel(cause); stop() }
}

// carry reads the object to its end.
func (w *worker) carry(ctx context.Context) error {
	p := w.now()
	text, err := open(ctx, w.o.Store, p.Object, p.Size, p.Offset)
	if err != nil {
		return err
	}
	defer text.Close() // only reading: nothing can be lost by it
	if err := w.begin(ctx, text, p); err != nil {
		return err
	}
	var b penstock.Batch
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		first, offset := uint64(w.now().Tally.Read)+1, w.now().Offset
		bytes, err := w.cutter.Next(&b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.write(ctx, &b, offset, bytes, first); err != nil {
			return err
		}
		if err := w.checkpoint(ctx, b.Tally(), offset+bytes); err != nil {
			return err
		}
	}
}

// begin finds out how the text is written, and passes over a byte order mark.
func (w *worker) begin(ctx context.Context, text *text, p Progress) error {
	if p.Format == "" {
		head, err := text.Peek(sniffBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(head) >= len(byteOrder) && string(head[:len(byteOrder)]) == byteOrder {
			if _, err := text.Discard(len(byteOrder)); err != nil {
				return err
			}
			p.Offset, head = int64(len(byteOrder)), head[len(byteOrder):]
		}
		if p.Format, err = w.guess(p.Object.Key, head); err != nil {
			return err
		}
		if err := w.update(ctx, func(l *Progress) { l.Format, l.Offset, l.Stream = p.Format, p.Offset, w.route.Stream.Name }); err != nil {
			return err
		}
	}
	format, err := w.format(p.Format)
	if err != nil {
		return err
	}
	w.cutter, err = format(Input{
		Text: text, Stream: w.route.Stream, Door: p.Object.String(), First: uint64(p.Tally.Read) + 1, State: p.Inner,
	})
	if err != nil {
		return fmt.Errorf("%w: %v", errMalformed, err)
	}
	return nil
}

// write settles a batch: its rejects are stored before it is.
func (w *worker) write(ctx context.Context, b *penstock.Batch, offset, bytes int64, first uint64) error {
	if len(b.Events) == 0 {
		return nil
	}
	p := w.now()
	chunk := penstock.Chunk{
		Job: "lambda", Source: p.Object.String(), Start: offset, Length: bytes, First: first,
		Count: int64(len(b.Events)), Rejects: b.Tally().Rejected,
	}
	into := penstock.Bisect{To: penstock.DeadLetters{To: w.route.Into(chunk), Letters: w.rejects(p, w.route, first)}}
	err := into.Write(ctx, b)
	if pending := b.Tally().Pending; err == nil && pending > 0 {
		err = fmt.Errorf("the sink returned no error but left %d of %d events pending", pending, len(b.Events))
	}
	return err
}

// checkpoint moves the ledger behind a batch that is settled. The entry's text
// is of the invocation's own time: once the records are durable, what they cost
// must not be lost to a deadline.
func (w *worker) checkpoint(ctx context.Context, t penstock.Tally, offset int64) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer stop()
	err := w.update(ctx, func(p *Progress) {
		p.Offset, p.Tally, p.Inner, p.Stuck = offset, p.Tally.Add(t), w.cutter.State(), 0
		p.Until = time.Now().Add(w.o.Lease).UnixMilli()
	})
	if err != nil {
		return err
	}
	w.report.Tally = w.report.Tally.Add(t)
	p := w.now()
	if p.Tally.Read >= 100 && float64(p.Tally.Rejected) > w.o.RejectRatioMax*float64(p.Tally.Read) {
		return fmt.Errorf("%w: %d of its first %d records were rejected, so it is hardly what stream %s is about: look at the rejects",
			errMalformed, p.Tally.Rejected, p.Tally.Read, w.route.Stream.Name)
	}
	return nil
}

// settle makes the last entry of an invocation, by what ended its work.
func (w *worker) settle(ctx context.Context, err error) error {
	switch {
	case err == nil:
		w.report.Outcome = Loaded
		return w.update(ctx, func(p *Progress) { p.State, p.Owner, p.Until = Done, "", 0 })
	case errors.Is(err, errTaken):
		return err
	case errors.Is(err, ErrGone):
		w.report.Outcome = WasReplaced
		return w.end(ctx, Superseded, err)
	case errors.Is(err, errMalformed):
		return errors.Join(err, w.end(ctx, Failed, err))
	case errors.Is(err, errTime):
		return w.handOver(ctx, err)
	}
	return errors.Join(err, w.release(ctx, ""))
}

func (w *worker) end(ctx context.Context, s State, why error) error {
	return w.update(ctx, func(p *Progress) { p.State, p.Why, p.Owner, p.Until = s, why.Error(), "", 0 })
}

// release lets the next worker begin at once.
func (w *worker) release(ctx context.Context, why string) error {
	return w.update(ctx, func(p *Progress) { p.Owner, p.Until, p.Why = "", 0, why })
}

// yield stops for whoever has written the entry. If that only asked for the key
// on behalf of a newer object, it waits for our word.
func (w *worker) yield(ctx context.Context, err error) error {
	owner := w.now().Owner
	there, version, failed := w.Door.load(ctx, w.name)
	if failed != nil {
		return errors.Join(err, failed)
	}
	if there.Owner != owner || there.Newer == "" {
		return err
	}
	w.mu.Lock()
	w.progress, w.version = there, version
	w.mu.Unlock()
	w.report.Outcome = WasReplaced
	return w.end(ctx, Superseded, errors.New("a newer object of its key has come"))
}

// handOver has another invocation go on, unless that leads nowhere.
func (w *worker) handOver(ctx context.Context, err error) error {
	p := w.now()
	stuck := p.Stuck + 1 // until a checkpoint says otherwise
	if w.report.Tally.Read > 0 {
		stuck = 0
	}
	switch {
	case stuck >= 2:
		why := fmt.Errorf("%w: two invocations got no byte beyond %d: give the function more time or memory, or write the object in a form that can be entered in the middle", errMalformed, p.Offset)
		return errors.Join(why, w.end(ctx, Failed, why))
	case p.Hop+1 >= w.o.HopsMax:
		why := fmt.Errorf("%w: %d invocations have not finished it", errMalformed, p.Hop+1)
		return errors.Join(why, w.end(ctx, Failed, why))
	}
	if failed := w.update(ctx, func(p *Progress) { p.Owner, p.Until, p.Hop, p.Stuck = "", 0, p.Hop+1, stuck }); failed != nil {
		return failed
	}
	if w.o.Continue == nil {
		return err
	}
	n := w.report.Notice
	n.Object, n.Hop = p.Object, p.Hop+1
	payload, failed := n.Payload()
	if failed == nil {
		failed = w.o.Continue(ctx, payload)
	}
	if failed != nil {
		return fmt.Errorf("hand over after %d records: %w", p.Tally.Read, failed)
	}
	w.report.Outcome = HandedOver
	return nil
}

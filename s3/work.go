package s3

import (
	"cmp"
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
	start  penstock.Tally // the ledger's when it began
	cutter Cutter
	table  string // as the route told it when the work began
}

// work carries the object on and leaves the ledger as it should be for whoever
// comes next.
func (d *Door) work(ctx context.Context, l *lease, route *Route, r *Report) error {
	w := &worker{Door: d, lease: l, route: route, report: r, start: l.now().Tally}
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
	if err = w.settle(settling, err); errors.Is(err, errNewer) {
		err = w.settle(settling, errNewer)
	}
	r.Progress = l.now()
	r.Tally = since(w.start, r.Progress.Tally)
	return err
}

// since is what has been added to a tally.
func since(start, now penstock.Tally) penstock.Tally {
	return penstock.Tally{
		Read: now.Read - start.Read, Delivered: now.Delivered - start.Delivered, Dropped: now.Dropped - start.Dropped, Rejected: now.Rejected - start.Rejected,
	}
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

// errOtherTable ends the work on an object whose first records are in a table
// that is there no more.
var errOtherTable = errors.New("since the object was begun its table was deleted and made anew, or a copy was put in its place, which may lack what was written before: " +
	"lambda replay KEY has the object read from its beginning")

// look asks which table it is, which must be the one that the object was begun on.
func (w *worker) look(ctx context.Context, begun string) error {
	if w.route.Table == nil {
		return nil
	}
	var err error
	if w.table, err = w.route.Table(ctx); err == nil && begun != "" && begun != w.table {
		err = errOtherTable
	}
	return err
}

// carry reads the object to its end. A table that is the same before and after was
// the same throughout.
func (w *worker) carry(ctx context.Context) error {
	p := w.now()
	if p.Newer != "" { // whoever had the object before us was asked, and is gone
		return errNewer
	}
	if err := w.look(ctx, p.Table); err != nil {
		return err
	}
	if err := w.read(ctx, p); err != nil {
		return err
	}
	return w.look(ctx, w.table)
}

// read reads the object from where the ledger says to its end.
func (w *worker) read(ctx context.Context, p Progress) error {
	text, err := open(ctx, w.o.Store, p.Object, p.Size, p.Offset)
	if err != nil {
		return err
	}
	defer text.Close() // only reading: nothing can be lost by it
	if err := w.begin(ctx, text, p); err != nil {
		return err
	}
	var b penstock.Batch
	var slowest time.Duration // of the batches so far
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		began := time.Now()
		if deadline, has := ctx.Deadline(); has && deadline.Sub(began) < slowest {
			return errTime // what it would write of the next batch would be written again
		}
		first, offset := uint64(w.now().Tally.Read)+1, w.now().Offset
		bytes, err := w.cutter.Next(&b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		cut := int64(len(b.Events))
		if err := w.write(ctx, &b, offset, bytes, first); err != nil {
			return err
		}
		if err := w.checkpoint(ctx, b.Tally(), cut, offset+bytes); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(began))
	}
}

// begin finds out how the text is written, and passes over a byte order mark.
func (w *worker) begin(ctx context.Context, text *text, p Progress) error {
	p.Batch = cmp.Or(p.Batch, w.o.BatchBytes)
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
		if err := w.update(ctx, func(l *Progress) {
			l.Format, l.Offset, l.Batch, l.Stream, l.Table = p.Format, p.Offset, p.Batch, w.route.Stream.Name, w.table
		}); err != nil {
			return err
		}
	}
	format, err := w.format(p.Format)
	if err != nil {
		return err
	}
	w.cutter, err = format(Input{
		Text: text, Stream: w.route.Stream, Door: p.Object.String(), First: uint64(p.Tally.Read) + 1, State: p.Inner,
		BatchBytes: p.Batch,
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
		Job: p.job(), Source: p.Object.String(), Start: offset, Length: bytes, First: first,
		Count: int64(len(b.Events)), Rejects: b.Tally().Rejected,
	}
	into := penstock.Bisect{To: penstock.DeadLetters{To: w.route.Into(chunk), Letters: w.rejects(p, w.route, first)}}
	err := into.Write(ctx, b)
	if pending := b.Tally().Pending; err == nil && pending > 0 {
		err = fmt.Errorf("the sink returned no error but left %d of %d events pending", pending, len(b.Events))
	}
	return err
}

// ratioRecordsMin is how many records must have been read for the share of
// rejects among them to say what the object is.
const ratioRecordsMin = 100

// checkpoint moves the ledger behind a batch that is settled. It has some time
// beyond that for work: once the records are durable, what they cost must not be
// lost to a deadline.
func (w *worker) checkpoint(ctx context.Context, t penstock.Tally, cut, offset int64) error {
	ctx, stop := prolonged(ctx, settleWithin)
	defer stop()
	before := w.now()
	err := w.update(ctx, func(p *Progress) {
		p.Offset, p.Tally, p.Cut, p.Inner, p.Stuck = offset, before.Tally.Add(t), before.Cut+cut, w.cutter.State(), 0
		p.Table, p.Until = w.table, time.Now().Add(w.o.Lease).UnixMilli()
	})
	if err != nil {
		return err
	}
	p := w.now()
	if p.Tally.Read >= ratioRecordsMin && float64(p.Tally.Rejected) > w.o.RejectRatioMax*float64(p.Tally.Read) {
		return fmt.Errorf("%w: %d of its first %d records were rejected, so it is hardly what stream %s is about: look at the rejects",
			errMalformed, p.Tally.Rejected, p.Tally.Read, w.route.Stream.Name)
	}
	return nil
}

// prolonged is a context that ends some time after ctx does, or when it is
// stopped.
func prolonged(ctx context.Context, by time.Duration) (longer context.Context, stop func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	keep := context.AfterFunc(ctx, func() {
		if pause(longer, by) == nil {
			cancel()
		}
	})
	return longer, func() { keep(); cancel() }
}

// settle makes the last entry of an invocation, by what ended its work.
func (w *worker) settle(ctx context.Context, err error) error {
	if errors.Is(err, errTaken) {
		return err
	}
	if failed := w.sure(ctx); failed != nil {
		return errors.Join(err, failed)
	}
	switch {
	case err == nil:
		w.report.Outcome = Loaded
		return w.update(ctx, func(p *Progress) { p.State, p.Owner, p.Until = Done, "", 0 })
	case errors.Is(err, ErrGone), errors.Is(err, errNewer):
		w.report.Outcome = WasReplaced
		return w.end(ctx, Superseded, err)
	case errors.Is(err, errMalformed), errors.Is(err, errOtherTable):
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

// handOver has another invocation go on, unless that leads nowhere.
func (w *worker) handOver(ctx context.Context, err error) error {
	p := w.now()
	switch {
	case w.stuck(p) >= 2:
		why := fmt.Errorf("%w: two invocations got no byte beyond %d: give the function more time or memory or a smaller batch, or write the object in a form that can be entered in the middle", errMalformed, p.Offset)
		return errors.Join(why, w.update(ctx, func(p *Progress) { p.Batch = 0 }), w.end(ctx, Failed, why)) // a smaller batch may be what helps
	case p.Hop+1 >= w.o.HopsMax:
		why := fmt.Errorf("%w: %d invocations have not finished it", errMalformed, p.Hop+1)
		return errors.Join(why, w.end(ctx, Failed, why))
	}
	if failed := w.update(ctx, func(p *Progress) { p.Owner, p.Until, p.Hop, p.Stuck = "", 0, p.Hop+1, w.stuck(*p) }); failed != nil {
		return failed
	}
	if w.o.Continue == nil {
		return err
	}
	p = w.now()
	n := w.report.Notice
	n.Object, n.Hop = p.Object, p.Hop
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

// stuck is how many invocations got no byte further, if this one ends with p.
func (w *worker) stuck(p Progress) int {
	if p.Tally != w.start {
		return 0
	}
	return p.Stuck + 1
}

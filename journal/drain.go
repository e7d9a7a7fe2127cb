package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/penstock-io/penstock"
)

// A drainer reads the journal in its order. It belongs to Run and keeps its
// place and its memory from one Run to the next.
type drainer struct {
	j      *Journal
	at     segment // as it was when last looked at
	file   File
	failed bool   // to open the next segment
	off    int64  // of the next frame
	next   uint64 // number that the next record must have

	limit   int // bytes of the next batch
	buf     []byte
	slab    []penstock.Event
	events  []*penstock.Event
	headers []penstock.Header
	names   map[string]string // of headers, so that each is allocated once
	bytes   int64             // of the batch's records
}

// Run writes what is stored into the given sink, in order and in batches, and
// waits for more, until ctx ends or the journal is closed; it returns why. It
// is the only one to move the checkpoint, after into has settled a whole batch.
//
// Only synced events are read, and each is checked again. Damage found here is
// set aside, reported and passed over. An error from into ends Run, so wrap
// what can fail and recover in penstock.Retry. One Run at a time.
func (j *Journal) Run(ctx context.Context, into penstock.Sink) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d, err := j.beginDrain(cancel)
	if err != nil {
		return err
	}
	defer j.endDrain()
	err = d.run(ctx, into)
	j.mu.Lock()
	dirty := j.drain.dirty()
	j.mu.Unlock()
	if dirty {
		err = errors.Join(err, j.saveCheckpoint())
	}
	return errors.Join(err, d.shut())
}

func (j *Journal) beginDrain(cancel context.CancelCauseFunc) (*drainer, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, fmt.Errorf("drain journal %s: %w", j.dir, ErrClosed)
	}
	if j.stopDrain != nil {
		panic("journal: Run of " + j.dir + " while another Run has not returned")
	}
	j.stopDrain = cancel
	j.drains.Add(1)
	if j.drainer == nil {
		j.drainer = &drainer{j: j, limit: min(drainBytesMin, j.o.DrainBytes), names: map[string]string{}}
	}
	return j.drainer, nil
}

func (j *Journal) endDrain() {
	j.mu.Lock()
	j.stopDrain = nil
	j.mu.Unlock()
	j.drains.Done()
}

func (d *drainer) run(ctx context.Context, into penstock.Sink) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		began := time.Now()
		more, err := d.round(ctx, into)
		if err != nil {
			return fmt.Errorf("drain journal %s: %w", d.j.dir, err)
		}
		if err := d.j.checkpointWhenDue(); err != nil {
			d.j.log.Warn("journal: the checkpoint could not be saved; segments are kept until it can", "dir", d.j.dir, "err", err)
		}
		if !more {
			d.idle(ctx)
		}
		if !d.behind() {
			d.gather(ctx, began.Add(d.j.o.DrainEvery))
		}
	}
}

// behind reports whether a whole batch waits already.
func (d *drainer) behind() bool { return d.backlog() >= int64(d.limit) }

// backlog is the bytes of what is stored and not settled.
func (d *drainer) backlog() int64 {
	d.j.mu.Lock()
	defer d.j.mu.Unlock()
	return d.j.backlog
}

// gather lets events come together until the given time: a round costs its
// sink much the same with one event as with a thousand. It ends at once when
// somebody waits for the drain.
func (d *drainer) gather(ctx context.Context, until time.Time) {
	d.j.mu.Lock()
	awaited := d.j.drain.awaited > 0
	d.j.mu.Unlock()
	rest := time.Until(until)
	if awaited || rest <= 0 {
		return
	}
	t := time.NewTimer(rest)
	defer t.Stop()
	select {
	case <-t.C:
	case <-d.j.hurry:
	case <-ctx.Done():
	}
}

// idle waits for a commit, for ctx, or for the time of the next checkpoint.
func (d *drainer) idle(ctx context.Context) {
	var due <-chan time.Time
	d.j.mu.Lock()
	if d.failed { // to open a segment
		t := time.NewTimer(time.Second)
		defer t.Stop()
		due = t.C
	} else if d.j.drain.dirty() {
		t := time.NewTimer(max(time.Until(d.j.drain.savedAt.Add(d.j.o.CheckpointEvery)), time.Millisecond))
		defer t.Stop()
		due = t.C
	}
	d.j.mu.Unlock()
	select {
	case <-d.j.grown:
	case <-ctx.Done():
	case <-due:
	}
}

// round writes one batch. It returns false when nothing is left to read.
func (d *drainer) round(ctx context.Context, into penstock.Sink) (more bool, err error) {
	if !d.place() {
		return false, nil
	}
	if err := d.load(ctx, d.limit); err != nil {
		return false, err
	}
	consumed, next, fit := d.parse()
	for consumed == 0 && fit == short && int64(len(d.buf)) < d.at.end-d.off {
		f, _ := decode(d.buf, d.j.seed)
		if err := d.load(ctx, max(f.size, 2*headSize)); err != nil {
			return false, err
		}
		consumed, next, fit = d.parse()
	}
	if len(d.events) > 0 {
		if err := d.write(ctx, into); err != nil {
			return false, err
		}
	}
	d.off, d.next = d.off+int64(consumed), next
	if consumed == 0 {
		d.jump()
	}
	return true, nil
}

// place finds the segment to go on in and returns false when all is read.
func (d *drainer) place() bool {
	j := d.j
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		switch {
		case d.file != nil && s.number < d.at.number:
			continue
		case d.file != nil && s.number == d.at.number:
			d.at = *s
			if d.off < s.end {
				return true
			}
			continue
		case s.last <= j.drain.drained || s.last < s.first:
			continue
		}
		err := d.open(*s)
		if d.failed = err != nil; d.failed {
			j.log.Error("journal: open a segment to drain it", "segment", s.name, "err", err)
			return false
		}
		return true
	}
	if j.drain.drained >= j.synced {
		j.backlog = 0
	}
	return false
}

func (d *drainer) open(s segment) error {
	if err := d.shut(); err != nil {
		d.j.log.Warn("journal: close a drained segment", "err", err)
	}
	f, err := d.j.fs.Open(filepath.Join(d.j.dir, s.name), 0)
	if err != nil {
		return err
	}
	d.at, d.file, d.off, d.next = s, f, segmentHeader, s.first
	return nil
}

func (d *drainer) shut() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}

const (
	readTries = 6
	readPause = 50 * time.Millisecond
)

// load reads up to n bytes from off. A disk that will not give them is asked
// again for a while, then what it does not give counts as damage.
func (d *drainer) load(ctx context.Context, n int) error {
	n = int(min(int64(n), d.at.end-d.off))
	if cap(d.buf) < n || cap(d.buf) > 2*max(n, d.limit) {
		d.buf = make([]byte, n)
	}
	d.buf = d.buf[:n]
	pause := readPause
	for range readTries {
		got, err := d.file.ReadAt(d.buf, d.off)
		if err == nil || errors.Is(err, io.EOF) {
			clear(d.buf[got:])
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
		}
		pause *= 2
	}
	got, lost := readBlocks(d.file, d.buf, d.off)
	clear(d.buf[got:])
	d.j.log.Error("journal: the disk does not give what was written", "segment", d.at.name, "offset", d.off, "bytes", lost)
	return nil
}

// parse makes events of the frames in buf, as far as they are whole and in
// order, and returns how many bytes that is.
func (d *drainer) parse() (consumed int, next uint64, fit fitness) {
	d.j.mu.Lock()
	drained := d.j.drain.drained
	d.j.mu.Unlock()
	d.reset()
	next = d.next
	for consumed < len(d.buf) && len(d.slab) < d.j.o.DrainEvents {
		f, fit := decode(d.buf[consumed:], d.j.seed)
		if fit != whole {
			d.point()
			return consumed, next, fit
		}
		if f.kind == kindRecord && f.seq != next || f.kind != kindRecord && f.seq+1 != next {
			d.point()
			return consumed, next, bad
		}
		if f.kind == kindRecord {
			next++
			if f.seq > drained {
				d.slab = append(d.slab, penstock.Event{})
				d.headers = f.event(&d.slab[len(d.slab)-1], d.j.door, d.headers, d.names)
				d.bytes += int64(f.size)
			}
		}
		consumed += f.size
	}
	d.point()
	return consumed, next, whole
}

func (d *drainer) reset() {
	d.slab, d.headers, d.bytes = d.slab[:0], d.headers[:0], 0
	if len(d.names) > 1000 {
		clear(d.names)
	}
}

// point makes the batch once the slab no longer moves.
func (d *drainer) point() {
	d.events = d.events[:0]
	for i := range d.slab {
		d.events = append(d.events, &d.slab[i])
	}
}

// write has the batch settled and counts it in. What was settled at its front
// counts even when the rest was not.
func (d *drainer) write(ctx context.Context, into penstock.Sink) error {
	began := time.Now()
	err := into.Write(ctx, &penstock.Batch{Events: d.events})
	took := time.Since(began)
	d.size(took)
	j := d.j
	j.mu.Lock()
	defer j.mu.Unlock()
	settled, bytes := 0, int64(0)
	for _, e := range d.events {
		if e.Verdict() == penstock.Pending {
			break
		}
		j.drain.keep(e, j.o)
		bytes += int64(recordSize(e))
		settled++
		switch e.Verdict() {
		case penstock.Rejected:
			j.stats.DrainRejected++
		case penstock.Dropped:
			j.stats.DrainDropped++
		}
	}
	j.backlog = max(0, j.backlog-bytes)
	if settled > 0 {
		j.drain.move(d.events[settled-1].Origin.Position, bytes, took)
	}
	if settled < len(d.events) && err == nil {
		err = fmt.Errorf("the sink returned no error but left %d of %d events pending; it must settle all or say why not", len(d.events)-settled, len(d.events))
	}
	return err
}

const (
	drainBytesMin = 1 << 20
	drainSlow     = 25 * time.Millisecond
)

// size sets the limit of the next batch by how long this one took. Where each
// batch has a price of its own, as a transaction in a real Kafka has, few
// large ones are better; where it has none, small ones stay in the processor's
// cache and take a quarter of the memory. Nor is there a use for large ones
// while another is not even full.
func (d *drainer) size(took time.Duration) {
	if took > drainSlow && d.backlog() >= 2*int64(d.limit) {
		d.limit = min(2*d.limit, d.j.o.DrainBytes)
	} else {
		d.limit = min(max(d.limit/2, drainBytesMin), d.j.o.DrainBytes)
	}
}

// jump passes over damage at off: it sets the bytes aside and goes on at the
// next frame that is whole.
func (d *drainer) jump() {
	s := scan{file: d.file, seed: d.j.seed, off: d.off, end: d.at.end, next: d.next, limit: d.at.limit}
	f, skipped, ok := s.frame()
	if ok {
		d.off, d.next = s.off-int64(f.size), f.seq
		if f.kind != kindRecord {
			d.next++
		}
	} else {
		skipped = skip{From: d.off, To: d.at.end}
		if d.next <= d.at.last {
			skipped.First, skipped.Last = d.next, d.at.last
		}
		d.off, d.next = d.at.end, d.at.last+1
	}
	if skipped.To > skipped.From {
		d.j.damaged(d.at.name, skipped)
	}
	if skipped.First > 0 {
		d.j.mu.Lock()
		d.j.drain.move(skipped.Last, 0, 0)
		d.j.mu.Unlock()
	}
}

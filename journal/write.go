package journal

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/penstock-io/penstock"
)

// A draft is one Write's notes on its events. Drafts are used again, so that
// Write allocates nothing per event.
type draft struct {
	hasher hasher
	lines  []line
	first  uint64  // of the own events
	own    *commit // nil when none are
	room   []byte  // reserved in own for the own events, in order
	opens  bool    // they are the first of own
}

// A line is the notes on one pending event.
type line struct {
	e    *penstock.Event
	size int
	id   identity
	named,
	mine bool // this Write appends it
	twin *commit // that carries an event of the same identity, numbered seq
	seq  uint64
}

// Write stores what pends of b, all of it in one commit, in the order of b, and
// returns once the fdatasync that covers it has returned. Events whose identity
// is durable already are dropped; those whose twin is on its way wait for it.
//
// ErrFull, ErrOverQuota, ErrClosed and ErrBroken say why events still pend. Unless the error
// wraps ErrUnknown too, they are certainly not stored. When ctx ends while the
// disk is at work the error wraps both ctx's and ErrUnknown.
func (j *Journal) Write(ctx context.Context, b *penstock.Batch) error {
	d := j.drafts.Get().(*draft)
	defer j.drafts.Put(d)
	defer d.wipe()
	if err := d.read(b); err != nil {
		return err
	}
	for len(d.lines) > 0 {
		if err := j.enter(ctx, d); err != nil {
			return fmt.Errorf("write %d events to journal %s: %w", len(d.lines), j.dir, err)
		}
		if err := j.settle(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) wipe() {
	clear(d.lines[:cap(d.lines)])
	d.lines, d.own, d.room = d.lines[:0], nil, nil
}

// read notes what pends. An event too large for any journal is rejected.
func (d *draft) read(b *penstock.Batch) error {
	pending, total := b.Pending(), 0
	d.lines = d.lines[:0]
	for _, e := range pending.Events {
		size := recordSize(e)
		if why := unfit(e, size); why != nil {
			e.Reject(why)
			continue
		}
		l := line{e: e, size: size}
		if len(e.ID) > 0 && !e.Letter {
			l.id, l.named = d.hasher.sum(e.ID), true
		}
		d.lines = append(d.lines, l)
		total += size
	}
	if total > BatchBytesMax {
		d.lines = d.lines[:0]
		return &penstock.Refusal{Why: penstock.NewReject("too_large", "", "the batch takes %d bytes in the journal and %d is the most; send smaller batches", total, BatchBytesMax)}
	}
	return nil
}

// unfit says why no journal can store e, or returns nil.
func unfit(e *penstock.Event, size int) *penstock.Reject {
	if size > headSize+EventBytesMax {
		return penstock.NewReject("too_large", "", "the event takes %d bytes in the journal and %d is the most", size, EventBytesMax)
	}
	if len(e.Headers) > math.MaxUint16 {
		return penstock.NewReject("too_large", "", "the event has %d headers and %d is the most", len(e.Headers), math.MaxUint16)
	}
	for _, h := range e.Headers {
		if len(h.Name) > math.MaxUint16 {
			return penstock.NewReject("too_large", "", "a header's name has %d bytes and %d is the most", len(h.Name), math.MaxUint16)
		}
	}
	return nil
}

// enter gives each line its fate: dropped, waiting for a twin, or a place in
// the commit that is being filled. The own events are then encoded there.
func (j *Journal) enter(ctx context.Context, d *draft) error {
	for {
		full, err := j.reserve(ctx, d)
		if err != nil {
			return err
		}
		if full == nil {
			break
		}
		select {
		case <-full:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if d.own == nil {
		return nil
	}
	at, seq := 0, d.first
	flags := uint8(0)
	if d.opens {
		flags = flagOpens
	}
	for i := range d.lines {
		l := &d.lines[i]
		if !l.mine {
			continue
		}
		l.seq = seq
		encode(d.room[at:at+l.size], l.e, seq, flags, j.seed)
		at, seq, flags = at+l.size, seq+1, 0
	}
	d.own.encoding.Done()
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return nil
}

// reserve does enter's part that needs the mutex. A channel means: the commit
// is full, come again when it closes.
func (j *Journal) reserve(ctx context.Context, d *draft) (full <-chan struct{}, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	need := j.lookUp(d)
	d.own = nil
	if need == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.closed {
		return nil, ErrClosed
	}
	if j.broken != nil && time.Now().Before(j.probeAt) {
		return nil, j.broken
	}
	if err := j.allow(d, int64(need)); err != nil {
		return nil, err
	}
	c := j.filling
	if c == nil {
		c = j.begin(need)
	} else if !c.room(need) {
		c.crowded = true
		j.ripen()
		if c.taken == nil {
			c.taken = make(chan struct{})
		}
		return c.taken, nil
	}
	j.claim(d, c)
	return nil, nil
}

// allow holds need, what d takes at most, against the quota. j.mu is held.
func (j *Journal) allow(d *draft, need int64) error {
	room := j.o.QuotaBytes - j.backlog - j.inFlight
	if need > room {
		need -= d.twins()
	}
	switch {
	case need > j.o.QuotaBytes:
		return ErrOverQuota
	case need > room:
		j.stats.Refused++
		return ErrFull
	}
	return nil
}

// twins is how many bytes of the own events are not written, since each has the
// identity of one before it.
func (d *draft) twins() (size int64) {
	before := make(map[identity]struct{}, len(d.lines))
	for i := range d.lines {
		l := &d.lines[i]
		if !l.mine || !l.named {
			continue
		}
		if _, twin := before[l.id]; twin {
			size += int64(l.size)
		}
		before[l.id] = struct{}{}
	}
	return size
}

// lookUp drops what is durable, joins what is on its way, and returns how many
// bytes the rest takes at most. j.mu is held.
func (j *Journal) lookUp(d *draft) (need int) {
	for i := range d.lines {
		j.known.warm(d.lines[i].id.lo)
	}
	kept := d.lines[:0]
	for _, l := range d.lines {
		l.mine, l.twin = false, nil
		if l.named {
			if seq, ok := j.known.find(l.id); ok && !j.drain.isLost(seq) {
				j.answer(l, seq)
				continue
			}
			l.twin, l.seq = j.onItsWay(l.id)
		}
		if l.twin == nil {
			l.mine = true
			need += l.size
		}
		kept = append(kept, l)
	}
	d.lines = kept
	return need
}

func (j *Journal) onItsWay(id identity) (*commit, uint64) {
	for _, c := range [...]*commit{j.syncing, j.filling} {
		if c == nil {
			continue
		}
		if seq, ok := c.own.find(id); ok {
			return c, seq
		}
	}
	return nil, 0
}

// claim numbers the own events and reserves their bytes. The second of two
// twins in one batch joins the first. j.mu is held.
func (j *Journal) claim(d *draft, c *commit) {
	from := len(c.buf)
	d.own, d.first, d.opens = c, j.next, from == 0
	size := 0
	for i := range d.lines {
		l := &d.lines[i]
		if !l.mine {
			continue
		}
		if l.named {
			if seq, ok := c.own.find(l.id); ok {
				l.mine, l.twin, l.seq = false, c, seq
				continue
			}
			c.own.add(l.id, j.next)
			if j.o.mutant == rememberEarly {
				j.known.remember(l.id, j.next)
			}
		}
		size += l.size
		j.next++
	}
	c.buf = c.buf[:from+size]
	c.last = j.next - 1
	c.encoding.Add(1)
	if c.writers++; c.writers == j.awaited {
		j.ripen()
	}
	d.room = c.buf[from:]
	j.inFlight += int64(size)
	j.stats.Appended += j.next - d.first
}

// settle waits for the fate of the own events, then of the twins. What waited
// for a twin that failed is left in lines: its turn has come to be the first.
func (j *Journal) settle(ctx context.Context, d *draft) error {
	if d.own != nil {
		if err := j.wait(ctx, d); err != nil {
			return err
		}
	}
	left := d.lines[:0]
	for _, l := range d.lines {
		if l.mine {
			l.e.Deliver(penstock.Place{Ack: penstock.AckDisk, Seq: l.seq})
		} else {
			left = append(left, l)
		}
	}
	d.lines = left
	for i, l := range d.lines {
		select {
		case <-l.twin.done:
		case <-ctx.Done():
			return unknown(ctx)
		}
		if l.twin.err != nil {
			d.lines = d.lines[:copy(d.lines, d.lines[i:])]
			return nil
		}
		j.join(l)
	}
	d.lines = d.lines[:0]
	return nil
}

// join settles an event whose twin has become durable.
func (j *Journal) join(l line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.answer(l, l.seq)
	j.stats.Joined++
}

// answer settles an event that is durable as number seq. It is a duplicate,
// unless whoever wrote it left before the answer: then this is the answer, so
// that each stored event is delivered once, by the ledgers too. j.mu is held.
func (j *Journal) answer(l line, seq uint64) {
	if _, ok := j.unheard[l.id]; ok {
		delete(j.unheard, l.id)
		l.e.Deliver(j.place(seq))
		return
	}
	l.e.Drop(j.place(seq))
	j.stats.Dropped++
}

// wait waits for the fate of the own events.
func (j *Journal) wait(ctx context.Context, d *draft) error {
	select {
	case <-d.own.done:
		return d.own.err
	case <-ctx.Done():
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-d.own.done:
		return d.own.err
	default:
	}
	for _, l := range d.lines {
		if l.mine && l.named && len(j.unheard) < unheardMax {
			j.unheard[l.id] = struct{}{}
		}
	}
	return unknown(ctx)
}

func unknown(ctx context.Context) error {
	return fmt.Errorf("wait for the journal's disk: %w: %w", context.Cause(ctx), ErrUnknown)
}

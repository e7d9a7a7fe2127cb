package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/penstock-io/penstock"
)

// progress is how far the drain has come and where its events went. The
// journal's mutex guards it.
type progress struct {
	drained uint64        // all events up to here are settled downstream
	saved   uint64        // the newest durable checkpoint
	savedAt time.Time     // when that was written
	changed chan struct{} // closed and replaced when drained moves
	awaited int           // how many wait for that

	ring    []drainedPlace // of the last events drained, by sequence number modulo its length
	topics  []string       // that the ring's numbers stand for
	rejects []uint64       // the newest events that the drain dead-lettered, ascending
	unsure  uint64         // events up to here may have been dead-lettered without being in rejects
	lost    []Range        // events that damage has taken

	rate    float64   // bytes a second while there is something to drain, 0 until measured
	movedAt time.Time // when drained last moved
}

type drainedPlace struct {
	seq       uint64
	offset    int64
	partition int32
	topic     int32
}

const (
	placesKept = 1 << 16
	topicsMax  = 256
)

func (p *progress) start(r *recovery) {
	p.drained, p.saved = r.seen.drained, r.seen.drained
	p.rejects = r.seen.rejects
	if len(p.rejects) == checkpointRejects {
		p.unsure = p.rejects[0]
	}
	if r.report.Checkpoint != "" {
		p.unsure = r.seen.drained
	}
	for _, d := range r.report.Damage {
		if d.Lost.First > 0 {
			p.lost = append(p.lost, d.Lost)
		}
	}
}

func (p *progress) dirty() bool { return p.drained > p.saved }

// place is where a drained event is, as far as is still known.
func (p *progress) place(seq uint64, o Options) penstock.Place {
	if n := uint64(len(p.ring)); n > 0 {
		if d := p.ring[seq%n]; d.seq == seq {
			return penstock.Place{Ack: penstock.AckKafka, Seq: seq, Topic: p.topics[d.topic], Partition: d.partition, Offset: d.offset}
		}
	}
	at := penstock.Place{Ack: penstock.AckKafka, Seq: seq, Topic: o.Topic, Offset: -1}
	if _, ok := slices.BinarySearch(p.rejects, seq); ok {
		at.Topic = o.RejectsTopic
	} else if seq <= p.unsure {
		at.Topic = ""
	}
	return at
}

// keep remembers where a drained event went.
func (p *progress) keep(e *penstock.Event, o Options) {
	seq, at := e.Origin.Position, e.Place()
	if e.Verdict() == penstock.Rejected {
		at = penstock.Place{Topic: o.RejectsTopic, Offset: -1}
	}
	if e.Verdict() == penstock.Rejected || !e.Letter && at.Topic != "" && at.Topic == o.RejectsTopic {
		// The latter is a dead letter of an earlier life, which the sink knows.
		p.rejects = append(p.rejects, seq)
		if len(p.rejects) >= 2*checkpointRejects {
			p.unsure = p.rejects[checkpointRejects-1]
			p.rejects = slices.Clone(p.rejects[checkpointRejects:])
		}
	}
	if at.Topic == "" {
		at.Topic = o.Topic
	}
	topic := slices.Index(p.topics, at.Topic)
	if topic < 0 {
		if len(p.topics) == topicsMax { // not the places of one stream; begin again
			p.topics = p.topics[:0]
			clear(p.ring)
		}
		topic = len(p.topics)
		p.topics = append(p.topics, at.Topic)
	}
	p.put(drainedPlace{seq: seq, offset: at.Offset, partition: at.Partition, topic: int32(topic)})
}

// put keeps d, in a ring that grows as long as it would overwrite another.
func (p *progress) put(d drainedPlace) {
	n := uint64(len(p.ring))
	if n < placesKept && (n == 0 || p.ring[d.seq%n].seq != 0) {
		old := p.ring
		p.ring = make([]drainedPlace, max(2*n, 256))
		for _, d := range old {
			p.ring[d.seq%uint64(len(p.ring))] = d
		}
		n = uint64(len(p.ring))
	}
	p.ring[d.seq%n] = d
}

// move counts a drained run of events in and wakes who waits for it.
func (p *progress) move(to uint64, bytes int64, took time.Duration) {
	now := time.Now()
	if took > 0 && bytes > 0 {
		rate := float64(bytes) / took.Seconds()
		if p.rate == 0 {
			p.rate = rate
		}
		p.rate += 0.2 * (rate - p.rate)
	}
	p.movedAt = now
	if to > p.drained {
		p.drained = to
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

func (p *progress) isLost(seq uint64) bool {
	return slices.ContainsFunc(p.lost, func(r Range) bool { return r.First <= seq && seq <= r.Last })
}

// Await waits until the drain has settled every stored event of b, and advances
// each to its place downstream; one that the drain dead-lettered is then in the
// rejects topic. When ctx ends first, those that have come that far are
// advanced and the others keep their place on disk.
func (j *Journal) Await(ctx context.Context, b *penstock.Batch) error {
	var last uint64
	for _, e := range b.Events {
		if onDisk(e) {
			last = max(last, e.Place().Seq)
		}
	}
	err := j.awaitDrain(ctx, func() bool { return j.drain.drained >= last })
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range b.Events {
		seq := e.Place().Seq
		if !onDisk(e) || seq > j.drain.drained {
			continue
		}
		if j.drain.isLost(seq) {
			err = fmt.Errorf("event %q, number %d of journal %s: %w", e.ID, seq, j.dir, ErrLost)
			continue
		}
		e.Advance(j.drain.place(seq, j.o))
	}
	return err
}

func onDisk(e *penstock.Event) bool {
	v, at := e.Verdict(), e.Place()
	return (v == penstock.Delivered || v == penstock.Dropped) && at.Ack == penstock.AckDisk && at.Seq > 0
}

// AwaitDrained waits until nothing that was written before the call waits for
// the drain.
func (j *Journal) AwaitDrained(ctx context.Context) error {
	j.mu.Lock()
	last := j.synced
	j.mu.Unlock()
	return j.awaitDrain(ctx, func() bool { return j.drain.drained >= last })
}

// awaitDrain waits until enough holds, which is asked with j.mu held.
func (j *Journal) awaitDrain(ctx context.Context, enough func() bool) error {
	j.mu.Lock()
	j.drain.awaited++
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		j.drain.awaited--
		j.mu.Unlock()
	}()
	select {
	case j.hurry <- struct{}{}:
	default:
	}
	for {
		j.mu.Lock()
		ok, changed := enough(), j.drain.changed
		j.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the drain of journal %s: %w", j.dir, context.Cause(ctx))
		case <-j.closing:
			return fmt.Errorf("wait for the drain of journal %s: %w", j.dir, ErrClosed)
		}
	}
}

// Find returns where the event of the given identity is. It knows the last
// Options.Identities events that are durable.
func (j *Journal) Find(id []byte) (penstock.Place, bool) {
	d := j.drafts.Get().(*draft)
	h := d.hasher.sum(id)
	j.drafts.Put(d)
	j.mu.Lock()
	defer j.mu.Unlock()
	seq, ok := j.known.find(h)
	if !ok || j.drain.isLost(seq) {
		return penstock.Place{}, false
	}
	return j.place(seq), true
}

// Checkpoint is the number of the newest event that, with all before it, is
// durably known here to be settled downstream.
func (j *Journal) Checkpoint() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.drain.saved
}

const (
	retryAfterMin = time.Second
	retryAfterMax = time.Minute
	stalledAfter  = 10 * time.Second
)

// RetryAfter is when a sender who got ErrFull should come again: the time the
// drain needs for the backlog at its measured rate, 1 s to 1 min and a random
// tenth more, so that senders do not come all at once.
func (j *Journal) RetryAfter() time.Duration {
	j.mu.Lock()
	backlog, rate, moved := j.backlog, j.drain.rate, j.drain.movedAt
	j.mu.Unlock()
	after := retryAfterMin
	switch {
	case backlog == 0:
	case rate == 0 || time.Since(moved) > stalledAfter:
		after = retryAfterMax
	default:
		seconds := min(float64(backlog)/rate, retryAfterMax.Seconds())
		after = max(after, time.Duration(seconds*float64(time.Second)))
	}
	return after + rand.N(after/10)
}

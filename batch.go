package penstock

import (
	"fmt"
	"sync/atomic"
)

// A Batch is some events travelling together, and the ledger of their fates. A
// single event is a batch of one. Sub-batches share events with the batch they
// were taken from, so a verdict given in one is seen in the other.
type Batch struct {
	Events []*Event
}

// Pending returns the events that a sink has still to work on: neither settled
// nor waiting only for their dead letter. It is b itself when that is all.
func (b *Batch) Pending() *Batch {
	return b.where(func(e *Event) bool { return e.verdict == Pending && e.reason == nil })
}

func (b *Batch) where(keep func(*Event) bool) *Batch {
	n := 0
	for _, e := range b.Events {
		if keep(e) {
			n++
		}
	}
	if n == len(b.Events) {
		return b
	}
	sub := &Batch{}
	if n == 0 {
		return sub
	}
	sub.Events = make([]*Event, 0, n)
	for _, e := range b.Events {
		if keep(e) {
			sub.Events = append(sub.Events, e)
		}
	}
	return sub
}

// Tally counts the batch's events by verdict.
func (b *Batch) Tally() Tally {
	t := Tally{Read: int64(len(b.Events))}
	for _, e := range b.Events {
		switch e.verdict {
		case Pending:
			t.Pending++
		case Delivered:
			t.Delivered++
		case Dropped:
			t.Dropped++
		case Rejected:
			t.Rejected++
		}
	}
	return t
}

// A Tally counts events by verdict. Read is what came in at the door.
type Tally struct {
	Read, Delivered, Dropped, Rejected, Pending int64
}

// Add returns the sum of two tallies.
func (t Tally) Add(u Tally) Tally {
	return Tally{
		Read:      t.Read + u.Read,
		Delivered: t.Delivered + u.Delivered,
		Dropped:   t.Dropped + u.Dropped,
		Rejected:  t.Rejected + u.Rejected,
		Pending:   t.Pending + u.Pending,
	}
}

// Conserved reports whether the conservation law holds.
func (t Tally) Conserved() bool {
	return t.Read == t.Delivered+t.Dropped+t.Rejected+t.Pending
}

// String prints the conservation law with its figures, as every command does
// at its end.
func (t Tally) String() string {
	s := fmt.Sprintf("read %d = delivered %d + dropped %d + rejected %d", t.Read, t.Delivered, t.Dropped, t.Rejected)
	if t.Pending > 0 {
		s += fmt.Sprintf(" + pending %d", t.Pending)
	}
	if !t.Conserved() {
		s += " (NOT CONSERVED)"
	}
	return s
}

// A Total adds up the tallies of finished batches from many goroutines. The
// zero Total is ready.
type Total struct {
	read, delivered, dropped, rejected, pending atomic.Int64
}

// Add counts a batch that its door is done with.
func (t *Total) Add(u Tally) {
	t.read.Add(u.Read)
	t.delivered.Add(u.Delivered)
	t.dropped.Add(u.Dropped)
	t.rejected.Add(u.Rejected)
	t.pending.Add(u.Pending)
}

// Tally is the sum so far. While batches are being added, the parts may be
// from slightly different moments.
func (t *Total) Tally() Tally {
	return Tally{
		Read:      t.read.Load(),
		Delivered: t.delivered.Load(),
		Dropped:   t.dropped.Load(),
		Rejected:  t.rejected.Load(),
		Pending:   t.pending.Load(),
	}
}

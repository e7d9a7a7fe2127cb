package ingest

import (
	"context"
	"errors"

	"github.com/penstock-io/penstock"
)

// A Failure is what a journal's error means for the events that still pend.
type Failure uint8

// The failures. The zero Failure promises the sender least.
const (
	Unknown   Failure = iota // they may be stored: only their ids will tell
	NotStored                // certainly not stored
	Full                     // certainly not stored: the journal has no room
	OverQuota                // certainly not stored: it is more than the journal may ever hold
	TooLarge                 // certainly not stored: it is more than the journal takes at a time
)

// An attempt is the last Sink of a request's pipeline, round the stream's
// journal. It remembers what reached the journal and how that ended, since for
// anything that never got there "not stored" is certain.
type attempt struct {
	to      penstock.Sink
	reached []*penstock.Event // valid during the request
	err     error

	// whole, if not 0, is how many events there must be for any to be
	// written: the request's mode is atomic.
	whole int
}

var errIncomplete = errors.New("an atomic batch was not written: not all of its events passed")

func (a *attempt) Write(ctx context.Context, b *penstock.Batch) error {
	pending := b.Pending()
	if a.whole != 0 && len(pending.Events) != a.whole {
		return errIncomplete
	}
	if len(pending.Events) == 0 {
		return nil
	}
	a.reached = pending.Events
	a.err = a.to.Write(ctx, pending)
	return a.err
}

func (a *attempt) reset(to penstock.Sink) { *a = attempt{to: to} }

package penstock

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// DeadLetters keeps what To rejects: for each rejected event it writes a
// letter with the bytes as received and the reason to Letters. An event counts
// as rejected only once its letter is durable; until then it pends, keeps its
// Reason, and is not shown to To again. A letter that Letters refuses pends
// for ever, so Letters must have room for any event that a door lets in.
//
// Letters that wait are written before anything else of the batch. So a sink
// whose progress is a last position may be its own Letters only where nothing
// but the sink itself rejects, as behind a journal.
type DeadLetters struct {
	To      Sink
	Letters Sink
	Stamp   []Header // added to each letter, as the stream's name and version
}

// The headers of a dead letter.
const (
	HeaderCode    = "penstock-reject-code"
	HeaderPointer = "penstock-reject-pointer"
	HeaderDetail  = "penstock-reject-detail"
	HeaderOffset  = "penstock-reject-offset"
	HeaderDoor    = "penstock-door"
)

// Write writes what pends to To, then the letters of all that is rejected. A
// door may hand in events it has already rejected, such as those it could not
// decode: their letters are written too.
func (d DeadLetters) Write(ctx context.Context, b *Batch) error {
	if err := d.keep(ctx, b.where((*Event).unlettered)); err != nil {
		return err
	}
	pending := b.Pending()
	if len(pending.Events) == 0 {
		return nil
	}
	err := d.To.Write(ctx, pending)
	if lost := d.keep(ctx, pending.where((*Event).unlettered)); lost != nil {
		return lost
	}
	return err
}

// keep writes the letters of refused events, which have none yet.
func (d DeadLetters) keep(ctx context.Context, rejected *Batch) error {
	if len(rejected.Events) == 0 {
		return nil
	}
	owners := rejected.Events
	letters := &Batch{Events: make([]*Event, len(owners))}
	for i, e := range owners {
		if e.verdict == Rejected {
			e.condemn()
		}
		letters.Events[i] = d.letter(e)
	}
	err := d.Letters.Write(ctx, letters)
	kept := 0
	for i, l := range letters.Events {
		if l.verdict == Delivered || l.verdict == Dropped {
			owners[i].bury()
			kept++
		}
	}
	if kept == len(owners) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("the letters were refused: %w", letters.refusal())
	}
	return fmt.Errorf("keep %d of %d dead letters: %w", len(owners)-kept, len(owners), err)
}

func (d DeadLetters) letter(e *Event) *Event {
	why := e.reason
	body := e.Raw
	if body == nil {
		body = e.Body
	}
	headers := make([]Header, 0, len(e.Headers)+len(d.Stamp)+5)
	headers = append(headers, e.Headers...)
	headers = append(headers, d.Stamp...)
	headers = append(headers,
		Header{HeaderCode, []byte(why.Code)},
		Header{HeaderPointer, []byte(why.Pointer)},
		Header{HeaderDetail, []byte(why.Detail)},
		Header{HeaderDoor, []byte(e.Origin.Door)})
	if why.Offset >= 0 {
		headers = append(headers, Header{HeaderOffset, strconv.AppendInt(nil, why.Offset, 10)})
	}
	return &Event{
		ID: e.ID, Key: e.Key, Time: e.Time, Origin: e.Origin,
		Raw: body, Body: body, Headers: headers, Letter: true,
	}
}

// refusal is the first reason that stands in the batch.
func (b *Batch) refusal() error {
	for _, e := range b.Events {
		if e.reason != nil {
			return errors.New(e.reason.Error())
		}
	}
	return errors.New("no reason given")
}

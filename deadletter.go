package penstock

import (
	"cmp"
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
//
// Without Letters, each letter is written to To in its event's place, in one
// Write with the events that pend: for a sink that stores both, and its
// progress with them, in one transaction.
type DeadLetters struct {
	To      Sink
	Letters Sink     // nil is To, in one Write with the rest
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
	if d.Letters == nil {
		return d.together(ctx, b)
	}
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
	letters := d.mixed(rejected)
	err := d.Letters.Write(ctx, letters)
	return buried(rejected, letters, err)
}

// together writes letters and pending events to To until it refuses no more of
// them: what it refused meanwhile goes again as a letter.
func (d DeadLetters) together(ctx context.Context, b *Batch) error {
	for {
		b = b.where(func(e *Event) bool { return e.verdict == Pending || e.unlettered() })
		if len(b.Events) == 0 {
			return nil
		}
		mixed := d.mixed(b)
		err := d.To.Write(ctx, mixed)
		lost := buried(b, mixed, err)
		refused := b.where(func(e *Event) bool { return e.verdict == Rejected && e.unlettered() })
		for _, e := range refused.Events {
			e.condemn()
		}
		var refusal *Refusal
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		if len(refused.Events) == 0 {
			return cmp.Or(err, lost)
		}
	}
}

// mixed is the batch with a letter in the place of each refused event, which
// pends again until that is durable.
func (d DeadLetters) mixed(b *Batch) *Batch {
	mixed := &Batch{Events: make([]*Event, len(b.Events))}
	for i, e := range b.Events {
		mixed.Events[i] = e
		if !e.unlettered() {
			continue
		}
		if e.verdict == Rejected {
			e.condemn()
		}
		mixed.Events[i] = d.letter(e)
	}
	return mixed
}

// buried makes the rejections final whose letters in mixed are durable, and
// returns why others are not.
func buried(owners, mixed *Batch, err error) error {
	letters, kept := 0, 0
	for i, l := range mixed.Events {
		if l == owners.Events[i] {
			continue
		}
		letters++
		if l.verdict == Delivered || l.verdict == Dropped {
			owners.Events[i].bury()
			kept++
		}
	}
	if kept == letters {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("the letters were refused: %w", mixed.refusal())
	}
	return fmt.Errorf("keep %d of %d dead letters: %w", letters-kept, letters, err)
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

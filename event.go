package penstock

import (
	"fmt"
	"time"
)

// Verdict is an event's fate. The zero Verdict is Pending.
type Verdict uint8

// The verdicts. All but Pending are final.
const (
	Pending   Verdict = iota // nobody has settled it
	Delivered                // durable at its Place
	Dropped                  // a duplicate: the event of the same identity is durable at Place
	Rejected                 // refused for good, see Reason
)

var verdictNames = [...]string{"pending", "delivered", "dropped", "rejected"}

// String names the verdict in the house's words.
func (v Verdict) String() string { return verdictNames[v] }

// An Event is one record on its way from a door to a sink. A door fills it and
// owns its memory; everything in it is valid until the door reuses the batch.
type Event struct {
	ID      []byte    // identity: what makes two events the same event; empty until known
	Key     []byte    // what keeps order: events of one key stay in order; may be empty
	Time    time.Time // when it happened, by the stream's rules; zero when unknown
	Origin  Origin    // where it came in, for messages and for progress
	Raw     []byte    // the bytes as received
	Values  []Value   // the stream's fields, in the order of its Fields
	Extra   []byte    // members that the schema admits but does not name, as `"a":1,"b":2`
	Body    []byte    // the record as it leaves, set by the encoding step
	Headers []Header  // carried to the sink beside the body
	Letter  bool      // a dead letter: Body holds the refused bytes, Headers say why

	verdict  Verdict
	lettered bool    // its dead letter is durable
	reason   *Reject // beside the verdict: whoever asks for one asks for both, of a million events
	place    Place
}

// Origin is the door an event came in by and where in that door it stood: the
// line of a file, the index in a request, the sequence number in a journal.
type Origin struct {
	Door     string
	Position uint64
}

// A Header is a name and a value carried beside the body, as in Kafka.
type Header struct {
	Name  string
	Value []byte
}

// Ack is how far an event has come: the receipt the sender chooses.
type Ack uint8

// The acks. AckDisk: the journal's fdatasync has returned. AckKafka: the broker
// has committed it to all in-sync replicas.
const (
	AckDisk Ack = iota
	AckKafka
)

// String is the ack's name in requests and answers.
func (a Ack) String() string {
	if a == AckKafka {
		return "kafka"
	}
	return "disk"
}

// Place says where a settled event is.
type Place struct {
	Ack       Ack
	Seq       uint64 // journal sequence number; 0 when it never was in a journal
	Topic     string // "" until it is in Kafka
	Partition int32
	Offset    int64 // -1 when only the topic is known
}

// Verdict is the event's fate so far.
func (e *Event) Verdict() Verdict { return e.verdict }

// Place is where the event is; meaningful once delivered or dropped.
func (e *Event) Place() Place { return e.place }

// Reason is why the event was rejected. It is also set on a pending event that
// is condemned but whose dead letter could not be kept yet.
func (e *Event) Reason() *Reject { return e.reason }

// Deliver settles the event as durable at p. Settling twice panics, and so
// does settling an event that waits only for its dead letter.
func (e *Event) Deliver(p Place) {
	e.settle(Delivered)
	e.place = p
}

// Drop settles the event as a duplicate of the one at p. Settling twice panics.
func (e *Event) Drop(p Place) {
	e.settle(Dropped)
	e.place = p
}

// Reject settles the event as refused for the given reason. Settling twice
// panics, and so does a nil reason.
func (e *Event) Reject(why *Reject) {
	if why == nil {
		panic("penstock: event " + string(e.ID) + " rejected without a reason")
	}
	e.settle(Rejected)
	e.reason = why
}

// Advance moves a delivered or dropped event on to a later place, as when
// what was on disk is now in Kafka. The verdict does not change.
func (e *Event) Advance(p Place) {
	if e.verdict != Delivered && e.verdict != Dropped {
		panic(fmt.Sprintf("penstock: event %q advanced while %v", e.ID, e.verdict))
	}
	e.place = p
}

func (e *Event) settle(v Verdict) {
	if e.verdict != Pending {
		panic(fmt.Sprintf("penstock: event %q settled twice: %v, then %v", e.ID, e.verdict, v))
	}
	if e.reason != nil {
		panic(fmt.Sprintf("penstock: event %q settled as %v while condemned (%v): write b.Pending(), not b.Events", e.ID, v, e.reason))
	}
	e.verdict = v
}

// condemn takes a rejection back to pending, keeping its reason: the dead
// letter is not durable yet, so the verdict is not final.
func (e *Event) condemn() {
	if e.verdict != Rejected {
		panic(fmt.Sprintf("penstock: event %q condemned while %v", e.ID, e.verdict))
	}
	e.verdict = Pending
}

// condemned reports whether only the dead letter is missing.
func (e *Event) condemned() bool { return e.verdict == Pending && e.reason != nil }

// bury makes a condemned event's rejection final: its letter is durable.
func (e *Event) bury() {
	if !e.condemned() {
		panic(fmt.Sprintf("penstock: event %q buried while %v", e.ID, e.verdict))
	}
	e.verdict = Rejected
	e.lettered = true
}

// unlettered reports whether the event is refused and has no durable letter.
func (e *Event) unlettered() bool { return e.reason != nil && !e.lettered }

// Reset makes the event ready for reuse by its door, keeping the memory of ID,
// Key, Values, Body and Headers to be appended to. A door that pointed those
// at memory it shares must not Reset but assign a new Event.
func (e *Event) Reset() {
	// One by one: a whole new Event would be written twice, and a door does this
	// a million times a second.
	e.ID, e.Key, e.Values, e.Body, e.Headers = e.ID[:0], e.Key[:0], e.Values[:0], e.Body[:0], e.Headers[:0]
	e.Time, e.Origin, e.Raw, e.Extra, e.Letter = time.Time{}, Origin{}, nil, nil, false
	e.verdict, e.lettered, e.place, e.reason = Pending, false, Place{}, nil
}

package ingest

import (
	"context"
	"net/http"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A request is the work on one POST: body, events, pipeline and answer. It is
// pooled by its door, memory and all, so that an event costs no allocation;
// nothing of it is touched once the handler has returned.
type request struct {
	terms
	inflaters

	door   *door
	limits *Options
	budget *budget
	holder *Key // nil when the server has no keys

	charged int64  // of the budget
	body    []byte // as sent
	wire    int64  // len(body)
	text    []byte // decompressed: body or inflated

	inflated []byte
	decoder  *stream.Decoder
	headers  []penstock.Header // of all events: stream, trace
	slab     []*penstock.Event // the first used are this request's
	used     int

	batch    penstock.Batch // the events that the key's rate let in
	attempt  attempt
	then     penstock.Sink // between the steps and attempt
	pipeline penstock.Pipeline
	letters  penstock.DeadLetters
	err      error // of the pipeline

	out   []byte
	count tallies
}

// A keep is what a request may keep when it goes back to its pool, where nothing
// is charged for it.
type keep struct {
	bytes  int // of a buffer, and of the events' encoded bodies together
	events int
}

// Where little is in work a request keeps enough for the next one of its size:
// what lies in pools then is no more than was in work.
var (
	keepLittle = keep{128 << 10, 256}
	keepMuch   = keep{1 << 20, 1024}
)

// charge takes n bytes of the budget for as long as the request lasts.
func (q *request) charge(n int64) bool {
	if !q.budget.take(n) {
		return false
	}
	q.charged += n
	return true
}

// refund gives n bytes back before the request is over.
func (q *request) refund(n int64) {
	q.budget.give(n)
	q.charged -= n
}

// event returns a clean event, the next of the request.
func (q *request) event() (*penstock.Event, *problem) {
	if q.used == q.limits.EventsMax {
		return nil, q.tooManyEvents()
	}
	if !q.charge(q.door.eventCost) {
		return nil, overloaded()
	}
	if q.used == len(q.slab) {
		chunk := make([]penstock.Event, min(64, max(1, len(q.slab))))
		for i := range chunk {
			q.slab = append(q.slab, &chunk[i])
		}
	}
	e := q.slab[q.used]
	e.Origin = penstock.Origin{Door: q.door.origin, Position: uint64(q.used)}
	e.Headers = q.headers[:len(q.headers):len(q.headers)]
	q.used++
	return e, nil
}

func (q *request) tooManyEvents() *problem {
	return tooLarge("too_many_events", "a request may hold "+itoa(q.limits.EventsMax)+" events: send fewer at a time")
}

// setHeaders sets the headers that all events of the request carry.
func (q *request) setHeaders(h http.Header) {
	q.headers = append(q.headers[:0], q.door.stamp)
	parent := h["Traceparent"]
	if len(parent) != 1 || !validTraceparent(parent[0]) {
		return
	}
	q.headers = append(q.headers, penstock.Header{Name: "traceparent", Value: []byte(parent[0])})
	state := h["Tracestate"]
	if len(state) == 1 && len(state[0]) <= 512 {
		q.headers = append(q.headers, penstock.Header{Name: "tracestate", Value: []byte(state[0])})
	}
}

// validTraceparent reports whether s is a W3C trace context of version 00, as
// 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.
func validTraceparent(s string) bool {
	const shape = "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh"
	if len(s) != len(shape) {
		return false
	}
	for i := 0; i < len(s); i++ {
		hex := '0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f'
		if shape[i] == 'h' && !hex || shape[i] != 'h' && shape[i] != s[i] {
			return false
		}
	}
	return true
}

// write judges the events and writes what passes; their fates stand in them.
func (q *request) write(ctx context.Context) {
	q.attempt.reset(q.door.Into)
	q.pipeline = penstock.Pipeline{Steps: q.door.Steps, To: q.then}
	switch {
	case q.atomic:
		// Nothing of a failed atomic batch is stored, letters neither: its
		// sender has all of it and is told what to mend.
		q.attempt.whole = len(q.batch.Events)
		q.err = q.pipeline.Write(ctx, &q.batch)
	case q.door.Letters != nil:
		q.letters = penstock.DeadLetters{To: &q.pipeline, Letters: q.door.Letters}
		q.err = q.letters.Write(ctx, &q.batch)
	default:
		q.err = q.pipeline.Write(ctx, &q.batch)
	}
}

// recall drops what never reached the journal but is stored from before: not to
// say so would be untrue, whatever became of the rest.
func (q *request) recall(ctx context.Context) {
	if q.err == nil {
		return
	}
	q.outcomes(func(e *penstock.Event, o outcome) {
		if o.code != codeAtomic && o.code != codeUnavailable && o.code != codeBatchLarge || e.Verdict() != penstock.Pending {
			return
		}
		if e.Reason() != nil || !q.identified(ctx, e) { // refused: only its letter is missing
			return
		}
		if place, ok := q.door.Ledger.Find(e.ID); ok {
			e.Drop(place)
		}
	})
}

// identified reports whether the pending event has its identity, which it may have
// to be given: where the letter of another could not be kept, no step has run.
func (q *request) identified(ctx context.Context, e *penstock.Event) bool {
	for _, step := range q.door.Steps {
		if len(e.ID) > 0 || step(ctx, e) != nil {
			break
		}
	}
	return len(e.ID) > 0
}

// stored reports whether anything of the request is durable.
func (q *request) stored() bool {
	for _, e := range q.batch.Events {
		if v := e.Verdict(); v == penstock.Delivered || v == penstock.Dropped {
			return true
		}
	}
	return false
}

// release gives back what the request holds and, cleaned, the request itself.
func (q *request) release() {
	q.budget.give(q.charged)
	keep := keepLittle
	if q.budget.calm() {
		keep = keepMuch
	}
	room := keep.bytes
	for _, e := range q.slab[:q.used] {
		room -= clean(e, room)
	}
	if len(q.slab) > keep.events {
		q.slab = append(make([]*penstock.Event, 0, keep.events), q.slab[:keep.events]...)
	}
	clear(q.batch.Events)
	clear(q.headers)
	q.decoder.Reset()
	q.source.Reset(nil)
	*q = request{
		inflaters: q.inflaters,
		door:      q.door, limits: q.limits, budget: q.budget, decoder: q.decoder, then: q.then,
		body: keep.buffer(q.body), inflated: keep.buffer(q.inflated), out: keep.buffer(q.out),
		headers: q.headers[:0], slab: q.slab,
		batch: penstock.Batch{Events: q.batch.Events[:0]},
	}
	if cap(q.batch.Events) > keep.events {
		q.batch.Events = nil
	}
	q.door.requests.Put(q)
}

// clean makes an event as new, but for the memory that is its own, and returns
// what its body has of that, at most room. The headers are shared by the events of
// a request, so Reset would not do.
func clean(e *penstock.Event, room int) int {
	body := e.Body
	if cap(body) > room {
		body = nil
	}
	clear(e.Values) // which point into the request's body
	*e = penstock.Event{ID: e.ID[:0], Key: e.Key[:0], Values: e.Values[:0], Body: body[:0]}
	return cap(body)
}

func (k keep) buffer(b []byte) []byte {
	if cap(b) > k.bytes {
		return nil
	}
	return b[:0]
}

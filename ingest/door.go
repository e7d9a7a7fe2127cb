package ingest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A Ledger knows what became of events after they were on disk. A journal is one.
type Ledger interface {
	// Await waits until every stored event of b has come to Kafka, and
	// advances their places. It returns ctx's error when ctx ends first.
	Await(ctx context.Context, b *penstock.Batch) error

	// Find returns where the event of this identity is.
	Find(id []byte) (penstock.Place, bool)

	// RetryAfter is when there will be room again, by the rate of the drain.
	RetryAfter() time.Duration
}

// A Stream is one kind of event and where it goes from here.
type Stream struct {
	*stream.Stream

	// Steps judge each event. Unless there is Then, they enrich it too, and
	// the last one encodes it.
	Steps []penstock.Step

	// Then, if set, is what comes between the steps and Into, for what looks
	// at a whole batch: it returns a sink that writes to to.
	Then func(to penstock.Sink) penstock.Sink

	// Into takes what passes: the stream's journal. It settles a batch as a
	// whole or not at all where the request's mode is atomic.
	Into penstock.Sink

	// Letters keeps the dead letters; nil keeps none.
	Letters penstock.Sink

	Ledger Ledger
}

// A door is a stream as it is served: with what can be made once.
type door struct {
	Stream
	origin      string          // of events, for messages
	rejects     string          // topic of dead letters
	stamp       penstock.Header // tells on each event what judged it
	description []byte          // JSON
	eventCost   int64
	events      [statuses]prometheus.Counter
	requests    sync.Pool // of *request
	watches     watches
}

func newDoor(s Stream, h *Handler) *door {
	if s.Into == nil || s.Ledger == nil || s.Stream == nil {
		panic("ingest: a Stream needs its stream, Into and Ledger")
	}
	d := &door{
		Stream:      s,
		origin:      "http:" + s.Name,
		rejects:     s.Topic + ".rejects",
		stamp:       penstock.Header{Name: "penstock-stream", Value: []byte(s.Name + "@" + s.Version)},
		description: describe(s.Stream),
		eventCost:   s.eventCost(),
	}
	for i := range d.events {
		d.events[i] = h.metrics.events.WithLabelValues(s.Name, statusNames[i])
	}
	d.requests.New = func() any {
		decoder := d.NewDecoder()
		decoder.BytesMax = h.limits.EventBytesMax
		q := &request{door: d, limits: &h.limits, budget: &h.budget, decoder: decoder}
		q.then = &q.attempt
		if d.Then != nil {
			q.then = d.Then(q.then)
		}
		return q
	}
	return d
}

func (d *door) retryAfter() time.Duration { return d.Ledger.RetryAfter() }

// describe is the stream as GET shows it.
func describe(s *stream.Stream) []byte {
	names := func(slots ...int) string {
		var all []string
		for _, i := range slots {
			if i >= 0 {
				all = append(all, s.Fields[i].Name)
			}
		}
		return quotedList(all)
	}
	b := append([]byte(`{"name":`), quoted(s.Name)...)
	b = append(b, `,"version":`+quoted(s.Version)+`,"ack":`+quoted(s.Ack.String())+`,"topic":`+quoted(s.Topic)...)
	b = append(b, `,"rejects":`+strconv.FormatBool(s.Rejects)+`,"id":`+names(s.ID...)...)
	b = append(b, `,"key":`+names(s.Key)+`,"time":`+names(s.Time)+`,"fields":[`...)
	for i, f := range s.Fields[:s.Declared] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`+quoted(f.Name)+`,"type":`+quoted(typeName(f))+`}`...)
	}
	b = append(b, `],"adds":[`...)
	var added []string
	for _, f := range s.Fields[s.Declared:] {
		if !slices.Contains(added, quoted(f.Name)) {
			added = append(added, quoted(f.Name))
		}
	}
	return append(append(b, strings.Join(added, ",")...), `]}`...)
}

var typeNames = [...]string{
	stream.Any: "any", stream.Bool: "boolean", stream.Int: "integer", stream.Decimal: "decimal",
	stream.Number: "number", stream.Time: "date-time", stream.Text: "string", stream.JSON: "json",
}

func typeName(f stream.Field) string {
	if f.Type == stream.Decimal {
		return "decimal(" + itoa(int(f.Precision)) + "," + itoa(int(f.Scale)) + ")"
	}
	return typeNames[f.Type]
}

func quoted(s string) string { return string(appendQuoted(nil, s)) }

func quotedList(all []string) string {
	for i := range all {
		all[i] = quoted(all[i])
	}
	return "[" + strings.Join(all, ",") + "]"
}

func itoa(n int) string { return strconv.Itoa(n) }

// Package faults holds seeded faulty parts for tests: a sink that fails as the
// world does, and a disk that forgets what was not synced.
//
//	sink := faults.NewSink(faults.SinkOptions{Seed: 1, Before: 0.2, After: 0.2})
//	err := penstock.Retry{To: sink}.Write(ctx, batch)
//	got := sink.Records()
package faults

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/penstock-io/penstock"
)

// ErrWorld is what every fault of a Sink wraps: trouble that passes.
var ErrWorld = errors.New("injected fault")

// Memory is what a Sink knows of the events it has stored, and so what it does
// with one that comes again.
type Memory uint8

// The memories. With Forgets, an event written again is stored again.
const (
	Forgets    Memory = iota
	ByID              // an event of a known ID is dropped, as in a journal; letters are not looked up
	ByPosition        // one store and progress per door, as in a Kafka transaction
)

// Refusing is how a Sink turns down the events that Bad picks.
type Refusing uint8

// The ways of refusing. A Sink that keeps progress must never deliver behind
// an event it rejects, so with ByPosition even EachAlone stops at the first.
const (
	EachAlone Refusing = iota // rejects each where it stands
	AsBatch                   // a *penstock.Refusal of the whole batch, until an event comes alone
)

// SinkOptions are a Sink's habits. The zero value stores everything at once,
// forgets it and has no faults. Rates are probabilities per Write, 0 to 1.
type SinkOptions struct {
	Seed uint64

	Before  float64 // error, nothing stored
	After   float64 // stored, but the answer is lost: error, nothing settled
	Partial float64 // a first part stored and settled, then an error
	Down    float64 // the door finds the sink down for up to DownMax

	DownMax time.Duration // 0 is one minute
	SlowMax time.Duration // each Write first takes 1 ms to SlowMax, in whole ms; 0 is no time at all

	Memory   Memory
	Refusing Refusing
	Bad      func(e *penstock.Event) bool // events refused for good; nil is none. Letters are never refused.
}

// A Record is an event as a Sink has stored it: copied, in order of storing.
type Record struct {
	ID, Key, Body string
	Origin        penstock.Origin
	Headers       []penstock.Header
	Letter        bool
}

// A Sink keeps records in memory and fails as its options say. The faults a
// door meets depend only on the seed and on that door's own Writes, so that a
// failing seed can be run again in spite of goroutine scheduling. It is safe
// for concurrent use.
type Sink struct {
	options SinkOptions

	mu       sync.Mutex
	calm     bool
	records  []Record
	known    map[string]int // record index by ID
	progress map[string]uint64
	doors    map[string]*door
	marks    map[string]int
}

// door is how one door fares with the sink.
type door struct {
	rng  *rand.Rand
	down time.Time // until then
}

// fate is what one Write has drawn.
type fate struct {
	err  error
	slow time.Duration
	stop bool    // fail before anything is stored
	lost bool    // store, then fail
	part float64 // store this share, then fail; 1 is all
}

// NewSink returns an empty sink.
func NewSink(o SinkOptions) *Sink {
	if o.DownMax <= 0 {
		o.DownMax = time.Minute
	}
	return &Sink{
		options:  o,
		known:    map[string]int{},
		progress: map[string]uint64{},
		doors:    map[string]*door{},
		marks:    map[string]int{},
	}
}

// Calm ends all faults but refusals: from now on every Write is served.
func (s *Sink) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = true
}

// Records returns what is stored, letters among it, in order of storing.
func (s *Sink) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

// Marks counts what has happened, by name: "before", "after", "partial",
// "down", "timeout", "refusal", "reject", "known".
func (s *Sink) Marks() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.marks)
}

// Position returns the door's last stored position; 0 when there is none. It
// is kept whatever the Memory.
func (s *Sink) Position(door string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress[door]
}

// Write stores and settles the batch's pending events, faults permitting.
func (s *Sink) Write(ctx context.Context, b *penstock.Batch) error {
	events := b.Pending().Events
	if len(events) == 0 {
		return nil
	}
	f := s.draw(events[0].Origin.Door)
	if err := s.wait(ctx, f.slow); err != nil {
		return err
	}
	if f.stop {
		return f.err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !f.lost {
		events = s.settleKnown(events)
	}
	good, bad, refusal := s.sort(events)
	if refusal != nil && len(good)+len(bad) == 0 {
		return refusal
	}
	for _, e := range good[:int(f.part*float64(len(good)))] {
		place := s.store(e)
		if !f.lost {
			e.Deliver(place)
		}
	}
	if f.err != nil {
		return f.err
	}
	// Only now: the letter of a rejected event moves progress on, and must not
	// take it past a good one that a fault has kept out.
	for _, e := range bad {
		e.Reject(refuse(e))
		s.marks["reject"]++
	}
	return refusal
}

func refuse(e *penstock.Event) *penstock.Reject {
	return penstock.NewReject("bad", "", "the sink refuses the event at position %d", e.Origin.Position)
}

// draw decides one Write of the door. The same number of draws is made every
// time, so that one fault does not shift all that follow.
func (s *Sink) draw(name string) fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doors[name]
	if d == nil {
		h := fnv.New64a()
		h.Write([]byte(name))
		d = &door{rng: rand.New(rand.NewPCG(s.options.Seed, h.Sum64()))}
		s.doors[name] = d
	}
	o, now := s.options, time.Now()
	pick, share, slow, down := d.rng.Float64(), d.rng.Float64(), d.rng.Int64(), d.rng.Int64()
	f := fate{part: 1}
	if ms := o.SlowMax.Milliseconds(); ms > 0 {
		f.slow = time.Duration(1+slow%ms) * time.Millisecond
	}
	fail := func(mark string) {
		s.marks[mark]++
		f.err = fmt.Errorf("%w: %s", ErrWorld, mark)
	}
	below := func(rate float64) bool {
		hit := pick < rate
		pick -= rate
		return hit && pick < 0
	}
	switch {
	case s.calm:
	case now.Before(d.down):
		f.stop = true
		fail("down")
	case below(o.Down):
		d.down = now.Add(time.Duration(1+down%o.DownMax.Milliseconds()) * time.Millisecond)
		f.stop = true
		fail("down")
	case below(o.Before):
		f.stop = true
		fail("before")
	case below(o.After):
		f.lost = true
		fail("after")
	case below(o.Partial):
		f.part = share
		fail("partial")
	}
	return f
}

// wait takes its time; a Write that the context ends has stored nothing.
func (s *Sink) wait(ctx context.Context, slow time.Duration) error {
	if slow <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(slow)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.marks["timeout"]++
		return ctx.Err()
	}
}

// settleKnown settles the events that were stored before and returns the others.
func (s *Sink) settleKnown(events []*penstock.Event) []*penstock.Event {
	fresh := make([]*penstock.Event, 0, len(events))
	for _, e := range events {
		switch {
		case s.options.Memory == ByPosition && e.Origin.Position <= s.progress[e.Origin.Door]:
			e.Deliver(penstock.Place{Seq: e.Origin.Position, Offset: -1})
		case s.options.Memory == ByID && !e.Letter && len(e.ID) > 0 && s.stored(e.ID):
			e.Drop(penstock.Place{Seq: uint64(s.known[string(e.ID)])})
		default:
			fresh = append(fresh, e)
			continue
		}
		s.marks["known"]++
	}
	return fresh
}

func (s *Sink) stored(id []byte) bool {
	_, ok := s.known[string(id)]
	return ok
}

// sort tells the events to store from those to reject, by the sink's habit. A
// refusal beside them says that more stands behind; alone, that nothing can be
// said of any.
func (s *Sink) sort(events []*penstock.Event) (good, bad []*penstock.Event, refusal error) {
	for i, e := range events {
		if e.Letter || s.options.Bad == nil || !s.options.Bad(e) {
			good = append(good, e)
			continue
		}
		if s.options.Refusing == AsBatch && len(events) > 1 {
			s.marks["refusal"]++
			return nil, nil, &penstock.Refusal{Why: refuse(e)}
		}
		bad = append(bad, e)
		if s.options.Memory == ByPosition && i < len(events)-1 {
			s.marks["refusal"]++
			return good, bad, &penstock.Refusal{Why: refuse(e)}
		}
	}
	return good, bad, nil
}

// store keeps a copy, unless it is there already, and moves progress on.
func (s *Sink) store(e *penstock.Event) penstock.Place {
	o := e.Origin
	switch s.options.Memory {
	case ByPosition:
		if o.Position <= s.progress[o.Door] {
			return penstock.Place{Seq: o.Position, Offset: -1}
		}
	case ByID:
		if i, ok := s.known[string(e.ID)]; ok && !e.Letter && len(e.ID) > 0 {
			return penstock.Place{Seq: uint64(i)}
		}
	}
	headers := slices.Clone(e.Headers)
	for i := range headers {
		headers[i].Value = slices.Clone(headers[i].Value)
	}
	s.records = append(s.records, Record{
		ID: string(e.ID), Key: string(e.Key), Body: string(e.Body),
		Origin: o, Headers: headers, Letter: e.Letter,
	})
	if !e.Letter {
		s.known[string(e.ID)] = len(s.records)
	}
	s.progress[o.Door] = max(s.progress[o.Door], o.Position)
	return penstock.Place{Seq: uint64(len(s.records))}
}

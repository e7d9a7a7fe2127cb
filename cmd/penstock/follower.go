package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// A follower puts a topic's events into a stream's table, each exactly once:
// the rows and the topic's offsets are one transaction.
type follower struct {
	rules    *stream.Stream
	table    table
	lookups  *enrich.Enricher
	consumer string // under which the database keeps the offsets
	group    string // in Kafka
	log      *slog.Logger
	state    *followed

	records *stream.Decoder // of what a door of ours has encoded
	events  *stream.Decoder // of what anybody else wrote
	mark    []byte          // the door's header begins with it; nil: no door writes to the topic
}

// sinkConsumer is the name under which a database keeps the offsets of a
// stream's topic, for the group that a sink is given; "" is every sink's. The
// stream is part of it: of two that share a topic, each needs all of it.
func sinkConsumer(group string, s *stream.Stream) string {
	if group == "" {
		group = "penstock-sink"
	}
	return group + "-" + s.Name
}

// followed is how far following has come, for whoever asks meanwhile.
type followed struct {
	total   penstock.Total
	stalled atomic.Bool // the last try to write failed
}

// openFollower opens the table and the look-ups. The caller closes the follower.
//
// The consumer group in Kafka is named for the consumer and the database: all
// that write to one database share the work, and two databases each get
// everything.
func openFollower(ctx context.Context, to, group string, s *stream.Stream, log *slog.Logger) (*follower, error) {
	consumer := sinkConsumer(group, s)
	log = log.With("consumer", consumer)
	lookups, err := enrich.New(ctx, s, enrich.Options{Log: log}) // which adds the stream by itself
	if err != nil {
		return nil, err
	}
	log = log.With("stream", s.Name)
	t, err := openTable(ctx, to, s, log)
	if err != nil {
		return nil, errors.Join(err, lookups.Close())
	}
	return &follower{
		rules: s, table: t, lookups: lookups, consumer: consumer, group: consumer + "-" + fingerprint(to), log: log, state: &followed{},
		records: s.NewRecordDecoder(), events: s.NewDecoder(), mark: []byte(s.Name + "@"),
	}, nil
}

func (f *follower) close() error { return errors.Join(f.table.Close(), f.lookups.Close()) }

// run reads the topic and writes the table until ctx ends or, unless follow,
// until the topic's end.
func (f *follower) run(ctx context.Context, from kafka.Config, topic string, follow bool) error {
	source, err := kafka.NewSource(from, kafka.SourceOptions{
		Topic: topic, Group: f.group, Follow: follow,
		Positions: f.positions,
	})
	if err != nil {
		return err
	}
	into := penstock.Retry{To: penstock.Bisect{To: penstock.SinkFunc(f.write)}, OnError: func(err error, attempt int, pause time.Duration) {
		f.state.stalled.Store(true)
		if attempt == 1 || attempt%10 == 0 {
			f.log.Error("writing to the table stands still; events wait in Kafka", "err", err, "again_in", pause)
		}
	}}
	err = source.Run(ctx, penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		err := into.Write(ctx, b)
		f.state.stalled.Store(err != nil && ctx.Err() == nil)
		f.state.total.Add(b.Tally())
		return err
	}))
	if follow && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // told to stop, as it is meant to end
	}
	return err
}

// positions are how far the table has come, asked for until the database says so.
func (f *follower) positions(ctx context.Context) (map[string]uint64, error) {
	return awaitDatabase(ctx, f.log, func() (map[string]uint64, error) {
		at, err := f.table.Positions(ctx, f.consumer)
		f.state.stalled.Store(err != nil && ctx.Err() == nil)
		return at, err
	})
}

// write decodes and judges what pends, and writes rows, the letters of what is
// refused, and the topic's offsets in one transaction.
func (f *follower) write(ctx context.Context, b *penstock.Batch) error {
	f.records.Reset()
	f.events.Reset()
	return penstock.Pipeline{Steps: []penstock.Step{f.judge}, To: penstock.DeadLetters{To: f.table.Follow(f.consumer)}}.Write(ctx, b)
}

// judge decodes an event and judges it by the stream's rules. What a header says
// is one of our doors' has the form of a record, derived and enriched already;
// but anybody may have written the header, so it is no word to go by.
func (f *follower) judge(ctx context.Context, e *penstock.Event) error {
	whole := e.Body
	defer func() { e.Raw = whole }() // the letter of a refused event holds all of it
	if f.ours(e) {
		if err := decode(f.records, e, whole); err != nil {
			return err
		}
		if err := f.rules.CheckRecord(ctx, e); err != nil {
			return err
		}
		return f.identify(ctx, e)
	}
	if err := decode(f.events, e, whole); err != nil {
		return err
	}
	for _, step := range []penstock.Step{f.rules.Check, f.rules.Derive, f.identify, f.lookups.Step} {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func decode(d *stream.Decoder, e *penstock.Event, text []byte) error {
	n, err := d.Decode(text, e)
	if err != nil {
		return err
	}
	return stream.CheckEnd(text, n)
}

// identify sets the identity and the time. They are the event's own from here
// on: those that the reader set point into what it fetched, which others see.
func (f *follower) identify(ctx context.Context, e *penstock.Event) error {
	if len(f.rules.ID) > 0 {
		e.ID = nil
	}
	e.Key = nil
	return f.rules.Identify(ctx, e)
}

// ours reports whether the event says that a door of this stream has encoded it.
func (f *follower) ours(e *penstock.Event) bool {
	if f.mark == nil {
		return false
	}
	for _, h := range e.Headers {
		if h.Name == "penstock-stream" {
			return bytes.HasPrefix(h.Value, f.mark)
		}
	}
	return false
}

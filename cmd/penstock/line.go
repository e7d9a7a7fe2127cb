package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/journal"
	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// lineConfig is what serve is told of every stream's journal and drain.
type lineConfig struct {
	topic              topicConfig
	quota              int64
	identities         int
	acceptLostProgress bool
}

func (c *lineConfig) define(flags *flag.FlagSet) {
	c.topic.define(flags)
	flags.Int64Var(&c.quota, "journal-quota-bytes", 1<<30, "most bytes a stream's journal holds for Kafka; beyond them 503 with Retry-After")
	flags.IntVar(&c.identities, "identities", 1_000_000, "how many of a stream's last identities are remembered, to tell duplicates")
	flags.BoolVar(&c.acceptLostProgress, "accept-lost-progress", false,
		"go on although Kafka has forgotten how far a journal had come; events it had already taken may be there twice")
}

// A line is one stream's way from the door to Kafka: its journal, the sink
// behind it, and the drain between them. It lives as long as the program,
// through every reload of the stream's rules.
type line struct {
	name    string
	into    string // the topic
	dir     string // of the journal
	journal *journal.Journal
	sink    *kafka.Sink
	log     *slog.Logger
	lineConfig

	stalled atomic.Pointer[string] // why the drain does not get on; nil when it does
	stop    context.CancelFunc
	drained chan struct{} // closed when the drain has ended
}

// openLine opens the stream's journal and starts its drain. The caller closes
// the line.
func openLine(c lineConfig, dataDir string, s *stream.Stream, to kafka.Config, log *slog.Logger) (*line, error) {
	log = log.With("stream", s.Name)
	dir := filepath.Join(dataDir, "journal", s.Name)
	j, err := journal.Open(dir, journal.Options{
		QuotaBytes: c.quota, Identities: c.identities, Topic: s.Topic, RejectsTopic: s.Topic + ".rejects", Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", s.Name, err)
	}
	sink, err := kafka.NewSink(to, c.topic.sink(s, j.Door()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stream %s: %w", s.Name, err), j.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &line{
		name: s.Name, into: s.Topic, dir: dir, journal: j, sink: sink, log: log, lineConfig: c,
		stop: stop, drained: make(chan struct{}),
	}
	go func() {
		defer close(l.drained)
		l.drain(ctx)
	}()
	return l, nil
}

// drain publishes the journal in its order until ctx ends.
func (l *line) drain(ctx context.Context) {
	onError := func(err error, attempt int, pause time.Duration) { l.stall(err, pause) }
	checked := penstock.Retry{To: penstock.SinkFunc(l.checkProgress), OnError: onError}
	question := &penstock.Batch{Events: []*penstock.Event{{}}} // Retry goes by what pends
	if err := checked.Write(ctx, question); err != nil {
		return
	}
	into := penstock.Retry{
		To:      penstock.Bisect{To: penstock.DeadLetters{To: l.sink, Letters: l.sink}},
		OnError: onError,
	}
	err := l.journal.Run(ctx, penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		l.sink.Passed(b.Events[0].Origin.Position - 1) // the journal goes on only when all is settled
		err := into.Write(ctx, b)
		if err == nil {
			l.flow()
		}
		return err
	}))
	if err != nil && ctx.Err() == nil {
		l.stall(err, 0)
	}
}

// checkProgress refuses to publish as long as Kafka's record of what it has of
// this journal is not the journal's own, and settles the question when it is.
func (l *line) checkProgress(ctx context.Context, question *penstock.Batch) error {
	if !l.topic.atLeastOnce {
		committed, err := l.sink.Position(ctx, l.journal.Door())
		if err != nil {
			return err
		}
		if err := l.compare(committed); err != nil {
			return err
		}
		if err := l.journal.Confirm(); err != nil {
			return err
		}
	}
	l.flow()
	question.Events[0].Deliver(penstock.Place{})
	return nil
}

// compare says what is wrong with Kafka's progress. Ahead of the journal, it
// is that of a newer copy: events with numbers that Kafka knows would be lost.
// Behind the journal's checkpoint, the progress topic was lost: what was
// published since can't be told from what was not.
func (l *line) compare(committed uint64) error {
	if first := l.journal.Unconfirmed(); first > 0 && committed >= first {
		return fmt.Errorf("kafka has this journal's events to number %d, but the journal had none beyond %d when it was opened: %s is an older copy of it; "+
			"nothing is published, since events accepted from then on would pass for published and be lost: stop penstock, keep them with "+
			"penstock journal export --first %d %s, put the newer folder back or make this one empty, start, and send them again", committed, first-1, l.dir, first, l.dir)
	}
	if at := l.journal.Checkpoint(); committed < at && !l.acceptLostProgress {
		return fmt.Errorf("kafka has progress %d for this journal, which had come to %d: the progress topic was lost or this is another cluster; "+
			"nothing is published until penstock is started with --accept-lost-progress (events may then be there twice)", committed, at)
	}
	return nil
}

func (l *line) stall(err error, pause time.Duration) {
	why := err.Error()
	if before := l.stalled.Swap(&why); before == nil || *before != why {
		l.log.Error("publishing stands still; events are kept in the journal", "err", err, "again_in", pause)
	}
}

func (l *line) flow() {
	if before := l.stalled.Swap(nil); before != nil {
		l.log.Info("publishing goes on")
	}
}

// door is what the HTTP door needs of the line to take events by s's rules.
// Identify stands before the look-ups: an event that a failing look-up holds
// back must hold back its key.
func (l *line) door(s *stream.Stream, lookups *enrich.Enricher) ingest.Stream {
	in := ingest.Stream{
		Stream: s,
		Steps:  []penstock.Step{s.Check, s.Derive, s.Identify},
		Then: func(to penstock.Sink) penstock.Sink {
			return lookups.Ahead(penstock.Pipeline{Steps: []penstock.Step{lookups.Step, s.Encode}, To: to})
		},
		Into:   l.journal,
		Ledger: l.journal,
	}
	if s.Rejects {
		in.Letters = l.journal
	}
	return in
}

// failure tells the door what an error of the journal means for the events
// that still pend.
func failure(err error) ingest.Failure {
	var refusal *penstock.Refusal
	switch {
	case errors.As(err, &refusal):
		return ingest.TooLarge
	case errors.Is(err, journal.ErrFull):
		return ingest.Full
	case errors.Is(err, journal.ErrOverQuota):
		return ingest.OverQuota
	case errors.Is(err, journal.ErrUnknown):
		return ingest.Unknown
	}
	return ingest.NotStored
}

// close waits until Kafka has all that is in the journal, or ctx ends; what is
// left stays in the journal for the next start.
func (l *line) close(ctx context.Context) error {
	if err := l.journal.AwaitDrained(ctx); err != nil {
		s := l.journal.Stats()
		l.log.Warn("stopped before Kafka had everything; the rest is kept for the next start", "events", s.BacklogEvents)
	}
	l.stop()
	<-l.drained
	return errors.Join(l.sink.Close(context.WithoutCancel(ctx)), l.journal.Close())
}

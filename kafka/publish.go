package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/penstock-io/penstock"
)

// publish puts what pends in b into Kafka and settles it. It goes round again
// only after it has rejected events of a topic that the brokers refuse, so at
// most once a topic.
func (s *Sink) publish(ctx context.Context, b *penstock.Batch) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.RoundTimeout,
		fmt.Errorf("the brokers did not take the events within %v", s.o.RoundTimeout))
	defer cancel()
	if err := s.recheckRefused(ctx); err != nil {
		return err
	}
	for {
		events := b.Pending().Events
		left := s.fill(events)
		if len(s.round.events) == 0 {
			return left
		}
		err := s.send(ctx)
		if err == nil {
			return left
		}
		again, err := s.judge(ctx, err)
		if !again {
			return err
		}
	}
}

// recheckRefused asks again about topics that were refused: somebody may have
// created one or granted the right.
func (s *Sink) recheckRefused(ctx context.Context) error {
	for _, plan := range []topicPlan{s.eventsPlan(), s.rejectsPlan()} {
		if s.session.refused[plan.name] == nil {
			continue
		}
		if err := s.ensure(ctx, s.session, plan); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
	}
	return nil
}

// fill puts the events into the round, and the progress that goes with them.
// It rejects those that are known to be refused. It stops, and says so, when
// the progress record could not hold all the holes that rejects leave.
func (s *Sink) fill(events []*penstock.Event) error {
	s.round.reset(len(events))
	next := s.session.progress.clone()
	next.Settled = next.Settled.through(s.passed.Load())
	var left error
	for i, e := range events {
		topic := s.o.Topic
		if e.Letter {
			topic = s.o.RejectsTopic
		}
		if why := s.session.refused[topic]; why != nil {
			e.Reject(why)
			continue
		}
		rec := s.round.add(e, topic)
		if n, limit := batchBytes(rec), s.session.topics.limit(topic); n > int(limit) {
			s.round.undo()
			e.Reject(penstock.NewReject(CodeTooLarge, "",
				"the event makes a message of %d bytes, and topic %s takes %d: raise its max.message.bytes or send less", n, topic, limit))
			continue
		}
		if s.o.AtLeastOnce {
			continue
		}
		if len(next.Settled) >= spansMax && !next.Settled.touches(e.Origin.Position) {
			s.round.undo()
			left = fmt.Errorf("kafka: %d events of %s wait until the dead letters before them are kept", len(events)-i, s.o.Door)
			break
		}
		next.Settled = next.Settled.add(e.Origin.Position)
		if e.Letter {
			next.Lettered = next.Lettered.add(e.Origin.Position)
		}
	}
	if n := len(next.Lettered); n > letteredMax {
		next.Lettered = next.Lettered[n-letteredMax:]
	}
	s.round.progress = next
	return left
}

// send publishes the round and settles its events.
func (s *Sink) send(ctx context.Context) error {
	if s.o.AtLeastOnce {
		return s.sendUnsure(ctx)
	}
	if err := s.round.addProgress(); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	if err := s.session.transact(ctx, &s.round); err != nil {
		return err
	}
	s.session.progress = s.round.progress
	s.session.rounds++
	s.deliver()
	return nil
}

func (s *Sink) deliver() {
	for i, e := range s.round.events {
		e.Deliver(s.round.place(i))
	}
	s.session.events += uint64(len(s.round.events))
}

// sendUnsure publishes without a transaction and settles what was taken.
func (s *Sink) sendUnsure(ctx context.Context) error {
	err := s.round.produce(ctx, s.session.client)
	if ctx.Err() != nil && err != nil {
		s.session.broken = true
		s.session.close()
		s.round.wait()
	}
	for i, e := range s.round.events {
		if s.round.failed[&s.round.records[i]] == nil {
			e.Deliver(s.round.place(i))
			s.session.events++
		}
	}
	s.session.rounds++
	return err
}

// judge makes of a round's error what it means for its events. It reports
// whether the round is worth doing again at once.
func (s *Sink) judge(ctx context.Context, err error) (again bool, _ error) {
	err = fmt.Errorf("kafka: %w", explain(err))
	var rec *recordError
	if s.session.broken || !errors.As(err, &rec) {
		return false, err
	}
	switch {
	case missing(rec):
		return s.judgeMissing(ctx, rec, err)
	case !permanent(rec):
		return false, err
	case rec.topic == ProgressTopic:
		return false, fmt.Errorf("%w; grant Write on topic %s, or choose at least once", err, ProgressTopic)
	case errors.Is(rec, kerr.TopicAuthorizationFailed):
		s.rejectTopic(rec.topic, topicReject(rec.topic, rec.err))
		return true, nil
	}
	why := penstock.NewReject(CodeRecord, "", "topic %s: %v", rec.topic, rec.err)
	if errors.Is(rec, kerr.MessageTooLarge) || errors.Is(rec, kerr.RecordListTooLarge) {
		why.Code = CodeTooLarge
	}
	pending := (&penstock.Batch{Events: s.round.events}).Pending().Events
	if len(pending) == 1 {
		pending[0].Reject(why)
		return false, nil
	}
	return false, &penstock.Refusal{Why: why}
}

// judgeMissing deals with a topic that has gone since the start.
func (s *Sink) judgeMissing(ctx context.Context, rec *recordError, err error) (again bool, _ error) {
	for _, plan := range []topicPlan{s.eventsPlan(), s.rejectsPlan()} {
		if plan.name != rec.topic {
			continue
		}
		if lost := s.ensure(ctx, s.session, plan); lost != nil {
			return false, errors.Join(err, lost)
		}
		if why := s.session.refused[plan.name]; why != nil {
			s.rejectTopic(plan.name, why)
			return true, nil
		}
	}
	s.session.broken = true // made anew: so must be what the driver knows of it
	return false, err
}

// rejectTopic rejects every event of the round that goes to topic: the fault
// is certain for each of them.
func (s *Sink) rejectTopic(topic string, why *penstock.Reject) {
	s.log.Error("the brokers refuse the topic: its events become dead letters", "refused", topic, "err", why.Detail)
	for i, e := range s.round.events {
		if s.round.records[i].Topic == topic && e.Verdict() == penstock.Pending {
			e.Reject(why)
		}
	}
}

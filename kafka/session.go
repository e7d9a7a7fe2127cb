package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock"
)

// A session is one client of the brokers with one producer epoch. It is thrown
// away as soon as the outcome of anything is unclear.
type session struct {
	client   *kgo.Client
	topics   *topics
	progress progress // committed
	refused  map[string]*penstock.Reject
	broken   bool
	caughtUp bool   // see catchUp
	events   uint64 // put into Kafka since the Sink last noted it
	rounds   uint64

	abortPatience time.Duration // how long a failed round waits for its clean end
}

func (s *session) close() { s.client.Close() }

// Bounds of what the driver buffers. A batch larger than this is sent in
// parts of the same transaction.
const (
	bufferedRecordsMax = 100_000
	bufferedBytesMax   = 64 << 20
)

// start makes a session by the start sequence; its order matters, see the
// package comment.
func (s *Sink) start(ctx context.Context) error {
	opts, err := s.cfg.options()
	if err != nil {
		return err
	}
	// Reading the progress may have to wait for other Sinks' transactions.
	ctx, cancel := context.WithTimeoutCause(ctx, 2*s.transactionTimeout(), errors.New("the brokers do not answer"))
	defer cancel()
	next, err := s.newSession(opts)
	if err != nil {
		return err
	}
	if err := s.cfg.reach(ctx, next.client); err != nil {
		next.close()
		return fmt.Errorf("kafka: %w", err)
	}
	if err := s.prepare(ctx, next, opts); err != nil {
		next.close()
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", err, cause)
		}
		return fmt.Errorf("kafka: start the sink of topic %s: %w", s.o.Topic, err)
	}
	s.session = next
	return nil
}

func (s *Sink) transactionTimeout() time.Duration { return s.o.RoundTimeout + 5*time.Second }

func (s *Sink) newSession(opts []kgo.Opt) (*session, error) {
	next := &session{
		topics: &topics{}, refused: map[string]*penstock.Reject{},
		abortPatience: min(2*time.Second, s.o.RoundTimeout/4),
	}
	producer := append(opts[:len(opts):len(opts)],
		kgo.ProducerLinger(time.Second), // until Flush, which each round ends with
		// snappy: twice zstd's rate for little more volume, and the drainer
		// shares the machine with those it drains for; lz4 is as fast, but
		// its compressors hold 20 MB.
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytesFn(next.topics.limit),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // by key, as Java's clients do
		kgo.MaxBufferedRecords(bufferedRecordsMax),
		kgo.MaxBufferedBytes(bufferedBytesMax),
	)
	if !s.o.AtLeastOnce {
		producer = append(producer,
			kgo.TransactionalID(s.o.TransactionalID),
			kgo.TransactionTimeout(s.transactionTimeout()))
	}
	client, err := kgo.NewClient(producer...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	next.client = client
	return next, nil
}

// prepare makes the topics, takes the producer epoch and reads the progress.
func (s *Sink) prepare(ctx context.Context, next *session, opts []kgo.Opt) error {
	if s.o.AtLeastOnce {
		return s.prepareTopics(ctx, next)
	}
	if err := s.progressPlan().ensure(ctx, next.client, s.log); err != nil {
		return fmt.Errorf("%w; without topic %s, or the right to it, choose at least once", notTheEvents(err), ProgressTopic)
	}
	if s.claimed {
		// We were there before: taking a new epoch now would shut out whoever
		// has rightly taken our place since.
		if err := s.stillOurs(ctx, opts); err != nil {
			return err
		}
	}
	if err := s.prepareTopics(ctx, next); err != nil {
		return err
	}
	if _, _, err := next.client.ProducerID(ctx); err != nil {
		return explain(fmt.Errorf("take producer %s: %w", s.o.TransactionalID, err))
	}
	found, _, err := readProgress(ctx, opts, s.o.Door, toHighWatermark)
	if err != nil {
		return fmt.Errorf("read topic %s: %w", ProgressTopic, err)
	}
	next.progress = found
	if found.Owner.ID != s.me.ID {
		if err := s.claim(ctx, next); err != nil {
			return err
		}
	}
	s.claimed = true
	s.log.Info("ready", "door", s.o.Door, "committed", found.Settled.last())
	return nil
}

// claim commits our name to the progress record, so that a Sink whose place we
// have taken can tell this from a timeout.
func (s *Sink) claim(ctx context.Context, next *session) error {
	next.progress.Owner = s.me
	r := round{progress: next.progress}
	if err := r.addProgress(); err != nil {
		return err
	}
	if err := next.transact(ctx, &r); err != nil {
		return explain(fmt.Errorf("claim %s: %w", s.o.Door, err))
	}
	return nil
}

func (s *Sink) stillOurs(ctx context.Context, opts []kgo.Opt) error {
	found, ok, err := readProgress(ctx, opts, s.o.Door, toLastStable)
	if err != nil {
		return fmt.Errorf("read topic %s: %w", ProgressTopic, err)
	}
	if o := found.Owner; ok && o.ID != s.me.ID {
		s.fenced = fmt.Errorf("kafka: %w: process %d on host %q, started %s, publishes %s as %s; stop one of the two",
			ErrFenced, o.PID, o.Host, o.Since.Format(time.RFC3339), s.o.Door, s.o.TransactionalID)
		s.log.Error(s.fenced.Error())
		return s.fenced
	}
	return nil
}

// prepareTopics makes sure that the topics are there. One that is refused for
// good is remembered: its events are rejected, one by one, when they come.
func (s *Sink) prepareTopics(ctx context.Context, next *session) error {
	for _, plan := range []topicPlan{s.eventsPlan(), s.rejectsPlan()} {
		if err := s.ensure(ctx, next, plan); err != nil {
			return err
		}
	}
	next.topics.examine(ctx, next.client, s.log, s.topicNames()...)
	return nil
}

func (s *Sink) ensure(ctx context.Context, next *session, plan topicPlan) error {
	err := plan.ensure(ctx, next.client, s.log)
	why := penstock.AsReject(err)
	if err != nil && why == nil {
		return err
	}
	if why == nil {
		delete(next.refused, plan.name)
		return nil
	}
	if next.refused[plan.name] == nil {
		s.log.Error("the brokers refuse the topic: its events become dead letters", "refused", plan.name, "err", why.Detail)
	}
	next.refused[plan.name] = why
	return nil
}

func (s *Sink) topicNames() []string {
	if s.o.AtLeastOnce {
		return []string{s.o.Topic, s.o.RejectsTopic}
	}
	return []string{s.o.Topic, s.o.RejectsTopic, ProgressTopic}
}

func (s *Sink) eventsPlan() topicPlan { return s.plan(s.o.Topic, s.o.MessageBytesMax) }

// rejectsPlan makes room for what is too large for the other topic: a dead
// letter that is refused too stops the line.
func (s *Sink) rejectsPlan() topicPlan {
	return s.plan(s.o.RejectsTopic, int32(min(max(2*int64(s.o.MessageBytesMax), 8<<20), 64<<20)))
}

func (s *Sink) plan(topic string, bytesMax int32) topicPlan {
	return topicPlan{topic, s.o.Partitions, s.o.ReplicationFactor, map[string]*string{
		"max.message.bytes": setting(int(bytesMax)),
	}}
}

// progressPlan keeps the topic short: a start reads all of it, a round appends
// one record, and Kafka never compacts the segment it is writing to.
func (s *Sink) progressPlan() topicPlan {
	compact := "compact"
	return topicPlan{ProgressTopic, 1, s.o.ReplicationFactor, map[string]*string{
		"cleanup.policy": &compact,
		"segment.bytes":  setting(16 << 20),
		"segment.ms":     setting(int(time.Hour.Milliseconds())),
	}}
}

func setting(n int) *string {
	text := strconv.Itoa(n)
	return &text
}

// explain adds what to do next to the errors an operator must act on.
func explain(err error) error {
	switch {
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("%w; grant Write and Describe on the transactional id, or choose at least once", err)
	case errors.Is(err, kerr.InvalidTransactionTimeout):
		return fmt.Errorf("%w; the brokers' transaction.max.timeout.ms is below this sink's round timeout and 5 s: shorten it", err)
	}
	return err
}

// notTheEvents takes a reject out of an error that no single event is to
// blame for.
func notTheEvents(err error) error {
	if why := penstock.AsReject(err); why != nil {
		return errors.New(why.Detail)
	}
	return err
}

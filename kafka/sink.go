package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/penstock-io/penstock"
)

// SinkOptions say where a Sink's events go. The zero value of everything
// optional is the safest.
type SinkOptions struct {
	Topic        string // for events; required
	RejectsTopic string // for dead letters; "" means Topic + ".rejects"

	// Door is the journal whose events the Sink takes, as Journal.Door
	// returns it: the one door whose positions mean the same event for ever.
	// Required, unless AtLeastOnce is set.
	Door string

	// TransactionalID is what Kafka knows this Sink by: a second process that
	// uses it shuts out the first. "" means penstock-<journal id>-<topic>.
	TransactionalID string

	// AtLeastOnce gives up exactly once, for clusters where penstock may not
	// use transactions: after a crash or a lost answer, events are there
	// twice. Any door's events are taken, and no progress is kept.
	AtLeastOnce bool

	// How topics are created when they are missing.
	Partitions        int32 // of Topic and RejectsTopic; 0 means 6
	ReplicationFactor int16 // 0 means the brokers' default
	MessageBytesMax   int32 // largest event; 0 means 2 MiB, at most 32 MiB; the rejects topic takes twice as much, and no less than 8 MiB

	// RoundTimeout bounds how long one Write waits for the brokers before it
	// says so with an error; nothing is lost by it. 0 means 20 s, at least
	// 1 s. The transaction timeout is 5 s more, and is how long a process
	// that died in mid-transaction can hold back read_committed readers.
	RoundTimeout time.Duration
}

func (o SinkOptions) withDefaults() (SinkOptions, error) {
	switch {
	case o.Topic == "":
		return o, errors.New("kafka: no topic given for the events")
	case o.Door == "" && !o.AtLeastOnce:
		return o, errors.New("kafka: exactly once needs the journal's door; give it, or choose at least once")
	case o.Topic == ProgressTopic || o.RejectsTopic == ProgressTopic:
		return o, fmt.Errorf("kafka: topic %s is where sinks keep their progress: choose another for events", ProgressTopic)
	case o.Topic == o.RejectsTopic:
		return o, fmt.Errorf("kafka: events and dead letters must not share topic %s", o.Topic)
	case o.MessageBytesMax > 32<<20:
		return o, fmt.Errorf("kafka: a message size of %d is above 32 MiB", o.MessageBytesMax)
	case o.Partitions < 0 || o.ReplicationFactor < 0 || o.MessageBytesMax < 0 || o.RoundTimeout < 0:
		return o, errors.New("kafka: partitions, replication factor, message size and timeout must not be negative")
	}
	if o.RejectsTopic == "" {
		o.RejectsTopic = o.Topic + ".rejects"
	}
	if o.TransactionalID == "" {
		o.TransactionalID = "penstock-" + strings.TrimPrefix(o.Door, "journal:") + "-" + o.Topic
	}
	if o.Partitions == 0 {
		o.Partitions = 6
	}
	if o.ReplicationFactor == 0 {
		o.ReplicationFactor = -1
	}
	if o.MessageBytesMax == 0 {
		o.MessageBytesMax = 2 << 20
	}
	if o.RoundTimeout == 0 {
		o.RoundTimeout = 20 * time.Second
	}
	o.RoundTimeout = max(o.RoundTimeout, time.Second)
	return o, nil
}

// ErrFenced means that another process has taken this Sink's place: it uses
// the same transactional id, most likely because it drains a copy of the same
// journal. The Sink stays shut; stop one of the two processes.
var ErrFenced = errors.New("another process has taken this sink's place")

// A Sink publishes events and dead letters. Writes from many goroutines are
// done one after the other.
type Sink struct {
	cfg   Config
	o     SinkOptions
	log   *slog.Logger
	me    owner
	state atomic.Pointer[State]

	passed  atomic.Uint64 // see Passed
	turn    chan struct{} // holds one token: who has it owns everything below
	session *session      // nil until started, and after an unclear outcome
	claimed bool          // this Sink has owned the door before
	fenced  error         // final
	closed  bool
	round   round // memory, reused
}

// State is how a Sink stands with the brokers.
type State struct {
	Ready  bool      // the last thing tried with the brokers went well
	Err    error     // why not; nil before the first try
	Since  time.Time // when Ready last changed
	Fenced bool      // another process has taken over; see ErrFenced
	Events uint64    // events and dead letters put into Kafka by this Sink
	Rounds uint64    // transactions committed, or batches when at least once
}

// NewSink returns a Sink for cfg's cluster. It reaches for the cluster with
// the first Write or Position, so penstock starts while Kafka is down.
func NewSink(cfg Config, o SinkOptions) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // only for the message to a fenced process
	s := &Sink{
		cfg: cfg, o: o, log: cfg.logger().With("topic", o.Topic),
		me:   owner{ID: uuid.NewString(), Host: host, PID: os.Getpid(), Since: time.Now().UTC()},
		turn: make(chan struct{}, 1),
	}
	s.state.Store(&State{})
	s.turn <- struct{}{}
	if o.AtLeastOnce {
		s.log.Warn("AT LEAST ONCE: no transactions, so events can be in the topic twice after a crash or a lost answer")
	}
	return s, nil
}

// State may be asked at any time.
func (s *Sink) State() State { return *s.state.Load() }

// Position returns the last position of door that is committed to Kafka, 0
// for none. Asking it starts the Sink.
func (s *Sink) Position(ctx context.Context, door string) (uint64, error) {
	if s.o.AtLeastOnce {
		return 0, errors.New("kafka: no position is kept when at least once is chosen")
	}
	if door != s.o.Door {
		return 0, fmt.Errorf("kafka: this sink keeps the position of %q, not of %q", s.o.Door, door)
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	return s.session.progress.Settled.last(), nil
}

// Passed says that whatever the door has up to the position is settled, in
// Kafka or as a dead letter or lost with the disk. A journal leaves numbers out
// where its end was torn or damaged; without this each such gap would stand in
// the progress record for ever, as an event that is still to come.
func (s *Sink) Passed(position uint64) { s.passed.Store(max(position, s.passed.Load())) }

// Write publishes what pends in b and settles it: events to the topic, dead
// letters to the rejects topic, all of it and the progress in one transaction.
// Events that an earlier transaction has already put into Kafka are delivered
// with an unknown partition and an offset of -1. What the brokers refuse for
// good is rejected with a code of this package.
func (s *Sink) Write(ctx context.Context, b *penstock.Batch) error {
	events := b.Pending().Events
	if len(events) == 0 {
		return nil
	}
	if err := s.checkDoor(events); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.settleCovered(events)
	err := s.publish(ctx, b)
	if s.session != nil && s.session.broken {
		// The outcome is not certain: it is now, if the brokers can be reached.
		s.log.Warn("starting again to learn what was committed", "err", err)
		s.drop()
		if fencing(err) {
			giveWay(ctx)
		}
		if again := s.begin(ctx); again != nil {
			return errors.Join(err, again)
		}
		s.settleCovered(b.Pending().Events)
		if len(b.Pending().Events) == 0 {
			err = nil
		}
	}
	s.note(err)
	return err
}

// giveWay leaves a Sink that has taken our place the time to put its name down.
// Without it the two would shut each other out for a while.
func giveWay(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// fencing reports whether err says that somebody has taken a newer epoch of
// our transactional id: another process, or the brokers themselves when a
// transaction took too long.
func fencing(err error) bool {
	for _, e := range []error{
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
		kerr.InvalidTxnState, // what a commit is told when the transaction was aborted by the newer epoch
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// checkDoor refuses events whose positions this Sink keeps no record of: it
// could take one event's position for another's.
func (s *Sink) checkDoor(events []*penstock.Event) error {
	if s.o.AtLeastOnce {
		return nil
	}
	for _, e := range events {
		if e.Origin.Door != s.o.Door || e.Origin.Position == 0 {
			return fmt.Errorf("kafka: event %q is position %d of door %q: this sink takes positions from 1 of %q",
				e.ID, e.Origin.Position, e.Origin.Door, s.o.Door)
		}
	}
	return nil
}

// settleCovered delivers the events that are already in Kafka.
func (s *Sink) settleCovered(events []*penstock.Event) {
	if s.o.AtLeastOnce {
		return
	}
	done := s.session.progress
	for _, e := range events {
		n := e.Origin.Position
		if !done.Settled.has(n) {
			continue
		}
		topic := s.o.Topic
		if done.Lettered.has(n) {
			topic = s.o.RejectsTopic
		}
		e.Deliver(penstock.Place{Ack: penstock.AckKafka, Seq: n, Topic: topic, Partition: -1, Offset: -1})
	}
}

// Close waits for the Write in progress and leaves the cluster. Writes after
// it fail.
func (s *Sink) Close(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("kafka: close the sink: %w", ctx.Err())
	case <-s.turn:
	}
	defer s.leave()
	s.closed = true
	s.drop()
	return nil
}

func (s *Sink) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("kafka: wait for the write before: %w", ctx.Err())
	case <-s.turn:
	}
	if s.closed {
		s.leave()
		return errors.New("kafka: the sink is closed")
	}
	return nil
}

func (s *Sink) leave() { s.turn <- struct{}{} }

// begin runs the start sequence if there is no session.
func (s *Sink) begin(ctx context.Context) error {
	if s.fenced != nil {
		return s.fenced
	}
	if s.session != nil {
		return nil
	}
	err := s.start(ctx)
	s.note(err)
	return err
}

func (s *Sink) drop() {
	if s.session != nil {
		s.session.close()
		s.session = nil
	}
}

// note keeps the State.
func (s *Sink) note(err error) {
	next := s.State()
	var refusal *penstock.Refusal
	if errors.As(err, &refusal) {
		err = nil // the brokers are well; it is the batch
	}
	if next.Since.IsZero() || next.Ready != (err == nil) {
		next.Since = time.Now()
	}
	next.Ready, next.Err = err == nil, err
	next.Fenced = s.fenced != nil
	if s.session != nil {
		next.Events += s.session.events
		next.Rounds += s.session.rounds
		s.session.events, s.session.rounds = 0, 0
	}
	s.state.Store(&next)
}

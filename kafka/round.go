package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock"
)

// The headers of every record: the event's identity, when it has one, and its
// journal position.
const (
	HeaderID  = "penstock-id"
	HeaderSeq = "penstock-seq"
)

// A round is what one transaction puts into Kafka: events, the records made of
// them, and one more record for the progress. Its memory is reused.
type round struct {
	events   []*penstock.Event
	progress progress     // as it is once the round is committed
	records  []kgo.Record // of events, in their order; then the progress, if any
	headers  []kgo.RecordHeader
	digits   []byte
	now      time.Time

	waiting  int // promises to come; the driver's promises run one at a time
	failed   map[*kgo.Record]error
	finished chan struct{}
}

// reset takes the round's memory back. A round that was unusually large gives
// it up.
func (r *round) reset(n int) {
	if cap(r.records) > bufferedRecordsMax && n <= bufferedRecordsMax {
		*r = round{}
	}
	clear(r.events)
	clear(r.records)
	clear(r.headers)
	r.events = r.events[:0]
	r.records = slices.Grow(r.records[:0], n+1)
	r.headers = r.headers[:0]
	r.digits = r.digits[:0]
	r.failed = nil
	// Records carry the time of sending. The event's own time may lie years
	// back, where the topic's retention would delete it at once.
	r.now = time.Now()
}

// add makes the event's record.
func (r *round) add(e *penstock.Event, topic string) *kgo.Record {
	rec := kgo.Record{Topic: topic, Value: e.Body, Timestamp: r.now, Headers: r.headersOf(e)}
	if len(e.Key) > 0 {
		rec.Key = e.Key // an empty key would send all such events to one partition
	}
	r.events = append(r.events, e)
	r.records = append(r.records, rec)
	return &r.records[len(r.records)-1]
}

// undo takes the last record back.
func (r *round) undo() {
	r.events = r.events[:len(r.events)-1]
	r.records = r.records[:len(r.records)-1]
}

func (r *round) headersOf(e *penstock.Event) []kgo.RecordHeader {
	from := len(r.headers)
	for _, h := range e.Headers {
		r.headers = append(r.headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
	}
	if len(e.ID) > 0 {
		r.headers = append(r.headers, kgo.RecordHeader{Key: HeaderID, Value: e.ID})
	}
	if e.Origin.Position > 0 {
		at := len(r.digits)
		r.digits = strconv.AppendUint(r.digits, e.Origin.Position, 10)
		r.headers = append(r.headers, kgo.RecordHeader{Key: HeaderSeq, Value: r.digits[at:len(r.digits):len(r.digits)]})
	}
	return r.headers[from:len(r.headers):len(r.headers)]
}

// addProgress makes the record that commits the progress with the events.
func (r *round) addProgress() error {
	value, err := json.Marshal(r.progress)
	if err != nil {
		return fmt.Errorf("encode the progress: %w", err)
	}
	r.records = append(r.records, kgo.Record{Topic: ProgressTopic, Key: []byte(r.progress.Door), Value: value, Timestamp: time.Now()})
	return nil
}

// batchBytes is the size of a record batch that holds only this record, before
// compression: what the driver holds against the topic's limit.
func batchBytes(r *kgo.Record) int {
	const batchHeader = 61
	n := 3 // attributes, time and offset relative to the batch
	n += kbin.VarintLen(int32(len(r.Key))) + len(r.Key) + kbin.VarintLen(int32(len(r.Value))) + len(r.Value)
	n += kbin.VarintLen(int32(len(r.Headers)))
	for _, h := range r.Headers {
		n += kbin.VarintLen(int32(len(h.Key))) + len(h.Key) + kbin.VarintLen(int32(len(h.Value))) + len(h.Value)
	}
	return batchHeader + kbin.VarintLen(int32(n)) + n
}

// produce sends the records and waits until the fate of each is known to the
// driver. It returns ctx's error if that came first; the driver still holds
// the records then, until its client is closed and wait returns.
func (r *round) produce(ctx context.Context, client *kgo.Client) error {
	r.waiting = len(r.records)
	r.finished = make(chan struct{})
	r.failed = nil
	promise := r.promise // made once: each mention of a method makes a func
	for i := range r.records {
		client.Produce(ctx, &r.records[i], promise)
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("wait for the brokers: %w", context.Cause(ctx))
	}
	select {
	case <-r.finished:
		return r.failure()
	case <-ctx.Done():
		return fmt.Errorf("wait for the brokers: %w", context.Cause(ctx))
	}
}

func (r *round) wait() { <-r.finished }

// promise is called by the driver, one record at a time.
func (r *round) promise(rec *kgo.Record, err error) {
	if err != nil {
		if r.failed == nil {
			r.failed = map[*kgo.Record]error{}
		}
		r.failed[rec] = err
	}
	if r.waiting--; r.waiting == 0 {
		close(r.finished)
	}
}

// failure returns the most telling error of the records that failed: a broker's
// refusal rather than what followed from it.
func (r *round) failure() error {
	var worst error
	for i := range r.records {
		err := r.failed[&r.records[i]]
		if err == nil {
			continue
		}
		err = &recordError{topic: r.records[i].Topic, err: err}
		if permanent(err) {
			return err
		}
		if worst == nil || errors.Is(worst, kgo.ErrAborting) {
			worst = err
		}
	}
	return worst
}

// A recordError is why the brokers did not take a record.
type recordError struct {
	topic string
	err   error
}

func (e *recordError) Error() string { return fmt.Sprintf("produce to topic %s: %v", e.topic, e.err) }
func (e *recordError) Unwrap() error { return e.err }

// permanent reports whether a record's error is an answer that trying again
// does not change.
func permanent(err error) bool {
	for _, e := range []error{
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp,
		kerr.PolicyViolation, kerr.TopicAuthorizationFailed, kerr.InvalidTopicException,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// missing reports whether a record's topic is gone.
func missing(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

// place is where the i-th event now is.
func (r *round) place(i int) penstock.Place {
	rec := &r.records[i]
	return penstock.Place{
		Ack: penstock.AckKafka, Seq: r.events[i].Origin.Position,
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset,
	}
}

// commitPatience is how long a commit is waited for when the caller is gone: to
// know is worth more than to be quick.
const commitPatience = 10 * time.Second

// transact puts the round into Kafka in one transaction. When it returns an
// error and the session is not broken, nothing of the round is in Kafka. When
// the session is broken, only a new one can tell.
func (s *session) transact(ctx context.Context, r *round) error {
	if err := s.client.BeginTransaction(); err != nil {
		s.broken = true
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := r.produce(ctx, s.client); err != nil {
		s.abort(ctx, r)
		// The driver could mend most other errors by itself. We start again
		// instead: then there is one way back, and it is the tested one.
		s.broken = s.broken || !permanent(err) && !missing(err)
		return err
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	if err := s.client.EndTransaction(ending, kgo.TryCommit); err != nil {
		s.broken = true
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// catchUp waits, in a session's first transaction, until the driver knows of
// the partitions it has sent to. The driver sends to a new topic's partitions
// just before it puts them down (v1.22.3, storePartitionsUpdate); answered faster
// than that, it takes the transaction for empty, and when told to commit it
// aborts and returns nil. Its metadata loop does one thing after the other, so
// once it has purged a topic, here one that nobody has, the update before is done.
//
// The first transaction is enough: all of a session's transactions write to
// the progress topic, and one known partition makes the driver commit.
//
// When it returns an error the session is broken.
func (s *session) catchUp(ctx context.Context) error {
	if s.caughtUp {
		return nil
	}
	purged := make(chan struct{})
	go func() {
		defer close(purged)
		s.client.PurgeTopicsFromProducing(noTopic)
	}()
	select {
	case <-purged:
		s.caughtUp = true
		return nil
	case <-ctx.Done():
		s.broken = true
		s.close() // makes the driver let go of the call
		<-purged
		return fmt.Errorf("wait for the driver's books: %w", context.Cause(ctx))
	}
}

// noTopic is a name that no topic can have.
const noTopic = "no topic"

// abort ends the transaction so that nothing of it is ever read. Where that
// does not succeed, the session is broken, and the next one does it.
func (s *session) abort(ctx context.Context, r *round) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.abortPatience)
	defer cancel()
	err := s.client.AbortBufferedRecords(ending)
	if err == nil {
		err = s.client.EndTransaction(ending, kgo.TryAbort)
	}
	if err != nil {
		s.broken = true
		s.close() // makes the driver let go of the records
	}
	r.wait()
}

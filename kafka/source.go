package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock"
)

// From says where in a topic a Source begins.
type From uint8

// Where to begin. A group that has committed offsets goes on from those.
const (
	FromStart From = iota
	FromEnd
)

// SourceOptions say what a Source reads. The zero value of everything optional
// is the safest: the whole topic, once.
type SourceOptions struct {
	Topic  string // required
	Group  string // consumer group that shares the topic and keeps its offsets; "" reads all partitions and keeps none
	From   From   // where to begin
	Follow bool   // go on at the topic's end instead of returning

	// BatchMax is the most events in one batch; 0 means 10,000.
	BatchMax int

	// Positions, if set, says where each partition goes on, by its events'
	// Door: what the sink itself has kept beats what the group has. It is asked
	// whenever the group gives this member partitions, and for a partition that
	// it does not name reading begins at From. Needs a Group.
	Positions func(ctx context.Context) (map[string]uint64, error)
}

// ErrNoTopic is in the error of a Run whose topic does not exist.
var ErrNoTopic = errors.New("the topic does not exist")

// A Source reads committed events from a topic. Each event carries its key,
// its value as Body and Raw, its headers, its identity if the record has one,
// and its partition and offset as Origin. In a group, offsets are committed
// only once everything before them is settled, so a Source is at least once.
type Source struct {
	cfg Config
	o   SourceOptions
	log *slog.Logger
}

// NewSource returns a Source on cfg's cluster, which it reaches for in Run.
func NewSource(cfg Config, o SourceOptions) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if o.Topic == "" {
		return nil, errors.New("kafka: no topic given to read from")
	}
	if o.BatchMax < 0 || o.From > FromEnd {
		return nil, fmt.Errorf("kafka: cannot read topic %s: batch size %d or beginning %d is not valid", o.Topic, o.BatchMax, o.From)
	}
	if o.Positions != nil && o.Group == "" {
		return nil, fmt.Errorf("kafka: positions of topic %s are kept for a group, and none is given", o.Topic)
	}
	if o.BatchMax == 0 {
		o.BatchMax = 10_000
	}
	return &Source{cfg: cfg, o: o, log: cfg.logger().With("topic", o.Topic)}, nil
}

// Run writes the topic's events into into, batch by batch. Without Follow it
// returns nil once it has read what was in the topic when it began, for which
// it waits for transactions that are still open; in a group, once the group
// has, whose coordinator it waits for a minute at most, and with Follow as long
// as ctx allows, with a warning each time that it is not available. It returns into's error as soon as a batch
// is not wholly settled, having committed nothing of it.
func (s *Source) Run(ctx context.Context, into penstock.Sink) error {
	r := reading{Source: s, next: map[int32]int64{}, ready: make(chan struct{})}
	r.joining = joining{log: s.log.With("group", s.o.Group), session: s.session()}
	if s.o.Group != "" {
		r.joining.begin()
		defer r.joining.end()
	}
	client, err := s.client(&r)
	if err != nil {
		return err
	}
	r.client = client
	close(r.ready)
	defer client.CloseAllowingRebalance()
	if err := r.look(ctx); err != nil {
		return fmt.Errorf("kafka: read topic %s: %w", s.o.Topic, err)
	}
	for {
		if done, err := r.drained(ctx); done || err != nil {
			return err
		}
		if err := r.step(ctx, into); err != nil {
			return err
		}
	}
}

func (s *Source) client(r *reading) (*kgo.Client, error) {
	opts, err := s.cfg.options()
	if err != nil {
		return nil, err
	}
	opts = append(opts,
		kgo.ConsumeTopics(s.o.Topic),
		kgo.ConsumeResetOffset(s.beginning()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // where a topic ends, there is a transaction's marker
		kgo.FetchMaxWait(500*time.Millisecond))
	if s.o.Group != "" {
		opts = append(opts,
			kgo.ConsumerGroup(s.o.Group),
			kgo.SessionTimeout(s.session()),
			kgo.HeartbeatInterval(min(3*time.Second, s.session()/4)),
			kgo.RebalanceTimeout(s.rebalance()),
			kgo.OnPartitionsAssigned(r.joining.given),
			kgo.DisableAutoCommit(),
			kgo.BlockRebalanceOnPoll()) // no partition goes to another member while its events are under way
	}
	if s.o.Positions != nil {
		opts = append(opts, kgo.AdjustFetchOffsetsFn(r.resume))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return client, nil
}

// session is how long the group misses a member of this Source.
func (s *Source) session() time.Duration {
	if s.o.Positions != nil {
		return shortSession
	}
	return longSession
}

// rebalance is how long the group waits for members that were killed while they
// joined, too. Who is longer at a batch than that loses its partitions, which
// costs a Source with Positions no more than the reading of it again.
func (s *Source) rebalance() time.Duration {
	if s.o.Positions != nil {
		return 2 * shortSession
	}
	return time.Minute
}

// reading is one Run.
type reading struct {
	*Source
	joining joining
	client  *kgo.Client
	ready   chan struct{}   // closed when client is set: the driver calls resume from a goroutine of its own
	ends    map[int32]int64 // where each partition ended when we began; nil to follow
	next    map[int32]int64 // the offset to read next, where known
	idle    bool            // the last poll brought nothing
	lost    time.Time       // when the group was lost, if nothing was read since
}

// look checks that the topic is there and notes where it ends.
func (r *reading) look(ctx context.Context) error {
	err := r.cfg.checkTopic(ctx, r.client, r.o.Topic)
	if err != nil || r.o.Follow {
		return err
	}
	return r.lookEnds(ctx, kadm.NewClient(r.client))
}

// CheckTopic tells whether the brokers answer and the topic is there; the error
// is ErrNoTopic where it is not. It joins no group and reads nothing.
func CheckTopic(ctx context.Context, cfg Config, topic string) error {
	opts, err := cfg.options()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	if err := cfg.checkTopic(ctx, client, topic); err != nil {
		return fmt.Errorf("kafka: read topic %s: %w", topic, err)
	}
	return nil
}

func (c Config) checkTopic(ctx context.Context, client *kgo.Client, topic string) error {
	if err := c.reach(ctx, client); err != nil {
		return err
	}
	meta, err := kadm.NewClient(client).Metadata(ctx, topic)
	if err == nil {
		err = readiness(meta.Topics[topic])
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return ErrNoTopic
	}
	return err
}

func (r *reading) lookEnds(ctx context.Context, admin *kadm.Client) error {
	// The high watermark, not the last stable offset: a commit is answered
	// before its markers are in the partitions, and what was acknowledged
	// before we began must not be missed.
	ends, err := admin.ListEndOffsets(ctx, r.o.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("find its end: %w", err)
	}
	starts, err := admin.ListStartOffsets(ctx, r.o.Topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("find its start: %w", err)
	}
	r.ends = map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) { r.ends[o.Partition] = o.Offset })
	starts.Each(func(o kadm.ListedOffset) { r.next[o.Partition] = o.Offset })
	if r.o.From == FromEnd {
		ends.Each(func(o kadm.ListedOffset) { r.next[o.Partition] = o.Offset })
	}
	r.idle = true // look at the group's offsets at once
	return nil
}

// drained reports whether everything up to the ends is read.
func (r *reading) drained(ctx context.Context) (bool, error) {
	if r.ends == nil {
		return false, nil
	}
	if r.o.Group != "" && r.idle {
		// Other members may have read the rest.
		if err := r.lookCommitted(ctx); err != nil {
			return false, fmt.Errorf("kafka: read topic %s: %w", r.o.Topic, err)
		}
	}
	for p, end := range r.ends {
		if r.next[p] < end {
			return false, nil
		}
	}
	return true, nil
}

func (r *reading) lookCommitted(ctx context.Context) error {
	offsets, err := kadm.NewClient(r.client).FetchOffsets(ctx, r.o.Group)
	if errors.Is(err, kerr.GroupIDNotFound) || kerr.IsRetriable(err) {
		return nil // the group is only just being made; the next idle moment tells
	}
	if err != nil {
		return fmt.Errorf("look up the offsets of group %s: %w", r.o.Group, err)
	}
	for p := range r.ends {
		if o, ok := offsets.Lookup(r.o.Topic, p); ok && o.Err == nil && o.At > r.next[p] {
			r.next[p] = o.At
		}
	}
	return r.lookPositions(ctx)
}

// lookPositions adds what the sink knows beyond what the group was told.
func (r *reading) lookPositions(ctx context.Context) error {
	if r.o.Positions == nil {
		return nil
	}
	at, err := r.o.Positions(ctx)
	for p := range r.ends {
		r.next[p] = max(r.next[p], int64(at[doorOf(r.o.Topic, p)]))
	}
	return err
}

// step reads one batch, has it settled, and commits its offsets.
func (r *reading) step(ctx context.Context, into penstock.Sink) error {
	patience := ctx
	if r.ends != nil {
		var cancel context.CancelFunc
		patience, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	fetches := r.client.PollRecords(patience, r.o.BatchMax)
	defer r.client.AllowRebalance()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.check(fetches); err != nil {
		return err
	}
	records := fetches.Records()
	r.idle = len(records) == 0
	if r.idle {
		return nil
	}
	r.lost = time.Time{}
	batch, records := r.batch(records)
	if err := into.Write(ctx, batch); err != nil {
		return fmt.Errorf("kafka: settle %d events of topic %s: %w", len(batch.Events), r.o.Topic, err)
	}
	if n := batch.Tally().Pending; n > 0 {
		return fmt.Errorf("kafka: %d events of topic %s pend, and no reason was given", n, r.o.Topic)
	}
	return r.commit(ctx, records)
}

// check returns the fetches' first error that does not pass by itself.
func (r *reading) check(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		var loss *kgo.ErrDataLoss
		switch {
		case errors.Is(e.Err, context.DeadlineExceeded):
		case rejoins(e.Err) && r.patient():
			r.log.Warn("the group does not answer; trying again", "group", r.o.Group, "err", e.Err)
		case errors.As(e.Err, &loss):
			r.log.Error("the brokers have lost records that were in the topic", "err", loss)
		default:
			if e.Topic == "" { // the group's fault, not a partition's
				return fmt.Errorf("kafka: read topic %s as group %s: %w", r.o.Topic, r.o.Group, e.Err)
			}
			return fmt.Errorf("kafka: read topic %s, partition %d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return nil
}

// rejoins reports whether the driver lost the group to something that passes, as
// a broker's restart does: it goes on trying to join by itself.
func rejoins(err error) bool {
	var group *kgo.ErrGroupSession
	return errors.As(err, &group) &&
		(kerr.IsRetriable(group.Err) || kgo.IsRetryableBrokerErr(group.Err) || isDialErr(group.Err) || expelled(group.Err))
}

// groupPatience is how long a Run that has an end waits for a group that was lost.
const groupPatience = time.Minute

// patient reports whether to wait on for the group. A Run without an end does.
func (r *reading) patient() bool {
	if r.lost.IsZero() {
		r.lost = time.Now()
	}
	return r.o.Follow || time.Since(r.lost) < groupPatience
}

// expelled reports whether the group no longer knows this member: it was too
// slow, or the group's broker has started anew.
func expelled(err error) bool {
	return errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID)
}

func isDialErr(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// batch makes events of the records. Control records become none, but count
// for the offsets. What was written after Run began is left for another time,
// unless we follow.
func (r *reading) batch(records []*kgo.Record) (*penstock.Batch, []*kgo.Record) {
	events := make([]penstock.Event, 0, len(records))
	b := &penstock.Batch{Events: make([]*penstock.Event, 0, len(records))}
	doors := map[int32]string{}
	kept := records[:0]
	for _, rec := range records {
		if end, ok := r.ends[rec.Partition]; ok && rec.Offset >= end {
			continue
		}
		kept = append(kept, rec)
		r.next[rec.Partition] = rec.Offset + 1
		if rec.Attrs.IsControl() {
			continue
		}
		door := doors[rec.Partition]
		if door == "" {
			door = doorOf(rec.Topic, rec.Partition)
			doors[rec.Partition] = door
		}
		events = append(events, event(rec, door))
		b.Events = append(b.Events, &events[len(events)-1])
	}
	return b, kept
}

// doorOf is the Door of a partition's events.
func doorOf(topic string, partition int32) string {
	return "kafka:" + topic + "/" + strconv.Itoa(int(partition))
}

func event(rec *kgo.Record, door string) penstock.Event {
	e := penstock.Event{
		Key: rec.Key, Raw: rec.Value, Body: rec.Value, Time: rec.Timestamp,
		Origin: penstock.Origin{Door: door, Position: uint64(rec.Offset)},
	}
	for _, h := range rec.Headers {
		switch h.Key {
		case HeaderID:
			e.ID = h.Value
		case HeaderSeq: // of the journal it once was in, which is not where it comes from now
		default:
			e.Headers = append(e.Headers, penstock.Header{Name: h.Key, Value: h.Value})
		}
	}
	return e
}

// commit commits the offsets behind the records.
func (r *reading) commit(ctx context.Context, records []*kgo.Record) error {
	if r.o.Group == "" || len(records) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	err := r.client.CommitRecords(ctx, records...)
	switch {
	case err == nil:
		return nil
	case expelled(err):
		r.log.Warn("the group took the partitions away before their offsets were committed: these events will be read again", "err", err)
		return nil
	}
	return fmt.Errorf("kafka: commit offsets of group %s: %w", r.o.Group, err)
}

package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ProgressTopic is where every Sink of a cluster keeps its progress: one
// compacted partition, one record a journal, keyed by the journal's door.
const ProgressTopic = "penstock-progress"

// A span is a run of positions, both ends included.
type span [2]uint64

// positions is a set of positions: spans in ascending order that neither
// overlap nor touch. It is a set and not a single high-water mark because an
// event can be condemned while its neighbours are committed: its position
// stays out of the set until its dead letter is in. A position that is not in
// the set is never taken for settled.
type positions []span

func (p positions) has(n uint64) bool {
	i := sort.Search(len(p), func(i int) bool { return p[i][1] >= n })
	return i < len(p) && p[i][0] <= n
}

// last is the highest position in the set, 0 for none.
func (p positions) last() uint64 {
	if len(p) == 0 {
		return 0
	}
	return p[len(p)-1][1]
}

// add returns the set with n in it. Adding in ascending order costs nothing.
func (p positions) add(n uint64) positions {
	if k := len(p); k == 0 || n > p[k-1][1]+1 {
		return append(p, span{n, n})
	} else if n == p[k-1][1]+1 {
		p[k-1][1] = n
		return p
	}
	i := sort.Search(len(p), func(i int) bool { return p[i][1]+1 >= n })
	switch {
	case p[i][0] <= n && n <= p[i][1]:
		return p
	case p[i][1]+1 == n:
		p[i][1] = n
	case n+1 == p[i][0]:
		p[i][0] = n
	default:
		return slices.Insert(p, i, span{n, n})
	}
	if i+1 < len(p) && p[i][1]+1 == p[i+1][0] {
		p[i][1] = p[i+1][1]
		p = slices.Delete(p, i+1, i+2)
	}
	return p
}

// through returns the set with 1 to n in it.
func (p positions) through(n uint64) positions {
	if n == 0 || len(p) > 0 && p[0][0] == 1 && p[0][1] >= n {
		return p
	}
	i := sort.Search(len(p), func(i int) bool { return p[i][1] > n })
	whole := span{1, n}
	if i < len(p) && p[i][0] <= n+1 {
		whole[1] = p[i][1]
		i++
	}
	return slices.Insert(p[i:len(p):len(p)], 0, whole)
}

// touches reports whether adding n makes no new span.
func (p positions) touches(n uint64) bool {
	return p.has(n) || p.has(n+1) || p.has(n-1)
}

// valid reports whether the spans are what add would have made: what is read
// from Kafka is checked before it is believed.
func (p positions) valid() bool {
	for i, s := range p {
		if s[0] > s[1] || s[0] == 0 || i > 0 && s[0] <= p[i-1][1]+1 {
			return false
		}
	}
	return true
}

// progress is the record kept for one door.
type progress struct {
	Door     string    `json:"door"`
	Settled  positions `json:"settled"`            // in Kafka: as events or as dead letters
	Lettered positions `json:"lettered,omitempty"` // of those, the latest that are dead letters
	Owner    owner     `json:"owner"`              // who wrote this
}

// owner is one Sink in one process. A Sink that finds its producer fenced
// looks here to learn whether another one has taken its place.
type owner struct {
	ID    string    `json:"id"`
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// Bounds of the progress record: it must stay far below any broker's limit
// for a message.
const (
	spansMax    = 4096 // holes in the settled positions
	letteredMax = 1024 // spans remembered of where dead letters went
)

func (p progress) clone() progress {
	p.Settled = slices.Clone(p.Settled)
	p.Lettered = slices.Clone(p.Lettered)
	return p
}

// A reach says how far into the progress topic to read.
type reach func(context.Context, *kadm.Client) (kadm.ListedOffsets, error)

// toHighWatermark reads everything. Other Sinks write to the same partition,
// and one that is in the middle of a transaction would otherwise hide a record
// of ours that is committed behind it. This waits for such a transaction to
// end, which takes at most its timeout.
func toHighWatermark(ctx context.Context, admin *kadm.Client) (kadm.ListedOffsets, error) {
	return admin.ListEndOffsets(ctx, ProgressTopic)
}

// toLastStable reads up to the first open transaction and does not wait: it
// may be our own, which only a new producer epoch ends.
func toLastStable(ctx context.Context, admin *kadm.Client) (kadm.ListedOffsets, error) {
	return admin.ListCommittedOffsets(ctx, ProgressTopic)
}

// readProgress returns the committed progress of door, and false when there
// is none.
func readProgress(ctx context.Context, opts []kgo.Opt, door string, to reach) (progress, bool, error) {
	opts = append(slices.Clone(opts),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{ProgressTopic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the end of the log is a transaction's marker
		kgo.FetchMaxWait(500*time.Millisecond))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return progress{}, false, err
	}
	defer client.Close()
	start, end, err := bounds(ctx, client, to)
	if err != nil {
		return progress{}, false, err
	}
	var found []byte
	for next := start; next < end; {
		fetches := client.PollFetches(ctx)
		if err := firstError(ctx, fetches); err != nil {
			return progress{}, false, fmt.Errorf("at offset %d of %d: %w", next, end, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() && string(r.Key) == door {
				found = r.Value
			}
		})
	}
	if found == nil {
		return progress{Door: door}, false, nil
	}
	return parseProgress(found, door)
}

func parseProgress(data []byte, door string) (progress, bool, error) {
	var p progress
	if err := json.Unmarshal(data, &p); err != nil {
		return progress{}, false, fmt.Errorf("the record of %s: %w", door, err)
	}
	if p.Door != door || !p.Settled.valid() || !p.Lettered.valid() {
		return progress{}, false, fmt.Errorf("the record of %s is not one that penstock wrote: %.200q", door, data)
	}
	return p, true, nil
}

// bounds returns where the progress topic starts, and how far to read it.
func bounds(ctx context.Context, client *kgo.Client, to reach) (start, end int64, err error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, ProgressTopic)
	if err != nil {
		return 0, 0, err
	}
	ends, err := to(ctx, admin)
	if err != nil {
		return 0, 0, err
	}
	s, ok := starts.Lookup(ProgressTopic, 0)
	e, ok2 := ends.Lookup(ProgressTopic, 0)
	if !ok || !ok2 {
		return 0, 0, errors.New("the topic has no partition 0")
	}
	if err := errors.Join(s.Err, e.Err); err != nil {
		return 0, 0, err
	}
	return s.Offset, e.Offset, nil
}

// firstError is ctx's error, or the first one that the fetches carry.
func firstError(ctx context.Context, fetches kgo.Fetches) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range fetches.Errors() {
		return e.Err
	}
	return nil
}

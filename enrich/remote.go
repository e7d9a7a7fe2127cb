package enrich

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
	"github.com/penstock-io/penstock/ttlcache"
)

// What holds for every database and service.
const (
	concurrencyMax = 16       // questions to one source at a time
	keyBytesMax    = 1 << 10  // longer values are asked for but not remembered
	answerBytesMax = 64 << 10 // longer answers are an error of the source
)

// An asker puts one question to a source outside the process. Its answer has a
// value for each added field and is nil when the source knows nothing of v.
type asker interface {
	ask(ctx context.Context, v penstock.Value) ([]penstock.Value, error)

	// patience is how long ask takes at most, with all it tries.
	patience() time.Duration
}

// A remote is a source outside the process: what it answers is kept for a
// while, each question is under way once, and a failing source is spared.
type remote struct {
	declared stream.Lookup
	asker    asker
	counts   *counts
	breaker  *breaker
	slots    chan struct{}                             // holds an element for each question under way
	answers  *ttlcache.Cache[string, []penstock.Value] // by kind and text; nil is the answer that there is none
}

func newRemote(declared stream.Lookup, a asker, log *slog.Logger, c *counts) *remote {
	return &remote{
		declared: declared, asker: a, counts: c, breaker: &breaker{log: log}, slots: make(chan struct{}, concurrencyMax),
		answers: ttlcache.New(ttlcache.Options[string, []penstock.Value]{
			MaxEntries:  declared.Capacity,
			LoadTimeout: 2 * a.patience(), // half of it to wait for a slot
			Jitter:      0.1,
		}),
	}
}

func (r *remote) answer(ctx context.Context, v penstock.Value, values []penstock.Value, c *counts) (bool, error) {
	var buf [128]byte
	key := v.AppendText(append(buf[:0], byte(v.Kind)))
	row, known := r.answers.Get(string(key))
	if known {
		c.hits.Add(1)
	} else {
		r.counts.misses.Add(1) // asked ahead or not, it is the source that is asked
		var err error
		if row, err = r.fetch(ctx, string(key), v); err != nil {
			return false, err
		}
	}
	if row == nil {
		return false, nil
	}
	for i, a := range r.declared.Add {
		values[a.Slot] = row[i]
	}
	return true, nil
}

// fetch gets an answer that is not in memory.
func (r *remote) fetch(ctx context.Context, key string, v penstock.Value) ([]penstock.Value, error) {
	// The load may outlive this call, and v's bytes belong to the event.
	v.Bytes = bytes.Clone(v.Bytes)
	if len(key) > keyBytesMax {
		return r.ask(ctx, v)
	}
	return r.answers.GetOrLoad(ctx, key, func(ctx context.Context, _ string) ([]penstock.Value, time.Duration, error) {
		row, err := r.ask(ctx, v)
		ttl := r.declared.TTL
		if row == nil {
			ttl = r.declared.NegativeTTL
		}
		if ttl <= 0 {
			ttl = -1 // not to be kept: for the cache, 0 is its default
		}
		return row, ttl, err
	})
}

// ask asks the source, if it is not resting and no more than concurrencyMax
// others are being answered.
func (r *remote) ask(ctx context.Context, v penstock.Value) ([]penstock.Value, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for one of %d questions under way: %w", concurrencyMax, ctx.Err())
	}
	if err := r.breaker.allow(); err != nil {
		return nil, err
	}
	row, err := r.asker.ask(ctx, v)
	if err != nil && ctx.Err() != nil {
		return nil, err // nobody waits any more: that says nothing of the source
	}
	r.breaker.report(err)
	return row, err
}

func (r *remote) entries() int { return r.answers.Len() }

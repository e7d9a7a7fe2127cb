package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// tableKeepers are the followers that serve runs, one a stream.
type tableKeepers map[string]*tableKeeper

// A tableKeeper runs a follower for as long as its stream's rules are in force.
type tableKeeper struct {
	version string // of the rules
	state   *followed
	stop    context.CancelFunc
	stopped chan struct{} // closed when the follower has ended
}

// keep has a follower for each of the streams, by the rules as they now are.
// What hinders one is logged, and tried again: the door needs no table.
func (ks *tableKeepers) keep(rules []*stream.Stream, to string, from kafka.Config, log *slog.Logger) {
	kept, states := tableKeepers{}, map[string]*followed{}
	for _, s := range rules {
		old := (*ks)[s.Name]
		states[s.Name] = &followed{}
		if old != nil {
			states[s.Name] = old.state
		}
		if old != nil && old.version == s.Version {
			kept[s.Name] = old
			delete(*ks, s.Name)
		}
	}
	ks.stop()
	for _, s := range rules {
		if kept[s.Name] == nil {
			kept[s.Name] = startTableKeeper(s, states[s.Name], to, from, log)
		}
	}
	*ks = kept
}

// stop ends all followers and waits for them.
func (ks *tableKeepers) stop() {
	for _, k := range *ks {
		k.stop()
	}
	for _, k := range *ks {
		<-k.stopped
	}
	*ks = nil
}

func startTableKeeper(s *stream.Stream, state *followed, to string, from kafka.Config, log *slog.Logger) *tableKeeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &tableKeeper{version: s.Version, state: state, stop: stop, stopped: make(chan struct{})}
	go func() {
		defer close(k.stopped)
		k.run(ctx, s, to, from, log)
	}()
	return k
}

// How long a follower is left alone that has failed, or whose topic is about to
// be made.
const (
	keeperPause = 5 * time.Second
	topicPause  = 200 * time.Millisecond
)

// run follows the stream's topic until ctx ends, and begins again when that
// fails. The same failure is said once.
func (k *tableKeeper) run(ctx context.Context, s *stream.Stream, to string, from kafka.Config, log *slog.Logger) {
	said := ""
	for ctx.Err() == nil {
		err := k.follow(ctx, s, to, from, log)
		if err == nil || ctx.Err() != nil {
			continue
		}
		pause := keeperPause
		if errors.Is(err, kafka.ErrNoTopic) {
			pause = topicPause // the stream's line makes it as soon as it reaches Kafka
		} else if err.Error() != said {
			said = err.Error()
			k.state.stalled.Store(true)
			log.Error("the stream's table falls behind its topic", "stream", s.Name, "err", err, "again_in", pause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (k *tableKeeper) follow(ctx context.Context, s *stream.Stream, to string, from kafka.Config, log *slog.Logger) error {
	f, err := openFollower(ctx, to, "", s, log)
	if err != nil {
		return err
	}
	f.state = k.state
	err = f.run(ctx, from, s.Topic, true)
	if closed := f.close(); err == nil {
		err = closed
	}
	return err
}

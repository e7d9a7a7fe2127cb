package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// A kafkaTarget is a topic as the target of a load. Its ledger is the progress
// that the sink keeps in Kafka, in one transaction with the events: of each
// file, the last record that is there. So all chunks are looked at again when a
// load goes on, and what is there is settled without being sent. A file is known
// by its fingerprint: one that has changed is another file.
type kafkaTarget struct {
	stream *stream.Stream
	to     kafka.Config
	prints map[string]string      // by source
	sinks  map[string]*kafka.Sink // by source
	done   map[chunkKey]penstock.Chunk
	loader string
}

// A chunkKey tells the chunks of a load apart.
type chunkKey struct {
	source string
	start  int64
}

// openKafka returns the stream's topic as a target.
func (c *loadConfig) openKafka(brokers string, s *stream.Stream, mode penstock.TableMode, log *slog.Logger) (loadTarget, error) {
	if mode != penstock.Append {
		return nil, usagef("--mode %s: a topic can only be appended to", mode)
	}
	c.kafka.brokers = brokers
	to, err := c.kafka.client(log)
	if err != nil {
		return nil, err
	}
	if len(to.Brokers) == 0 {
		return nil, usagef("--to kafka:// names no brokers: write kafka://HOST:PORT[,…]")
	}
	return &kafkaTarget{stream: s, to: to, prints: map[string]string{}, sinks: map[string]*kafka.Sink{}, done: map[chunkKey]penstock.Chunk{}, loader: rand.Text()}, nil
}

// Source opens the sink of one file.
func (t *kafkaTarget) Source(_ context.Context, job, source, fingerprint string) error {
	t.prints[source] = fingerprint
	sink, err := kafka.NewSink(t.to, kafka.SinkOptions{Topic: t.stream.Topic, Door: t.door(job, source)})
	if err != nil {
		return err
	}
	t.sinks[source] = sink
	return nil
}

// door is what Kafka knows the file by, as it knows a journal.
func (t *kafkaTarget) door(job, source string) string {
	sum := sha256.Sum256([]byte(job + "\x00" + source + "\x00" + t.prints[source]))
	return "load:" + hex.EncodeToString(sum[:16])
}

// Done are the chunks of this run.
func (t *kafkaTarget) Done(_ context.Context, job string) ([]penstock.Chunk, error) {
	var done []penstock.Chunk
	for _, c := range t.done {
		if c.Job == job {
			done = append(done, c)
		}
	}
	slices.SortFunc(done, func(a, b penstock.Chunk) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), cmp.Compare(a.Start, b.Start))
	})
	return done, nil
}

// Loader is another one for each run: none but its own chunks are known to it.
func (t *kafkaTarget) Loader() string { return t.loader }

// Claim lets every chunk be looked at.
func (t *kafkaTarget) Claim(context.Context, penstock.Chunk) (penstock.ChunkState, error) {
	return penstock.ChunkFree, nil
}

// Chunk returns the sink that publishes the chunk.
func (t *kafkaTarget) Chunk(c penstock.Chunk) penstock.Sink {
	door, rejects := t.door(c.Job, c.Source), c.Rejects
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		for _, e := range b.Events {
			e.Origin.Door = door
		}
		err := t.sinks[c.Source].Write(ctx, b)
		for _, e := range b.Events {
			if e.Verdict() == penstock.Rejected {
				rejects++
			}
		}
		entry := c
		entry.Rejects, entry.Loader = rejects, t.loader
		t.done[chunkKey{c.Source, c.Start}] = entry
		return err
	})
}

// Finish has nothing to do: a topic has no key to make.
func (t *kafkaTarget) Finish(context.Context) (penstock.Finished, error) {
	return penstock.Finished{Again: func(*penstock.Event) bool { return false }, Forget: func(context.Context) error { return nil }}, nil
}

// Close closes all sinks.
func (t *kafkaTarget) Close() error {
	var errs []error
	for _, sink := range t.sinks {
		errs = append(errs, sink.Close(context.Background()))
	}
	return errors.Join(errs...)
}

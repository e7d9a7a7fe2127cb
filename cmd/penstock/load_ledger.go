package main

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock-io/penstock"
)

// A place names a chunk within its job.
type place struct {
	file  string
	start int64
}

func placeOf(c penstock.Chunk) place { return place{c.Source, c.Start} }

// A securing target commits chunks without waiting for the disk, and makes them
// durable together.
type securing interface {
	Later(c penstock.Chunk) penstock.Sink
	Secure(ctx context.Context, job string) ([]penstock.Chunk, error)
}

// chunk is the sink of a chunk. Those of the job itself are secured in the end;
// those that are loaded again are few, and each waits for the disk.
func (l *loading) chunk(c penstock.Chunk) penstock.Sink {
	if target, ok := l.target.(securing); ok && c.Job == l.job {
		return target.Later(c)
	}
	return l.target.Chunk(c)
}

// readLedger returns the chunks of a job that are done.
func (l *loading) readLedger(ctx context.Context, job string) (map[place]penstock.Chunk, error) {
	done, err := l.target.Done(ctx, job)
	if err != nil {
		return nil, err
	}
	known := make(map[place]penstock.Chunk, len(done))
	for _, c := range done {
		known[placeOf(c)] = c
	}
	return known, nil
}

// readKnown notes which chunks need no more work.
func (l *loading) readKnown(ctx context.Context) (err error) {
	if l.known, err = l.readLedger(ctx, l.job); err != nil {
		return err
	}
	l.forget(l.known)
	for _, c := range l.known {
		l.noteDone(c, penstock.Tally{})
	}
	return nil
}

func (l *loading) knownChunk(file string, start int64) (penstock.Chunk, bool) {
	c, ok := l.known[place{file, start}]
	return c, ok
}

func (l *loading) take(ctx context.Context, c penstock.Chunk) (bool, error) {
	c.Job = l.job
	var state penstock.ChunkState
	err := l.persist(ctx, func() (err error) {
		state, err = l.target.Claim(ctx, c)
		return err
	})
	if err != nil {
		return false, err
	}
	switch state {
	case penstock.ChunkTaken:
		l.taken.Add(1)
	case penstock.ChunkDone:
		l.noteDone(c, penstock.Tally{})
	}
	return state == penstock.ChunkFree, nil
}

// noteDone notes that a chunk is committed, and what this run has done for it.
func (l *loading) noteDone(c penstock.Chunk, t penstock.Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[placeOf(c)] = l.done[placeOf(c)].Add(t)
}

// secure has the target make durable what is committed, and returns how many
// chunks it has forgotten in a crash after all, by whichever loader: their rows
// are gone with their entries in the ledger, and they are to be loaded anew.
func (l *loading) secure(ctx context.Context) (lost int, err error) {
	target, ok := l.target.(securing)
	if !ok {
		return 0, nil
	}
	durable := map[place]penstock.Chunk{}
	err = l.persist(ctx, func() error {
		chunks, err := target.Secure(ctx, l.job)
		for _, c := range chunks {
			durable[placeOf(c)] = c
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return l.forget(durable), nil
}

// forget takes back what was noted of chunks that are not in the ledger any
// more, and returns how many these are.
func (l *loading) forget(ledger map[place]penstock.Chunk) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, t := range l.done {
		if _, there := ledger[p]; there {
			continue
		}
		lost++
		l.total.Add(penstock.Tally{Read: -t.Read, Delivered: -t.Delivered, Dropped: -t.Dropped, Rejected: -t.Rejected})
		l.read.Add(-t.Read)
		l.rejected.Add(-t.Rejected)
		delete(l.done, p)
		delete(l.codes, p)
	}
	if lost > 0 {
		l.log.Warn("the database has crashed and forgotten the last chunks: they are loaded anew", "chunks", lost)
	}
	return lost
}

// secureTimeout is how long a load that has failed waits for the disk.
const secureTimeout = 5 * time.Second

// secureWhatIs makes durable what a load has loaded that was stopped or has
// failed, since it is counted and said to stay, and returns why it ended.
func (l *loading) secureWhatIs(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), secureTimeout)
	defer cancel()
	if _, err := l.secure(ctx); err != nil {
		// Not why itself: of that it would be said that what is loaded stays.
		return fmt.Errorf("%v; the last of what is loaded may not be on the database's disk (%w): the same command sees what is there and goes on", why, err)
	}
	return why
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
)

// A forgetful target has forgotten all chunks.
type forgetful struct {
	loadTarget
	fails    error // why its ledger cannot be read
	insecure error // why nothing can be made durable
	secured  int
}

func (f *forgetful) Done(context.Context, string) ([]penstock.Chunk, error) { return nil, f.fails }

func (f *forgetful) Later(penstock.Chunk) penstock.Sink { panic("nothing is to be loaded") }

func (f *forgetful) Secure(context.Context, string) ([]penstock.Chunk, error) {
	f.secured++
	return nil, f.insecure
}

// loaded is a loading that has loaded one chunk.
func loaded(target loadTarget) *loading {
	l := &loading{config: &loadConfig{patience: time.Minute}, log: slog.New(slog.DiscardHandler), target: target}
	p, t := place{"a.csv", 0}, penstock.Tally{Read: 3, Delivered: 2, Rejected: 1}
	l.done, l.codes = map[place]penstock.Tally{p: t}, map[place]map[string]int64{p: {"minimum": 1}}
	l.total.Add(t)
	l.read.Add(t.Read)
	l.rejected.Add(t.Rejected)
	return l
}

// TestForgottenChunkIsTakenBack: what the ledger has forgotten is not counted
// any more, wherever that is found, or it would be counted twice when the chunk
// is loaded anew.
func TestForgottenChunkIsTakenBack(t *testing.T) {
	for name, look := range map[string]func(l *loading) error{
		"reading the ledger": func(l *loading) error { return l.readKnown(t.Context()) },
		"securing": func(l *loading) error {
			_, err := l.secure(t.Context())
			return err
		},
	} {
		l := loaded(&forgetful{})
		if err := look(l); err != nil {
			t.Fatal(err)
		}
		if got := l.total.Tally(); got != (penstock.Tally{}) || l.read.Load() != 0 || l.rejected.Load() != 0 || len(l.countCodes()) != 0 {
			t.Errorf("%s: %v is counted, %v", name, got, l.countCodes())
		}
	}
}

// TestFailedLoadSecuresWhatIs: however a load ends, what it counts is made
// durable first, and what cannot be is not said to stay.
func TestFailedLoadSecuresWhatIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, why := range []error{errTooMany, context.Canceled, errors.New("the look-up is away")} {
			target := &forgetful{fails: why}
			if err := loaded(target).load(t.Context(), false); !errors.Is(err, why) || target.secured != 1 {
				t.Errorf("%v: secured %d times, and the load says %v", why, target.secured, err)
			}
			target.insecure = errors.New("the disk is full")
			if err := loaded(target).load(t.Context(), false); err == nil || errors.Is(err, why) {
				t.Errorf("%v: not secured, and the load says %v", why, err)
			}
		}
	})
}

// TestLoadIsStoppedWhileItOpens: a signal that comes before the first record is
// told as one, and not as the database's failure.
func TestLoadIsStoppedWhileItOpens(t *testing.T) {
	for name, fresh := range loadTargets(t) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := newLoadCase(t, 10, fresh(t))
		var errs bytes.Buffer
		code := run(ctx, []string{"load", c.file, "--to", c.to, "--rejects", c.dir}, shell{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, getenv: func(string) string { return "" }})
		if code != exitFailed || !strings.Contains(errs.String(), "stopped; the same command goes on from here") {
			t.Errorf("%s: exit code %d: %s", name, code, errs.String())
		}
	}
}

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
)

func batch(n int) *penstock.Batch {
	b := &penstock.Batch{}
	for i := range n {
		b.Events = append(b.Events, &penstock.Event{
			ID: fmt.Append(nil, i), Origin: penstock.Origin{Door: "door", Position: uint64(i + 1)},
		})
	}
	return b
}

// ids are what a sink holds, letters in brackets.
func ids(s *faults.Sink) string {
	var words []string
	for _, r := range s.Records() {
		if r.Letter {
			r.ID = "[" + r.ID + "]"
		}
		words = append(words, r.ID)
	}
	return strings.Join(words, " ")
}

func TestSinkFaults(t *testing.T) {
	for _, c := range []struct {
		mark, stored, tally string
		options             faults.SinkOptions
	}{
		{"before", "", "read 4 = delivered 0 + dropped 0 + rejected 0 + pending 4", faults.SinkOptions{Before: 1}},
		{"after", "0 1 2 3", "read 4 = delivered 0 + dropped 0 + rejected 0 + pending 4", faults.SinkOptions{After: 1}},
		{"partial", "0 1", "read 4 = delivered 2 + dropped 0 + rejected 0 + pending 2", faults.SinkOptions{Partial: 1, Seed: 1}},
		{"down", "", "read 4 = delivered 0 + dropped 0 + rejected 0 + pending 4", faults.SinkOptions{Down: 1}},
	} {
		s, b := faults.NewSink(c.options), batch(4)
		if err := s.Write(t.Context(), b); !errors.Is(err, faults.ErrWorld) {
			t.Errorf("%s: error %v", c.mark, err)
		}
		if ids(s) != c.stored || b.Tally().String() != c.tally || s.Marks()[c.mark] != 1 {
			t.Errorf("%s: stored %q, %v, marks %v", c.mark, ids(s), b.Tally(), s.Marks())
		}
	}
}

// Whatever was stored behind a lost answer is not stored again by a sink that remembers.
func TestSinkMemory(t *testing.T) {
	for memory, want := range map[faults.Memory]string{
		faults.Forgets: "0 1 0 1", faults.ByID: "0 1", faults.ByPosition: "0 1",
	} {
		s, b := faults.NewSink(faults.SinkOptions{After: 1, Memory: memory}), batch(2)
		if err := s.Write(t.Context(), b); err == nil {
			t.Fatal("no answer was lost")
		}
		s.Calm()
		if err := s.Write(t.Context(), b); err != nil || b.Tally().Pending != 0 || ids(s) != want {
			t.Errorf("memory %d: %v, %v, stored %q, want %q", memory, err, b.Tally(), ids(s), want)
		}
		if s.Position("door") != 2 {
			t.Errorf("memory %d: progress %d, want 2", memory, s.Position("door"))
		}
	}
}

func TestSinkRefuses(t *testing.T) {
	bad := func(e *penstock.Event) bool { return string(e.ID) == "1" }
	for _, c := range []struct {
		options  faults.SinkOptions
		tally    string
		refusing bool
	}{
		{faults.SinkOptions{Bad: bad}, "read 3 = delivered 2 + dropped 0 + rejected 1", false},
		{faults.SinkOptions{Bad: bad, Refusing: faults.AsBatch}, "read 3 = delivered 0 + dropped 0 + rejected 0 + pending 3", true},
		{faults.SinkOptions{Bad: bad, Memory: faults.ByPosition}, "read 3 = delivered 1 + dropped 0 + rejected 1 + pending 1", true},
	} {
		b := batch(3)
		err := faults.NewSink(c.options).Write(t.Context(), b)
		var refusal *penstock.Refusal
		if errors.As(err, &refusal) != c.refusing || b.Tally().String() != c.tally {
			t.Errorf("%+v: error %v, %v", c.options, err, b.Tally())
		}
	}
}

func TestSinkTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := faults.NewSink(faults.SinkOptions{SlowMax: time.Second}), time.Now()
		if err := s.Write(t.Context(), batch(1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Millisecond || took > time.Second || took%time.Millisecond != 0 {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		b := batch(1)
		if err := s.Write(ctx, b); !errors.Is(err, context.DeadlineExceeded) || b.Tally().Pending != 1 || len(s.Records()) != 1 {
			t.Errorf("error %v, %v, %d stored", err, b.Tally(), len(s.Records()))
		}
	})
}

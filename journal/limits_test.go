package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/journal"
)

func TestConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T, _ string) (penstock.Sink, func() []sinktest.Record) {
		j := open(t, t.TempDir(), journal.Options{SegmentBytes: 64 << 10})
		var sink collected
		return j, func() (records []sinktest.Record) {
			drain(t, j, &sink)
			for _, e := range sink.events {
				records = append(records, sinktest.Record{Key: string(e.Key), Body: string(e.Body)})
			}
			return records
		}
	})
}

func TestQuota(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{QuotaBytes: 1000})
	first := batch(event("a", "k", strings.Repeat("x", 700)))
	if err := j.Write(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	b := batch(event("a", "k", "x"), event("b", "k", strings.Repeat("x", 700)))
	err := j.Write(t.Context(), b)
	if !errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrUnknown) {
		t.Errorf("beyond the quota: %v", err)
	}
	if got := b.Tally(); got != (penstock.Tally{Read: 2, Dropped: 1, Pending: 1}) {
		t.Errorf("beyond the quota: %v", got)
	}
	if after := j.RetryAfter(); after < time.Minute || after > 70*time.Second {
		t.Errorf("with no drain, RetryAfter is %v", after)
	}
	drain(t, j, discard)
	if err := j.Write(t.Context(), b); err != nil || b.Events[1].Place().Seq != 2 {
		t.Errorf("after the drain: %v, %+v", err, b.Events[1].Place())
	}
	if after := j.RetryAfter(); after < time.Second || after > 2*time.Second {
		t.Errorf("with a fast drain, RetryAfter is %v", after)
	}
}

func TestTooLargeIsRejectedAlone(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{QuotaBytes: 1 << 30})
	b := batch(event("a", "k", "x"), event("b", "k", strings.Repeat("x", journal.EventBytesMax+1)), event("c", "k", "x"))
	if err := j.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := b.Tally(); got != (penstock.Tally{Read: 3, Delivered: 2, Rejected: 1}) || b.Events[1].Reason().Code != "too_large" {
		t.Errorf("%v, %v", got, b.Events[1].Reason())
	}
}

// TestTwinsTakeTheirRoomOnce: of one identity in one batch only one is stored.
func TestTwinsTakeTheirRoomOnce(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{QuotaBytes: 1000})
	twins := func(id string) *penstock.Batch {
		return batch(event(id, "k", strings.Repeat("x", 350)), event(id, "k", strings.Repeat("x", 350)), event(id, "k", strings.Repeat("x", 350)))
	}
	for _, id := range []string{"a", "b"} {
		b := twins(id)
		if err := j.Write(t.Context(), b); err != nil || b.Tally() != (penstock.Tally{Read: 3, Delivered: 1, Dropped: 2}) {
			t.Errorf("%s: %v, %v", id, err, b.Tally())
		}
	}
	if err := j.Write(t.Context(), twins("c")); !errors.Is(err, journal.ErrFull) {
		t.Errorf("beyond the quota: %v", err)
	}
}

// TestContextEndsWhileTheDiskIsAtWork: the answer comes at once, and says that
// it does not know.
func TestContextEndsWhileTheDiskIsAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := faults.NewDisk(1)
		j, err := journal.Open("j", journal.Options{FS: disk.Machine(), Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		disk.OnSync(func(string) { <-gate })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := batch(event("a", "k", "1"))
		err = j.Write(ctx, b)
		if !errors.Is(err, journal.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) || b.Tally().Pending != 1 {
			t.Errorf("%v, %v", err, b.Tally())
		}
		close(gate)
		if err := j.Write(t.Context(), b); err != nil || b.Events[0].Verdict() != penstock.Delivered || b.Events[0].Place().Seq != 1 {
			t.Errorf("asked again: %v, %v at %+v", err, b.Events[0].Verdict(), b.Events[0].Place())
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestDiskFullAndBack: what is refused is certainly not stored, and when space
// returns writes go on by themselves.
func TestDiskFullAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := faults.NewDisk(1)
		j, err := journal.Open("j", journal.Options{FS: disk.Machine(), SegmentBytes: 4 << 10, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		disk.SetFaults(faults.DiskFaults{Capacity: 1})
		n := 0
		for err == nil {
			n++
			err = j.Write(t.Context(), batch(event(fmt.Sprint(n), "k", strings.Repeat("x", 500))))
		}
		if !errors.Is(err, journal.ErrBroken) || errors.Is(err, journal.ErrUnknown) || j.Stats().Broken == "" {
			t.Errorf("on a full disk: %v", err)
		}
		disk.SetFaults(faults.DiskFaults{})
		time.Sleep(time.Second)
		b := batch(event(fmt.Sprint(n), "k", "x"))
		if err := j.Write(t.Context(), b); err != nil || b.Events[0].Verdict() != penstock.Delivered || b.Events[0].Place().Seq != uint64(n) {
			t.Errorf("with space again: %v, %v at %+v", err, b.Events[0].Verdict(), b.Events[0].Place())
		}
		if j.Stats().Broken != "" {
			t.Error("Stats still says that the disk is broken")
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRotWhileRunning damages a record that Open had found good.
func TestRotWhileRunning(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	b := batch(event("a", "k", "one"), event("b", "k", "two-two-two"), event("c", "k", "three"))
	if err := j.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	rot(t, dir, "two-two-two")
	var sink collected
	drain(t, j, &sink)
	if len(sink.events) != 2 || string(sink.events[1].Body) != "three" {
		t.Errorf("drained %d events", len(sink.events))
	}
	if r := j.Recovery(); len(r.Lost) != 1 || r.Lost[0] != (journal.Range{First: 2, Last: 2}) || r.Damage[0].Quarantine == "" {
		t.Errorf("reported %+v", r)
	}
	if err := j.Await(t.Context(), b); !errors.Is(err, journal.ErrLost) {
		t.Errorf("Await: %v", err)
	}
	for i, want := range []penstock.Ack{penstock.AckKafka, penstock.AckDisk, penstock.AckKafka} {
		if got := b.Events[i].Place().Ack; got != want {
			t.Errorf("event %d is said to be at %v, want %v", i, got, want)
		}
	}
}

// TestLostEventsMayComeAgain: damage must not make a journal swear that it has
// what it has lost.
func TestLostEventsMayComeAgain(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	if err := j.Write(t.Context(), batch(event("a", "k", "one"), event("b", "k", "two-two-two"), event("c", "k", "three"))); err != nil {
		t.Fatal(err)
	}
	rot(t, dir, "two-two-two")
	drain(t, j, discard)
	if at, ok := j.Find([]byte("b")); ok {
		t.Errorf("the lost event is said to be at %+v", at)
	}
	for i, want := range []penstock.Verdict{penstock.Delivered, penstock.Dropped} {
		b := batch(event("b", "k", "two again"))
		if err := j.Write(t.Context(), b); err != nil || b.Events[0].Verdict() != want || b.Events[0].Place().Seq != 4 {
			t.Errorf("time %d: %v, %v at %+v", i, err, b.Events[0].Verdict(), b.Events[0].Place())
		}
	}
}

// rot changes one byte of the given text in a segment.
func rot(t *testing.T, dir, text string) {
	t.Helper()
	segments, _ := filepath.Glob(filepath.Join(dir, "*.segment"))
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(segments[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("X"), int64(bytes.Index(content, []byte(text)))); err != nil {
		t.Fatal(err)
	}
}

// TestPlaceOfWhatTheDrainRejects: Await names the rejects topic, before and
// after a restart.
func TestPlaceOfWhatTheDrainRejects(t *testing.T) {
	dir := t.TempDir()
	o := journal.Options{Topic: "t", RejectsTopic: "t.rejects"}
	j := open(t, dir, o)
	sink := faults.NewSink(faults.SinkOptions{
		Memory: faults.ByPosition, Bad: func(e *penstock.Event) bool { return string(e.ID) == "bad" },
	})
	b := batch(event("good", "k", "1"), event("bad", "k", "2"), event("fine", "k", "3"))
	if err := j.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	drain(t, j, penstock.Bisect{To: penstock.DeadLetters{To: sink, Letters: sink}})
	if err := j.Await(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for id, topic := range map[string]string{"good": "t", "bad": "t.rejects", "fine": "t"} {
			if at, ok := j.Find([]byte(id)); !ok || at.Topic != topic || at.Ack != penstock.AckKafka {
				t.Errorf("%s: %+v, %v", id, at, ok)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir, o)
	}
	if at := b.Events[1].Place(); at.Topic != "t.rejects" {
		t.Errorf("Await: %+v", at)
	}
}

// TestLetters: a letter is no event of its identity, and keeps being a letter.
func TestLetters(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	letter := event("a", "k", "no json")
	letter.Letter = true
	if err := j.Write(t.Context(), batch(letter, event("a", "k", "good"))); err != nil {
		t.Fatal(err)
	}
	if letter.Place().Seq != 1 || j.Stats().Synced != 2 {
		t.Errorf("letter at %+v, %+v", letter.Place(), j.Stats())
	}
	var sink collected
	drain(t, j, &sink)
	if len(sink.events) != 2 || !sink.events[0].Letter || sink.events[1].Letter {
		t.Errorf("%+v", sink.events)
	}
}

// TestWriteDoesNotAllocatePerEvent keeps Write's price: some per commit, none
// per event.
func TestWriteDoesNotAllocatePerEvent(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{})
	events := make([]penstock.Event, 1000)
	b := &penstock.Batch{Events: make([]*penstock.Event, len(events))}
	n := 0
	id := make([]byte, 8*len(events))
	allocs := testing.AllocsPerRun(20, func() {
		for i := range events {
			n++
			own := id[8*i:][:8]
			own[0], own[1], own[2] = byte(n), byte(n>>8), byte(n>>16)
			events[i] = penstock.Event{ID: own, Body: id[:400]}
			b.Events[i] = &events[i]
		}
		if err := j.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 50 {
		t.Errorf("%v allocations for 1000 events", allocs)
	}
}

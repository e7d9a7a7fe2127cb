package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/journal"
)

// journalFailure is what the program tells the door of a journal's errors.
func journalFailure(err error) ingest.Failure {
	var refusal *penstock.Refusal
	switch {
	case errors.As(err, &refusal):
		return ingest.TooLarge
	case errors.Is(err, journal.ErrUnknown):
		return ingest.Unknown
	case errors.Is(err, journal.ErrFull):
		return ingest.Full
	case errors.Is(err, journal.ErrOverQuota):
		return ingest.OverQuota
	}
	return ingest.NotStored
}

// withJournal is a house whose events go to a real journal in dir.
func withJournal(t *testing.T, dir string, o journal.Options) (*house, *journal.Journal) {
	t.Helper()
	o.Log = quiet
	j, err := journal.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	h := open(t, settings{options: ingest.Options{Failure: journalFailure}})
	s := loadStream(t, nil)
	in := ingest.Stream{
		Stream: s, Steps: []penstock.Step{s.Check, s.Derive, s.Identify, s.Encode},
		Into: j, Letters: j, Ledger: j,
	}
	if err := h.handler.Replace([]ingest.Stream{in}, nil); err != nil {
		t.Fatal(err)
	}
	return h, j
}

// drain lets the journal's events go on to a Kafka in memory.
func drain(t *testing.T, j *journal.Journal) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	offset := int64(0)
	go func() {
		done <- j.Run(ctx, penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
			for _, e := range b.Pending().Events {
				topic := "orders"
				if e.Letter {
					topic = "orders.rejects"
				}
				e.Deliver(penstock.Place{Ack: penstock.AckKafka, Seq: e.Origin.Position, Topic: topic, Partition: 1, Offset: offset})
				offset++
			}
			return nil
		}))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, journal.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	h, j := withJournal(t, dir, journal.Options{Topic: "orders", RejectsTopic: "orders.rejects"})
	h.post("["+order("1")+","+badOrder+","+order("1")+"]").want(t, 207, "ok invalid duplicate")
	h.post(badOrder).want(t, 422, "invalid")
	h.post("["+order("2")+","+badOrder+"]", "Query", "mode=atomic").want(t, 422, "retry invalid")
	if s := j.Stats(); s.BacklogEvents != 3 { // one order, two letters
		t.Errorf("the journal holds %d events", s.BacklogEvents)
	}
	if a := h.do("GET", eventsPath+"/1", nil); a.status != 200 || !strings.Contains(a.text, `"ack":"disk"`) {
		t.Errorf("%d %s", a.status, a.text)
	}
	h.do("GET", eventsPath+"/2", nil).refused(t, 404, "event_unknown")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	h.post(order("3")).refused(t, 503, "unavailable")

	// What was acknowledged is remembered by the next process.
	h, j = withJournal(t, dir, journal.Options{Topic: "orders", RejectsTopic: "orders.rejects"})
	drain(t, j)
	a := h.post("["+order("1")+","+order("3")+"]", "Penstock-Ack", "kafka")
	a.want(t, 200, "duplicate ok")
	if r := a.body.Results[1]; r.Topic != "orders" || r.Offset == nil || *r.Offset < 1 {
		t.Errorf("%s", a.text)
	}
	if a := h.do("GET", eventsPath+"/3", nil); a.status != 200 || !strings.Contains(a.text, `"ack":"kafka"`) {
		t.Errorf("%d %s", a.status, a.text)
	}
	checkTally(h)
}

// A full journal answers 503 with the time to come back, has stored nothing,
// and takes events again once it is drained.
func TestFullJournal(t *testing.T) {
	h, j := withJournal(t, t.TempDir(), journal.Options{QuotaBytes: 16 << 10, SegmentBytes: 64 << 10})
	sent := 0
	for {
		a := h.post(order(fmt.Sprint(sent + 1)))
		if a.status != 202 {
			a.refused(t, 503, "journal_full")
			if a.header.Get("Retry-After") == "" {
				t.Error(a.header)
			}
			break
		}
		sent++
	}
	if s := j.Stats(); sent == 0 || int(s.BacklogEvents) != sent {
		t.Fatalf("%d acknowledged, %d in the journal", sent, s.BacklogEvents)
	}
	h.do("GET", fmt.Sprint(eventsPath, "/", sent+1), nil).refused(t, 404, "event_unknown")
	drain(t, j)
	if err := j.AwaitDrained(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.post(order(fmt.Sprint(sent+1))).want(t, 202, "ok")
}

// What takes more than the whole quota is never told to come again, for it would
// come in vain; what was stored before, or is invalid, is told as always.
func TestOverQuota(t *testing.T) {
	h, j := withJournal(t, t.TempDir(), journal.Options{QuotaBytes: 2 << 10, SegmentBytes: 64 << 10})
	large := batch("11", "12", "13", "14", "15", "16", "17", "18", "19", "20")
	letter := strings.Replace(badOrder, `"new"`, `"new","note":"`+strings.Repeat("x", 3<<10)+`"`, 1)
	for body, query := range map[string]string{large: "", large + " ": "mode=atomic", "[" + badOrder + "," + large[1:]: "", letter: ""} {
		a := h.post(body, "Query", query)
		a.refused(t, 413, "batch_over_quota")
		last := a.body.Results[len(a.body.Results)-1]
		if last.Status != "invalid" || last.Error.Code != "batch_over_quota" || a.header.Get("Retry-After") != "" || a.body.RetryAfter != 0 {
			t.Errorf("%v %s", a.header, a.text)
		}
	}
	if s := j.Stats(); s.Refused != 0 {
		t.Errorf("%d writes count as refused by a full journal", s.Refused)
	}
	h.do("GET", eventsPath+"/11", nil).refused(t, 404, "event_unknown")
	h.post(order("2")).want(t, 202, "ok")
	a := h.post("[" + order("2") + "," + large[1:])
	a.want(t, 207, "duplicate"+strings.Repeat(" invalid", 10))
	if a.header.Get("Retry-After") != "" {
		t.Errorf("%v %s", a.header, a.text)
	}
}

// What look-ups and derivations make of a request may be more than the journal
// takes at a time: it is told so for good, but for what is stored from before.
func TestBatchTooLarge(t *testing.T) {
	h, j := withJournal(t, t.TempDir(), journal.Options{})
	h.post(order("7")).want(t, 202, "ok")
	s, record := loadStream(t, nil), make([]byte, 1<<20) // all share it: the journal must refuse before it copies
	in := served(s, h.shelf)
	in.Steps = []penstock.Step{s.Check, s.Derive, s.Identify, func(_ context.Context, e *penstock.Event) error {
		e.Body = record
		return nil
	}}
	in.Into, in.Letters, in.Ledger = j, j, j
	if err := h.handler.Replace([]ingest.Stream{in}, nil); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range journal.BatchBytesMax / len(record) {
		ids = append(ids, fmt.Sprint(1000+i))
	}
	a := h.post(batch(ids...))
	a.refused(t, 413, "batch_too_large")
	if r := a.body.Results[0]; r.Status != "invalid" || r.Error.Code != "batch_too_large" || a.header.Get("Retry-After") != "" {
		t.Errorf("%v %+v", a.header, r)
	}
	a = h.post(batch(append(ids, "7")...))
	a.want(t, 207, strings.Repeat("invalid ", len(ids))+"duplicate")
}

// One event sent by 64 at once is stored once, and all get the same answer.
func TestSameEventTogether(t *testing.T) {
	h, j := withJournal(t, t.TempDir(), journal.Options{})
	answers := make([]answer, 64)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() { answers[i] = h.post(order("1")) })
	}
	wait.Wait()
	stored := 0
	for _, a := range answers {
		if a.status != 202 || len(a.body.Results) != 1 || a.body.Results[0].ID != "1" || a.body.Results[0].Ack != "disk" {
			t.Fatalf("%d %s", a.status, a.text)
		}
		if a.body.Results[0].Status == "ok" {
			stored++
		}
	}
	if s := j.Stats(); stored != 1 || s.BacklogEvents != 1 {
		t.Errorf("%d answers say ok, the journal holds %d", stored, s.BacklogEvents)
	}
}

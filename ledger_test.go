package penstock_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock"
)

var (
	here = penstock.Place{Seq: 7, Offset: -1}
	why  = penstock.NewReject("type", "/amount", "is text, want a number")
)

// event returns a pending event.
func event(id string) *penstock.Event {
	return &penstock.Event{ID: []byte(id), Key: []byte(id), Raw: []byte(id)}
}

// batch returns a batch of pending events, one an id.
func batch(ids ...string) *penstock.Batch {
	b := &penstock.Batch{}
	for _, id := range ids {
		b.Events = append(b.Events, event(id))
	}
	return b
}

// verdicts is the batch's ledger in one line, as "a:delivered b:pending!",
// where ! marks an event that waits for its dead letter.
func verdicts(b *penstock.Batch) string {
	var words []string
	for _, e := range b.Events {
		word := string(e.ID) + ":" + e.Verdict().String()
		if e.Verdict() == penstock.Pending && e.Reason() != nil {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestEventSettlesOnce(t *testing.T) {
	settle := map[string]func(*penstock.Event){
		"delivered": func(e *penstock.Event) { e.Deliver(here) },
		"dropped":   func(e *penstock.Event) { e.Drop(here) },
		"rejected":  func(e *penstock.Event) { e.Reject(why) },
	}
	for first, once := range settle {
		e := event("a")
		once(e)
		if e.Verdict().String() != first {
			t.Errorf("verdict %v, want %s", e.Verdict(), first)
		}
		for second, again := range settle {
			wantPanic(t, first+", then "+second, func() { again(e) })
		}
	}
}

func TestEventPanicsOnWrongUse(t *testing.T) {
	wantPanic(t, "without a reason", func() { event("a").Reject(nil) })
	wantPanic(t, "advanced while pending", func() { event("a").Advance(here) })
	e := event("a")
	e.Reject(why)
	wantPanic(t, "advanced while rejected", func() { e.Advance(here) })
}

// wantPanic runs f and wants it to panic with a message that holds part.
func wantPanic(t *testing.T, part string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if p, _ := recover().(string); !strings.Contains(p, part) {
			t.Errorf("panic %q, want one that says %q", p, part)
		}
	}()
	f()
}

func TestEventAdvances(t *testing.T) {
	for _, settle := range []func(*penstock.Event){
		func(e *penstock.Event) { e.Deliver(here) }, func(e *penstock.Event) { e.Drop(here) },
	} {
		e := event("a")
		settle(e)
		before := e.Verdict()
		e.Advance(penstock.Place{Ack: penstock.AckKafka, Topic: "orders", Offset: 3})
		if e.Verdict() != before || e.Place().Topic != "orders" {
			t.Errorf("advanced: %v at %+v", e.Verdict(), e.Place())
		}
	}
}

func TestEventReset(t *testing.T) {
	e := event("abc")
	e.Values = append(e.Values, penstock.IntValue(1))
	e.Letter, e.Extra = true, []byte("x")
	e.Reject(why)
	memory := &e.ID[0]
	e.Reset()
	if e.Verdict() != penstock.Pending || e.Reason() != nil || e.Letter || e.Raw != nil || e.Extra != nil ||
		len(e.ID)+len(e.Key)+len(e.Values) != 0 {
		t.Errorf("not as new: %+v", e)
	}
	if e.ID = append(e.ID, 'z'); &e.ID[0] != memory {
		t.Error("the memory of ID was not kept")
	}
	e.Deliver(here) // a reset event can be settled again
}

func TestBatchPending(t *testing.T) {
	b := batch("a", "b", "c", "d")
	if b.Pending() != b {
		t.Error("a batch that all pends was copied")
	}
	b.Events[0].Deliver(here)
	b.Events[2].Drop(here)
	sub := b.Pending()
	if got := verdicts(sub); got != "b:pending d:pending" {
		t.Errorf("pending: %s", got)
	}
	sub.Events[0].Reject(why) // a verdict given in a sub-batch is seen in the batch
	if got, want := verdicts(b), "a:delivered b:rejected c:dropped d:pending"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.Events[3].Deliver(here)
	if n := len(b.Pending().Events); n != 0 {
		t.Errorf("%d pending in a settled batch", n)
	}
}

func TestTally(t *testing.T) {
	b := batch("a", "b", "c", "d", "e")
	b.Events[0].Deliver(here)
	b.Events[1].Drop(here)
	b.Events[2].Reject(why)
	want := penstock.Tally{Read: 5, Delivered: 1, Dropped: 1, Rejected: 1, Pending: 2}
	if got := b.Tally(); got != want || !got.Conserved() {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, c := range []struct {
		tally penstock.Tally
		want  string
	}{
		{want, "read 5 = delivered 1 + dropped 1 + rejected 1 + pending 2"},
		{penstock.Tally{Read: 2, Delivered: 2}, "read 2 = delivered 2 + dropped 0 + rejected 0"},
		{penstock.Tally{Read: 2, Delivered: 1}, "read 2 = delivered 1 + dropped 0 + rejected 0 (NOT CONSERVED)"},
		{want.Add(want), "read 10 = delivered 2 + dropped 2 + rejected 2 + pending 4"},
	} {
		if got := c.tally.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestTotalAddsFromManyGoroutines(t *testing.T) {
	var total penstock.Total
	var doors sync.WaitGroup
	part := penstock.Tally{Read: 15, Delivered: 5, Dropped: 4, Rejected: 3, Pending: 3}
	for range 8 {
		doors.Go(func() {
			for range 1000 {
				total.Add(part)
			}
		})
	}
	doors.Wait()
	want := penstock.Tally{Read: 120e3, Delivered: 40e3, Dropped: 32e3, Rejected: 24e3, Pending: 24e3}
	if got := total.Tally(); got != want || !got.Conserved() {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWordsForPeople(t *testing.T) {
	at := &penstock.Reject{Code: "syntax", Detail: "unexpected end", Offset: 0}
	for got, want := range map[string]string{
		penstock.AckDisk.String():                    "disk",
		penstock.AckKafka.String():                   "kafka",
		penstock.Pending.String():                    "pending",
		why.Error():                                  "/amount: is text, want a number (type)",
		at.Error():                                   "unexpected end (syntax at byte 0)",
		(&penstock.Refusal{Why: why}).Error():        "batch refused: /amount: is text, want a number (type)",
		penstock.Absent.String():                     "absent",
		penstock.JSON.String():                       "json",
		penstock.NewReject("a", "", "%d", 1).Error(): "1 (a)",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
)

var errDown = errors.New("the world is down")

// bad reports whether the event is one that sinks refuse here: its id has an x.
func bad(e *penstock.Event) bool { return strings.Contains(string(e.ID), "x") }

// failing is a sink that fails its first n Writes and then stores in to.
func failing(n int, to penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		if n--; n >= 0 {
			return errDown
		}
		return to.Write(ctx, b)
	})
}

// stored is the ids of a sink's records, letters in brackets, in order.
func stored(s *faults.Sink) string {
	var words []string
	for _, r := range s.Records() {
		if r.Letter {
			r.ID = "[" + r.ID + "]"
		}
		words = append(words, r.ID)
	}
	return strings.Join(words, " ")
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func TestRetryPausesDoubleWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pauses []time.Duration
		sink := faults.NewSink(faults.SinkOptions{})
		r := penstock.Retry{To: failing(12, sink), OnError: func(err error, attempt int, pause time.Duration) {
			pauses = append(pauses, pause)
			if !errors.Is(err, errDown) || attempt != len(pauses) {
				t.Errorf("told of attempt %d: %v", attempt, err)
			}
		}}
		b, start := batch("a"), time.Now()
		if err := r.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		same(t, "ledger", verdicts(b), "a:delivered")
		var sum time.Duration
		for i, pause := range pauses {
			longest := min(100*time.Millisecond<<i, 10*time.Second)
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, want %v to %v", i+1, pause, longest/2, longest)
			}
			sum += pause
		}
		if took := time.Since(start); len(pauses) != 12 || took != sum {
			t.Errorf("%d pauses of %v in all, took %v", len(pauses), sum, took)
		}
	})
}

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b, start := batch("a"), time.Now()
		err := penstock.Retry{To: failing(1e9, nil)}.Write(ctx, b)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
			t.Errorf("error %v, want one that is both the context's and the sink's", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v, want a minute: a pause must end with the context", took)
		}
		same(t, "ledger", verdicts(b), "a:pending")
	})
}

// What the ledger says counts, not what the call says.
func TestRetryBelievesTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		liar := penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
			if calls++; calls == 1 {
				return nil // with everything pending
			}
			for _, e := range b.Pending().Events {
				e.Deliver(here)
			}
			return errDown // with nothing pending
		})
		b := batch("a", "b")
		var told error
		r := penstock.Retry{To: liar, OnError: func(err error, _ int, _ time.Duration) { told = err }}
		if err := r.Write(t.Context(), b); err != nil || calls != 2 {
			t.Errorf("error %v after %d calls", err, calls)
		}
		if told == nil || !strings.Contains(told.Error(), "left 2 of 2 events pending") {
			t.Errorf("told of %v", told)
		}
	})
}

// A condemned event pends: Retry must not take its letter for written.
func TestRetryGoesOnForALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, letters := faults.NewSink(faults.SinkOptions{Bad: bad}), faults.NewSink(faults.SinkOptions{})
		b := batch("a", "x", "b")
		into := penstock.Retry{To: penstock.DeadLetters{To: sink, Letters: failing(3, letters)}}
		if err := into.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		same(t, "ledger", verdicts(b), "a:delivered x:rejected b:delivered")
		same(t, "stored", stored(sink)+" "+stored(letters), "a b [x]")
	})
}

func TestBisect(t *testing.T) {
	const n = 1 << 10
	for _, c := range []struct {
		bad       []int
		writesMax int
	}{
		{nil, 1}, {[]int{0}, 21}, {[]int{n - 1}, 21}, {[]int{500}, 21}, {[]int{1, 2, 700}, 60},
	} {
		sink := faults.NewSink(faults.SinkOptions{Bad: bad, Refusing: faults.AsBatch})
		writes := 0
		counted := penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
			writes++
			return sink.Write(ctx, b)
		})
		b := &penstock.Batch{}
		var want []string
		for i := range n {
			id := fmt.Sprint(i)
			if slices.Contains(c.bad, i) {
				id = "x"
			} else {
				want = append(want, id)
			}
			b.Events = append(b.Events, event(id))
		}
		if err := (penstock.Bisect{To: counted}).Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if tally := b.Tally(); tally.Rejected != int64(len(c.bad)) || tally.Pending != 0 {
			t.Errorf("bad %v: %v", c.bad, tally)
		}
		if writes > c.writesMax {
			t.Errorf("bad %v: %d writes, want at most %d", c.bad, writes, c.writesMax)
		}
		same(t, "order of storing", stored(sink), strings.Join(want, " "))
	}
}

// A sink that knows the bad event settles what is before it; Bisect goes on
// behind it without halving.
func TestBisectGoesOnWhereTheSinkGotFurther(t *testing.T) {
	sink := faults.NewSink(faults.SinkOptions{Bad: bad, Memory: faults.ByPosition})
	b := batch("a", "x1", "b", "c", "x2", "d")
	for i, e := range b.Events {
		e.Origin = penstock.Origin{Door: "door", Position: uint64(i + 1)}
	}
	if err := (penstock.Bisect{To: penstock.DeadLetters{To: sink, Letters: sink}}).Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	same(t, "ledger", verdicts(b), "a:delivered x1:rejected b:delivered c:delivered x2:rejected d:delivered")
	same(t, "order of storing", stored(sink), "a [x1] b c [x2] d")
}

func TestBisectStopsAtTheWorldsErrors(t *testing.T) {
	sink := faults.NewSink(faults.SinkOptions{Bad: bad, Refusing: faults.AsBatch})
	writes := 0
	world := penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		if writes++; writes == 2 {
			return errDown // for the first half
		}
		return sink.Write(ctx, b)
	})
	b := batch("a", "b", "x", "c")
	if err := (penstock.Bisect{To: world}).Write(t.Context(), b); !errors.Is(err, errDown) {
		t.Errorf("error %v, want the world's", err)
	}
	same(t, "ledger", verdicts(b), "a:pending b:pending x:pending c:pending")
	if writes != 2 {
		t.Errorf("%d writes: the second half was begun before the first was settled", writes)
	}
}

// A sink that refuses even a single event breaks its word; Bisect says so and
// does not go round for ever.
func TestBisectEndsWithOneEvent(t *testing.T) {
	refusal := &penstock.Refusal{Why: why}
	never := penstock.SinkFunc(func(context.Context, *penstock.Batch) error { return refusal })
	if err := (penstock.Bisect{To: never}).Write(t.Context(), batch("a", "b")); !errors.Is(err, refusal) {
		t.Errorf("error %v, want the refusal", err)
	}
}

func TestDeadLetterTellsAll(t *testing.T) {
	letters := faults.NewSink(faults.SinkOptions{})
	e := &penstock.Event{
		ID: []byte("x"), Key: []byte("k"), Raw: []byte("as received"), Body: []byte("as encoded"),
		Origin:  penstock.Origin{Door: "http", Position: 3},
		Headers: []penstock.Header{{Name: "traceparent", Value: []byte("00-1")}},
	}
	e.Reject(&penstock.Reject{Code: "type", Pointer: "/a", Detail: "is text", Offset: 9})
	d := penstock.DeadLetters{
		To: failing(1, nil), Letters: letters, // To is not asked: nothing pends
		Stamp: []penstock.Header{{Name: "penstock-stream", Value: []byte("orders@1")}},
	}
	if err := d.Write(t.Context(), &penstock.Batch{Events: []*penstock.Event{e}}); err != nil {
		t.Fatal(err)
	}
	r := letters.Records()[0]
	same(t, "letter", fmt.Sprint(r.ID, r.Key, r.Body, r.Origin, r.Letter), fmt.Sprint("x", "k", "as received", e.Origin, true))
	var headers []string
	for _, h := range r.Headers {
		headers = append(headers, h.Name+"="+string(h.Value))
	}
	same(t, "headers", strings.Join(headers, " "), "traceparent=00-1 penstock-stream=orders@1 penstock-reject-code=type "+
		"penstock-reject-pointer=/a penstock-reject-detail=is text penstock-door=http penstock-reject-offset=9")
}

func TestDeadLettersUntilTheLetterIsDurable(t *testing.T) {
	sink, letters := faults.NewSink(faults.SinkOptions{Bad: bad}), faults.NewSink(faults.SinkOptions{})
	d := penstock.DeadLetters{To: sink, Letters: failing(2, letters)}
	b := batch("a", "x", "b")
	for range 2 {
		err := d.Write(t.Context(), b)
		if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "keep 1 of 1 dead letters") {
			t.Errorf("error %v", err)
		}
		same(t, "ledger", verdicts(b), "a:delivered x:pending! b:delivered")
	}
	if b.Events[1].Reason() == nil || len(b.Pending().Events) != 0 {
		t.Error("the condemned event lost its reason, or a sink would see it again")
	}
	wantPanic(t, "while condemned", func() { b.Events[1].Deliver(here) })
	if err := d.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	same(t, "ledger", verdicts(b), "a:delivered x:rejected b:delivered")
	if err := d.Write(t.Context(), b); err != nil || stored(letters) != "[x]" {
		t.Errorf("a settled batch written again: %v, letters %s", err, stored(letters))
	}
}

// While a letter waits, nothing else of its batch goes on.
func TestDeadLettersAreNotOvertaken(t *testing.T) {
	sink := faults.NewSink(faults.SinkOptions{})
	d := penstock.DeadLetters{To: sink, Letters: failing(1, sink)}
	b := batch("x", "b")
	b.Events[0].Reject(why) // by its door, which could not decode it
	if err := d.Write(t.Context(), b); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	same(t, "ledger", verdicts(b), "x:pending! b:pending")
	if err := d.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	same(t, "order of storing", stored(sink), "[x] b")
}

// Without Letters, the letters stand among the events, in one Write, also those
// of what the sink itself has just refused.
func TestDeadLettersTogether(t *testing.T) {
	var writes []string
	sink := faults.NewSink(faults.SinkOptions{Bad: bad})
	down := 1
	to := penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		var ids []string
		for _, e := range b.Events {
			id := string(e.ID)
			if e.Letter {
				id = "[" + id + "]"
			}
			ids = append(ids, id)
		}
		writes = append(writes, strings.Join(ids, " "))
		if down--; down == 0 {
			return errDown
		}
		for _, e := range b.Events {
			if bad(e) && !e.Letter { // all or nothing, as a transaction is
				e.Reject(why)
				return &penstock.Refusal{Why: why}
			}
		}
		return sink.Write(ctx, b)
	})
	b := batch("a", "y", "b", "x", "c")
	b.Events[1].Reject(why) // by its door
	d := penstock.DeadLetters{To: to}
	if err := d.Write(t.Context(), b); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	same(t, "ledger", verdicts(b), "a:pending y:pending! b:pending x:pending c:pending")
	if err := d.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	same(t, "ledger", verdicts(b), "a:delivered y:rejected b:delivered x:rejected c:delivered")
	same(t, "writes", strings.Join(writes, ", "), "a [y] b x c, a [y] b x c, a [y] b [x] c")
	same(t, "order of storing", stored(sink), "a [y] b [x] c")
	if err := d.Write(t.Context(), b); err != nil || len(writes) != 3 {
		t.Errorf("a settled batch written again: %v, %d writes", err, len(writes))
	}
}

func TestDeadLettersRefused(t *testing.T) {
	refuse := penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		b.Events[0].Reject(penstock.NewReject("size", "", "letter too large"))
		return nil
	})
	b := batch("x")
	b.Events[0].Reject(why)
	for _, letters := range []penstock.Sink{refuse, nil} {
		err := penstock.DeadLetters{To: refuse, Letters: letters}.Write(t.Context(), b)
		if err == nil || !strings.Contains(err.Error(), "the letters were refused: letter too large") {
			t.Errorf("error %v", err)
		}
		if penstock.AsReject(err) != nil {
			t.Error("the letter's fault must not pass for the event's")
		}
		same(t, "ledger", verdicts(b), "x:pending!")
	}
}

func TestPipeline(t *testing.T) {
	for _, c := range []struct {
		name, ids, want string
		err             error
	}{
		{"all pass", "a b", "a:delivered b:delivered", nil},
		{"a reject", "a x b", "a:delivered x:rejected b:delivered", nil},
		{"all rejected", "x xx", "x:rejected xx:rejected", nil},
		{"the world", "a x w b y", "a:delivered x:rejected w:pending b:pending y:pending", errDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen []string
			steps := []penstock.Step{
				func(_ context.Context, e *penstock.Event) error {
					seen = append(seen, string(e.ID))
					return nil
				},
				func(_ context.Context, e *penstock.Event) error {
					switch {
					case bad(e):
						return fmt.Errorf("look up: %w", why) // wrapped, as a step may
					case string(e.ID) == "w":
						return errDown
					}
					return nil
				},
			}
			sink := faults.NewSink(faults.SinkOptions{})
			b := batch(strings.Fields(c.ids)...)
			if err := (penstock.Pipeline{Steps: steps, To: sink}).Write(t.Context(), b); !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			same(t, "ledger", verdicts(b), c.want)
			if slices.Contains(seen, "y") {
				t.Error("steps were run behind a held event")
			}
		})
	}
}

// Both ways round keep every reject's letter; inside, before anything else.
func TestPipelineWithDeadLetters(t *testing.T) {
	check := func(_ context.Context, e *penstock.Event) error {
		if bad(e) {
			return why
		}
		return nil
	}
	steps := []penstock.Step{check}
	for _, c := range []struct {
		name, want string
		into       func(penstock.Sink) penstock.Sink
	}{
		{"outside", "a b [x]", func(s penstock.Sink) penstock.Sink {
			return penstock.DeadLetters{To: penstock.Pipeline{Steps: steps, To: s}, Letters: s}
		}},
		{"inside", "[x] a b", func(s penstock.Sink) penstock.Sink {
			return penstock.Pipeline{Steps: steps, To: penstock.DeadLetters{To: s, Letters: s}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := faults.NewSink(faults.SinkOptions{})
			b := batch("a", "x", "b")
			if err := c.into(sink).Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			same(t, "ledger", verdicts(b), "a:delivered x:rejected b:delivered")
			same(t, "order of storing", stored(sink), c.want)
		})
	}
}

func TestAsReject(t *testing.T) {
	for _, c := range []struct {
		err  error
		want *penstock.Reject
	}{
		{nil, nil}, {errDown, nil}, {why, why}, {fmt.Errorf("x: %w", why), why},
		{&penstock.Refusal{Why: why}, nil}, // a batch's, not this event's
	} {
		if got := penstock.AsReject(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// What a healthy Write costs in the nouns it passes does not grow with the batch.
func TestWriteAllocates(t *testing.T) {
	quiet := penstock.SinkFunc(func(context.Context, *penstock.Batch) error { return nil })
	steps := []penstock.Step{func(context.Context, *penstock.Event) error { return nil }}
	into := penstock.DeadLetters{To: penstock.Pipeline{Steps: steps, To: quiet}, Letters: quiet}
	ctx := t.Context()
	for _, size := range []int{1, 10, 1000} {
		b := batch(make([]string, size)...)
		if n := testing.AllocsPerRun(100, func() { _ = into.Write(ctx, b) }); n > 6 {
			t.Errorf("%v allocations for a batch of %d, want at most 6", n, size)
		}
	}
}

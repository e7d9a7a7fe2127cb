package s3

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
)

// A loss is how the answer to an entry is lost.
type loss uint8

const (
	unheard loss = iota // the entry is made, and its answer does not come
	late                // the entry comes when its sender no longer waits, just before the next
)

func (l loss) String() string { return [...]string{"unheard", "late"}[l] }

// A slowLedger loses the answer to its nth entry: its sender waits for as long as
// it has time.
type slowLedger struct {
	Ledger
	loss  loss
	nth   int
	n     int
	after func() // makes the entry that is late
}

func (s *slowLedger) Store(ctx context.Context, name string, text []byte, version int64) (bool, error) {
	if s.after != nil {
		s.after()
		s.after = nil
	}
	if s.n++; s.n != s.nth {
		return s.Ledger.Store(ctx, name, text, version)
	}
	entry := func() { _, _ = s.Ledger.Store(context.WithoutCancel(ctx), name, text, version) }
	if s.loss == unheard {
		entry()
	} else {
		s.after = entry
	}
	<-ctx.Done()
	return false, ctx.Err()
}

// An invocation whose time is up while the ledger has not answered hands over as
// any other, with the tally that the ledger has, once. When it is the entry of
// the hand-over itself whose answer does not come, nobody is told to go on, and
// Lambda's next attempt does.
func TestTimeIsUpBeforeTheLedgerAnswers(t *testing.T) {
	for _, c := range []struct {
		entry  string
		nth    int
		batch  time.Duration // how long the first takes
		lease  time.Duration // is renewed after a third of it
		failed int
	}{
		{"begin", 2, 4 * time.Second, time.Hour, 0}, {"checkpoint", 3, 4 * time.Second, time.Hour, 0},
		{"renewal", 3, 6 * time.Second, 13500 * time.Millisecond, 0}, {"hand-over", 4, 4 * time.Second, 13500 * time.Millisecond, 1},
	} {
		for _, how := range []loss{unheard, late} {
			t.Run(fmt.Sprint(c.entry, " ", how), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					timeIsUp(t, &slowLedger{loss: how, nth: c.nth}, c.batch, c.lease, c.failed)
				})
			})
		}
	}
}

// timeIsUp loads an object by invocations that have five seconds for work each,
// in which all batches but the first take four.
func timeIsUp(t *testing.T, ledger *slowLedger, first, lease time.Duration, failed int) {
	const n = 30_000
	var queue [][]byte
	var sum penstock.Tally
	handed, errs := 0, 0
	h := newHouse(t, func(o *Options) {
		ledger.Ledger = o.Ledger
		o.Ledger, o.Lease = ledger, lease
		o.Continue = func(_ context.Context, payload []byte) error {
			handed++
			queue = append(queue, payload)
			return nil
		}
		o.Report = func(r Report) { sum = sum.Add(r.Tally) }
	})
	batches := 0
	h.before = func(ctx context.Context, _ penstock.Chunk) error {
		if batches++; batches == 1 {
			return pause(ctx, first)
		}
		return pause(ctx, 4*time.Second)
	}
	payload, err := h.put("a", lines(n, true)).Payload()
	if err != nil {
		t.Fatal(err)
	}
	for queue = [][]byte{payload}; len(queue) > 0; {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+h.door.o.Margin)
		_, err := h.door.Handle(ctx, queue[0])
		cancel()
		if err != nil {
			if errs++; errs > failed {
				t.Fatal(err)
			}
			continue
		}
		queue = queue[1:]
	}
	want := penstock.Tally{Read: n, Delivered: n - n/10, Rejected: n / 10}
	p, _, err := h.door.Status(t.Context(), "in", "a")
	if err != nil || p.State != Done || p.Tally != want || p.Unaccounted() != 0 || len(h.table) != n-n/10 {
		t.Errorf("%s %v, %d unaccounted, %d in the table, %v", p.State, p.Tally, p.Unaccounted(), len(h.table), err)
	}
	if sum != want {
		t.Errorf("the invocations together report %v", sum)
	}
	if errs != failed || p.Hop != handed+failed || handed == 0 {
		t.Errorf("%d invocations failed, want %d; %d were told to go on, the ledger says %d", errs, failed, handed, p.Hop)
	}
}

// An object that is at its end when a renewal has no answer is done.
func TestDoneBeforeARenewalIsAnswered(t *testing.T) {
	for _, how := range []loss{unheard, late} {
		ledger := &slowLedger{loss: how, nth: 2}
		h := newHouse(t, func(o *Options) { ledger.Ledger, o.Ledger = o.Ledger, ledger })
		notice := h.put("a", lines(10, false))
		l, _, err := h.door.acquire(t.Context(), notice, notice.Size)
		if err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.renew(ended); err == nil {
			t.Fatal("the answer to the renewal came")
		}
		w := &worker{Door: h.door, lease: l, report: &Report{}}
		if err := w.settle(t.Context(), nil); err != nil || w.report.Outcome != Loaded {
			t.Errorf("%v: %s, %v", how, w.report.Outcome, err)
		}
		if p, _, err := h.door.Status(t.Context(), "in", "a"); err != nil || p.State != Done || p.Owner != "" {
			t.Errorf("%v: %+v, %v", how, p, err)
		}
	}
}

// A newer object that comes just before an invocation's time is up ends it, and
// nobody is told to go on with the old one.
func TestNewerObjectComesBeforeTheHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handed := 0
		h := newHouse(t, func(o *Options) {
			o.Lease, o.Continue = time.Minute, func(context.Context, []byte) error { handed++; return nil }
		})
		h.before = func(ctx context.Context, _ penstock.Chunk) error { return pause(ctx, 6*time.Second) }
		old := h.put("a", lines(30_000, false))
		old.Sequencer = "0A"
		done := make(chan Report)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			r, _ := h.door.Process(ctx, old)
			done <- r
		}()
		time.Sleep(4500 * time.Millisecond)
		newer := h.put("a", lines(20, false))
		newer.Sequencer = "0B"
		if r, err := h.door.Process(t.Context(), newer); err != nil || r.Outcome != Loaded || r.Progress.Tally.Read != 20 {
			t.Errorf("the newer: %s %v %v", r.Outcome, r.Progress.Tally, err)
		}
		if r := <-done; r.Outcome != WasReplaced || r.Err != nil || handed != 0 {
			t.Errorf("the older: %s %v, handed over %d times, %v", r.Outcome, r.Tally, handed, r.Err)
		}
	})
}

package sinktest

import (
	"context"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

// A Followed is an empty table that follows a topic, as its own tests see it.
type Followed struct {
	Sink   penstock.Sink
	Events func(first uint64, texts ...string) *penstock.Batch // of JSON orders, at positions from first on
	Break  func()                                              // from now on no row can be written
	Mend   func()
	State  func() string // "R L P": rows, letters, and the highest position
}

// Follow tries that rows, rejects and positions are there together or not at
// all. The table refuses the note that has more than five letters.
func Follow(t *testing.T, f Followed) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	into := penstock.Bisect{To: penstock.DeadLetters{To: f.Sink}}
	state := func(when, want string) {
		t.Helper()
		if got := f.State(); got != want {
			t.Errorf("%s there are %s rows, letters and positions, want %s", when, got, want)
		}
	}
	little := penstock.NewReject("minimum", "/amount", "is too little")

	b := f.Events(0, `{"order_id":1}`, `{"order_id":2}`, `{"order_id":3,"note":"too long"}`, `{"order_id":4}`)
	b.Events[1].Reject(little)
	f.Break()
	err := into.Write(ctx, b)
	f.Mend()
	if n := b.Tally().Pending; err == nil || n != 4 {
		t.Fatalf("%d pend, and the error is %v, though nothing could be written", n, err)
	}
	state("when nothing could be written", "0 0 0")
	if err := into.Write(ctx, b); err != nil {
		t.Fatal(err)
	}
	if got := b.Tally().String(); got != "read 4 = delivered 2 + dropped 0 + rejected 2" {
		t.Error(got)
	}
	state("afterwards", "2 2 4")

	// Read again, by rules that refuse nothing: what is decided stays as it is.
	if err := into.Write(ctx, f.Events(0, `{"order_id":1}`, `{"order_id":2}`, `{"order_id":3}`, `{"order_id":4}`)); err != nil {
		t.Fatal(err)
	}
	state("read again", "2 2 4")

	// A batch of nothing but rejects moves the position on, too.
	alone := f.Events(4, `{"order_id":5}`)
	alone.Events[0].Reject(little)
	if err := into.Write(ctx, alone); err != nil {
		t.Fatal(err)
	}
	state("after a reject alone", "2 3 5")
}

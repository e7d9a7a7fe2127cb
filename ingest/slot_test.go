package ingest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

// number is an event whose only field is a number.
func number(x float64) *penstock.Event {
	return &penstock.Event{Values: []penstock.Value{{Kind: penstock.Number, Bytes: fmt.Appendf(nil, "%v", x)}}}
}

// scattered is any finite float64: what somebody sends who wants a watched field
// to take as much memory as it can.
func scattered(random *rand.Rand) float64 {
	for {
		if x := math.Float64frombits(random.Uint64()); x-x == 0 {
			return x
		}
	}
}

// TestWatchBound: values over all of float64's range, in every slot, take no more
// memory than is promised, counted in what is kept.
func TestWatchBound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	x := watch{slots: []int{0}}
	values := 40_000 // of a slot: enough for all cells there are
	if testing.Short() {
		values = 10_000
	}
	begin := time.Unix(1_800_000_000, 0)
	for i := range len(x.ring) + 3 {
		slot := x.at(slotOf(begin) + int64(i))
		for range values {
			slot.values.Add(scattered(random))
		}
		if slot.values.Distinct() > watchDistinct || slot.values.Cells() > watchCells {
			t.Fatalf("a slot has %d values and %d cells, want at most %d and %d", slot.values.Distinct(), slot.values.Cells(), watchDistinct, watchCells)
		}
	}
	open, packed := 0, 0
	for i := range x.ring {
		if x.ring[i].values != nil {
			open++
		}
		if n := len(x.ring[i].packed); n > 128<<10 {
			t.Errorf("a slot that is over takes %d bytes, want at most 128 KiB", n)
		} else if n > 0 {
			packed++
		}
	}
	if open != 1 || packed != len(x.ring)-1 {
		t.Errorf("%d slots are open and %d packed, want 1 and %d", open, packed, len(x.ring)-1)
	}
	w := x.within(windowMax, begin.Add(watchSlot*time.Duration(len(x.ring)+2)))
	s := w.summary()
	if x.keep(&w); len(x.merged.packed) == 0 || len(x.merged.packed) > 128<<10 {
		t.Errorf("what a question took together is %d bytes, want at most 128 KiB", len(x.merged.packed))
	}
	if want := uint64(values * int(windowMax/watchSlot)); s.Count != want || s.Exact || !(s.MedianErr <= 0.25*math.Abs(s.Median)*1.001+0x1p-1022) {
		t.Errorf("%d values, want %d; median %v give or take %v, exact: %v", s.Count, want, s.Median, s.MedianErr, s.Exact)
	}
}

// TestWatchPacked: packing a slot changes nothing of what a window tells, also when
// the clock is set back into a slot that was over.
func TestWatchPacked(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	x := watch{slots: []int{0}}
	begin := time.Unix(1_800_000_000, 0)
	want := newValues()
	for _, later := range []int{0, 1, 2, 1, 5, 0, 6} {
		slot := x.at(slotOf(begin) + int64(later))
		for range 3000 {
			v := math.Round(random.NormFloat64()*1e5) / 100
			x.add(slot, number(v))
			want.Add(v)
		}
		x.add(slot, &penstock.Event{Values: []penstock.Value{{}}})
	}
	w := x.within(windowMax, begin.Add(7*watchSlot))
	got, b := w.summary(), w.beside
	all, err := want.Summary()
	if err != nil {
		t.Fatal(err)
	}
	if b != (beside{missing: 7}) || got.Count != all.Count || got.Mean != all.Mean || got.Median != all.Median || got.MedianErr != all.MedianErr || got.StdDev != all.StdDev {
		t.Errorf("%+v and beside %+v, want %+v and 7 missing", got, b, all)
	}
	narrow := x.within(watchSlot, begin.Add(6*watchSlot))
	if s := narrow.summary(); s.Count != 3000 {
		t.Errorf("the last slot has %d values, want 3000", s.Count)
	}
	none := x.within(watchSlot, begin.Add(time.Hour))
	if s := none.summary(); s.Count != 0 {
		t.Errorf("of nothing: %+v", s)
	}
}

// TestWatchMerged: a question in the same ten seconds as the one before finds the slots
// that are over taken together, and the answer is the same as without that; whatever
// changes them makes it begin anew.
func TestWatchMerged(t *testing.T) {
	x := watch{slots: []int{0}}
	begin := time.Unix(1_800_000_000, 0)
	for i := range 20 {
		x.at(slotOf(begin) + int64(i)).values.AddSlice([]float64{1, float64(i)})
	}
	now := begin.Add(19 * watchSlot)
	ask := func(what string, stretch time.Duration, parts int, sum float64) {
		t.Helper()
		w := x.within(stretch, now)
		if s := w.summary(); s.Sum != sum || len(w.parts) != parts {
			t.Errorf("%s: the sum is %v, of %d parts; want %v, of %d", what, s.Sum, len(w.parts), sum, parts)
		}
		x.keep(&w)
	}
	ask("first", windowMax, 19, 210)
	ask("again", windowMax, 1, 210)
	x.at(slotOf(now)).values.Add(100)
	ask("more in the open slot", windowMax, 1, 310)
	ask("another window", 2*watchSlot, 1, 139)
	ask("the first again", windowMax, 1, 310)
	x.at(slotOf(begin)).values.Add(1000) // the clock was set back
	ask("an old slot is open", windowMax, 19, 1310)
	late := x.within(windowMax, now)
	late.summary()
	x.at(slotOf(now)).values.Add(5) // while the question was computed
	x.keep(&late)
	ask("a slot was opened", windowMax, 19, 1315)
	now = now.Add(watchSlot)
	ask("later", windowMax, 19, 1315)
}

package ingest

import (
	"errors"
	"strconv"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stats"
)

// A watchedSlot has the values that passed in one stretch of time.
type watchedSlot struct {
	number int64              // time / watchSlot
	values *stats.Accumulator // while the time is now
	packed []byte             // the binary form of values, when it is over: a few bytes for each, and nobody writes to it
	beside beside
}

// beside is how many values of which kind there are that are not just numbers.
type beside struct {
	missing  uint64
	bad      uint64 // no numbers
	rounded  uint64 // integers that a float64 does not hold
	vanished uint64 // so small that their float64 is 0
}

func (b *beside) add(c beside) {
	b.missing += c.missing
	b.bad += c.bad
	b.rounded += c.rounded
	b.vanished += c.vanished
}

func slotOf(t time.Time) int64 { return t.UnixNano() / int64(watchSlot) }

func newValues() *stats.Accumulator {
	a, err := stats.NewAccumulator(stats.Options{NaN: stats.OmitNaN, MaxDistinct: watchDistinct, MaxCells: watchCells})
	if err != nil {
		panic(err) // the options are good
	}
	return a
}

// at returns the slot of a number, ready for more values. It takes the place of
// an older one, and the one that was ready before is packed.
func (x *watch) at(number int64) *watchedSlot {
	slot := &x.ring[number%int64(len(x.ring))]
	if slot.number == number && slot.values != nil {
		return slot
	}
	for i := range x.ring {
		x.ring[i].pack()
	}
	x.opened++
	x.merged = merged{}
	if slot.number == number && slot.packed != nil { // the clock was set back
		slot.values, slot.packed = unpacked(slot.packed), nil
		return slot
	}
	*slot = watchedSlot{number: number, values: newValues()}
	return slot
}

func (s *watchedSlot) pack() {
	if s.values != nil {
		s.packed, s.values = s.form(), nil
	}
}

// form is the binary form of the values; nil if the slot was never used.
func (s *watchedSlot) form() []byte {
	if s.values == nil {
		return s.packed
	}
	return packed(s.values)
}

func packed(a *stats.Accumulator) []byte {
	form, err := a.MarshalBinary()
	if err != nil {
		panic(err) // it has none
	}
	return form
}

func unpacked(form []byte) *stats.Accumulator {
	a := newValues()
	if err := a.UnmarshalBinary(form); err != nil {
		panic(err) // it was made here
	}
	return a
}

func (x *watch) add(slot *watchedSlot, e *penstock.Event) {
	v := penstock.Value{}
	for _, i := range x.slots {
		if i < len(e.Values) && e.Values[i].Kind != penstock.Absent {
			v = e.Values[i]
		}
	}
	if v.Kind <= penstock.Null {
		slot.beside.missing++
		return
	}
	n, lost, ok := float(v)
	slot.beside.add(lost)
	if ok {
		slot.values.Add(n)
	}
}

// float is the float64 nearest to a value, and what is to be said of that; ok is
// false if the value is no number. Beyond the largest it is infinite.
func float(v penstock.Value) (x float64, b beside, ok bool) {
	switch v.Kind {
	case penstock.Int, penstock.Decimal, penstock.Number:
		text := string(v.AppendText(nil))
		x, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			b.bad = 1
		case stats.Rounds(text, x):
			b.rounded = 1
		case stats.Vanishes(text, x):
			b.vanished = 1
		}
		return x, b, b.bad == 0
	}
	return 0, beside{bad: 1}, false
}

// A window is what a question takes from a watch, to compute from it when nobody is
// kept waiting.
type window struct {
	merged
	parts  [][]byte // binary forms of slots that are over, or of all of them together
	open   []byte   // that of the slot that is not
	beside beside
}

// merged are the values of the slots that are over, from first to last: 90 of them are
// up to 150 ms of work, and the next question in the same ten seconds is spared it.
type merged struct {
	first, last int64
	opened      uint64 // watch.opened at the time; another one means other slots
	packed      []byte
}

// within returns the last slots that cover a stretch of time.
func (x *watch) within(stretch time.Duration, now time.Time) window {
	last := slotOf(now)
	w := window{merged: merged{first: last - int64((stretch+watchSlot-1)/watchSlot) + 1, last: last, opened: x.opened}}
	for i := range x.ring {
		slot := &x.ring[i]
		switch {
		case slot.number < w.first || slot.number > last:
			continue
		case slot.values != nil:
			w.open = slot.form()
		case slot.packed != nil:
			w.parts = append(w.parts, slot.packed)
		}
		w.beside.add(slot.beside)
	}
	if m := x.merged; m.packed != nil && m.first == w.first && m.last == w.last && m.opened == w.opened {
		w.parts = [][]byte{m.packed}
	}
	return w
}

// summary is that of all values in the window; w keeps those of the slots that are
// over for watch.keep.
func (w *window) summary() stats.Summary {
	all := newValues()
	for _, part := range w.parts {
		merge(all, part)
	}
	if len(w.parts) > 1 {
		w.packed = packed(all)
	}
	if w.open != nil {
		merge(all, w.open)
	}
	s, err := all.Summary()
	if err != nil && !errors.Is(err, stats.ErrEmpty) {
		panic(err) // NaNs are left out
	}
	return s
}

// keep has the next question find what this one merged, unless slots have changed
// meanwhile.
func (x *watch) keep(w *window) {
	if w.packed != nil && w.opened == x.opened {
		x.merged = w.merged
	}
}

func merge(all *stats.Accumulator, part []byte) {
	if err := all.Merge(unpacked(part)); err != nil {
		panic(err) // all have the same options
	}
}

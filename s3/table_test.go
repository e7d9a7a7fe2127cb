package s3

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
)

// A table that is deleted and made anew while an object is under way has not what
// was written before: the object is given up, never done, and its next notice or
// replay writes all of it.
func TestTableMadeAnew(t *testing.T) {
	const n = 200
	stop := errors.New("cut off")
	for _, when := range []string{"between two invocations", "in a batch", "in the last batch"} {
		t.Run(when, func(t *testing.T) {
			h, table := onTable(t, "first")
			notice := h.put("a", lines(n, false))
			anew := func() { *table, h.table = "second", map[string]int{} }
			h.before = func(_ context.Context, c penstock.Chunk) error {
				switch {
				case when == "between two invocations" && c.Start > 0 && *table == "first":
					return stop
				case when == "in a batch" && c.Start > 0 && *table == "first", when == "in the last batch" && c.Start+c.Length == notice.Size:
					anew()
				}
				return nil
			}
			_, err := h.door.Process(t.Context(), notice)
			if errors.Is(err, stop) {
				anew()
				_, err = h.door.Process(t.Context(), notice)
			}
			p, _, _ := h.door.Status(t.Context(), "in", "a")
			if !errors.Is(err, errOtherTable) || p.State != Failed || !strings.Contains(p.Why, "lambda replay") {
				t.Fatalf("%s (%s), %v", p.State, p.Why, err)
			}
			h.before = nil
			hop := notice
			hop.Hop = 1
			if _, err := h.door.Process(t.Context(), hop); err == nil || !strings.Contains(err.Error(), "was given up") {
				t.Errorf("a hand-over goes on with it: %v", err)
			}
			if r, err := h.door.Process(t.Context(), notice); err != nil || r.Outcome != Loaded || r.Progress.Tally.Delivered != n || len(h.table) != n {
				t.Errorf("begun anew: %s %v, %d of %d in the table, %v", r.Outcome, r.Progress.Tally, len(h.table), n, err)
			}
		})
	}
}

// onTable is a house whose route tells its table.
func onTable(t *testing.T, id string) (*house, *string) {
	return newHouse(t, func(o *Options) {
		o.BatchBytes = 4 << 10
		o.Routes[0].Table = func(context.Context) (string, error) { return id, nil }
	}), &id
}

// An object that was begun before entries told the table is gone on with.
func TestEntryThatTellsNoTable(t *testing.T) {
	h, _ := onTable(t, "first")
	stop := errors.New("cut off")
	h.before = func(_ context.Context, c penstock.Chunk) error {
		if c.Start > 0 {
			return stop
		}
		return nil
	}
	notice := h.put("a", lines(200, false))
	if _, err := h.door.Process(t.Context(), notice); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	h.before = nil
	l := &lease{door: h.door, name: notice.Object.name()}
	var err error
	if l.progress, l.version, err = h.door.load(t.Context(), l.name); err != nil || l.progress.Table != "first" {
		t.Fatal(l.progress, err)
	}
	l.progress.Table = ""
	if err := l.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := h.door.Process(t.Context(), notice); err != nil || r.Progress.State != Done || r.Progress.Table != "first" || len(h.table) != 200 {
		t.Errorf("%s on table %q, %d rows, %v", r.Progress.State, r.Progress.Table, len(h.table), err)
	}
}

// That nobody says which table it is is no fault of the object.
func TestTableIsNotTold(t *testing.T) {
	for _, asked := range []int{1, 2} { // before the object is read, and behind it
		away, calls := errors.New("throttled"), 0
		h := newHouse(t, func(o *Options) {
			o.Routes[0].Table = func(context.Context) (string, error) {
				if calls++; calls == asked {
					return "", away
				}
				return "first", nil
			}
		})
		notice := h.put("a", lines(10, false))
		if r, err := h.door.Process(t.Context(), notice); !errors.Is(err, away) || r.Progress.State != Running || r.Progress.Owner != "" {
			t.Errorf("question %d is not answered: %s of %q, %v", asked, r.Progress.State, r.Progress.Owner, err)
		}
		if r, err := h.door.Process(t.Context(), notice); err != nil || r.Progress.State != Done || r.Progress.Tally.Delivered != 10 {
			t.Errorf("question %d: then %s %v, %v", asked, r.Progress.State, r.Progress.Tally, err)
		}
	}
}

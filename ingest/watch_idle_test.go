package ingest

import (
	"testing"
	"time"

	"github.com/penstock-io/penstock/stream"
)

// TestWatchIdle: the memory of a field that nobody asks about any more is given
// back, and one that is asked about stays.
func TestWatchIdle(t *testing.T) {
	s := &stream.Stream{Fields: []stream.Field{{Name: "old", Type: stream.Number}, {Name: "asked", Type: stream.Int}}}
	var w watches
	begin := time.Now()
	for _, field := range []string{"old", "asked"} {
		if _, ok := w.of(s, field, begin); !ok {
			t.Fatal(field)
		}
	}
	late := begin.Add(watchIdle - time.Second)
	if found, ok := w.of(s, "asked", late); !ok || found.since != begin || len(w.all) != 2 {
		t.Errorf("before its time: %d fields", len(w.all))
	}
	w.forget(begin.Add(watchIdle + time.Second))
	if len(w.all) != 1 || w.all[0].field != "asked" || !w.any.Load() {
		t.Errorf("%d fields stay, want the one that was asked about", len(w.all))
	}
	w.forget(late.Add(watchIdle + time.Second))
	if len(w.all) != 0 || w.any.Load() {
		t.Errorf("%d fields stay, want none", len(w.all))
	}
}

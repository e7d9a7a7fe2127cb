package ingest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stats"
	"github.com/penstock-io/penstock/stream"
)

// Limits of watching. However many values pass, and whatever they are, a field takes
// at most 512 KiB for the slot that is now, 128 KiB for each of the 90 before, and as much for
// what the last question took together: 12 MiB in all (TestWatchBound).
const (
	statsWord     = "stats"
	watchesMax    = 8                // fields of a stream; beyond, the one asked for the longest ago is dropped
	watchSlot     = 10 * time.Second // what a window is rounded up to
	windowMax     = 15 * time.Minute
	windowDefault = 5 * time.Minute
	watchDistinct = 1 << 13   // different values that median and mode are exact with
	watchCells    = 1 << 13   // from which the median is estimated beyond
	watchIdle     = time.Hour // after which a field that nobody asks about is no longer watched
)

// watches are the fields of a door's events that somebody has asked the
// statistics of. A door that nobody asks pays nothing for it.
type watches struct {
	any atomic.Bool // whether there is one
	mu  sync.Mutex
	all []*watch // the one asked for last is the last
}

// A watch collects the values of one field by the time at which they passed.
type watch struct {
	field string
	slots []int // in an event's values; the last that is not absent counts
	since time.Time
	asked time.Time // the last time
	ring  [windowMax/watchSlot + 1]watchedSlot

	opened uint64 // how many times a slot was made ready
	merged merged // what the last question took together
}

// of, which is called with mu held, returns the watch of a field; it begins with the first question. ok is
// false if the stream has no such field that can be a number.
func (w *watches) of(s *stream.Stream, field string, now time.Time) (found *watch, ok bool) {
	w.forget(now)
	i := slices.IndexFunc(w.all, func(x *watch) bool { return x.field == field })
	if i >= 0 {
		found = w.all[i]
		found.asked = now
		w.all = append(slices.Delete(w.all, i, i+1), found)
		return found, true
	}
	found = &watch{field: field, since: now, asked: now, slots: slotsOf(s, field)}
	if found.slots == nil {
		return nil, false
	}
	if len(w.all) == watchesMax {
		w.all = slices.Delete(w.all, 0, 1)
	}
	w.all = append(w.all, found)
	w.any.Store(true)
	return found, true
}

// forget, which is called with mu held, ends the watches that nobody has asked for long.
func (w *watches) forget(now time.Time) {
	w.all = slices.DeleteFunc(w.all, func(x *watch) bool { return now.Sub(x.asked) > watchIdle })
	w.any.Store(len(w.all) > 0)
}

// slotsOf are the places of a field in an event's values, nil if it can be no number.
func slotsOf(s *stream.Stream, field string) (slots []int) {
	for i, f := range s.Fields {
		if f.Name == field && numeric(f.Type) {
			slots = append(slots, i)
		}
	}
	return slots
}

// numeric reports whether values of a type are numbers, or can be.
func numeric(t stream.Type) bool {
	return t == stream.Int || t == stream.Decimal || t == stream.Number || t == stream.Any
}

// observe adds the values of the events of a request that were delivered.
func (w *watches) observe(events []*penstock.Event) {
	if !w.any.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.forget(now)
	for _, x := range w.all {
		slot := x.at(slotOf(now))
		for _, e := range events {
			if e.Verdict() == penstock.Delivered && !e.Letter {
				x.add(slot, e)
			}
		}
	}
}

// figures is what GET /v1/streams/{stream}/stats answers, named as by
// `penstock stats --json`. Infinities are numbers beyond the largest float64.
type figures struct {
	Stream string    `json:"stream"`
	Field  string    `json:"field"`
	Window string    `json:"window"`
	Since  time.Time `json:"since"`
	stats.Figures
	Bad      uint64 `json:"bad"` // of a field of any type: no numbers
	Rounded  uint64 `json:"integers_rounded"`
	Vanished uint64 `json:"rounded_to_zero"`
}

// mayWatch reports whether the holder, nil where the server has no keys, may
// ask for statistics. They are of everybody's events, and of a single one in a
// quiet moment, so they are for who may read everybody's.
func (h *Handler) mayWatch(holder *Key) bool {
	if holder == nil {
		return !h.limits.SendOnly
	}
	return holder.EveryUser && holder.Tenant == ""
}

func watchForbidden() *problem {
	return newProblem(http.StatusForbidden, "statistics_forbidden", "the statistics are not for everybody",
		`statistics are of everybody's events: ask with a key that has users: "*" and no tenant; a server that is --open and has no keys tells nobody`)
}

// showStats answers with the statistics of a field of the events that passed in
// the last window, as far as somebody had asked for it before.
func (d *door) showStats(w http.ResponseWriter, r *http.Request, c *call) int {
	field, stretch, p := readWindow(r.URL.RawQuery)
	if p != nil {
		return p.answer(w, c.id)
	}
	now := time.Now()
	d.watches.mu.Lock()
	x, ok := d.watches.of(d.Stream.Stream, field, now)
	if !ok {
		d.watches.mu.Unlock()
		return badRequest("invalid_parameter", "field must name a field of the stream that is a number: "+numericFields(d.Stream.Stream)).answer(w, c.id)
	}
	over := x.within(stretch, now)
	since := x.since
	d.watches.mu.Unlock()
	s := over.summary()
	d.watches.mu.Lock()
	x.keep(&over)
	d.watches.mu.Unlock()
	if from := time.Unix(0, over.first*int64(watchSlot)); since.Before(from) {
		since = from
	}
	b := over.beside
	f := figures{
		Stream: d.Name, Field: field, Window: stretch.String(), Since: since.UTC(),
		Figures: s.Figures(), Bad: b.bad, Rounded: b.rounded, Vanished: b.vanished,
	}
	f.Missing = b.missing
	f.Exact = f.Exact && b.rounded+b.vanished+s.PosInfs+s.NegInfs == 0
	body, err := json.Marshal(f)
	if err != nil {
		panic(err) // nothing in it cannot be written
	}
	return show(w, body)
}

// numericFields are the fields that may be asked for.
func numericFields(s *stream.Stream) string {
	var sure, perhaps []string
	for _, f := range s.Fields {
		switch {
		case !numeric(f.Type) || slices.Contains(sure, f.Name) || slices.Contains(perhaps, f.Name):
		case f.Type == stream.Any:
			perhaps = append(perhaps, f.Name)
		default:
			sure = append(sure, f.Name)
		}
	}
	text := strings.Join(sure, ", ")
	if perhaps != nil {
		text += "; of any type, and so perhaps no numbers: " + strings.Join(perhaps, ", ")
	}
	return text
}

// readWindow reads ?field=NAME&window=5m.
func readWindow(query string) (field string, window time.Duration, p *problem) {
	bad := func(detail string) (string, time.Duration, *problem) {
		return "", 0, badRequest("invalid_parameter", detail)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return bad("the parameters are not percent-encoded as they should be")
	}
	window = windowDefault
	for name, given := range values {
		switch {
		case len(given) != 1:
			return bad(strconv.Quote(name) + " is given more than once")
		case name == "field":
			field = given[0]
		case name == "window":
			if window, err = time.ParseDuration(given[0]); err != nil || window <= 0 || window > windowMax {
				return bad("window must be a duration of up to 15m, as 30s or 5m")
			}
		default:
			return bad("the parameters are field and window")
		}
	}
	if field == "" {
		return bad("which field? say ?field=NAME")
	}
	return field, window, nil
}

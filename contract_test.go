package penstock_test

import (
	"slices"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
)

// downstream is what there is to see of one record when all is over.
type downstream struct {
	stored, lettered int
	twins            int // records of the same id
}

// check holds what the doors sent and were told against what is downstream.
func (s *simulation) check() {
	for mark, n := range s.sink.Marks() {
		s.marks[mark] += n
	}
	for mark, n := range s.letters.Marks() {
		s.marks["letter "+mark] += n
	}
	places := s.downstream()
	for _, r := range s.sent {
		s.checkRecord(r, places[r])
	}
	for _, g := range s.glimpses {
		s.checkGlimpse(g, places[g.record])
	}
	s.checkOrder()
	if s.shape == request || s.shape == worker {
		if t := s.tally; !t.Conserved() || t.Pending != 0 || t.Read != int64(len(s.sent)) {
			s.violate("sent %d, but the doors' sum is: %v", len(s.sent), t)
		}
	}
}

func (s *simulation) downstream() map[record]downstream {
	stored, lettered, ids := map[penstock.Origin]int{}, map[penstock.Origin]int{}, map[string]int{}
	for _, r := range slices.Concat(s.sink.Records(), s.letters.Records()) {
		if r.Letter {
			lettered[r.Origin]++
			continue
		}
		stored[r.Origin]++
		ids[r.ID]++
	}
	places := map[record]downstream{}
	for _, r := range s.sent {
		at := penstock.Origin{Door: r.door, Position: r.at}
		places[r] = downstream{stored[at], lettered[at], ids[r.id]}
	}
	return places
}

// checkRecord: whatever was sent is downstream in the end, once, on its side.
func (s *simulation) checkRecord(r record, d downstream) {
	if r.fault != good {
		if d.stored > 0 {
			s.violate("%+v: refused, yet stored", r)
		}
		if d.lettered == 0 {
			s.violate("%+v: lost: refused, and no letter", r)
		}
		if d.lettered > 1 && s.shape == drain {
			s.violate("%+v: %d letters", r, d.lettered)
		}
		return
	}
	if d.lettered > 0 {
		s.violate("%+v: good, yet among the dead letters", r)
	}
	twin := s.memory == faults.ByID && d.twins > 0
	if d.stored == 0 && !twin {
		s.violate("%+v: lost", r)
	}
	if s.memory != faults.Forgets && (d.stored > 1 || s.memory == faults.ByID && d.twins > 1) {
		s.violate("%+v: stored %d times, its id %d times", r, d.stored, d.twins)
	}
}

// checkGlimpse: what a door was told of an event was true.
func (s *simulation) checkGlimpse(g glimpse, d downstream) {
	twin := s.memory == faults.ByID && d.twins > 0
	ok := true
	switch g.verdict {
	case penstock.Delivered:
		// Progress alone cannot tell a record from a letter.
		ok = d.stored > 0 || twin || s.shape == drain && d.lettered > 0
	case penstock.Dropped:
		ok = twin
	case penstock.Rejected:
		ok = d.lettered > 0 && g.fault != good
	}
	if !ok {
		s.violate("%+v: told %v, but it is %+v", g.record, g.verdict, d)
	}
}

// checkOrder: the records of one door and key were first stored in the order sent.
func (s *simulation) checkOrder() {
	type line struct{ door, key string }
	last := map[line]uint64{}
	seen := map[penstock.Origin]bool{}
	for _, r := range s.sink.Records() {
		if r.Letter || r.Key == "" || seen[r.Origin] {
			continue
		}
		seen[r.Origin] = true
		l := line{r.Origin.Door, r.Key}
		if r.Origin.Position < last[l] {
			s.violate("%s, key %s: %d stored after %d", l.door, l.key, r.Origin.Position, last[l])
		}
		last[l] = r.Origin.Position
	}
}

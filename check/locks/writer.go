package locks

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
)

// A writing is a place that takes a lock exclusively, waiting for it.
type writing struct {
	at    site
	gates []string // classes held exclusively meanwhile
	quiet bool     // before its function started any thread
}

// writes notes where a lock is taken exclusively. Of several ways to one place the
// one that holds least counts.
func (w *walk) writes(acq acquire, s *state) {
	if acq.lock.class == "" {
		return
	}
	now := writing{acq.at, gates(s.held), len(s.live) == 0}
	all := w.writers[acq.lock.class]
	for i, old := range all {
		if old.at.op == now.at.op {
			all[i].gates, all[i].quiet = intersect(old.gates, now.gates), old.quiet && now.quiet
			return
		}
	}
	if len(all) < writersMax {
		w.writers[acq.lock.class] = append(all, now)
	}
}

// gates are the classes that are held exclusively for sure.
func gates(all []held) []string {
	var out []string
	for _, h := range all {
		if h.mode == ir.Exclusive && h.lock.class != "" && h.ok == "" {
			out = append(out, h.lock.class)
		}
	}
	return out
}

// writer returns a place where another thread may come to write a lock of a class
// while threads stand at edges: it runs beside each of them, and no lock that one
// of them holds keeps it from getting there.
func (a *analysis) writer(class string, edges []*edge, threads []*arrival) (writing, bool) {
	for _, w := range a.writers[class] {
		for _, r := range a.roots[w.at.fn] {
			needs := slices.Concat(r.must, w.gates)
			comes := true
			for i, e := range edges {
				may, _ := a.overlap(threads[i], r, e.quiet, w.quiet)
				kept := slices.Concat(threads[i].must, gates(e.held))
				comes = comes && may && len(intersect(needs, kept)) == 0
			}
			if comes {
				return w, true
			}
		}
	}
	return writing{}, false
}

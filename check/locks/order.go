package locks

import (
	"slices"
	"sort"

	"github.com/penstock-io/penstock/check/ir"
)

// A cycle is edges, each ending where the next begins, and the threads that
// can be at each of them at the same time.
type cycle struct {
	edges   []*edge
	threads []*arrival
	seen    bool // that the threads overlap is seen, not assumed
	gate    string
	reads   bool // blocks only behind a waiting writer
}

// cycles finds the lock cycles between classes, and those between single
// locks of one class.
func (a *analysis) cycles() []cycle {
	byClass := map[string][]string{}
	for key := range a.edges {
		if key[0] != key[1] {
			byClass[key[0]] = append(byClass[key[0]], key[1])
		}
	}
	out := a.judgeAll(rings(byClass), func(x, y string) []*edge { return a.edges[[2]string{x, y}] })
	return append(out, a.instanceCycles()...)
}

// instanceCycles looks between locks of one class that are told apart.
func (a *analysis) instanceCycles() []cycle {
	single := map[[2]string][]*edge{}
	next := map[string][]string{}
	for key, edges := range a.edges {
		for _, e := range edges {
			if key[0] == key[1] && e.from.absolute() && e.to.absolute() {
				k := [2]string{e.from.name + e.from.sel, e.to.name + e.to.sel}
				if single[k] == nil {
					next[k[0]] = append(next[k[0]], k[1])
				}
				single[k] = append(single[k], e)
			}
		}
	}
	return a.judgeAll(rings(next), func(x, y string) []*edge { return single[[2]string{x, y}] })
}

// judgeAll keeps the rings that can close, but none that goes through all the
// locks of a shorter one: it vanishes with that.
func (a *analysis) judgeAll(all [][]string, between func(x, y string) []*edge) []cycle {
	var out []cycle
	var kept [][]string
	for _, ring := range all {
		if slices.ContainsFunc(kept, func(small []string) bool {
			return len(small) < len(ring) && !slices.ContainsFunc(small, func(n string) bool { return !slices.Contains(ring, n) })
		}) {
			continue
		}
		if c, ok := a.judge(ring, between); ok {
			out = append(out, c)
			kept = append(kept, ring)
		}
	}
	return out
}

// judge chooses, for a ring of locks, the edges that can really meet.
func (a *analysis) judge(names []string, between func(x, y string) []*edge) (cycle, bool) {
	n := len(names)
	var gated *cycle
	picked := make([]*edge, n)
	tries := 0
	var try func(i int) *cycle
	try = func(i int) *cycle {
		if i == n {
			tries++
			c, ok := a.meet(slices.Clone(picked))
			if ok && c.gate != "" {
				if gated == nil {
					gated = &c
				}
				return nil
			}
			if ok {
				return &c
			}
			return nil
		}
		for _, e := range between(names[i], names[(i+1)%n]) {
			if tries > 64 {
				return nil
			}
			picked[i] = e
			if c := try(i + 1); c != nil {
				return c
			}
		}
		return nil
	}
	if c := try(0); c != nil {
		return *c, true
	}
	if gated != nil {
		return *gated, true
	}
	return cycle{}, false
}

// meet reports whether edges can be taken at once: modes that conflict, threads
// that overlap. A lock that all hold is noted as their gate.
func (a *analysis) meet(edges []*edge) (cycle, bool) {
	c := cycle{edges: edges}
	for i, e := range edges {
		holder := edges[(i+1)%len(edges)]
		if e.toMode == ir.Shared && holder.fromMode == ir.Shared {
			if len(a.writers[e.to.class]) == 0 {
				return c, false // readers alone never wait
			}
			c.reads = true
		}
		if e.from.kind == ir.Async != (edges[0].from.kind == ir.Async) {
			return c, false
		}
	}
	threads, seen, gate := a.threads(edges)
	if threads == nil {
		return c, false
	}
	c.threads, c.seen, c.gate = threads, seen, gate
	for i, e := range edges {
		if e.toMode == ir.Shared && edges[(i+1)%len(edges)].fromMode == ir.Shared {
			if _, comes := a.writer(e.to.class, edges, threads); !comes {
				return c, false
			}
		}
	}
	return c, true
}

// threads chooses an arrival for each edge such that all overlap, if it can
// without a common gate.
func (a *analysis) threads(edges []*edge) (best []*arrival, seen bool, gate string) {
	picked := make([]*arrival, len(edges))
	found := false
	bestGate := ""
	var try func(i int, seen bool) bool
	try = func(i int, sure bool) bool {
		if i == len(edges) {
			if a.strangers(edges, picked) || a.unshared(edges, picked) {
				return false
			}
			g := commonGate(edges, picked)
			if !found || g == "" && (bestGate != "" || sure && !seen) {
				best, seen, bestGate, found = slices.Clone(picked), sure, g, true
			}
			return g == "" && sure
		}
	next:
		for _, r := range a.roots[edges[i].fn] {
			if s := edges[i].start; s != nil && r.root.start != s {
				continue
			}
			ok := sure
			for j := range i {
				may, s := a.overlap(picked[j], r, edges[j].quiet, edges[i].quiet)
				if !may {
					continue next
				}
				ok = ok && s
			}
			picked[i] = r
			if try(i+1, ok) {
				return true
			}
		}
		return false
	}
	try(0, true)
	return best, seen, bestGate
}

// commonGate names a lock that all edges hold exclusively besides their own:
// while it is held only one of them can be under way.
func commonGate(edges []*edge, threads []*arrival) string {
	var common []string
	for i, e := range edges {
		gates := slices.Clone(threads[i].must)
		for _, h := range e.held {
			if h.mode == ir.Exclusive && h.lock.class != "" && h.ok == "" && h.lock.place != e.from.place {
				gates = append(gates, h.lock.class)
			}
		}
		if i == 0 {
			common = gates
		} else {
			common = intersect(common, gates)
		}
	}
	for _, g := range common {
		if !slices.ContainsFunc(edges, func(e *edge) bool { return e.from.class == g || e.to.class == g }) {
			return g
		}
	}
	return ""
}

// rings returns the simple cycles of a graph, shortest first, each once,
// starting at its smallest name.
func rings(next map[string][]string) [][]string {
	var names []string
	for n := range next {
		sort.Strings(next[n])
		next[n] = slices.Compact(next[n])
		names = append(names, n)
	}
	sort.Strings(names)
	var out [][]string
	for _, start := range names {
		steps := 0
		path := []string{start}
		var walk func()
		walk = func() {
			if steps++; steps > 20000 || len(out) >= cyclesMax*len(names) {
				return
			}
			for _, n := range next[path[len(path)-1]] {
				switch {
				case n == start:
					out = append(out, slices.Clone(path))
				case n > start && len(path) < cycleMax && !slices.Contains(path, n) && len(next[n]) > 0:
					path = append(path, n)
					walk()
					path = path[:len(path)-1]
				}
			}
		}
		walk()
	}
	slices.SortStableFunc(out, func(x, y []string) int { return len(x) - len(y) })
	return out
}

package locks

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// exactMax is the number of locks up to which the best order is found exactly.
const exactMax = 12

// mendCycle chooses the order that turns round the fewest places, and offers
// the edits that do so.
func (a *analysis) mendCycle(f *finding.Finding, c cycle) {
	if c.gate != "" {
		return
	}
	if c.onePlace() {
		f.Advice = append(f.Advice, byID(short(c.edges[0].from.class)))
		return
	}
	order := a.order(c)
	rank := map[string]int{}
	for i, class := range order {
		rank[class] = i
	}
	names := c.names(order)
	text := strings.Join(names, ", then ")
	f.Advice = append(f.Advice, fmt.Sprintf("Take them everywhere in one order: %s.", text))
	var fix finding.Fix
	for _, e := range c.edges {
		if rank[key(e.from, c)] < rank[key(e.to, c)] {
			continue
		}
		for _, wrong := range a.sites(e) {
			part, ok := a.reorder(wrong)
			if wait := a.widensWait(wrong, part); wait != "" {
				f.Advice = append(f.Advice, fmt.Sprintf("%s at %s takes %s while it holds %s, under which it waits (%s): give %s back before it takes %s; holding both over the wait may stop whoever is to end it.",
					wrong.fn.Name, where(wrong.toAt.op.At()), wrong.to.label, wrong.from.label, wait, wrong.from.label, wrong.to.label))
				return
			}
			if !ok {
				f.Advice = append(f.Advice, fmt.Sprintf("%s at %s takes %s while it holds %s: take %s first, or give %s back before.",
					wrong.fn.Name, where(wrong.toAt.at()), wrong.to.label, wrong.from.label, wrong.to.label, wrong.from.label))
				return
			}
			for _, edit := range part.Edits { // one place may be reached with several objects
				if !slices.Contains(fix.Edits, edit) {
					fix.Edits = append(fix.Edits, edit)
				}
			}
			fix.Tier = max(fix.Tier, part.Tier)
			if part.Note != "" && !strings.Contains(fix.Note, part.Note) {
				fix.Note = strings.TrimSpace(fix.Note + " " + part.Note)
			}
		}
	}
	if len(fix.Edits) > 0 {
		fix.Title = "take " + text
		f.Fixes = append(f.Fixes, fix)
	}
}

// onePlace reports whether all threads take their locks at the same lines, each
// others: no order of lines mends that.
func (c cycle) onePlace() bool {
	return !slices.ContainsFunc(c.edges, func(e *edge) bool {
		return e.fromAt.op != c.edges[0].fromAt.op || e.toAt.op != c.edges[0].toAt.op
	})
}

// names are how a person tells the locks of a cycle apart: by their last names,
// or as they are written where two share one.
func (c cycle) names(order []string) []string {
	last, written := make([]string, len(order)), make([]string, len(order))
	for i, class := range order {
		last[i], written[i] = short(class), short(class)
		for _, e := range c.edges {
			if key(e.from, c) == class {
				written[i] = e.from.label
			}
		}
		if c.edges[0].from.class == c.edges[0].to.class {
			last[i] = written[i]
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(last)))) < len(last) {
		return written
	}
	return last
}

// key is the name a lock has in a cycle: its class, or, among locks of one
// class, its place.
func key(o object, c cycle) string {
	if c.edges[0].from.class == c.edges[0].to.class {
		return o.name + o.sel
	}
	return o.class
}

// sites returns all places where an edge's order occurs.
func (a *analysis) sites(e *edge) []*edge {
	all := a.edges[[2]string{e.from.class, e.to.class}]
	if e.from.class != e.to.class {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(o *edge) bool { return o.from.place != e.from.place || o.to.place != e.to.place })
}

func (a *analysis) reorder(e *edge) (finding.Fix, bool) {
	first, ok1 := e.fromAt.op.(*ir.Acquire)
	second, ok2 := e.toAt.op.(*ir.Acquire)
	if !ok1 || !ok2 || e.fromAt.fn != e.toAt.fn || e.fromAt.via != nil || e.toAt.via != nil || first.Mode != second.Mode && first.Try || !first.Span.Known() || !second.Span.Known() {
		return finding.Fix{}, false
	}
	m := a.options.Menders[first.Span.File.Lang]
	if m == nil {
		return finding.Fix{}, false
	}
	return m.Reorder(first, second)
}

// widensWait is what a fix would hold one more lock over, "" when nothing. A fix
// that only swaps two locks holds both where both were held.
func (a *analysis) widensWait(e *edge, fix finding.Fix) string {
	first, ok1 := e.fromAt.op.(*ir.Acquire)
	second, ok2 := e.toAt.op.(*ir.Acquire)
	if !ok1 || !ok2 || fix.Tier == finding.Safe {
		return ""
	}
	return a.waitsUnder(e.fn, first, second)
}

// order returns the locks of a cycle in the order that turns round the fewest
// places: a minimum feedback arc set, exactly, by dynamic programming over the
// sets of locks that come first. Between equals the first one written wins.
func (a *analysis) order(c cycle) []string {
	var names []string
	for _, e := range c.edges {
		names = append(names, key(e.from, c))
	}
	n := len(names)
	if n > exactMax {
		return names
	}
	weight := func(x, y int) int { // places that take x before y
		for _, e := range c.edges {
			if key(e.from, c) == names[x] && key(e.to, c) == names[y] {
				return len(a.sites(e))
			}
		}
		return len(a.edges[[2]string{names[x], names[y]}])
	}
	cost := make([]int, 1<<n)
	last := make([]int, 1<<n)
	for set := 1; set < 1<<n; set++ {
		cost[set] = 1 << 30
		for v := n - 1; v >= 0; v-- { // v comes last of set
			if set>>v&1 == 0 {
				continue
			}
			rest := set &^ (1 << v)
			sum := cost[rest]
			for m := rest; m != 0; m &= m - 1 {
				sum += weight(v, bits.TrailingZeros(uint(m)))
			}
			if sum < cost[set] {
				cost[set], last[set] = sum, v
			}
		}
	}
	out := make([]string, n)
	for set, i := 1<<n-1, n-1; i >= 0; i-- {
		out[i] = names[last[set]]
		set &^= 1 << last[set]
	}
	return out
}

package locks

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
)

// A root is where a thread begins: a start, or a function that the world
// outside enters.
type root struct {
	fn    *ir.Func
	entry ir.Entry  // how the world enters it; Inner for a start
	start *ir.Start // nil when the world enters it
	from  *ir.Func  // the function that starts it
	many  bool      // may run several times at once
}

// An arrival is a root that reaches a function.
type arrival struct {
	root *root
	via  *arrival // the caller's arrival, nil at the root itself
	call *ir.Call
	from *ir.Func
	busy bool     // other threads may be running
	must []string // classes held on every way from this root

	merged bool // the root comes by other calls too
}

// arrive carries the roots down the call graph to a fixed point.
func (a *analysis) arrive() {
	var work []*ir.Func
	for _, f := range a.program.Funcs {
		if a.sums[f] != nil && f.Entry != ir.Inner && !f.Script {
			many := f.Entry == ir.API || f.Entry == ir.Handler
			a.reach(f, &arrival{root: &root{fn: f, entry: f.Entry, many: many}, busy: many})
			work = append(work, f)
		}
	}
	called := map[*ir.Func]bool{}
	for _, sum := range a.sums {
		for _, c := range sum.calls {
			called[c.callee] = true
		}
		for _, st := range sum.starts {
			called[st.callee] = true
		}
	}
	for _, f := range a.program.Funcs { // what nobody calls is entered by someone unseen
		if a.sums[f] != nil && (f.Entry == ir.Inner || f.Script) && !called[f] {
			a.reach(f, &arrival{root: &root{fn: f, entry: ir.API, many: true}, busy: true})
			work = append(work, f)
		}
	}
	for len(work) > 0 {
		f := work[len(work)-1]
		work = append(work[:len(work)-1], a.descend(f)...)
	}
}

// descend hands f's roots to what it calls and starts, and returns the
// functions that learned something.
func (a *analysis) descend(f *ir.Func) []*ir.Func {
	var changed []*ir.Func
	sum := a.sums[f]
	for _, c := range sum.calls {
		for _, up := range a.roots[f] {
			next := &arrival{root: up.root, via: up, call: c.call, from: f, busy: up.busy || !c.quiet, must: union(up.must, c.must)}
			if a.reach(c.callee, next) {
				changed = append(changed, c.callee)
			}
		}
	}
	for _, st := range sum.starts {
		many := a.many(f, st.start) || slices.ContainsFunc(a.roots[f], func(up *arrival) bool { return up.root.many })
		r := &root{fn: st.callee, start: st.start, from: f, many: many}
		if a.sums[st.callee] != nil && a.reach(st.callee, &arrival{root: r, busy: true}) {
			changed = append(changed, st.callee)
		}
	}
	return changed
}

func union(x, y []string) []string {
	out := slices.Concat(x, y)
	slices.Sort(out)
	return slices.Compact(out)
}

// reach adds a root to f, and reports whether that is news.
func (a *analysis) reach(f *ir.Func, n *arrival) bool {
	if a.sums[f] == nil {
		return false
	}
	for _, old := range a.roots[f] {
		same := old.root == n.root || old.root.start != nil && old.root.start == n.root.start && old.root.fn == n.root.fn
		if !same {
			continue
		}
		old.merged = old.merged || old.call != n.call || old.via != n.via
		news := n.root.many && !old.root.many || n.busy && !old.busy
		old.root.many = old.root.many || n.root.many
		old.busy = old.busy || n.busy
		if fewer := intersect(old.must, n.must); len(fewer) < len(old.must) {
			old.must = fewer
			news = true
		}
		return news
	}
	if len(a.roots[f]) >= rootsMax {
		return false
	}
	a.roots[f] = append(a.roots[f], n)
	return true
}

// chain returns the calls that lead from an arrival's root, outermost first.
func (n *arrival) chain() []*ir.Call {
	var calls []*ir.Call
	for ; n != nil && n.call != nil && len(calls) < depthMax; n = n.via {
		calls = append(calls, n.call)
	}
	slices.Reverse(calls)
	return calls
}

// overlap reports whether two arrivals may run at the same time, and whether
// that is seen rather than assumed of an exported function.
func (a *analysis) overlap(x, y *arrival, xquiet, yquiet bool) (may, seen bool) {
	if !x.alive(xquiet) || !y.alive(yquiet) {
		return false, false
	}
	if x.root == y.root || x.root.fn == y.root.fn && x.root.start == y.root.start {
		return x.root.many, x.root.entry == ir.Handler || x.root.start != nil && a.many(x.root.from, x.root.start) && x.root.start.Worker == ""
	}
	sx, sy := x.root.start, y.root.start
	if oneWorker(sx, sy) {
		return true, false // two runs of what makes the pool may overlap
	}
	if x.root.entry == ir.Test && y.root.entry == ir.Test {
		return false, false
	}
	if sx != nil && sy != nil && x.root.from == y.root.from && (sx != sy || !a.many(x.root.from, sx)) {
		paired := a.pairs[[2]*ir.Start{sx, sy}]
		if x.root.many || y.root.many { // two runs of what starts them may overlap
			return true, paired
		}
		return paired, true
	}
	seen = concurrent(x.root) && concurrent(y.root)
	return true, seen
}

// many reports whether a function may start several threads at one place that overlap:
// not where each round of a loop waits for its own.
func (a *analysis) many(f *ir.Func, s *ir.Start) bool {
	if !s.Many || a.pairs[[2]*ir.Start{s, s}] {
		return s.Many
	}
	again, known := a.looped[s]
	if !known {
		again = loops(f, s)
		a.looped[s] = again
	}
	return !again
}

// loops reports whether a function can come to an operation again.
func loops(f *ir.Func, op ir.Op) bool {
	b := blockOf(f, op)
	return b != nil && slices.ContainsFunc(b.Next, func(n *ir.Block) bool { return leads(n, b, nil) })
}

// oneWorker reports whether two starts run on the same thread.
func oneWorker(x, y *ir.Start) bool {
	return x != nil && y != nil && x.Worker != "" && x.Worker == y.Worker
}

func concurrent(r *root) bool { return r.start != nil || r.entry == ir.Handler || r.entry == ir.Main }

// alive reports whether other threads may run beside this arrival at a place
// that is quiet: before its function started any.
func (n *arrival) alive(quiet bool) bool {
	switch n.root.entry {
	case ir.Init, ir.Main, ir.Test:
		return n.root.start != nil || n.busy || !quiet
	}
	return true
}

// apart reports whether all of a cycle's places are reached from where the
// program is seen to begin, and two of them never at the same time: only
// someone unseen, who calls what is exported, can make them meet.
func (a *analysis) apart(edges []*edge) bool {
	known := make([][]*arrival, len(edges))
	for i, e := range edges {
		for _, n := range a.roots[e.fn] {
			switch {
			case n.root.entry == ir.Handler || n.root.entry == ir.Test:
				return false
			case n.root.start != nil || n.root.entry == ir.Init || n.root.entry == ir.Main:
				known[i] = append(known[i], n)
			}
		}
		if len(known[i]) == 0 {
			return false
		}
	}
	for i := range edges {
		for j := range i {
			if !a.anyMeets(known[i], known[j], edges[i].quiet, edges[j].quiet) {
				return true
			}
		}
	}
	return false
}

// anyMeets reports whether one of xs is seen to overlap one of ys.
func (a *analysis) anyMeets(xs, ys []*arrival, xquiet, yquiet bool) bool {
	for _, x := range xs {
		for _, y := range ys {
			sx, sy := x.root.start, y.root.start
			switch {
			case sx == nil && sy == nil: // one thread
			case sx == nil && x.from == y.root.from && !x.alive(xquiet), sy == nil && y.from == x.root.from && !y.alive(yquiet):
				// where the one is started, the other is called before or after
			case oneWorker(sx, sy):
				// one after the other
			case sx == nil || sy == nil || x.root.from != y.root.from || sx == sy && a.many(x.root.from, sx):
				return true
			case a.pairs[[2]*ir.Start{sx, sy}]:
				return true
			}
		}
	}
	return false
}

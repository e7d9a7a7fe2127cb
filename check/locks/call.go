package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// call applies the summaries of what a call may reach.
func (w *walk) call(o *ir.Call, s *state) []*state {
	if o.Signal != ir.None {
		w.signal(o, s)
		return []*state{s}
	}
	targets := w.targets(w.fn, o)
	w.ask(o, s)
	if len(targets) == 0 { // what was not read may call it on any thread
		for _, arg := range o.Args {
			if ref, ok := arg.(*ir.FuncRef); ok {
				w.gives(ref.Func, slices.Concat(make([]ir.Expr, ref.Skip), ref.Bound))
			}
		}
	}
	var out []*state
	for _, callee := range targets {
		sum := w.sums[callee]
		if sum == nil || sum.trivial() {
			continue
		}
		w.noteCall(o, callee, s)
		unsure := !o.Sure && len(targets) > 1
		through := func(at site) site {
			return site{at.op, at.fn, &hop{call: o, from: w.fn, next: at.via, sure: !unsure}}
		}
		for _, acq := range sum.acquires {
			if acq.lock.maybe && !w.isLock(acq.lock, callee, o) {
				continue
			}
			when, may := w.asked(acq.when, callee, o, s)
			if !may || depth(acq.at.via) >= depthMax {
				continue
			}
			mine := acquire{lock: w.objects.leave(acq.lock, callee, w.fn, o.Args), mode: acq.mode, try: acq.try, at: through(acq.at), when: when}
			for _, r := range acq.released {
				mine.released = append(mine.released, w.objects.leave(r, callee, w.fn, o.Args))
			}
			w.took(s, mine, w.translateHeld(acq.held, callee, o, through), unsure)
		}
		for _, a := range sum.asks {
			w.answer(a, callee, o, s, through)
		}
		exits := slices.DeleteFunc(slices.Clone(sum.exits), func(e exit) bool {
			_, may := w.asked(e.when, callee, o, s)
			return !may
		})
		for _, e := range exits {
			if len(e.added)+len(e.released) == 0 || unsure && len(e.added) > 0 {
				continue
			}
			out = append(out, w.after(s, e, callee, o, through))
			sometimes(out[len(out)-1], e, exits)
		}
		if slices.ContainsFunc(exits, func(e exit) bool { return len(e.added)+len(e.released) == 0 }) || len(exits) == 0 {
			out = append(out, s.clone())
		}
	}
	switch {
	case len(out) == 0 && len(targets) == 1 && o.Sure && w.never(targets[0]):
		return nil
	case len(out) == 0:
		return []*state{s}
	}
	return distinct(out)
}

// sometimes marks what a callee keeps on this way out and not on another: its
// caller may well know which by what it returned.
func sometimes(s *state, e exit, exits []exit) {
	for _, other := range exits {
		for _, h := range e.added {
			if slices.ContainsFunc(other.added, func(x held) bool { return x.lock.place == h.lock.place }) {
				continue
			}
			for i := range s.held {
				if s.held[i].kept && s.held[i].at.op == h.at.op {
					s.held[i].only = true
				}
			}
		}
	}
}

func distinct(states []*state) []*state {
	seen := map[string]bool{}
	return slices.DeleteFunc(states, func(s *state) bool {
		k := s.key()
		was := seen[k]
		seen[k] = true
		return was
	})
}

func depth(h *hop) int {
	n := 0
	for ; h != nil; h = h.next {
		n++
	}
	return n
}

// guessed reports whether one of several functions is called on the way, and no
// one knows which.
func guessed(h *hop) bool {
	return h != nil && (!h.sure || guessed(h.next))
}

// isLock reports whether a call hands over a lock, or what may be one, for what its callee
// takes as one.
func (w *walk) isLock(obj object, callee *ir.Func, o *ir.Call) bool {
	mine := w.objects.leave(obj, callee, w.fn, o.Args)
	return mine.root != unknownRoot || mine.class != ""
}

func (w *walk) translateHeld(hs []held, callee *ir.Func, o *ir.Call, through func(site) site) []held {
	out := make([]held, len(hs))
	for i, h := range hs {
		out[i] = held{lock: w.objects.leave(h.lock, callee, w.fn, o.Args), mode: h.mode, at: through(h.at), kept: h.kept, only: h.only}
	}
	return out
}

// after is the state behind one outcome of a call.
func (w *walk) after(s *state, e exit, callee *ir.Func, o *ir.Call, through func(site) site) *state {
	out := s.clone()
	for _, r := range e.released {
		lock := w.objects.leave(r, callee, w.fn, o.Args)
		if last := len(out.held) - 1; last >= 0 && !callee.Span.Known() && lock.root == unknownRoot && lock.class == "" {
			w.gaveBack(out.held[last]) // a method value of an unknown lock's Unlock: the one taken last
			out.held = out.held[:last]
			continue
		}
		w.release(out, lock, ir.Exclusive)
	}
	for _, h := range w.translateHeld(e.added, callee, o, through) {
		if h.lock.root != unknownRoot || h.lock.class != "" {
			h.ok, h.kept = "", true
			out.held = append(out.held, h)
		}
	}
	return out
}

// noteCall keeps what is held at least at each call, over all ways to it.
func (w *walk) noteCall(o *ir.Call, callee *ir.Func, s *state) {
	var must []string
	for _, h := range s.held {
		if h.mode == ir.Exclusive && h.lock.class != "" && h.ok == "" {
			must = append(must, h.lock.class)
		}
	}
	for i := range w.sum.calls {
		c := &w.sum.calls[i]
		if c.call == o && c.callee == callee {
			c.must = intersect(c.must, must)
			c.quiet = c.quiet && len(s.live) == 0
			return
		}
	}
	w.sum.calls = append(w.sum.calls, callSite{o, callee, must, len(s.live) == 0})
}

func intersect(x, y []string) []string {
	return slices.DeleteFunc(slices.Clone(x), func(s string) bool { return !slices.Contains(y, s) })
}

// start notes a thread, and with which others of this function it may overlap.
func (w *walk) start(o *ir.Start, s *state) {
	for _, callee := range w.targets(w.fn, o.Call) {
		if !slices.ContainsFunc(w.sum.starts, func(x startSite) bool { return x.start == o && x.callee == callee }) {
			w.sum.starts = append(w.sum.starts, startSite{o, callee})
			w.startedWith(o, callee)
			w.gives(callee, o.Call.Args)
		}
	}
	for _, other := range s.live {
		if other.Span == o.Span && !slices.Contains(s.live, o) && !(o.Many && !loops(w.fn, o)) {
			continue // the one or the other, as the name of the thread stands for
		}
		w.pairs[[2]*ir.Start{other, o}] = true
		w.pairs[[2]*ir.Start{o, other}] = true
	}
	if !slices.Contains(s.live, o) {
		s.live = append(s.live, o)
	}
}

// startedWith draws the edges that only the arguments of a thread's start make
// definite: go transfer(a, b).
func (w *walk) startedWith(o *ir.Start, callee *ir.Func) {
	sum := w.sums[callee]
	if sum == nil {
		return
	}
	here := func(at site) site { return at }
	for _, acq := range sum.acquires {
		if acq.try {
			continue
		}
		to := w.objects.leave(acq.lock, callee, w.fn, o.Call.Args)
		inner := w.translateHeld(acq.held, callee, o.Call, here)
		for i, h := range inner {
			if neighbours(h.lock, to) {
				w.rings = append(w.rings, &edge{
					from: h.lock, to: to, fromMode: h.mode, toMode: acq.mode, fromAt: h.at, toAt: acq.at,
					fn: callee, start: o, held: inner, kept: h.kept, only: h.only, unsure: h.only,
				})
			}
			if was := acq.held[i].lock; (was.root == paramRoot || acq.lock.root == paramRoot) && to.absolute() && h.lock.absolute() {
				w.edge(&edge{
					from: h.lock, to: to, fromMode: h.mode, toMode: acq.mode, fromAt: h.at, toAt: acq.at,
					fn: callee, start: o, held: inner, kept: h.kept, only: h.only, unsure: h.only,
				})
			}
		}
	}
}

// joined drops the threads that have certainly ended: those of the same name,
// `t1.start()` and `t1.join()`, or else all of them.
func joined(o *ir.Join, s *state) {
	ended := func(x *ir.Start) bool { return strings.HasPrefix(x.Span.Text(), o.What+".") }
	if o.Of.Known() {
		ended = func(x *ir.Start) bool { return x.Span == o.Of }
	} else if !slices.ContainsFunc(s.live, ended) {
		ended = func(*ir.Start) bool { return true }
	}
	s.live = slices.DeleteFunc(s.live, ended)
}

// edge files an edge under its classes, or as a lock taken twice.
func (a *analysis) edge(e *edge) {
	if a.objects.passing(e.from) || a.objects.passing(e.to) {
		return // nobody else can ever wait for it
	}
	if e.from.maybe || e.to.maybe {
		return // a lock or not: not known here
	}
	if oneLock(e.from, e.to) {
		if e.only {
			return // whoever calls knows by the answer whether it is kept
		}
		if e.fromAt.op == e.toAt.op && e.from.root == newRoot && madeIn(e.fn, strings.TrimPrefix(e.from.name, "result ")) {
			return // another one each time round the loop
		}
		key := [2]ir.Op{e.fromAt.op, e.toAt.op}
		if old := a.doubles[key]; old == nil || depth(e.toAt.via) < depth(old.toAt.via) {
			a.doubles[key] = e
		}
		return
	}
	if e.from.class == "" || e.to.class == "" {
		return
	}
	if neighbours(e.from, e.to) {
		a.rings = append(a.rings, e)
		return
	}
	if e.from.class == e.to.class && (e.from.root == unknownRoot || e.to.root == unknownRoot) {
		return // one lock or two: not known
	}
	if e.fn.Maker && e.from.root == paramRoot && e.from.n == 0 || fresh(e) {
		return // nobody else can see the held lock yet
	}
	key := [2]string{e.from.class, e.to.class}
	if (a.objects.beside[key] || a.objects.beside[[2]string{e.from.of, e.to.of}]) && e.from.root == e.to.root && e.from.n == e.to.n && e.from.name == e.to.name {
		a.rings = append(a.rings, e)
	}
	for i, old := range a.edges[key] {
		if old.fromAt.op == e.fromAt.op && old.toAt.op == e.toAt.op && old.from.place == e.from.place && old.to.place == e.to.place {
			if len(e.held) < len(old.held) || len(e.held) == len(old.held) && depth(e.toAt.via) < depth(old.toAt.via) {
				a.edges[key][i] = e
			}
			return
		}
	}
	if len(a.edges[key]) < variantsMax {
		a.edges[key] = append(a.edges[key], e)
	}
}

// fresh reports whether the held lock was made in the same function, before it
// started any thread.
func fresh(e *edge) bool {
	return e.quiet && e.from.root == newRoot && e.fromAt.via == nil && e.fn.Entry != ir.Main &&
		e.fn.Outer == nil && madeIn(e.fn, e.from.name)
}

func madeIn(f *ir.Func, site string) bool {
	from, to := f.Span, site
	return from.Known() && strings.HasPrefix(to, from.File.Path+":") && inside(f, site)
}

func inside(f *ir.Func, site string) bool {
	parts := strings.Split(site, ":")
	if len(parts) < 3 {
		return false
	}
	line := 0
	for _, c := range parts[len(parts)-2] {
		line = line*10 + int(c-'0')
	}
	return line >= f.Span.Line() && line <= f.Span.File.Line(f.Span.End)
}

// components returns the strongly connected components of the call graph,
// callees first (Tarjan 1972), without recursion.
func components(funcs []*ir.Func, next func(*ir.Func) []*ir.Func) [][]*ir.Func {
	type frame struct {
		f    *ir.Func
		outs []*ir.Func
	}
	index, low := map[*ir.Func]int{}, map[*ir.Func]int{}
	on := map[*ir.Func]bool{}
	var stack []*ir.Func
	var out [][]*ir.Func
	for _, root := range funcs {
		if index[root] != 0 {
			continue
		}
		open := func(f *ir.Func) frame {
			index[f] = len(index) + 1
			low[f] = index[f]
			stack = append(stack, f)
			on[f] = true
			return frame{f, next(f)}
		}
		frames := []frame{open(root)}
		for len(frames) > 0 {
			top := &frames[len(frames)-1]
			if len(top.outs) > 0 {
				to := top.outs[0]
				top.outs = top.outs[1:]
				switch {
				case index[to] == 0:
					frames = append(frames, open(to))
				case on[to]:
					low[top.f] = min(low[top.f], index[to])
				}
				continue
			}
			f := top.f
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				up := frames[len(frames)-1].f
				low[up] = min(low[up], low[f])
			}
			if low[f] != index[f] {
				continue
			}
			at := slices.Index(stack, f)
			group := slices.Clone(stack[at:]) // f and what returns to it
			stack = stack[:at]
			for _, g := range group {
				on[g] = false
			}
			out = append(out, group)
		}
	}
	return out
}

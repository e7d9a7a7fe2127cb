package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// inTurn reports whether a thread of a cycle waits, before it takes its first lock, for
// what another does behind its last: an event that is set, a barrier, a channel, a
// queue. They may still meet in another round; that is not seen.
func (a *analysis) inTurn(c cycle) bool {
	before, after := make([]map[string]bool, len(c.edges)), make([]map[string]bool, len(c.edges))
	for i, e := range c.edges {
		before[i], after[i] = a.signals(e, c.threads[i])
	}
	for i := range c.edges {
		for j := range c.edges {
			for name := range before[i] {
				if i != j && after[j][name] {
					return true
				}
			}
		}
	}
	return false
}

// signals are the things that a thread waits for before it takes the first lock of an
// edge, and those by which it lets others go on behind the second, by the last part of
// their names.
func (a *analysis) signals(e *edge, n *arrival) (before, after map[string]bool) {
	before, after = map[string]bool{}, map[string]bool{}
	ahead, behind := map[*ir.Func]bool{}, map[*ir.Func]bool{}
	frame := func(f *ir.Func, first, second ir.Span) {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				at := op.At()
				deferred := at.Known() && strings.HasPrefix(strings.TrimSpace(at.File.LineText(at.Start)), "defer ")
				switch {
				case !at.Known() || !first.Known() || !second.Known() || at.File != first.File:
				case deferred || at.Start > second.Start:
					a.named(f, op, lets, after, behind)
				case at.Start < first.Start:
					a.named(f, op, stops, before, ahead)
				}
				if as, ok := op.(*ir.Assign); ok && at.Known() && second.Known() && at.Start > second.Start && flag(as.To) != "" {
					after["flag "+flag(as.To)] = true
				}
			}
		}
	}
	frame(e.fn, e.fromAt.outermost(), e.toAt.outermost())
	polled(e.fn, e.fromAt.entry(), before)
	if s := n.root.start; s != nil { // its end is what a join waits for
		if text, ok := strings.CutSuffix(s.Span.Text(), ".start()"); ok {
			after[short(text)] = true
		}
	}
	for ; n != nil && n.call != nil; n = n.via {
		frame(n.from, n.call.Span, n.call.Span)
		polled(n.from, n.call, before)
	}
	return before, after
}

// polled are the flags that a function waits for in a loop before it comes to an
// operation.
func polled(f *ir.Func, op ir.Op, before map[string]bool) {
	at := blockOf(f, op)
	if at == nil {
		return
	}
	for _, b := range f.Blocks {
		if b.If == nil || b == at || !leads(b, at, nil) || leads(at, b, nil) {
			continue
		}
		test := b.If
		if c, ok := test.(*ir.Compare); ok {
			test = c.X
		}
		again := slices.ContainsFunc(b.Next, func(n *ir.Block) bool { return leads(n, b, nil) })
		if name := flag(test); name != "" && again {
			before["flag "+name] = true
		}
	}
}

// entry is the operation by which the site is reached from its frame.
func (s site) entry() ir.Op {
	if s.via != nil {
		return s.via.call
	}
	return s.op
}

// outermost is where the site is reached from its frame.
func (s site) outermost() ir.Span { return s.entry().At() }

// named collects what an operation, or what it calls, does of a kind, by the last part
// of the names of what it is done to.
func (a *analysis) named(f *ir.Func, op ir.Op, kind func(string) bool, into map[string]bool, seen map[*ir.Func]bool) {
	text := ""
	switch o := op.(type) {
	case *ir.Call:
		targets := a.targets(f, o)
		for _, callee := range targets {
			if seen[callee] {
				continue
			}
			seen[callee] = true
			for _, b := range callee.Blocks {
				for _, op := range b.Ops {
					a.named(callee, op, kind, into, seen)
				}
			}
		}
		if len(targets) == 0 {
			text = o.Name
		}
	case *ir.Wait:
		text, _, _ = strings.Cut(o.Span.Text(), "(")
	case *ir.Join:
		text, _, _ = strings.Cut(o.Span.Text(), "(")
	}
	if at := strings.LastIndexByte(text, '.'); at > 0 && kind(text) {
		into[short(text[:at])] = true
	}
}

// stops reports whether something says by its name that it waits, a join too.
func stops(name string) bool { return waits(name) || strings.HasSuffix(name, ".join") }

// lets reports whether something says by its name that it lets others go on. A barrier
// does so by waiting.
func lets(name string) bool {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "set", "wait", "notify", "notify_all", "put", "put_nowait", "send", "task_done", "set_result", "Done", "Signal", "Broadcast":
		return true
	}
	return false
}

// uncontended reports whether a cycle is of tasks none of which ever lets another run
// while it holds one of the locks. Taking a free lock of asyncio does not suspend the
// task: Lock.acquire returns at once when the lock is free and nobody waits for it. So if
// every holder runs from its first lock to its last release without an await of
// anything else, then whenever the loop chooses a task no lock is held and nobody waits;
// each lock is found free, and again nothing suspends. One holder that awaits
// anything while it has a lock ends this: two others queue up behind it, each
// is given the lock it waited for, and each then wants the other's.
func (a *analysis) uncontended(c cycle) bool {
	if c.edges[0].from.kind != ir.Async {
		return false
	}
	awaits := a.awaited()
	return !slices.ContainsFunc(c.edges, func(e *edge) bool {
		acq, ok := e.fromAt.op.(*ir.Acquire)
		return awaits[e.from.class] || ok && acq.Awaits
	})
}

// awaited are the classes of locks under which a task lets others run: it awaits
// something, or takes a lock that others hold while they do.
func (a *analysis) awaited() map[string]bool {
	out := map[string]bool{}
	for _, f := range a.program.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				if acq, ok := op.(*ir.Acquire); ok && acq.Awaits {
					if lock, ok := a.objects.lock(f, acq.Lock, acq.Kind); ok {
						out[lock.class] = true
					}
				}
			}
		}
	}
	for more := true; more; {
		more = false
		for key := range a.edges {
			if out[key[1]] && !out[key[0]] {
				out[key[0]], more = true, true
			}
		}
	}
	return out
}

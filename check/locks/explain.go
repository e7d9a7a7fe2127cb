package locks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// cycleFindings tells each lock cycle as an interleaving.
func (a *analysis) cycleFindings() []finding.Finding {
	var out []finding.Finding
	for _, c := range a.cycles() {
		out = append(out, a.tellCycle(c))
	}
	return out
}

func (a *analysis) tellCycle(c cycle) finding.Finding {
	n := len(c.edges)
	c = c.fromFirst()
	f := finding.Finding{Rule: RuleOrder, Level: a.cycleLevel(c), At: c.edges[0].toAt.at()}
	for i, e := range c.edges {
		f.Threads = append(f.Threads, thread(c.threads[i]))
		f.Related = append(f.Related, e.fromAt.at(), e.toAt.at())
	}
	for i, e := range c.edges {
		f.Steps = append(f.Steps, a.step(i, c.threads[i], e, e.fromAt, takes(e.fromMode)+e.from.label))
	}
	for i, e := range c.edges {
		holder := (i + 1) % n
		f.Steps = append(f.Steps, a.step(i, c.threads[i], e, e.toAt, fmt.Sprintf("waits for %s, held by T%d", e.to.label, holder+1)))
	}
	f.Message = cycleMessage(c)
	f.Key = cycleKey(c)
	f.Why = cycleWhy(c, a)
	a.mendCycle(&f, c)
	return f
}

// fromFirst turns the cycle so that it begins at the place written first.
func (c cycle) fromFirst() cycle {
	at := 0
	for i, e := range c.edges {
		x, y := e.fromAt.at(), c.edges[at].fromAt.at()
		if before(x, y) {
			at = i
		}
	}
	c.edges = slices.Concat(c.edges[at:], c.edges[:at])
	c.threads = slices.Concat(c.threads[at:], c.threads[:at])
	return c
}

func before(x, y ir.Span) bool { return compare(x, y) < 0 }

func compare(x, y ir.Span) int {
	if !x.Known() || !y.Known() {
		return cmp.Compare(x.Start, y.Start)
	}
	return cmp.Or(cmp.Compare(x.File.Path, y.File.Path), cmp.Compare(x.Start, y.Start))
}

func (a *analysis) cycleLevel(c cycle) finding.Level {
	level := finding.Certain
	lower := func(to finding.Level) { level = min(level, to) }
	if !c.seen {
		lower(finding.Likely)
		if !c.reads && a.apart(c.edges) { // of readers it is the writer that must meet them
			lower(finding.Possible)
		}
	}
	if a.inTurn(c) || a.uncontended(c) {
		lower(finding.Possible)
	}
	lower(a.modes(c))
	if slices.ContainsFunc(c.threads, func(n *arrival) bool { return n.root.fn.Idle && n.root.start == nil }) {
		lower(finding.Possible) // by a thread that is made and never started
	}
	for _, e := range c.edges {
		if e.unsure && !a.shown(e) {
			lower(finding.Possible)
		}
		if e.from.guess || e.to.guess || !e.from.absolute() || !e.to.absolute() || c.reads {
			lower(finding.Likely)
		}
		if e.from.kind == ir.Semaphore || e.to.kind == ir.Semaphore || a.given[e.from.class] {
			lower(finding.Possible)
		}
		lower(a.rebound(e))
	}
	if level == finding.Likely && a.observed(c) {
		level = finding.Certain
	}
	if c.gate != "" {
		return finding.Note
	}
	return level
}

func takes(m ir.Mode) string {
	if m == ir.Shared {
		return "takes (to read) "
	}
	return "takes "
}

// thread names the head of a column.
func thread(n *arrival) string {
	switch {
	case n.root.start != nil:
		return fmt.Sprintf("%s, started at %s", n.root.fn.Name, where(n.root.start.Span))
	case n.root.entry == ir.Main || n.root.entry == ir.Init:
		return n.root.fn.Name + ", the main thread"
	}
	return n.root.fn.Name + ", called by any thread"
}

func where(s ir.Span) string {
	if !s.Known() {
		return "?"
	}
	return fmt.Sprintf("%s:%d", base(s.File.Path), s.Line())
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// step is one line of an interleaving, with the calls that lead there.
func (a *analysis) step(column int, n *arrival, e *edge, at site, text string) finding.Step {
	s := finding.Step{Thread: column, At: at.at(), Text: text}
	s.Names = append(s.Names, n.root.fn.Name)
	for _, c := range n.chain() {
		s.Via = append(s.Via, c.Span)
		s.Names = append(s.Names, c.Name)
	}
	for h := at.via; h != nil; h = h.next {
		s.Via = append(s.Via, h.call.Span)
		s.Names = append(s.Names, h.call.Name)
	}
	return s
}

func cycleMessage(c cycle) string {
	var parts []string
	for _, e := range c.edges {
		parts = append(parts, fmt.Sprintf("%s takes %s then %s", e.fn.Name, e.from.label, e.to.label))
	}
	text := strings.Join(parts, ", ")
	switch {
	case c.gate != "":
		return "locks in opposite orders, kept apart by " + short(c.gate) + ": " + text
	case c.reads:
		return "deadlock behind a waiting writer: " + text
	}
	return "deadlock: " + text
}

func cycleKey(c cycle) string {
	var parts []string
	for _, e := range c.edges {
		parts = append(parts, e.from.class+">"+e.to.class)
	}
	slices.Sort(parts)
	return RuleOrder + " " + strings.Join(parts, " ")
}

func cycleWhy(c cycle, a *analysis) []string {
	n := len(c.edges)
	var why []string
	if c.gate != "" {
		return []string{fmt.Sprintf("Both hold %s meanwhile, so only one of them is ever between its two locks. It stays so only as long as every path takes %s first.", short(c.gate), short(c.gate))}
	}
	var waits []string
	for i, e := range c.edges {
		waits = append(waits, fmt.Sprintf("T%d keeps %s until it gets %s, which T%d keeps", i+1, e.from.label, e.to.label, (i+1)%n+1))
	}
	who := "Neither can go on"
	if n > 2 {
		who = "None can go on"
	}
	why = append(why, who+": "+strings.Join(waits, "; ")+".")
	if c.reads {
		class := c.edges[0].to.class
		for i, e := range c.edges {
			if e.toMode == ir.Shared && c.edges[(i+1)%n].fromMode == ir.Shared {
				class = e.to.class
			}
		}
		w, _ := a.writer(class, c.edges, c.threads)
		why = append(why, fmt.Sprintf("Readers share a lock, but one that comes behind a waiting writer waits too: the writer is %s at %s.", w.at.fn.Name, where(w.at.at())))
	}
	if a.observed(c) {
		why = append(why, "A run of the program has shown each of these orders.")
	}
	return append(why, "Rule: every thread takes the same locks in the same order.")
}

// doubleFindings tells of locks taken by the thread that holds them.
func (a *analysis) doubleFindings() []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for _, e := range inSource(a.doubles) {
		f, ok := a.tellDouble(e)
		if ok && !seen[f.Key] {
			seen[f.Key] = true
			out = append(out, f)
		}
	}
	return out
}

// reader is a thread that reads again at an edge, and a place where a writer may
// come between.
func (a *analysis) reader(e *edge) (*arrival, writing, bool) {
	for _, n := range a.roots[e.fn] {
		if w, comes := a.writer(e.to.class, []*edge{e}, []*arrival{n}); comes {
			return n, w, true
		}
	}
	return nil, writing{}, false
}

// inSource are the doubles in the order of where they are written.
func inSource(doubles map[[2]ir.Op]*edge) []*edge {
	return slices.SortedFunc(maps.Values(doubles), func(x, y *edge) int {
		return cmp.Or(compare(x.toAt.at(), y.toAt.at()), compare(x.fromAt.at(), y.fromAt.at()), cmp.Compare(x.fn.ID, y.fn.ID))
	})
}

func (a *analysis) tellDouble(e *edge) (finding.Finding, bool) {
	f := finding.Finding{Rule: RuleDouble, Level: finding.Certain, At: e.toAt.at()}
	if e.to.kind == ir.Reentrant || e.to.kind == ir.Semaphore {
		return f, false
	}
	if len(a.roots[e.fn]) == 0 {
		return f, false
	}
	if e.fromAt.op == e.toAt.op && e.from.guess {
		return f, false // taken as often as a loop goes round: it is of a kind that can be
	}
	local := e.from.root == newRoot && e.from.sel == "" && madeIn(e.fn, e.from.name)
	if e.unsure || a.given[e.from.class] || local && a.loose || a.handed[e.from.class] && (e.kept || f.At.File.Lang == ir.Python) {
		f.Level = finding.Possible // a callback, or in Python another thread, may give it back
	} else if e.from.guess {
		f.Level = finding.Likely
	}
	f.Level = min(f.Level, a.guarded(e), a.rebound(e))
	n := a.roots[e.fn][0]
	reads := e.fromMode == ir.Shared && e.toMode == ir.Shared
	var w writing
	if reads {
		var comes bool
		if n, w, comes = a.reader(e); !comes {
			return f, false
		}
	}
	f.Threads = []string{thread(n)}
	f.Steps = []finding.Step{
		a.step(0, n, e, e.fromAt, takes(e.fromMode)+e.from.label),
		a.step(0, n, e, e.toAt, fmt.Sprintf("waits for %s, which it holds itself", e.to.label)),
	}
	f.Related = []ir.Span{e.fromAt.at()}
	f.Message = fmt.Sprintf("deadlock with itself: %s takes %s, which it holds since line %d", e.fn.Name, e.to.label, e.fromAt.at().Line())
	f.Why = []string{fmt.Sprintf("The thread waits for %s, and the only one who can give it back is the thread itself.", e.to.label)}
	f.Advice = []string{"Split the inner function in two: one that takes the lock and calls the other, which expects it held; call the second here."}
	if reads {
		f.Rule, f.Level = RuleReread, min(f.Level, finding.Likely)
		f.Message = fmt.Sprintf("deadlock behind a waiting writer: %s reads %s again, which it reads since line %d", e.fn.Name, e.to.label, e.fromAt.at().Line())
		f.Threads = append(f.Threads, w.at.fn.Name+", a writer")
		f.Steps = []finding.Step{
			f.Steps[0],
			{Thread: 1, At: w.at.at(), Text: fmt.Sprintf("waits to write %s, read by T1", e.to.label), Names: []string{w.at.fn.Name}},
			a.step(0, n, e, e.toAt, fmt.Sprintf("waits to read %s again, behind T2", e.to.label)),
		}
		f.Why = []string{"A waiting writer stops new readers, so that it gets its turn. T1 now waits for T2, and T2 for T1's first read to end."}
	}
	f.Key = strings.Join([]string{f.Rule, e.to.class, e.fn.ID, e.toAt.fn.ID}, " ")
	f.Fault = f.Rule + " " + e.to.class
	return f, true
}

// classFindings tells of two locks of one class taken in no fixed order, as in
// transfer(from, to).
func (a *analysis) classFindings() []finding.Finding {
	var out []finding.Finding
	for key, edges := range a.edges {
		if key[0] != key[1] {
			continue
		}
		for _, e := range edges {
			if e.from.root != paramRoot || e.to.root != paramRoot || e.from.n == e.to.n || e.from.sel != e.to.sel || reversed(edges, e) {
				continue
			}
			if f, ok := a.tellClass(e); ok {
				out = append(out, f)
				break
			}
		}
	}
	return out
}

// reversed reports whether the same function also takes them the other way
// round: it chooses by some order.
func reversed(edges []*edge, e *edge) bool {
	return slices.ContainsFunc(edges, func(o *edge) bool {
		return o.fn == e.fn && o.from.place == e.to.place && o.to.place == e.from.place
	})
}

// bothWays returns two threads that may be in e's function at once with two
// locks in either order: nil when there are none, or when it is known of each
// which locks it comes with, as a cycle between those tells then.
func (a *analysis) bothWays(e *edge) (one, other *arrival) {
	all := a.roots[e.fn]
	for i, x := range all {
		for _, y := range all[i:] {
			if may, _ := a.overlap(x, y, e.quiet, e.quiet); may && !(a.settled(e, x) && a.settled(e, y)) {
				return x, y
			}
		}
	}
	return nil, nil
}

// settled reports whether it is known which two locks an arrival comes with.
func (a *analysis) settled(e *edge, n *arrival) bool {
	from, to := e.from, e.to
	up := func(caller *ir.Func, args []ir.Expr) {
		from, to = a.objects.translate(from, caller, args), a.objects.translate(to, caller, args)
	}
	for ; n.call != nil; n = n.via {
		up(n.from, n.call.Args)
	}
	if s := n.root.start; s != nil {
		up(n.root.from, s.Call.Args)
	}
	return from.absolute() && to.absolute() && !a.objects.found(from) && !a.objects.found(to)
}

func (a *analysis) tellClass(e *edge) (finding.Finding, bool) {
	one, other := a.bothWays(e)
	if one == nil || len(e.held) > 1 && e.held[0].mode == ir.Exclusive && !sameLock(e.held[0].lock, e.from) || e.fromMode == ir.Shared && e.toMode == ir.Shared {
		return finding.Finding{}, false
	}
	name := short(e.from.class)
	f := finding.Finding{
		Rule: RuleSameClass, Level: finding.Likely, At: e.toAt.at(),
		Threads: []string{thread(one) + " (x, y)", thread(other) + " (y, x)"},
		Related: []ir.Span{e.fromAt.at()},
		Message: fmt.Sprintf("deadlock when called both ways round: %s takes %s then %s, two locks of one class in the order of its arguments", e.fn.Name, e.from.label, e.to.label),
		Key:     strings.Join([]string{RuleSameClass, e.from.class, e.fn.ID}, " "),
		Fault:   RuleSameClass + " " + e.from.class,
	}
	if e.unsure || e.from.guess {
		f.Level = finding.Possible
	}
	f.Steps = []finding.Step{
		a.step(0, one, e, e.fromAt, "takes x."+name),
		a.step(1, other, e, e.fromAt, "takes y."+name),
		a.step(0, one, e, e.toAt, "waits for y."+name+", held by T2"),
		a.step(1, other, e, e.toAt, "waits for x."+name+", held by T1"),
	}
	f.Why = []string{"Neither can go on: each keeps the lock the other needs. Rule: locks of one class need an order of their own."}
	f.Advice = []string{byID(name)}
	return f, true
}

// byID is the advice for two locks of one class.
func byID(name string) string {
	return fmt.Sprintf("Order the two by something that never changes, such as an id: take the smaller one's %s first, whichever argument it is.", name)
}

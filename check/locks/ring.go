package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// neighbours reports whether two locks are elements of one collection, one beside the
// other round a ring: forks[i] and forks[(i+1)%n].
func neighbours(x, y object) bool {
	return x.by != "" && x.by == y.by && x.next != y.next && x.class != "" && x.class == y.class
}

// learnBeside notes the fields that a function gives neighbours of a ring. element is
// what one of its values is.
func (o *objects) learnBeside(f *ir.Func, element func(ir.Expr) (*ir.Index, bool)) {
	type given struct {
		class string
		x     *ir.Index
	}
	var all []given
	for _, as := range o.stores[f] {
		if x, ok := element(as.Value); ok && x.By != "" {
			to := as.To.(*ir.Field)
			all = append(all, given{to.Owner + "." + to.Name, x})
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a.class != b.class && a.x.By == b.x.By && a.x.Next != b.x.Next {
				o.beside[[2]string{a.class, b.class}] = true
			}
		}
	}
}

// learnMade notes what a constructor is called with that it puts in fields: locks, and
// neighbours of a ring.
func (o *objects) learnMade(f *ir.Func, c *ir.Call) {
	if len(c.Callees) != 1 || !c.Callees[0].Maker {
		return
	}
	maker := c.Callees[0]
	given := func(e ir.Expr) ir.Expr {
		v, ok := e.(*ir.Var)
		if !ok {
			return nil
		}
		i := slices.Index(maker.Params, v.Name)
		if i < 0 || i >= len(c.Args) {
			return nil
		}
		return c.Args[i]
	}
	for _, as := range o.stores[maker] {
		to := as.To.(*ir.Field)
		class := to.Owner + "." + to.Name
		if o.kinds[class] != ir.NoLock {
			continue
		}
		switch e := given(as.Value).(type) {
		case *ir.Global, *ir.Index, *ir.Var:
			if found := o.resolve(f, e, 0); len(found) == 1 {
				o.hold(class, found[0])
			}
		}
	}
	o.learnBeside(maker, func(e ir.Expr) (*ir.Index, bool) {
		x, ok := given(e).(*ir.Index)
		return x, ok
	})
}

// hold notes that places of a class are given a lock that was made elsewhere.
func (o *objects) hold(class string, given object) {
	kind := given.kind
	if kind == ir.NoLock {
		kind = o.kinds[given.class]
	}
	if kind != ir.NoLock {
		o.kinds[class] = kind
	}
}

// ringFindings tells of threads that each take a lock and then their neighbour's, all
// the same way round: the dining philosophers (Dijkstra 1971).
func (a *analysis) ringFindings() []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for _, e := range a.rings {
		f, ok := a.tellRing(e)
		at := f.At.String() // the same place is reached by the function and by its callers
		if ok && !seen[f.Key] && !seen[at] {
			seen[f.Key], seen[at] = true, true
			out = append(out, f)
		}
	}
	return out
}

// bothRound reports whether a function also takes them the other way round: some of its
// threads do, which breaks the ring.
func (a *analysis) bothRound(e *edge) bool {
	return slices.ContainsFunc(a.rings, func(o *edge) bool {
		return o.fn == e.fn && (o.from.class == e.from.class && o.from.next != e.from.next || o.from.class == e.to.class && o.to.class == e.from.class && o.from.class != o.to.class)
	})
}

// diner is how many threads come to an edge at once, that nothing lets in one by one.
func (a *analysis) diner(e *edge) *arrival {
	for _, n := range a.roots[e.fn] {
		s := n.root.start
		many := s != nil && a.many(n.root.from, s) && s.Worker == "" || n.root.entry == ir.Handler
		if many && len(n.must) == 0 && (e.start == nil || s == e.start) {
			return n
		}
	}
	return nil
}

func (a *analysis) tellRing(e *edge) (finding.Finding, bool) {
	n := a.diner(e)
	if n == nil || len(e.held) > 1 || e.fromMode == ir.Shared && e.toMode == ir.Shared || a.bothRound(e) {
		return finding.Finding{}, false
	}
	mine, next := e.from.label, e.to.label
	f := finding.Finding{
		Rule: RuleSameClass, Level: finding.Likely, At: e.toAt.at(),
		Threads: []string{thread(n), "the thread beside it"},
		Related: []ir.Span{e.fromAt.at()},
		Message: fmt.Sprintf("deadlock in a ring: each thread of %s takes %s then %s, which is another's first", e.fn.Name, mine, next),
		Key:     strings.Join([]string{RuleSameClass, "ring", e.from.class, e.fn.ID}, " "),
	}
	if e.unsure || e.from.guess || e.from.kind == ir.Semaphore {
		f.Level = finding.Possible
	}
	f.Steps = []finding.Step{
		a.step(0, n, e, e.fromAt, "takes its first, "+mine),
		a.step(1, n, e, e.fromAt, "takes its first, which is T1's second"),
		a.step(0, n, e, e.toAt, "waits for its second, "+next+", held by T2"),
		a.step(1, n, e, e.toAt, "waits for its second, held by the thread beside it, and so on round"),
	}
	f.Why = []string{"None can go on: when each has its first lock, each waits for the next one's, and the last for the first one's. Rule: locks of one class need an order of their own."}
	f.Advice = []string{fmt.Sprintf("Take the one with the smaller index first, whichever of %s and %s it is: then the last thread turns round, and the ring is open.", mine, next)}
	return f, true
}

package locks

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// strangers reports whether two threads of a cycle are known to come with two objects
// where the cycle takes them for one: x.ab() on one thread and y.ba() on another. Each
// arrival is followed to where its thread begins.
func (a *analysis) strangers(edges []*edge, threads []*arrival) bool {
	for i, e := range edges {
		next := (i + 1) % len(edges)
		mine, ok1 := a.fromRoot(e.to, threads[i])
		other, ok2 := a.fromRoot(edges[next].from, threads[next])
		if ok1 && ok2 && mine.place != other.place && a.objects.sole(mine) && a.objects.sole(other) {
			return true
		}
	}
	return false
}

// fromRoot is a lock as the function sees it in which the thread of an arrival begins,
// or is started; false when there are several ways.
func (a *analysis) fromRoot(lock object, n *arrival) (object, bool) {
	for ; n.call != nil; n = n.via {
		if n.merged {
			return lock, false
		}
		lock = a.objects.translate(lock, n.from, n.call.Args)
	}
	if s := n.root.start; s != nil && !n.merged {
		lock = a.objects.translate(lock, n.root.from, s.Call.Args)
	}
	return lock, !n.merged
}

// sole reports whether an object is a field of one that is made at its place, and is
// itself made with it: another place is another object.
func (o *objects) sole(x object) bool {
	if !strings.HasPrefix(x.sel, ".") || strings.ContainsAny(x.sel[1:], ".[") || x.class == "" || o.lent[x.class] {
		return false
	}
	switch x.root {
	case newRoot:
		return x.made == nil && !strings.HasPrefix(x.name, "result ") || x.made != nil && !o.found(x)
	case globalRoot:
		if len(o.values[x.name]) != 1 {
			return false
		}
		_, made := o.values[x.name][0].(*ir.New)
		return made
	}
	return false
}

// unshared reports whether one of the threads is a process of its own, and locks are no
// locks between processes: each has its own.
func (a *analysis) unshared(edges []*edge, threads []*arrival) bool {
	for i, n := range threads {
		if s := n.root.start; s != nil && s.Process && !(a.objects.shared[edges[i].from.class] && a.objects.shared[edges[i].to.class]) {
			return true
		}
	}
	return false
}

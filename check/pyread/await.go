package pyread

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// suspends reports whether statements of a function can let other tasks run, but for
// what they wait for a lock: an await of anything that was not read, async for, or a
// context manager that is no lock. seen are the functions that are looked into.
func (r *reader) suspends(body []syntax.Stmt, f *function, seen []*function) bool {
	for _, s := range body {
		for n := range syntax.All(s) {
			switch n := n.(type) {
			case *syntax.Await:
				if r.suspendsIn(n.Value, f, seen) {
					return true
				}
			case *syntax.Yield, *syntax.YieldFrom:
				return true
			case *syntax.For:
				if n.Async {
					return true
				}
			case *syntax.Comprehension:
				if n.Async {
					return true
				}
			case *syntax.With:
				if n.Async && slices.ContainsFunc(n.Items, func(i *syntax.WithItem) bool { return lockKinds[r.typeOf(i.Context, f)] != ir.Async }) {
					return true
				}
			}
		}
	}
	return false
}

// suspendsIn reports whether an await of an expression can let other tasks run: a
// coroutine that was read, only where it does itself.
func (r *reader) suspendsIn(e syntax.Expr, f *function, seen []*function) bool {
	call, ok := e.(*syntax.Call)
	if !ok {
		return true
	}
	if a, ok := call.Func.(*syntax.Attribute); ok && a.Attr == "acquire" && lockKinds[r.typeOf(a.Value, f)] == ir.Async {
		return false
	}
	callees, _, _ := (&builder{r: r, f: f, m: f.module}).callees(call)
	for _, c := range callees {
		if !slices.Contains(seen, c) && r.suspends(c.body, c, append(seen, c)) {
			return true
		}
	}
	return len(callees) == 0
}

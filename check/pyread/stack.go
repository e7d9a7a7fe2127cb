package pyread

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// stackTypes are the context managers that others are entered into one by one.
var stackTypes = map[string]bool{"contextlib.ExitStack": true, "contextlib.AsyncExitStack": true}

// A lockStack is an exit stack, and the locks that it gives back when it is closed.
type lockStack struct {
	locks []ir.Expr
	at    ir.Span
}

// enterStack opens an exit stack for the body of a with statement.
func (b *builder) enterStack(item *syntax.WithItem, v ir.Expr) (leave func()) {
	b.assign(item.Vars, v, b.at(item))
	s := &lockStack{at: b.at(item.Context)}
	if b.stacks == nil {
		b.stacks = map[string]*lockStack{}
	}
	b.stacks[b.m.text(item.Vars)] = s
	return func() { b.close(s) }
}

// close gives all locks of a stack back, the last one first.
func (b *builder) close(s *lockStack) {
	for _, lock := range slices.Backward(s.locks) {
		b.emit(&ir.Release{Span: s.at, Lock: lock})
	}
}

// stackMethod lowers what enters a lock into an exit stack, and what closes it early.
func (b *builder) stackMethod(e *syntax.Call, a *syntax.Attribute, _ string) ir.Expr {
	s := b.stacks[b.m.text(a.Value)]
	if s == nil {
		return nil
	}
	switch a.Attr {
	case "enter_context", "enter_async_context":
		if len(e.Args) != 1 || !b.maybeLock(e.Args[0], b.r.typeOf(e.Args[0], b.f)) {
			return nil
		}
		lock := b.value(e.Args[0])
		b.emit(&ir.Acquire{Span: b.at(e), Stmt: b.at(e), Lock: lock, Awaits: a.Attr == "enter_async_context"})
		s.locks = append(s.locks, lock)
		return lock
	case "close", "aclose", "pop_all":
		b.close(s)
		s.locks = nil
		return b.unknown(e)
	}
	return nil
}

package pyread

import (
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// await lowers an await, which of a task waits for its end.
func (b *builder) await(e *syntax.Await) ir.Expr {
	outer := b.awaited
	b.awaited = e.Value
	v := b.value(e.Value)
	b.awaited = outer
	b.ended(e, b.tasksOf(e.Value))
	return v
}

// ended notes that tasks have ended.
func (b *builder) ended(at syntax.Node, tasks []ir.Span) {
	for _, of := range tasks {
		b.emit(&ir.Join{Span: b.at(at), What: b.m.text(at), Of: of})
	}
}

// tasksOf is where the tasks start that a name may stand for.
func (b *builder) tasksOf(e syntax.Expr) []ir.Span {
	var out []ir.Span
	if _, call := e.(*syntax.Call); call {
		return nil
	}
	for _, made := range b.r.made(e, b.f) {
		call, ok := made.value.(*syntax.Call)
		if !ok || made.in != b.f || !taskMaker(call) || len(call.Args) == 0 {
			continue
		}
		if started, ok := call.Args[0].(*syntax.Call); ok {
			out = append(out, b.at(started))
		}
	}
	return out
}

// startTasks starts each coroutine that is called in a list of arguments, and returns where
// they start, and those that others of the arguments stand for.
func (b *builder) startTasks(args []syntax.Expr) []ir.Span {
	var out []ir.Span
	start := func(call *syntax.Call, many bool) {
		b.emit(&ir.Start{Span: b.at(call), Call: b.callOf(call), Many: many})
		out = append(out, b.at(call))
	}
	for _, arg := range args {
		many := b.loop > 0
		if s, ok := arg.(*syntax.Starred); ok {
			arg, many = s.Value, true
		}
		if c, ok := arg.(*syntax.Comp); ok {
			b.loop++
			arg, many = c.Elt, true
			for _, g := range c.Generators {
				b.value(g.Iter)
			}
			b.loop--
		}
		if call, ok := arg.(*syntax.Call); ok {
			start(call, many)
			continue
		}
		b.value(arg)
		for _, one := range b.r.elements(arg, b.f, 0) { // of coroutines that were made before
			if call, ok := one.value.(*syntax.Call); ok && one.in == b.f && !taskMaker(call) {
				start(call, one.many)
			}
		}
		out = append(out, b.tasksOf(arg)...)
	}
	return out
}

// taskMaker reports whether a call makes a task, which runs already.
func taskMaker(e *syntax.Call) bool {
	switch lastName(e.Func) {
	case "create_task", "ensure_future":
		return true
	}
	return false
}

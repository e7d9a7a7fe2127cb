package pyread

import (
	"cmp"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

func (b *builder) ifStmt(s *syntax.If) {
	if b.mainGuard(s) {
		b.f.ir.Entry = ir.Main
		b.statements(s.Body)
		return
	}
	yes, no, after := b.block(), b.block(), b.block()
	b.condition(s.Test, yes, no)
	b.cur = yes
	b.statements(s.Body)
	b.to(after)
	b.cur = no
	b.statements(s.Orelse)
	b.to(after)
	b.cur = after
}

// mainGuard reports whether s is if __name__ == "__main__", in a module.
func (b *builder) mainGuard(s *syntax.If) bool {
	c, ok := s.Test.(*syntax.Compare)
	if !ok || !b.f.top() || len(c.Ops) != 1 || c.Ops[0] != syntax.Eq {
		return false
	}
	for _, e := range []syntax.Expr{c.Left, c.Comparators[0]} {
		if n, ok := e.(*syntax.Name); ok && n.ID == "__name__" {
			return true
		}
	}
	return false
}

// condition evaluates a test and goes one way or the other. Parts of "and" and
// "or" are tests of their own, since a lock may be tried in one.
func (b *builder) condition(e syntax.Expr, yes, no *ir.Block) {
	switch e := e.(type) {
	case *syntax.UnaryOp:
		if e.Op == syntax.Not {
			b.condition(e.Operand, no, yes)
			return
		}
	case *syntax.BoolOp:
		for _, v := range e.Values[:len(e.Values)-1] {
			next := b.block()
			if e.Or {
				b.condition(v, yes, next)
			} else {
				b.condition(v, next, no)
			}
			b.cur = next
		}
		b.condition(e.Values[len(e.Values)-1], yes, no)
		return
	}
	b.branch(b.value(e), yes, no)
}

func (b *builder) while(s *syntax.While) {
	head, body, end, after := b.block(), b.block(), b.block(), b.block()
	b.to(head)
	b.cur = head
	b.condition(s.Test, body, end)
	b.cur = body
	b.looping(s.Body, after, head)
	b.cur = end
	b.statements(s.Orelse)
	b.to(after)
	b.cur = after
}

func (b *builder) looping(body []syntax.Stmt, breaks, continues *ir.Block) {
	b.exits = append(b.exits, exit{isLoop: true, breaks: breaks, continues: continues})
	b.loop++
	b.statements(body)
	b.loop--
	b.exits = b.exits[:len(b.exits)-1]
	b.to(continues)
}

func (b *builder) forStmt(s *syntax.For) {
	_, _, pairs := b.pairs(s.Target, s.Iter)
	over := b.value(cmp.Or(pairs, s.Iter))
	head, body, end, after := b.block(), b.block(), b.block(), b.block()
	b.to(head)
	b.cur = head
	b.either(body, end)
	b.cur = body
	if pairs != nil {
		b.pair(s.Target.(*syntax.Tuple), over)
	} else {
		b.assign(s.Target, b.element(over, s.Iter), b.at(s.Target))
	}
	b.looping(s.Body, after, head)
	b.cur = end
	b.proven(s, over)
	b.drained(s.Iter)
	b.allJoined(s)
	b.statements(s.Orelse)
	b.to(after)
	b.cur = after
}

// pair gives the names of key and value what a round through a mapping's items sees.
func (b *builder) pair(target *syntax.Tuple, of ir.Expr) {
	key, value := target.Elts[0], target.Elts[1]
	b.assign(key, b.unknown(key, &ir.Index{Where: b.where(key), X: of}), b.at(target))
	b.assign(value, b.unknown(value, &ir.Index{Where: b.where(value), X: of, Key: b.value(key)}), b.at(target))
}

// element is what one round of a loop over a value sees.
func (b *builder) element(over ir.Expr, at syntax.Node) ir.Expr {
	switch x := over.(type) {
	case *ir.List:
		if x.Keys != nil {
			return &ir.Choice{Where: b.where(at), Of: x.Keys}
		}
		return &ir.Choice{Where: b.where(at), Of: x.Elems}
	case *ir.Safe:
		return x
	}
	return &ir.Index{Where: b.where(at), X: over}
}

// with lowers the nth item of a with statement, and the rest inside it.
func (b *builder) with(s *syntax.With, n int) {
	if n == len(s.Items) {
		b.statements(s.Body)
		return
	}
	item := s.Items[n]
	leave := b.enter(s, item)
	b.exits = append(b.exits, exit{run: leave})
	b.with(s, n+1)
	b.exits = b.exits[:len(b.exits)-1]
	leave()
}

// try lowers try: the handlers can be reached from the start and the end of
// its body; what finally holds is copied to every way out.
func (b *builder) try(s *syntax.Try) {
	if s.Finalbody == nil {
		b.tryHandlers(s)
		return
	}
	finally := func() { b.statements(s.Finalbody) }
	b.exits = append(b.exits, exit{run: finally})
	b.tryHandlers(s)
	b.exits = b.exits[:len(b.exits)-1]
	finally()
}

func (b *builder) tryHandlers(s *syntax.Try) {
	if len(s.Handlers) == 0 {
		b.statements(s.Body)
		return
	}
	body, caught, after := b.block(), b.block(), b.block()
	b.either(body, caught)
	b.cur = body
	b.exits = append(b.exits, exit{isHandlers: true, catches: caught})
	first, last := s.Body, []syntax.Stmt{}
	if n := len(s.Body) - 1; takes(s.Body[n]) {
		first, last = s.Body[:n], s.Body[n:]
	}
	b.statements(first)
	if b.cur != nil && len(first) > 0 {
		end := b.block()
		b.either(end, caught)
		b.cur = end
	}
	b.statements(last)
	b.exits = b.exits[:len(b.exits)-1]
	b.statements(s.Orelse)
	b.to(after)
	handlers := make([]*ir.Block, len(s.Handlers))
	for i := range handlers {
		handlers[i] = b.block()
	}
	b.cur = caught
	b.either(handlers...)
	for i, h := range s.Handlers {
		b.cur = handlers[i]
		if h.Type != nil {
			b.value(h.Type)
		}
		b.statements(h.Body)
		b.to(after)
	}
	b.cur = after
}

// takes reports whether a statement does nothing but take a lock: if that fails,
// the lock is not held.
func takes(s syntax.Stmt) bool {
	var e syntax.Expr
	switch s := s.(type) {
	case *syntax.ExprStmt:
		e = s.Value
	case *syntax.Assign:
		e = s.Value
	}
	if wait, ok := e.(*syntax.Await); ok {
		e = wait.Value
	}
	call, ok := e.(*syntax.Call)
	if !ok {
		return false
	}
	a, ok := call.Func.(*syntax.Attribute)
	return ok && a.Attr == "acquire"
}

func (b *builder) match(s *syntax.Match) {
	subject := b.value(s.Subject)
	after := b.block()
	for _, c := range s.Cases {
		body, next := b.block(), b.block()
		test := b.pattern(c.Pattern, subject)
		if any, ok := c.Pattern.(*syntax.MatchAs); ok && any.Pattern == nil && c.Guard == nil {
			b.to(body) // case _
		} else if test != nil && c.Guard == nil {
			b.branch(test, body, next)
		} else {
			b.either(body, next)
		}
		b.cur = body
		if c.Guard != nil {
			inner := b.block()
			b.condition(c.Guard, inner, next)
			b.cur = inner
		}
		b.statements(c.Body)
		b.to(after)
		b.cur = next
	}
	b.to(after)
	b.cur = after
}

// pattern is the condition of a pattern of literals; nil for another.
func (b *builder) pattern(p syntax.Pattern, subject ir.Expr) ir.Expr {
	switch p := p.(type) {
	case *syntax.MatchValue:
		return &ir.Compare{Where: b.where(p), X: subject, Y: b.value(p.Value)}
	case *syntax.MatchOr:
		list := &ir.List{Where: b.where(p)}
		for _, one := range p.Patterns {
			v, ok := one.(*syntax.MatchValue)
			if !ok {
				return nil
			}
			list.Elems = append(list.Elems, b.value(v.Value))
		}
		return &ir.Compare{Where: b.where(p), X: subject, Y: list, In: true}
	case *syntax.MatchClass:
		if b.numbers(p.Cls) && len(p.Patterns)+len(p.KwdPatterns) == 0 {
			return b.checked(p, subject, "a number")
		}
	case *syntax.MatchAs:
		if p.Pattern == nil && p.Name != "" {
			b.emit(&ir.Assign{Span: b.at(p), To: b.variable(p.Name, b.where(p)), Value: subject})
		}
	}
	return nil
}

// blocksMax stops copying what finally holds to every way out of a function:
// nested deep enough the copies would never end.
const blocksMax = 5000

// unwind runs what must happen on the way out of everything inside the nth
// exit, innermost first. Code that leaves again sees only what is around it.
func (b *builder) unwind(n int) {
	all := b.exits
	for i := len(all) - 1; i >= n; i-- {
		b.exits = all[:i:i]
		if all[i].run != nil && len(b.f.ir.Blocks) < blocksMax {
			all[i].run()
		}
	}
	b.exits = all
}

func (b *builder) leaveLoop(target func(exit) *ir.Block) {
	for i := len(b.exits) - 1; i >= 0; i-- {
		if b.exits[i].isLoop {
			b.unwind(i + 1)
			b.to(target(b.exits[i]))
			return
		}
	}
	b.cur = nil
}

func (b *builder) ret(s *syntax.Return) {
	var values []ir.Expr
	if s.Value != nil {
		values = []ir.Expr{b.value(s.Value)}
	}
	b.unwind(0)
	b.emit(&ir.Return{Span: b.at(s), Values: values})
	b.cur = nil
}

// raise goes to the nearest handlers, or out of the function.
func (b *builder) raise(s *syntax.Raise) {
	for _, e := range []syntax.Expr{s.Exc, s.Cause} {
		if e != nil {
			b.value(e)
		}
	}
	b.fail()
}

func (b *builder) fail() {
	for i := len(b.exits) - 1; i >= 0; i-- {
		if b.exits[i].isHandlers {
			b.unwind(i + 1)
			b.to(b.exits[i].catches)
			return
		}
	}
	b.unwind(0)
	if b.cur != nil {
		b.cur.Ends = true
	}
	b.cur = nil
}

func (b *builder) assert(s *syntax.Assert) {
	yes, no := b.block(), b.block()
	b.condition(s.Test, yes, no)
	b.cur = no
	b.fail()
	b.cur = yes
}

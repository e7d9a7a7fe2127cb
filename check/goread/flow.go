package goread

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/penstock-io/penstock/check/ir"
)

func (b *sqlFunc) ifStmt(s *ast.IfStmt) {
	if s.Init != nil {
		b.statement(s.Init, "")
	}
	yes, no, after := b.block(), b.block(), b.block()
	b.condition(s.Cond, yes, no)
	b.cur = yes
	b.statements(s.Body.List)
	b.to(after)
	b.cur = no
	if s.Else != nil {
		b.statement(s.Else, "")
	}
	b.to(after)
	b.cur = after
}

func (b *sqlFunc) forStmt(s *ast.ForStmt, label string) {
	if s.Init != nil {
		b.statement(s.Init, "")
	}
	head, body, post, after := b.block(), b.block(), b.block(), b.block()
	b.to(head)
	b.cur = head
	if s.Cond != nil {
		b.condition(s.Cond, body, after)
	} else {
		b.to(body)
	}
	b.cur = body
	b.within(exit{label, after, post}, s.Body.List)
	b.to(post)
	b.cur = post
	if s.Post != nil {
		b.statement(s.Post, "")
	}
	b.to(head)
	b.cur = after
}

func (b *sqlFunc) within(e exit, list []ast.Stmt) {
	b.exits = append(b.exits, e)
	b.statements(list)
	b.exits = b.exits[:len(b.exits)-1]
}

func (b *sqlFunc) rangeStmt(s *ast.RangeStmt, label string) {
	over := b.value(s.X)
	head, body, after := b.block(), b.block(), b.block()
	b.to(head)
	head.Next = append(head.Next, body, after)
	b.cur = body
	for i, e := range []ast.Expr{s.Key, s.Value} {
		if e == nil || i == 0 && !b.keyed(s.X) {
			continue
		}
		element := &ir.Index{Where: ir.Where{Span: b.node(e)}, X: over}
		if i == 1 && b.mapped(s.X) {
			element.Key = &ir.Unknown{Where: element.Where, What: "a key"}
		}
		b.store(e, element, b.node(s.X), s.Tok == token.DEFINE)
	}
	proven := b.proven(s, over)
	b.within(exit{label, after, head}, s.Body.List)
	b.to(head)
	b.cur = after
	for _, op := range proven {
		b.emit(op)
	}
}

func (b *sqlFunc) mapped(x ast.Expr) bool {
	_, ok := b.info.TypeOf(x).Underlying().(*types.Map)
	return ok
}

// keyed reports whether ranging over x gives keys that are no numbers.
func (b *sqlFunc) keyed(x ast.Expr) bool {
	switch b.info.TypeOf(x).Underlying().(type) {
	case *types.Map, *types.Chan, *types.Signature:
		return true
	}
	return false
}

func (b *sqlFunc) switchStmt(s *ast.SwitchStmt, label string) {
	if s.Init != nil {
		b.statement(s.Init, "")
	}
	var tag ir.Expr
	if s.Tag != nil {
		tag = b.value(s.Tag)
	}
	after := b.block()
	bodies := make([]*ir.Block, len(s.Body.List))
	for i := range bodies {
		bodies[i] = b.block()
	}
	other := after
	for i, c := range s.Body.List {
		c := c.(*ast.CaseClause)
		if c.List == nil {
			other = bodies[i]
		}
		for _, e := range c.List {
			next := b.block()
			if s.Tag == nil {
				b.condition(e, bodies[i], next)
			} else {
				b.fork(&ir.Compare{Where: ir.Where{Span: b.node(e)}, X: tag, Y: b.value(e)}, bodies[i], next)
			}
			b.cur = next
		}
	}
	b.to(other)
	for i, c := range s.Body.List {
		b.cur = bodies[i]
		body := c.(*ast.CaseClause).Body
		b.within(exit{label, after, nil}, body)
		if n := len(body); n > 0 && i+1 < len(bodies) {
			if j, ok := body[n-1].(*ast.BranchStmt); ok && j.Tok == token.FALLTHROUGH {
				b.to(bodies[i+1])
				continue
			}
		}
		b.to(after)
	}
	b.cur = after
}

func (b *sqlFunc) typeSwitch(s *ast.TypeSwitchStmt, label string) {
	if s.Init != nil {
		b.statement(s.Init, "")
	}
	if as, ok := s.Assign.(*ast.AssignStmt); ok {
		x := as.Rhs[0].(*ast.TypeAssertExpr).X
		value, at := b.value(x), b.node(as)
		for _, c := range s.Body.List {
			if obj := b.info.Implicits[c]; obj != nil {
				b.emit(&ir.Assign{Span: at, To: &ir.Var{Name: b.declare(obj, obj.Name())}, Value: value})
			}
		}
	}
	b.clauses(s.Body.List, label)
}

// clauses are ways of which any may be taken.
func (b *sqlFunc) clauses(list []ast.Stmt, label string) {
	head, after := b.cur, b.block()
	head.Next = append(head.Next, after)
	for _, c := range list {
		b.cur = b.block()
		head.Next = append(head.Next, b.cur)
		var body []ast.Stmt
		switch c := c.(type) {
		case *ast.CaseClause:
			body = c.Body
		case *ast.CommClause:
			if c.Comm != nil {
				b.statement(c.Comm, "")
			}
			body = c.Body
		}
		b.within(exit{label, after, nil}, body)
		b.to(after)
	}
	b.cur = after
}

// condition evaluates a test and goes one way or the other.
func (b *sqlFunc) condition(e ast.Expr, yes, no *ir.Block) {
	switch e := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			b.condition(e.X, no, yes)
			return
		}
	case *ast.BinaryExpr:
		if e.Op == token.LAND || e.Op == token.LOR {
			next := b.block()
			if e.Op == token.LAND {
				b.condition(e.X, next, no)
			} else {
				b.condition(e.X, yes, next)
			}
			b.cur = next
			b.condition(e.Y, yes, no)
			return
		}
	}
	b.fork(b.test(e), yes, no)
}

func (b *sqlFunc) fork(test ir.Expr, yes, no *ir.Block) {
	b.cur.If = test
	b.cur.Next = append(b.cur.Next, yes, no)
}

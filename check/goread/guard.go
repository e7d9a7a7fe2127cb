package goread

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/penstock-io/penstock/check/ir"
)

// proven is what a loop shows of all that it goes through: where a round leaves the
// function unless its element passes a test, behind the loop all have passed.
func (b *sqlFunc) proven(s *ast.RangeStmt, over ir.Expr) (all []ir.Op) {
	element, at := s.Value, 1
	if b.keyed(s.X) {
		element, at = s.Key, 0
	}
	id, named := element.(*ast.Ident)
	of, local := over.(*ir.Var)
	if !named || !local || of.In != nil || at == 1 && !b.listed(s.X) || b.passesOver(s, b.info.ObjectOf(id)) {
		return nil
	}
	name, ok := b.value(id).(*ir.Var)
	if !ok {
		return nil
	}
	for _, st := range s.Body.List {
		st, ok := st.(*ast.IfStmt)
		if !ok || !b.leaves(st.Body) {
			continue
		}
		for _, t := range conjuncts(st.Cond, false) {
			if test, not := ir.Every(b.aside(st.Init, t.test), name.Name, of); test != nil && not != t.holds {
				all = append(all, &ir.Assign{Span: b.node(st), To: of, Value: &ir.Given{Where: of.Where, X: of, Test: test, Yes: t.holds}})
			}
		}
	}
	return all
}

// listed reports whether ranging over x gives elements beside their index.
func (b *sqlFunc) listed(x ast.Expr) bool {
	switch b.info.TypeOf(x).Underlying().(type) {
	case *types.Slice, *types.Array, *types.Pointer:
		return true
	}
	return false
}

// passesOver reports whether a loop may end or go on without looking at an element, or
// changes what it looks at.
func (b *sqlFunc) passesOver(s *ast.RangeStmt, element types.Object) bool {
	found := false
	ast.Inspect(s.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BranchStmt:
			found = true
		case *ast.AssignStmt:
			found = found || slices.ContainsFunc(n.Lhs, func(e ast.Expr) bool {
				id, ok := ast.Unparen(e).(*ast.Ident)
				return ok && b.info.Uses[id] != nil && (b.info.Uses[id] == element || b.node(s.X).Text() == id.Name)
			})
		}
		return !found
	})
	return found
}

// leaves reports whether a block ends by leaving the function.
func (b *sqlFunc) leaves(body *ast.BlockStmt) bool {
	if len(body.List) == 0 {
		return false
	}
	switch s := body.List[len(body.List)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.ExprStmt:
		c, ok := s.X.(*ast.CallExpr)
		return ok && b.never(c)
	}
	return false
}

// A passing is a test that holds, or does not, where control goes on.
type passing struct {
	test  ast.Expr
	holds bool
}

// conjuncts are the tests of which all hold, or do not, where a condition does.
func conjuncts(e ast.Expr, holds bool) []passing {
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return conjuncts(x.X, !holds)
		}
	case *ast.BinaryExpr:
		switch {
		case x.Op == token.LAND && holds, x.Op == token.LOR && !holds:
			return append(conjuncts(x.X, holds), conjuncts(x.Y, holds)...)
		case x.Op == token.LAND, x.Op == token.LOR:
			return nil // one of them is enough
		}
	}
	return []passing{{e, holds}}
}

// aside is a test that is lowered once more, and does not run here. One that asks
// whether something was found, _, ok := names[x], is whether it is in there.
func (b *sqlFunc) aside(init ast.Stmt, e ast.Expr) ir.Expr {
	cur := b.cur
	b.cur = &ir.Block{}
	defer func() { b.cur = cur }()
	if init == nil {
		return b.test(e)
	}
	as, ok := init.(*ast.AssignStmt)
	if !ok || len(as.Lhs) != 2 || len(as.Rhs) != 1 {
		return nil
	}
	found, named := as.Lhs[1].(*ast.Ident)
	asked, same := ast.Unparen(e).(*ast.Ident)
	if at, index := ast.Unparen(as.Rhs[0]).(*ast.IndexExpr); index && named && same && found.Name == asked.Name {
		return b.test(at)
	}
	return nil
}

package goread

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/packages"

	"github.com/penstock-io/penstock/check/ir"
)

// elsewhere marks the functions that a package uses as values: not all of their
// calls are seen as such.
func (s *sqlProgram) elsewhere(p *packages.Package) {
	called, kept := map[ast.Expr]bool{}, map[ast.Expr]bool{}
	for _, f := range p.Syntax {
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr:
				called[callee(x.Fun)] = true
			case *ast.AssignStmt:
				for i, value := range x.Rhs {
					if len(x.Lhs) == len(x.Rhs) && s.local[p.TypesInfo.ObjectOf(named(x.Lhs[i]))] != nil {
						kept[ast.Unparen(value)], called[x.Lhs[i]] = true, true
					}
				}
			case *ast.SelectorExpr:
				if called[x] {
					called[x.Sel] = true
				}
			case *ast.FuncLit:
				if !called[x] && !kept[x] {
					mark(s.literals[x])
				}
			case *ast.Ident:
				switch obj := p.TypesInfo.Uses[x].(type) {
				case *types.Func:
					if !called[x] {
						mark(s.funcs[obj.Origin()])
					}
				case *types.Var:
					if !called[x] {
						mark(s.local[obj])
					}
				}
			}
			return true
		})
	}
}

func mark(fn *ir.Func) {
	if fn != nil {
		fn.Elsewhere = true
	}
}

// callee is what a call names, without its type arguments.
func callee(e ast.Expr) ast.Expr {
	switch x := ast.Unparen(e).(type) {
	case *ast.IndexExpr:
		return ast.Unparen(x.X)
	case *ast.IndexListExpr:
		return ast.Unparen(x.X)
	default:
		return x
	}
}

// named is the name that an expression is; an empty one for any other.
func named(e ast.Expr) *ast.Ident {
	if id, ok := e.(*ast.Ident); ok {
		return id
	}
	return &ast.Ident{}
}

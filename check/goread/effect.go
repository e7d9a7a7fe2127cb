package goread

import (
	"go/ast"
	"go/token"
)

// An effect says how an expression minds being evaluated at another time.
type effect uint8

const (
	still effect = iota // a variable, a constant
	reads               // what others may change: a field, an element
	does                // it may change something
)

// clash reports whether two expressions may not change places.
func clash(x, y effect) bool { return x == does && y != still || y == does && x != still }

// calmMethods change nothing, or only the first time.
var calmMethods = map[string]bool{
	"String": true, "Error": true, "Format": true, "FormValue": true, "PathValue": true, "Query": true, "Get": true, "Context": true, "Background": true,
}

// calmFuncs only compute.
var calmFuncs = map[string]bool{
	"string": true, "len": true, "int": true, "int64": true,
	"strings.TrimSpace": true, "strings.Trim": true, "strings.TrimPrefix": true, "strings.TrimSuffix": true, "strings.ToLower": true, "strings.ToUpper": true,
	"strings.Join": true, "strconv.Itoa": true, "strconv.FormatInt": true, "fmt.Sprint": true, "fmt.Sprintf": true,
}

// effectOf is the worst of all that some code does.
func effectOf(list ...ast.Node) effect {
	worst := still
	for _, n := range list {
		if n == nil {
			continue
		}
		ast.Inspect(n, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr:
				if calm(x.Fun) {
					worst = max(worst, reads)
				} else {
					worst = does
				}
			case *ast.UnaryExpr:
				if x.Op == token.ARROW {
					worst = does
				}
			case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
				worst = max(worst, reads)
			case *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
				worst = does
			case *ast.AssignStmt:
				for _, to := range x.Lhs {
					if _, name := to.(*ast.Ident); !name {
						worst = does
					}
				}
			}
			return true
		})
	}
	return worst
}

func calm(fun ast.Expr) bool {
	switch f := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return calmFuncs[f.Name]
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return calmMethods[f.Sel.Name] || ok && calmFuncs[x.Name+"."+f.Sel.Name]
	}
	return false
}

// inOrder reports whether values may be evaluated as arguments, behind the rest
// of the text and before, or among, the other arguments.
func (b *binding) inOrder() bool {
	moved, stays, seen := still, still, map[ast.Expr]bool{}
	for _, s := range b.flat {
		if !s.hole || s.expr == nil {
			continue
		}
		e := effectOf(s.expr)
		switch {
		case s.bind && e == does && seen[s.expr]:
			return false // once would become twice
		case s.bind:
			moved = max(moved, e)
		case moved != still:
			stays = max(stays, e)
		}
		seen[s.expr] = true
	}
	for _, e := range b.call.Args[b.text+1:] {
		stays = max(stays, effectOf(e))
	}
	return !clash(moved, stays) && !(moved == does && b.indexed) && (b.passing == nil || !clash(moved, effectOf(b.passing...)))
}

// passed notes what runs between the text and the query that a variable brings
// it to; false where the query may run another number of times than the text is built.
func (b *binding) passed(fn ast.Node) bool {
	ok := true
	b.passing = []ast.Node{b.call.Fun}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.FuncLit:
			if n != fn && contains(x, b.call) != contains(x, b.whole) {
				ok = false
			}
		case ast.Stmt:
			if _, block := x.(*ast.BlockStmt); !block && x.Pos() > b.whole.End() && x.End() < b.call.Pos() {
				b.passing = append(b.passing, x)
			}
		}
		return true
	})
	return ok
}

func contains(n, inner ast.Node) bool { return n.Pos() <= inner.Pos() && inner.End() <= n.End() }

package goread

import (
	"go/ast"
	"go/constant"
	"go/types"
	"regexp"

	"golang.org/x/tools/go/packages"

	"github.com/penstock-io/penstock/check/ir"
)

// notes keeps what variables and fields are given once: by that a method of a driver
// is known wherever it is called, and a template wherever it is filled.
func (s *sqlProgram) notes(p *packages.Package) {
	give := func(to, value ast.Expr) {
		obj := variableOf(p.TypesInfo, to)
		if obj == nil || p.TypesInfo.Types[value].IsNil() {
			return
		}
		if _, again := s.once[obj]; again {
			value = nil
		}
		s.once[obj] = value
	}
	for _, f := range p.Syntax {
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.AssignStmt:
				for i, to := range x.Lhs {
					if len(x.Lhs) == len(x.Rhs) {
						give(to, x.Rhs[i])
					} else if i == 0 {
						give(to, x.Rhs[0])
					}
				}
			case *ast.ValueSpec:
				for i, to := range x.Names {
					if len(x.Names) == len(x.Values) {
						give(to, x.Values[i])
					}
				}
			case *ast.KeyValueExpr:
				give(x.Key, x.Value)
			}
			return true
		})
	}
}

// variableOf is the variable or field that an expression names; nil for another one.
func variableOf(info *types.Info, e ast.Expr) types.Object {
	var obj types.Object
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		obj = info.ObjectOf(x)
	case *ast.SelectorExpr:
		obj = info.Uses[x.Sel]
	}
	if v, ok := obj.(*types.Var); ok {
		return v
	}
	return nil
}

// methodValue is the method that a call calls by a variable or a field which is
// given no other: f := db.Query. It is nil for other calls.
func (b *sqlFunc) methodValue(c *ast.CallExpr) *types.Func {
	obj := variableOf(b.info, c.Fun)
	if obj == nil {
		return nil
	}
	sel, ok := b.sql.once[obj].(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	for _, p := range b.sql.pkgs {
		if s := p.TypesInfo.Selections[sel]; s != nil && s.Kind() == types.MethodVal {
			fn, _ := s.Obj().(*types.Func)
			return fn
		}
	}
	return nil
}

var action = regexp.MustCompile(`\{\{-?\s*(/\*|end|else|if|range|with|define|block|break|continue)?[^}]*\}\}`)

// executed lowers the execution of a template of text into a builder: its text, with
// the data in the place of every action that prints. It is nil for any other call.
func (b *sqlFunc) executed(c *ast.CallExpr, sel *ast.SelectorExpr, name string, at ir.Where) ir.Expr {
	if name != "(*text/template.Template).Execute" && name != "(*html/template.Template).Execute" || len(c.Args) != 2 {
		return nil
	}
	t := className(b.info.TypeOf(c.Args[0]))
	text, ok := b.template(sel.X, 0)
	if !ok || t != "strings.Builder" && t != "bytes.Buffer" {
		return nil
	}
	data, out := b.value(c.Args[1]), &ir.Concat{Where: at}
	done := 0
	literal := func(s string) {
		if s != "" {
			out.Parts = append(out.Parts, &ir.Const{Where: at, Text: s, Str: true})
		}
	}
	for _, m := range action.FindAllStringSubmatchIndex(text, -1) {
		literal(text[done:m[0]])
		if m[2] < 0 {
			out.Parts = append(out.Parts, &ir.Unknown{Where: ir.Where{Span: b.node(c.Args[1])}, Parts: []ir.Expr{data}, By: "template"})
		}
		done = m[1]
	}
	literal(text[done:])
	b.grow(b.value(c.Args[0]), out, at)
	return &ir.Safe{Where: at}
}

// template is the text that a template was parsed from, where that is constant.
func (b *sqlFunc) template(e ast.Expr, depth int) (string, bool) {
	if depth > 8 {
		return "", false
	}
	if obj := variableOf(b.info, e); obj != nil {
		value := b.sql.once[obj]
		return b.template(value, depth+1)
	}
	c, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return "", false
	}
	sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr)
	if !ok || len(c.Args) != 1 {
		return "", false
	}
	switch sel.Sel.Name {
	case "Must":
		return b.template(c.Args[0], depth+1)
	case "Parse":
		for _, p := range b.sql.pkgs {
			if v := p.TypesInfo.Types[c.Args[0]].Value; v != nil && v.Kind() == constant.String {
				return constant.StringVal(v), true
			}
		}
	}
	return "", false
}

package goread

import (
	"go/ast"
	"regexp"
	"slices"
)

// dressed reports whether the hole is made for standing between quotes, several
// values or escaped ones: as a parameter it would be another value. That may have
// happened before, to a variable that the hole names, or in a function of the file.
func (b *binding) dressed(s *segment) bool {
	if !s.hole || s.expr == nil {
		return false
	}
	if s.verb == "%q" || b.dresses(s.expr) {
		return true
	}
	named, found := map[string]bool{}, false
	ast.Inspect(s.expr, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			named[id.Name] = true
		}
		return true
	})
	ast.Inspect(b.decl, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			to := func(e ast.Expr) bool { return named[base(e)] }
			found = found || slices.ContainsFunc(x.Lhs, to) && slices.ContainsFunc(x.Rhs, b.dresses)
		case *ast.ValueSpec:
			to := func(id *ast.Ident) bool { return named[id.Name] }
			found = found || slices.ContainsFunc(x.Names, to) && slices.ContainsFunc(x.Values, b.dresses)
		}
		return !found
	})
	return found
}

// dresses reports whether an expression escapes or quotes, itself or by a
// function or method of the file.
func (b *binding) dresses(e ast.Expr) bool {
	if dressing.MatchString(b.source(e)) {
		return true
	}
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			found = found || b.dresser(c.Fun)
		}
		return !found
	})
	return found
}

// dresser reports whether a function of the file of that name escapes or quotes.
func (b *binding) dresser(fun ast.Expr) bool {
	name := ""
	switch x := fun.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	return slices.ContainsFunc(b.syntax.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f != b.decl && f.Name.Name == name && dressing.MatchString(b.source(f))
	})
}

var dressing = regexp.MustCompile(`\b(strings\.(Join|Replace|ReplaceAll)|\w*([Ee]scape|[Qq]uote)\w*|Replace)\(`)

// glued reports whether a letter, a digit or a point stands right beside the hole,
// or another hole: the value is a part of a word or a number, as {n} of {n}.5.
func (b *binding) glued(i int) bool {
	beside := func(j, step int) string {
		for ; j >= 0 && j < len(b.flat); j += step {
			if s := b.flat[j]; s.hole || s.gone {
				return "0"
			} else if s.text != "" {
				return s.text
			}
		}
		return " "
	}
	return endsWord.MatchString(beside(i-1, -1)) || beginsWord.MatchString(beside(i+1, 1))
}

var endsWord, beginsWord = regexp.MustCompile(`[\w.]$`), regexp.MustCompile(`^[\w.]`)

package goread

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// A step is a statement that begins the text of a query, or makes it longer.
type step struct {
	stmt   ast.Stmt
	value  ast.Expr // what is assigned, added or written; nil for nothing
	print  ast.Expr // of fmt.Fprintf: the whole call, whose template and values are value's
	begins bool
}

// steps binds the values of a text that a variable or a strings.Builder is built
// up to in several statements. Each of them hands its values to a slice just before,
// so that text and arguments always fit, whichever way was taken, and every value
// is evaluated when it was. Only ? needs no number.
func (b *binding) steps() bool {
	if !b.sends() {
		return b.not(finding.NoSingle)
	}
	name, built := b.variable(b.call.Args[b.text])
	list, ok := b.built(name, built)
	switch {
	case name == "" || !ok:
		return b.not(finding.NoSingle)
	case len(b.call.Args) != b.text+1 || !b.takes():
		return b.not("the text is built in several steps, beside other parameters")
	case b.rewrite.Style != ir.Qmark:
		return b.not(finding.NoNumbers)
	}
	args := b.free(name + "Args")
	for _, s := range list {
		if s.value != nil {
			b.statement += b.source(s.value) + " "
		}
	}
	for _, s := range list {
		if !b.step(s, name, args) {
			return false
		}
	}
	at := b.span(b.call.Args[b.text]).End
	b.edits = append(b.edits, finding.Edit{Span: ir.Span{File: b.file, Start: at, End: at}, New: ", " + args + "..."})
	return b.bound > 0
}

// sends finds the call, its text and the function around it.
func (b *binding) sends() bool {
	var stack []ast.Node
	ast.Inspect(b.syntax, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		if c, ok := n.(*ast.CallExpr); ok && b.span(c) == b.rewrite.Query.Span {
			b.call, b.fn = c, enclosing(stack)
		}
		return true
	})
	if b.call == nil || b.fn == nil || b.call.Ellipsis.IsValid() {
		return false
	}
	b.text = slices.IndexFunc(b.call.Args, func(e ast.Expr) bool { return b.span(e).Contains(b.rewrite.Query.SQL.At()) })
	return b.text >= 0
}

// variable is the name that the text is passed in, and whether it is a builder.
func (b *binding) variable(e ast.Expr) (name string, builder bool) {
	if c, ok := e.(*ast.CallExpr); ok && len(c.Args) == 0 {
		if sel, ok := c.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "String" {
			e, builder = sel.X, true
		}
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name, builder
	}
	return "", false
}

// built finds the statements that build the text; false when anything else
// knows the variable.
func (b *binding) built(name string, builder bool) ([]step, bool) {
	var list []step
	uses, known, begins := 0, 1, 0 // 1: the query
	ast.Inspect(b.fn, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			uses++
		}
		st, ok := n.(ast.Stmt)
		if !ok {
			return true
		}
		s, names := b.stepOf(st, name, builder)
		if names == 0 {
			return true
		}
		list, known = append(list, s), known+names
		if s.begins {
			begins++
		}
		return true
	})
	return list, uses == known && begins == 1 && len(list) > 1 && list[0].begins
}

// stepOf reads a statement as a step; names is how often it names the variable,
// 0 for another statement.
func (b *binding) stepOf(st ast.Stmt, name string, builder bool) (s step, names int) {
	is := func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return ok && id.Name == name }
	switch x := st.(type) {
	case *ast.DeclStmt:
		d, ok := x.Decl.(*ast.GenDecl)
		if !ok || len(d.Specs) != 1 {
			break
		}
		if v, ok := d.Specs[0].(*ast.ValueSpec); ok && builder && len(v.Names) == 1 && v.Names[0].Name == name && len(v.Values) == 0 && b.source(v.Type) == "strings.Builder" {
			return step{stmt: st, begins: true}, 1
		}
	case *ast.AssignStmt:
		if builder || len(x.Lhs) != 1 || !is(x.Lhs[0]) {
			break
		}
		if x.Tok == token.DEFINE || x.Tok == token.ADD_ASSIGN {
			return step{stmt: st, value: x.Rhs[0], begins: x.Tok == token.DEFINE}, 1
		}
	case *ast.ExprStmt:
		c, ok := x.X.(*ast.CallExpr)
		if !ok || !builder {
			break
		}
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if ok && is(sel.X) && sel.Sel.Name == "WriteString" {
			return step{stmt: st, value: c.Args[0]}, 1
		}
		if ok && is(sel.X) && sel.Sel.Name == "WriteByte" {
			if lit, ok := c.Args[0].(*ast.BasicLit); ok && lit.Value == "' '" {
				return step{stmt: st}, 1
			}
		}
		if ok && b.source(sel) == "fmt.Fprintf" && len(c.Args) > 1 && !c.Ellipsis.IsValid() {
			if u, ok := c.Args[0].(*ast.UnaryExpr); ok && is(u.X) {
				inner := *c
				inner.Args = c.Args[1:]
				return step{stmt: st, value: &inner, print: c}, 1
			}
		}
	}
	return step{}, 0
}

// step rewrites one statement.
func (b *binding) step(s step, name, args string) bool {
	if s.value == nil {
		if s.begins {
			b.ahead(s.stmt, "var "+args+" []any")
		}
		return true
	}
	one := &binding{
		rewrite: b.rewrite, file: b.file, parsed: b.parsed, decl: b.decl, odd: b.odd, call: b.call, text: b.text, fn: b.fn, whole: s.value, printed: s.print != nil, statement: b.statement,
	}
	if !one.takeApart() || !(one.located(s.begins) || one.not(finding.NoPlace)) || !(one.inOrder() && !one.early() || one.not(finding.NoMoving)) || one.kept() || !one.place() || one.list != "" {
		return b.not(cmp.Or(one.why, finding.NoMerging))
	}
	switch {
	case s.begins && len(one.args) == 0:
		b.ahead(s.stmt, "var "+args+" []any")
	case s.begins:
		b.ahead(s.stmt, args+" := []any{"+strings.Join(one.args, ", ")+"}")
	case len(one.args) > 0:
		b.ahead(s.stmt, args+" = append("+args+", "+strings.Join(one.args, ", ")+")")
	}
	if one.note != "" {
		b.note = one.note
	}
	if b.bound += one.bound; one.bound == 0 {
		return true
	}
	at, text := s.value, one.render()
	if s.print != nil {
		at, text = s.print, name+".WriteString("+text+")"
	}
	b.edits = append(b.edits, finding.Edit{Span: b.span(at), New: text})
	return true
}

// early reports whether a value that stays could change places with one that
// is bound before it.
func (b *binding) early() bool {
	moved, stays := still, still
	for _, s := range b.flat {
		if s.hole && s.bind {
			moved = max(moved, effectOf(s.expr))
		} else if s.hole {
			stays = max(stays, effectOf(s.expr))
		}
	}
	return clash(moved, stays)
}

// kept reports whether the text has parameters already.
func (b *binding) kept() bool {
	all := ""
	for _, s := range b.flat {
		if s.hole {
			all += " "
		}
		all += s.text
	}
	return b.existing(all) > 0
}

// located tells where the holes of one step stand, by what is written in the
// step alone: so it does not matter which steps come before.
func (b *binding) located(begins bool) bool {
	pieces := make([]finding.Piece, len(b.flat))
	for i, s := range b.flat {
		pieces[i] = finding.Piece{Text: s.text, Hole: s.hole}
	}
	finding.Locate(pieces)
	if !finding.Closed(pieces) || begins && !finding.TakesParameters(pieces) || !begins && !finding.Continues(pieces) {
		return false
	}
	for i, p := range pieces {
		if !p.Hole {
			continue
		}
		tainted, seen := b.rewrite.Taint[b.span(b.flat[i].expr)]
		switch {
		case seen && !tainted:
		case !p.Context.Bindable():
			return false
		default:
			b.flat[i].bind, b.flat[i].at = true, p.Context
		}
	}
	return true
}

// ahead puts a statement on a line before another one.
func (b *binding) ahead(s ast.Stmt, text string) {
	at := b.span(s).Start
	indent := string(b.file.Text[lineStart(b.file.Text, at):at])
	sep := "\n" + indent
	if strings.TrimSpace(indent) != "" {
		sep = "; "
	}
	b.edits = append(b.edits, finding.Edit{Span: ir.Span{File: b.file, Start: at, End: at}, New: text + sep})
}

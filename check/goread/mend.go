package goread

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// Mender writes fixes in Go. One that comes from a Reading knows the types of
// what was read.
type Mender struct {
	odd   map[ir.Span]string   // what prints values, that no driver takes as they are printed, like %s
	files map[*ir.File]*parsed // those that fixes were asked for; nil keeps none
}

// Reorder moves the second lock's statement, and a deferred unlock right
// behind it, before the first's. With nothing between them that is a swap. A
// lock that is found through what the first one guards cannot be moved, nor one
// that a variable is a method of.
func (m Mender) Reorder(first, second *ir.Acquire) (finding.Fix, bool) {
	f := first.Span.File
	p := m.parsed(f)
	if p == nil {
		return finding.Fix{}, false
	}
	decl := p.decl(first.Span.Start)
	if decl == nil {
		return finding.Fix{}, false
	}
	fset := p.fset
	list := together(fset, decl, first.Span.Start, second.Span.Start)
	if list == nil {
		return finding.Fix{}, false
	}
	i, j := at(fset, list, first.Span.Start), at(fset, list, second.Span.Start)
	lock := strings.TrimSpace(second.Span.Text())
	if i >= j || strings.ContainsAny(strings.TrimSuffix(lock, "()"), "[(") || strings.Count(lock, ".") > 2 || !strings.Contains(lock, ".") {
		return finding.Fix{}, false
	}
	firstEnd, secondEnd := withDefer(list, i), withDefer(list, j)
	span := func(from, to ast.Node) ir.Span {
		return ir.Span{File: f, Start: fset.Position(from.Pos()).Offset, End: fset.Position(to.End()).Offset}
	}
	moved := span(list[j], list[secondEnd])
	head := span(list[i], list[firstEnd])
	if firstEnd+1 == j {
		return finding.Fix{Edits: []finding.Edit{{Span: head, New: moved.Text()}, {Span: moved, New: head.Text()}}}, true
	}
	line := ir.Span{File: f, Start: lineStart(f.Text, moved.Start), End: lineEnd(f.Text, moved.End)}
	indent := string(f.Text[lineStart(f.Text, head.Start):head.Start])
	rest := strings.TrimSpace(string(f.Text[moved.End:line.End]))
	if strings.TrimSpace(indent+string(f.Text[line.Start:moved.Start])) != "" || rest != "" && !strings.HasPrefix(rest, "//") || rebinds(list[i:j], lock) {
		return finding.Fix{}, false
	}
	return finding.Fix{
		Tier: finding.Unsafe,
		Note: "what runs between the two locks now runs under both",
		Edits: []finding.Edit{
			{Span: ir.Span{File: f, Start: head.Start, End: head.Start}, New: moved.Text() + "\n" + indent},
			{Span: line},
		},
	}, true
}

// rebinds reports whether statements give a new value to a variable or a field that a
// lock is found through: before them it would be another's.
func rebinds(list []ast.Stmt, lock string) bool {
	found := false
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok {
				return true
			}
			for _, to := range a.Lhs {
				if sel, ok := to.(*ast.SelectorExpr); ok {
					to = sel.Sel
				}
				id, ok := to.(*ast.Ident)
				found = found || ok && slices.Contains(strings.Split(lock, "."), id.Name)
			}
			return true
		})
	}
	return found
}

// together returns the innermost list of statements that holds both offsets
// as statements of its own.
func together(fset *token.FileSet, decl ast.Decl, first, second int) []ast.Stmt {
	var found []ast.Stmt
	ast.Inspect(decl, func(n ast.Node) bool {
		var list []ast.Stmt
		switch x := n.(type) {
		case *ast.BlockStmt:
			list = x.List
		case *ast.CaseClause:
			list = x.Body
		case *ast.CommClause:
			list = x.Body
		}
		if at(fset, list, first) >= 0 && at(fset, list, second) >= 0 {
			found = list
		}
		return true
	})
	return found
}

// at returns the index of the expression statement that starts at an offset.
func at(fset *token.FileSet, list []ast.Stmt, offset int) int {
	for i, s := range list {
		if _, ok := s.(*ast.ExprStmt); ok && fset.Position(s.Pos()).Offset == offset {
			return i
		}
	}
	return -1
}

// withDefer returns the index of the deferred unlock right behind statement i,
// or i.
func withDefer(list []ast.Stmt, i int) int {
	if i+1 >= len(list) {
		return i
	}
	d, ok := list[i+1].(*ast.DeferStmt)
	if !ok {
		return i
	}
	sel, ok := d.Call.Fun.(*ast.SelectorExpr)
	if !ok || !strings.HasSuffix(sel.Sel.Name, "Unlock") {
		return i
	}
	return i + 1
}

func lineStart(text []byte, at int) int {
	for at > 0 && text[at-1] != '\n' {
		at--
	}
	return at
}

func lineEnd(text []byte, at int) int {
	for at < len(text) && text[at] != '\n' {
		at++
	}
	return min(at+1, len(text))
}

package goread

import (
	"go/ast"
	"go/parser"
	"go/token"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// A parsed file is one that fixes are written for. What is asked of all of it is
// worked out once, as a file can have thousands of findings.
type parsed struct {
	fset   *token.FileSet
	syntax *ast.File
	before map[string]int  // names before a dot, how often
	taken  map[string]bool // all names
}

// parsed returns a file's syntax, nil when it has mistakes.
func (m Mender) parsed(f *ir.File) *parsed {
	if p, ok := m.files[f]; ok {
		return p
	}
	p := &parsed{fset: token.NewFileSet()}
	var err error
	if p.syntax, err = parser.ParseFile(p.fset, f.Path, f.Text, parser.SkipObjectResolution); err != nil {
		p = nil
	}
	if m.files != nil {
		m.files[f] = p
	}
	return p
}

// decl is the declaration that an offset stands in, nil when it is in none.
func (p *parsed) decl(offset int) ast.Decl {
	for lo, hi := 0, len(p.syntax.Decls); lo < hi; {
		mid := (lo + hi) / 2
		switch d := p.syntax.Decls[mid]; {
		case p.fset.Position(d.End()).Offset <= offset:
			lo = mid + 1
		case p.fset.Position(d.Pos()).Offset > offset:
			hi = mid
		default:
			return d
		}
	}
	return nil
}

// names are all names in the file.
func (p *parsed) names() map[string]bool {
	if p.taken == nil {
		p.taken = map[string]bool{}
		ast.Inspect(p.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				p.taken[id.Name] = true
			}
			return true
		})
	}
	return p.taken
}

// unused returns the byte ranges of the imports that edits within one
// declaration leave without use.
func (p *parsed) unused(text []byte, d ast.Decl, edits []finding.Edit) [][2]int {
	from, to := p.fset.Position(d.Pos()).Offset, p.fset.Position(d.End()).Offset
	shifted := make([]finding.Edit, len(edits))
	for i, e := range edits {
		e.Span.Start, e.Span.End = e.Span.Start-from, e.Span.End-from
		shifted[i] = e
	}
	mended, err := finding.Apply(text[from:to], shifted)
	if err != nil {
		return nil
	}
	now, err := parser.ParseFile(token.NewFileSet(), "", append([]byte("package p\n"), mended...), parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	if p.before == nil {
		p.before = uses(p.syntax)
	}
	gone := map[string]bool{}
	after := uses(now)
	for name, n := range uses(d) {
		if p.before[name]-n+after[name] == 0 {
			gone[name] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return stale(text, gone, map[string]bool{})
}

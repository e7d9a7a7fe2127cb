package goread

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Tidied is a mended file without the imports that the mending left unused, and
// formatted if it was before.
func Tidied(old, mended []byte) []byte {
	before := used(old)
	for _, s := range slices.Backward(stale(mended, before, used(mended))) {
		mended = slices.Delete(slices.Clone(mended), s[0], s[1])
	}
	if was, err := format.Source(old); err != nil || !bytes.Equal(was, old) {
		return mended
	}
	if formatted, err := format.Source(mended); err == nil {
		return formatted
	}
	return mended
}

// stale returns the import lines of text for packages named in before and not
// in after.
func stale(text []byte, before, after map[string]bool) [][2]int {
	if before == nil || after == nil {
		return nil
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", text, parser.ImportsOnly)
	if err != nil {
		return nil
	}
	var out [][2]int
	for _, d := range f.Decls {
		d := d.(*ast.GenDecl)
		var gone [][2]int
		for _, spec := range d.Specs {
			if name := imported(spec.(*ast.ImportSpec)); before[name] && !after[name] {
				gone = append(gone, line(fset, text, spec))
			}
		}
		if len(gone) == len(d.Specs) {
			gone = [][2]int{line(fset, text, d)}
		}
		out = append(out, gone...)
	}
	return out
}

func line(fset *token.FileSet, text []byte, n ast.Node) [2]int {
	return [2]int{lineStart(text, fset.Position(n.Pos()).Offset), lineEnd(text, fset.Position(n.End()).Offset)}
}

// imported is the name that an import is used by, as far as its path tells.
func imported(s *ast.ImportSpec) string {
	if s.Name != nil {
		return s.Name.Name
	}
	p, _ := strconv.Unquote(s.Path.Value)
	return strings.TrimPrefix(path.Base(unversioned(p)), "go-")
}

// used are the names that stand before a dot in a file; nil when it does not
// parse.
func used(text []byte) map[string]bool {
	f, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for name := range uses(f) {
		names[name] = true
	}
	return names
}

// uses counts the names that stand before a dot.
func uses(n ast.Node) map[string]int {
	names := map[string]int{}
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok {
				names[id.Name]++
			}
		}
		return true
	})
	return names
}

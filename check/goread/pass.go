package goread

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// A Unit is one package that another program has parsed and typed, as go vet
// does for its tools.
type Unit struct {
	Fset  *token.FileSet
	Types *types.Package
	Info  *types.Info
	Files []*ast.File
	Sizes types.Sizes
}

// Of reads a unit. What its imports do is not seen, so less is found than when
// a whole program is loaded.
func Of(u Unit) (*Reading, error) {
	seen := map[*types.Package]*packages.Package{}
	p := imports(u.Types, seen)
	p.Fset, p.TypesInfo, p.Syntax, p.TypesSizes = u.Fset, u.Info, u.Files, u.Sizes
	return read(u.Fset, "", []*packages.Package{p}, Options{})
}

// imports is a package with all that it imports, as types.
func imports(t *types.Package, seen map[*types.Package]*packages.Package) *packages.Package {
	if p := seen[t]; p != nil {
		return p
	}
	p := &packages.Package{ID: t.Path(), Name: t.Name(), PkgPath: t.Path(), Types: t, Imports: map[string]*packages.Package{}}
	seen[t] = p
	for _, i := range t.Imports() {
		p.Imports[i.Path()] = imports(i, seen)
	}
	return p
}

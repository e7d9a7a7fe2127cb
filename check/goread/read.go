// Package goread reads Go packages into the checker's intermediate language.
//
//	r, err := goread.Load(ctx, goread.Options{Dir: dir, Patterns: []string{"./..."}})
//	r.Locks // lowered from SSA: locks, calls, goroutines
//	r.SQL   // lowered from syntax: strings and queries, with exact spans
//
// Calls come from SSA and, for interface methods and function values, from
// variable type analysis (Sundaresan et al. 2000) as golang.org/x/tools does it.
// Dependencies are read as types only, from export data, as go vet does.
package goread

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"

	"github.com/penstock-io/penstock/check/ir"
)

// A Reading is what was read of some packages.
type Reading struct {
	Locks  *ir.Program
	SQL    *ir.Program
	Files  []*ir.File
	Lines  int // of all files
	Mend   Mender
	Broken []error // of each package that does not compile and was left out
}

// reader holds what lowering needs of one load.
type reader struct {
	fset    *token.FileSet
	root    string // paths in messages are relative to it, when below it
	overlay map[string][]byte
	driver  string
	files   map[string]*ir.File
	syntax  map[*ir.File]*ast.File
	locks   *ir.Program
	sql     *ir.Program
	funcs   map[*ssa.Function]*ir.Func
	calls   map[token.Pos]*ast.CallExpr // by Lparen
	named   map[token.Pos]*ast.Ident    // Lbrace or Lparen of what is assigned -> the variable
	dynamic map[ssa.CallInstruction][]*ssa.Function
	handler map[*ssa.Function]bool
	odd     map[ir.Span]string
}

const mode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
	packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes | packages.NeedModule

// Options says what to load.
type Options struct {
	Dir      string            // where the go command runs; "" is the current folder
	Base     string            // paths in messages are relative to it; "" is Dir
	Patterns []string          // as the go command understands them
	Overlay  map[string][]byte // replaces the contents of files, by absolute path
	Driver   string            // what stands behind database/sql where no package says so: one of Drivers
}

// Load reads Go packages. One that does not compile, as when a module that it
// imports is not there, is left out and told of; it is an error when none is left.
func Load(ctx context.Context, o Options) (*Reading, error) {
	fset := token.NewFileSet()
	pkgs, err := packages.Load(&packages.Config{Mode: mode, Context: ctx, Dir: o.Dir, Fset: fset, Overlay: o.Overlay}, o.Patterns...)
	if err != nil {
		return nil, fmt.Errorf("load Go packages: %w", err)
	}
	whole, broken := sound(pkgs)
	if len(whole) == 0 && len(broken) > 0 {
		return nil, errors.Join(broken...)
	}
	base, err := filepath.Abs(cmp.Or(o.Base, o.Dir))
	if err != nil {
		return nil, err
	}
	r, err := read(fset, base, whole, o)
	if err == nil {
		r.Broken = broken
	}
	return r, err
}

// sound sorts out the packages that do not compile, with the first error of
// each.
func sound(pkgs []*packages.Package) (whole []*packages.Package, broken []error) {
	for _, p := range pkgs {
		if len(p.Errors) > 0 {
			broken = append(broken, fmt.Errorf("read %s: %s", p.PkgPath, p.Errors[0].Msg))
		} else {
			whole = append(whole, p)
		}
	}
	return whole, broken
}

func read(fset *token.FileSet, root string, pkgs []*packages.Package, o Options) (*Reading, error) {
	r := &reader{
		fset: fset, root: root, overlay: o.Overlay, driver: o.Driver,
		files: map[string]*ir.File{}, syntax: map[*ir.File]*ast.File{},
		locks: &ir.Program{}, sql: &ir.Program{},
		funcs: map[*ssa.Function]*ir.Func{}, calls: map[token.Pos]*ast.CallExpr{}, named: map[token.Pos]*ast.Ident{},
		handler: map[*ssa.Function]bool{}, odd: map[ir.Span]string{},
	}
	out := &Reading{Locks: r.locks, SQL: r.sql, Mend: Mender{odd: r.odd, files: map[*ir.File]*parsed{}}}
	for _, p := range pkgs {
		for _, f := range p.Syntax {
			if err := r.file(f); err != nil {
				return nil, err
			}
		}
	}
	prog, members := ssautil.Packages(pkgs, ssa.InstantiateGenerics)
	for _, p := range members {
		if p != nil {
			p.Build()
		}
	}
	r.lower(prog, members)
	r.lowerSQL(pkgs)
	for _, f := range r.files {
		out.Files = append(out.Files, f)
		out.Lines += f.Line(len(f.Text))
	}
	r.locks.Files, r.sql.Files = out.Files, out.Files
	return out, nil
}

// file reads a file's text and notes its calls, by which spans are found.
func (r *reader) file(syntax *ast.File) error {
	name := r.fset.Position(syntax.FileStart).Filename
	if r.files[name] != nil {
		return nil
	}
	text, ok := r.overlay[name]
	if !ok {
		var err error
		if text, err = os.ReadFile(name); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	f := &ir.File{Path: r.short(name), Abs: name, Text: text, Lang: ir.Go}
	r.files[name] = f
	r.syntax[f] = syntax
	f.Clean = allowed(r.fset, syntax)
	ast.Inspect(syntax, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			r.calls[x.Lparen] = x
		case *ast.AssignStmt:
			for i, value := range x.Rhs {
				if id, ok := x.Lhs[i].(*ast.Ident); ok {
					r.nameValue(value, id)
				}
			}
		case *ast.ValueSpec:
			for i, value := range x.Values {
				r.nameValue(value, x.Names[i])
			}
		}
		return true
	})
	return nil
}

// nameValue notes the variable that an object or a call's result is put in.
func (r *reader) nameValue(value ast.Expr, id *ast.Ident) {
	if u, ok := value.(*ast.UnaryExpr); ok {
		value = u.X
	}
	switch v := value.(type) {
	case *ast.CompositeLit:
		r.named[v.Lbrace] = id
	case *ast.CallExpr:
		r.named[v.Lparen] = id
	}
}

func (r *reader) short(name string) string {
	if rel, err := filepath.Rel(r.root, name); err == nil && !strings.HasPrefix(rel, "..") {
		name = rel
	}
	return filepath.ToSlash(name)
}

var allow = regexp.MustCompile(`penstock:\s*allow\s+(\S.*)`)

// allowed returns the lines whose findings a comment with a reason allows: its
// own and the next one.
func allowed(fset *token.FileSet, syntax *ast.File) map[int]string {
	var lines map[int]string
	for _, group := range syntax.Comments {
		for _, c := range group.List {
			if m := allow.FindStringSubmatch(c.Text); m != nil {
				if lines == nil {
					lines = map[int]string{}
				}
				line := fset.Position(c.Pos()).Line
				lines[line], lines[line+1] = m[1], m[1]
			}
		}
	}
	return lines
}

// span is the bytes from one position to another.
func (r *reader) span(from, to token.Pos) ir.Span {
	if !from.IsValid() {
		return ir.Span{}
	}
	tf := r.fset.File(from)
	if tf == nil {
		return ir.Span{}
	}
	f := r.files[tf.Name()]
	if f == nil {
		return ir.Span{}
	}
	end := tf.Offset(from)
	if to.IsValid() && to > from && int(to) <= tf.Base()+tf.Size() {
		end = tf.Offset(to)
	}
	return ir.Span{File: f, Start: tf.Offset(from), End: end}
}

func (r *reader) node(n ast.Node) ir.Span { return r.span(n.Pos(), n.End()) }

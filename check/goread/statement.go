package goread

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"

	"github.com/penstock-io/penstock/check/ir"
)

// sqlProgram is what lowering the strings and queries of a load shares.
type sqlProgram struct {
	styles map[string]ir.Style
	funcs  map[*types.Func]*ir.Func
	owners map[*types.Var]string     // field -> the class that declares it
	local  map[types.Object]*ir.Func // a variable that is a closure; nil when it is several

	literals map[*ast.FuncLit]*ir.Func
	pkgs     []*packages.Package
	once     map[types.Object]ast.Expr // what a variable or a field is given; nil when that is more than one thing
}

// sqlFunc lowers one function from its syntax, for the taint engine: spans are
// exact, and what is not about values is left out.
type sqlFunc struct {
	*reader
	sql   *sqlProgram
	pkg   *packages.Package
	info  *types.Info
	fn    *ir.Func
	outer *sqlFunc
	names map[types.Object]string
	taken map[string]int
	cur   *ir.Block
	exits []exit
	given []*ast.Ident // named results
	lits  int
}

// An exit is where break and continue go.
type exit struct {
	label             string
	breaks, continues *ir.Block // continues is nil in a switch
}

// lowerSQL lowers all functions when any package can send SQL at all.
func (r *reader) lowerSQL(pkgs []*packages.Package) {
	if !slices.ContainsFunc(pkgs, func(p *packages.Package) bool {
		for path := range p.Imports {
			if _, ok := sinks[unversioned(path)]; ok || unversioned(path) == "github.com/jackc/pgx/pgxpool" || unversioned(path) == "github.com/jackc/pgx/pgconn" {
				return true
			}
		}
		return false
	}) {
		return
	}
	s := &sqlProgram{r.styles(pkgs), map[*types.Func]*ir.Func{}, map[*types.Var]string{}, map[types.Object]*ir.Func{}, map[*ast.FuncLit]*ir.Func{}, pkgs, map[types.Object]ast.Expr{}}
	for _, p := range pkgs {
		s.notes(p)
	}
	var bodies []func()
	for _, p := range pkgs {
		s.own(p.Types)
		top := &sqlFunc{reader: r, sql: s, pkg: p, info: p.TypesInfo, fn: r.sql.AddFunc(p.PkgPath, p.Name, ir.Span{}), names: map[types.Object]string{}, taken: map[string]int{}}
		top.fn.Entry = ir.Init
		r.sql.Tops = append(r.sql.Tops, top.fn)
		bodies = append(bodies, top.vars)
		for _, f := range p.Syntax {
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
					b := top.declared(d)
					bodies = append(bodies, func() { b.body(d.Type, d.Body) })
				}
			}
		}
	}
	for _, lower := range bodies {
		lower()
	}
	for _, p := range pkgs {
		s.elsewhere(p)
	}
}

// own notes the fields of a package's types.
func (s *sqlProgram) own(p *types.Package) {
	for _, name := range p.Scope().Names() {
		if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok {
			s.fields(t.Type(), p.Path()+"."+name)
		}
	}
}

func (s *sqlProgram) fields(t types.Type, owner string) {
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for v := range st.Fields() {
		if s.owners[v] == "" {
			s.owners[v] = owner
			if _, nameless := v.Type().(*types.Struct); nameless {
				s.fields(v.Type(), owner+"."+v.Name())
			}
		}
	}
}

// vars lowers the package's variables, as its first function.
func (b *sqlFunc) vars() {
	b.begin()
	for _, f := range b.pkg.Syntax {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR {
				b.decl(d)
			}
		}
	}
}

// declared makes the IR function of a declaration.
func (b *sqlFunc) declared(d *ast.FuncDecl) *sqlFunc {
	obj := b.info.Defs[d.Name].(*types.Func)
	f := shownName(obj)
	fn := b.reader.sql.AddFunc(obj.FullName(), f, b.node(d))
	b.sql.funcs[obj] = fn
	sig := obj.Signature()
	if recv := sig.Recv(); recv != nil {
		fn.Class = className(recv.Type())
	}
	switch {
	case servesHTTP(sig):
		fn.Entry = ir.Handler
	case sig.Recv() == nil && obj.Name() == "init":
		fn.Entry = ir.Init
	case sig.Recv() == nil && obj.Name() == "main" && b.pkg.Name == "main":
		fn.Entry = ir.Main
	case b.pkg.Name != "main" && obj.Exported():
		fn.Entry = ir.API
	}
	out := b.inner(fn)
	out.outer = nil
	if d.Recv != nil {
		out.params(d.Recv)
	}
	out.params(d.Type.Params)
	return out
}

// shownName is how a person calls a function: Open, (*Store).Get.
func shownName(obj *types.Func) string {
	recv := obj.Signature().Recv()
	if recv == nil {
		return obj.Name()
	}
	t, star := recv.Type(), false
	if p, ok := t.(*types.Pointer); ok {
		t, star = p.Elem(), true
	}
	name := "?"
	if n, ok := types.Unalias(t).(*types.Named); ok {
		name = n.Obj().Name()
	}
	if star {
		return "(*" + name + ")." + obj.Name()
	}
	return name + "." + obj.Name()
}

func (b *sqlFunc) inner(fn *ir.Func) *sqlFunc {
	return &sqlFunc{reader: b.reader, sql: b.sql, pkg: b.pkg, info: b.info, fn: fn, outer: b, names: map[types.Object]string{}, taken: map[string]int{}}
}

func (b *sqlFunc) params(list *ast.FieldList) {
	for _, field := range list.List {
		for _, id := range field.Names {
			b.fn.Params = append(b.fn.Params, b.declare(b.info.Defs[id], id.Name))
		}
		if len(field.Names) == 0 {
			b.fn.Params = append(b.fn.Params, b.declare(nil, "_"))
		}
	}
}

// declare names a variable; a second one of that name in the function, which
// hides the first, gets a number.
func (b *sqlFunc) declare(obj types.Object, name string) string {
	b.taken[name]++
	if n := b.taken[name]; n > 1 || name == "_" {
		name = fmt.Sprintf("%s·%d", name, n)
	}
	if obj != nil {
		b.names[obj] = name
	}
	return name
}

func (b *sqlFunc) begin() {
	b.cur = &ir.Block{}
	b.fn.Blocks = []*ir.Block{b.cur}
}

func (b *sqlFunc) body(t *ast.FuncType, body *ast.BlockStmt) {
	b.begin()
	if t.Results != nil {
		for _, field := range t.Results.List {
			for _, id := range field.Names {
				b.given = append(b.given, id)
				b.store(id, &ir.Const{Where: ir.Where{Span: b.node(id)}, Str: true}, b.node(id), true)
			}
		}
	}
	b.statements(body.List)
}

func (b *sqlFunc) emit(op ir.Op) { b.cur.Ops = append(b.cur.Ops, op) }

func (b *sqlFunc) block() *ir.Block {
	n := &ir.Block{}
	b.fn.Blocks = append(b.fn.Blocks, n)
	return n
}

// to ends the current block by going on to next.
func (b *sqlFunc) to(next *ir.Block) { b.cur.Next = append(b.cur.Next, next) }

// dead starts a block that nothing leads to.
func (b *sqlFunc) dead() { b.cur = b.block() }

func (b *sqlFunc) statements(list []ast.Stmt) {
	for _, s := range list {
		b.statement(s, "")
	}
}

func (b *sqlFunc) statement(s ast.Stmt, label string) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		b.value(s.X)
		if c, ok := s.X.(*ast.CallExpr); ok && b.never(c) {
			b.cur.Ends = true
			b.dead()
		}
	case *ast.AssignStmt:
		b.assign(s)
	case *ast.DeclStmt:
		b.decl(s.Decl.(*ast.GenDecl))
	case *ast.BlockStmt:
		b.statements(s.List)
	case *ast.LabeledStmt:
		b.statement(s.Stmt, s.Label.Name)
	case *ast.DeferStmt:
		b.value(s.Call)
	case *ast.GoStmt:
		b.value(s.Call)
	case *ast.ReturnStmt:
		b.returned(s)
	case *ast.IfStmt:
		b.ifStmt(s)
	case *ast.ForStmt:
		b.forStmt(s, label)
	case *ast.RangeStmt:
		b.rangeStmt(s, label)
	case *ast.SwitchStmt:
		b.switchStmt(s, label)
	case *ast.TypeSwitchStmt:
		b.typeSwitch(s, label)
	case *ast.SelectStmt:
		b.clauses(s.Body.List, label)
	case *ast.BranchStmt:
		b.jump(s)
	}
}

// never reports whether a call does not return.
func (b *sqlFunc) never(c *ast.CallExpr) bool {
	if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "panic" {
		return true
	}
	fn := called(b.info, c)
	if fn == nil {
		return false
	}
	switch fn.FullName() {
	case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "runtime.Goexit",
		"(*testing.common).Fatal", "(*testing.common).Fatalf", "(*testing.common).FailNow", "(*testing.common).Skip":
		return true
	}
	return false
}

func (b *sqlFunc) returned(s *ast.ReturnStmt) {
	r := &ir.Return{Span: b.node(s)}
	for _, e := range s.Results {
		r.Values = append(r.Values, b.value(e))
	}
	if len(s.Results) == 0 {
		for _, id := range b.given {
			r.Values = append(r.Values, b.ident(id, ir.Where{Span: b.node(id)}))
		}
	}
	b.emit(r)
	b.dead()
}

func (b *sqlFunc) jump(s *ast.BranchStmt) {
	for i := len(b.exits) - 1; i >= 0; i-- {
		e := b.exits[i]
		if s.Label != nil && s.Label.Name != e.label {
			continue
		}
		switch {
		case s.Tok == token.BREAK:
			b.to(e.breaks)
		case s.Tok == token.CONTINUE && e.continues != nil:
			b.to(e.continues)
		default:
			continue
		}
		break
	}
	b.dead()
}

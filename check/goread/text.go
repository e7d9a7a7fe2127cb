package goread

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// assign lowers =, := and +=.
func (b *sqlFunc) assign(s *ast.AssignStmt) {
	at := b.node(s)
	if s.Tok == token.ADD_ASSIGN {
		old, more := b.value(s.Lhs[0]), b.value(s.Rhs[0])
		b.store(s.Lhs[0], &ir.Concat{Where: ir.Where{Span: at}, Parts: []ir.Expr{old, more}}, at, false)
		return
	}
	define := s.Tok == token.DEFINE
	if len(s.Lhs) == len(s.Rhs) {
		values := make([]ir.Expr, len(s.Rhs))
		for i, e := range s.Rhs {
			values[i] = b.value(e)
		}
		for i, e := range s.Lhs {
			b.store(e, values[i], at, define)
		}
		return
	}
	v := b.value(s.Rhs[0])
	for i, e := range s.Lhs {
		b.store(e, nth(v, i), at, define)
	}
}

// nth is the nth of several values: what a call returns, or the first of v, ok.
func nth(v ir.Expr, i int) ir.Expr {
	if r, ok := v.(*ir.Result); ok && i > 0 {
		out := *r
		out.N = i
		return &out
	}
	if i > 0 {
		return &ir.Safe{Where: ir.Where{Span: v.At()}, Why: "true or false"}
	}
	return v
}

func (b *sqlFunc) decl(d *ast.GenDecl) {
	if d.Tok != token.VAR {
		return
	}
	for _, spec := range d.Specs {
		spec := spec.(*ast.ValueSpec)
		at := b.node(spec)
		for i, id := range spec.Names {
			switch {
			case len(spec.Values) == len(spec.Names):
				b.store(id, b.value(spec.Values[i]), at, true)
			case len(spec.Values) == 1:
				b.store(id, nth(b.value(spec.Values[0]), i), at, true)
			case b.local(b.info.Defs[id]) && texts(b.info.Defs[id].Type()):
				b.store(id, &ir.List{Where: ir.Where{Span: at}}, at, true)
			case b.local(b.info.Defs[id]):
				b.store(id, &ir.Const{Where: ir.Where{Span: at}, Str: true}, at, true) // the zero value
			}
		}
	}
}

func (b *sqlFunc) local(obj types.Object) bool {
	return obj != nil && obj.Pkg() != nil && obj.Parent() != obj.Pkg().Scope()
}

// store assigns to a variable or a field; elements of a variable make all of
// it what they are.
func (b *sqlFunc) store(to ast.Expr, v ir.Expr, at ir.Span, define bool) {
	to = ast.Unparen(to)
	if id, ok := to.(*ast.Ident); ok && id.Name == "_" {
		return
	}
	if id, ok := to.(*ast.Ident); ok {
		b.closure(b.info.ObjectOf(id), v)
	}
	if id, ok := to.(*ast.Ident); ok && define {
		if obj := b.info.Defs[id]; obj != nil && b.local(obj) {
			b.emit(&ir.Assign{Span: at, To: &ir.Var{Where: ir.Where{Span: b.node(id)}, Name: b.declare(obj, id.Name)}, Value: v})
			return
		}
	}
	if x, ok := to.(*ast.IndexExpr); ok {
		base := b.value(x.X)
		if _, ok := base.(*ir.Var); ok {
			b.emit(&ir.Assign{Span: at, To: base, Value: &ir.Unknown{Where: ir.Where{Span: b.node(to)}, Parts: []ir.Expr{base, v}}})
		}
		return
	}
	switch target := b.value(to).(type) {
	case *ir.Var, *ir.Global, *ir.Field:
		b.emit(&ir.Assign{Span: at, To: target, Value: v})
	}
}

// closure notes the only closure that a variable ever is.
func (b *sqlFunc) closure(obj types.Object, v ir.Expr) {
	if ref, ok := v.(*ir.FuncRef); ok && b.local(obj) {
		if _, again := b.sql.local[obj]; again {
			b.sql.local[obj] = nil
		} else {
			b.sql.local[obj] = ref.Func
		}
	}
}

// value lowers an expression, and the calls in it.
func (b *sqlFunc) value(e ast.Expr) ir.Expr {
	at := ir.Where{Span: b.node(e)}
	tv := b.info.Types[e]
	if tv.Value != nil {
		return constantOf(tv.Value, at)
	}
	switch x := e.(type) {
	case *ast.ParenExpr:
		return b.value(x.X)
	case *ast.StarExpr:
		return b.value(x.X)
	case *ast.Ident:
		return b.ident(x, at)
	case *ast.UnaryExpr:
		v := b.value(x.X)
		if f, ok := v.(*ir.Field); ok && x.Op == token.AND && stringy(b.info.TypeOf(x.X)) {
			b.emit(&ir.Assign{Span: at.Span, To: f, Value: &ir.Unknown{Where: at}}) // who has its address may write it
		}
		return v
	case *ast.BinaryExpr:
		return b.binary(x, at)
	case *ast.SelectorExpr:
		return b.selector(x, at)
	case *ast.IndexExpr:
		if b.info.Types[x.X].IsValue() {
			element := &ir.Index{Where: at, X: b.value(x.X)}
			if key := b.value(x.Index); b.mapped(x.X) {
				element.Key = key
			}
			return b.safe(e, element)
		}
	case *ast.SliceExpr:
		return &ir.Unknown{Where: at, Parts: []ir.Expr{b.value(x.X)}}
	case *ast.TypeAssertExpr:
		return b.safe(e, b.value(x.X))
	case *ast.CompositeLit:
		return b.composite(x, at)
	case *ast.FuncLit:
		return b.funcLit(x, at)
	case *ast.CallExpr:
		return b.safe(e, b.call(x, at))
	}
	return &ir.Unknown{Where: at, What: "a value"}
}

func constantOf(v constant.Value, at ir.Where) ir.Expr {
	if v.Kind() == constant.String {
		return &ir.Const{Where: at, Text: constant.StringVal(v), Str: true}
	}
	return &ir.Const{Where: at, Text: v.ExactString()}
}

// safe is a value whose type cannot carry SQL: a number, true or false, a time,
// an array of bytes as an identity is.
func (b *sqlFunc) safe(e ast.Expr, v ir.Expr) ir.Expr {
	if why := harmless(b.info.TypeOf(e)); why != "" {
		return &ir.Safe{Where: ir.Where{Span: b.node(e)}, X: v, Why: why}
	}
	return v
}

func harmless(t types.Type) string {
	if t == nil {
		return ""
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	if className(t) == "time.Time" {
		return "a time"
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&(types.IsNumeric|types.IsBoolean) != 0 {
			return "a number"
		}
	case *types.Array:
		return harmless(u.Elem())
	}
	return ""
}

func (b *sqlFunc) ident(x *ast.Ident, at ir.Where) ir.Expr {
	obj := b.info.ObjectOf(x)
	v, ok := obj.(*types.Var)
	if !ok {
		return &ir.Unknown{Where: at, What: x.Name}
	}
	if !b.local(v) {
		return b.safe(x, &ir.Global{Where: at, Name: v.Pkg().Path() + "." + v.Name()})
	}
	if why := harmless(v.Type()); why != "" {
		return &ir.Safe{Where: at, Why: why}
	}
	for f := b; f != nil; f = f.outer {
		if name, ok := f.names[v]; ok {
			out := &ir.Var{Where: at, Name: name}
			if f != b {
				out.In = f.fn
			}
			return out
		}
	}
	return &ir.Var{Where: at, Name: b.declare(v, x.Name)} // a named result, before it is assigned
}

func (b *sqlFunc) binary(x *ast.BinaryExpr, at ir.Where) ir.Expr {
	if x.Op != token.ADD {
		b.value(x.X)
		b.value(x.Y)
		return &ir.Safe{Where: at, Why: "a number"}
	}
	if t, ok := b.info.TypeOf(x).Underlying().(*types.Basic); ok && t.Info()&types.IsString == 0 {
		return &ir.Safe{Where: at, Why: "a number"}
	}
	out := &ir.Concat{Where: at}
	var add func(e ast.Expr)
	add = func(e ast.Expr) {
		if y, ok := ast.Unparen(e).(*ast.BinaryExpr); ok && y.Op == token.ADD {
			add(y.X)
			add(y.Y)
			return
		}
		out.Parts = append(out.Parts, b.value(e))
	}
	add(x)
	return out
}

func (b *sqlFunc) selector(x *ast.SelectorExpr, at ir.Where) ir.Expr {
	if id, ok := x.X.(*ast.Ident); ok {
		if _, ok := b.info.Uses[id].(*types.PkgName); ok {
			if v, ok := b.info.Uses[x.Sel].(*types.Var); ok {
				switch v.Pkg().Path() + "." + v.Name() {
				case "os.Args":
					return &ir.Source{Where: at, From: ir.Arguments, What: "os.Args"}
				case "os.Stdin":
					return &ir.Source{Where: at, From: ir.Arguments, What: "os.Stdin"}
				}
				return b.safe(x, &ir.Global{Where: at, Name: v.Pkg().Path() + "." + v.Name()})
			}
			return &ir.Unknown{Where: at, What: "the function " + x.Sel.Name}
		}
	}
	if s := b.source(x, at); s != nil {
		return b.safe(x, s)
	}
	v, _ := b.info.Uses[x.Sel].(*types.Var)
	return b.safe(x, b.field(b.value(x.X), b.info.TypeOf(x.X), v, at))
}

// field is a field of x; a promoted one counts for the type it is reached
// through.
func (b *sqlFunc) field(x ir.Expr, of types.Type, v *types.Var, at ir.Where) ir.Expr {
	if v == nil {
		return &ir.Unknown{Where: at, Parts: []ir.Expr{x}}
	}
	out := &ir.Field{Where: at, X: x, Name: v.Name(), Owner: className(of)}
	if owner := b.sql.owners[v.Origin()]; owner != "" {
		out.Owner, out.Closed = owner, !v.Exported()
	}
	return out
}

func (b *sqlFunc) composite(x *ast.CompositeLit, at ir.Where) ir.Expr {
	list := &ir.List{Where: at}
	for _, e := range x.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if _, m := b.info.TypeOf(x).Underlying().(*types.Map); m {
				list.Keys = append(list.Keys, b.value(kv.Key))
			}
			e = kv.Value
		}
		list.Elems = append(list.Elems, b.value(e))
	}
	if len(x.Elts) == 0 && texts(b.info.TypeOf(x)) {
		return list
	}
	if len(x.Elts) == 0 {
		return &ir.Const{Where: at, Str: true} // nothing in it yet
	}
	if st, ok := b.info.TypeOf(x).Underlying().(*types.Struct); ok {
		b.fill(x, st, list.Elems)
		return &ir.Unknown{Where: at, Parts: list.Elems}
	}
	return list
}

// fill stores the elements of a composite literal in their fields.
func (b *sqlFunc) fill(x *ast.CompositeLit, st *types.Struct, values []ir.Expr) {
	for i, e := range x.Elts {
		v := st.Field(min(i, st.NumFields()-1))
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			v, _ = b.info.Uses[kv.Key.(*ast.Ident)].(*types.Var)
		}
		if at := b.node(e); v != nil && harmless(v.Type()) == "" {
			b.emit(&ir.Assign{Span: at, To: b.field(nil, b.info.TypeOf(x), v, ir.Where{Span: at}), Value: values[i]})
		}
	}
}

func (b *sqlFunc) funcLit(x *ast.FuncLit, at ir.Where) ir.Expr {
	top := b
	for top.outer != nil {
		top = top.outer
	}
	top.lits++
	name := b.fn.Name + ".func"
	fn := b.reader.sql.AddFunc(top.fn.ID+".func"+string(rune('0'+top.lits/10%10))+string(rune('0'+top.lits%10)), name, at.Span)
	fn.Outer = b.fn
	b.sql.literals[x] = fn
	if sig, ok := b.info.TypeOf(x).(*types.Signature); ok && servesHTTP(sig) {
		fn.Entry = ir.Handler
	}
	in := b.inner(fn)
	in.params(x.Type.Params)
	in.body(x.Type, x.Body)
	return &ir.FuncRef{Where: at, Func: fn}
}

// test lowers a condition to a comparison with something fixed, where it is one.
func (b *sqlFunc) test(e ast.Expr) ir.Expr {
	at := ir.Where{Span: b.node(e)}
	if v := b.info.Types[e].Value; v != nil {
		return constantOf(v, at)
	}
	switch x := ast.Unparen(e).(type) {
	case *ast.BinaryExpr:
		if x.Op == token.EQL || x.Op == token.NEQ {
			l, r := b.value(x.X), b.value(x.Y)
			if b.info.Types[x.Y].IsNil() {
				r = &ir.Const{Text: "nil"}
			}
			if _, ok := l.(*ir.Const); ok {
				l, r = r, l
			}
			return &ir.Compare{Where: at, X: l, Y: r, Not: x.Op == token.NEQ}
		}
	case *ast.CallExpr:
		fn := called(b.info, x)
		if fn == nil {
			break
		}
		switch name := fn.FullName(); {
		case name == "slices.Contains" && len(x.Args) == 2:
			return &ir.Compare{Where: at, X: b.value(x.Args[1]), Y: b.value(x.Args[0]), In: true}
		case name == "(*regexp.Regexp).MatchString" && len(x.Args) == 1:
			if sel, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok {
				return &ir.Match{Where: at, X: b.value(x.Args[0]), Pattern: b.value(sel.X)}
			}
		}
	case *ast.IndexExpr: // if allowed[name]
		return &ir.Compare{Where: at, X: b.value(x.Index), Y: b.value(x.X), In: true}
	}
	b.value(e)
	return &ir.Unknown{Where: at}
}

// call lowers a call: a conversion, what is known to make or to read text, a
// query, or a function of the program.
func (b *sqlFunc) call(c *ast.CallExpr, at ir.Where) ir.Expr {
	if tv := b.info.Types[c.Fun]; tv.IsType() && len(c.Args) == 1 {
		return b.value(c.Args[0])
	}
	if id, ok := ast.Unparen(c.Fun).(*ast.Ident); ok {
		if _, ok := b.info.Uses[id].(*types.Builtin); ok {
			switch {
			case id.Name == "make" && texts(b.info.TypeOf(c)) && len(c.Args) > 1 && b.node(c.Args[1]).Text() == "0":
				return &ir.List{Where: at}
			case id.Name == "new" || id.Name == "make":
				return &ir.Const{Where: at, Str: true} // nothing in it yet
			case id.Name == "append" && texts(b.info.TypeOf(c)):
				return b.longer(c, at)
			case id.Name == "append" && c.Ellipsis.IsValid() && isBytes(b.info.TypeOf(c)):
				return &ir.Concat{Where: at, Parts: b.values(c.Args)}
			}
			return &ir.Unknown{Where: at, Parts: b.values(c.Args)}
		}
	}
	fn := called(b.info, c)
	if by := b.methodValue(c); fn == nil && by != nil && b.query(c, by) {
		return &ir.Unknown{Where: at, What: "the answer of a query"}
	}
	if fn != nil {
		if b.query(c, fn) {
			return &ir.Unknown{Where: at, What: "the answer of a query"}
		}
		if v := b.known(c, fn, at); v != nil {
			return v
		}
		fn = fn.Origin()
	}
	call := &ir.Call{Span: at.Span, Name: b.node(c.Fun).Text(), Sure: true}
	if len(call.Name) > 60 || strings.Contains(call.Name, "\n") {
		call.Name = "a function"
	}
	if f := b.sql.funcs[fn]; f != nil {
		call.Callees = []*ir.Func{f}
	}
	if id, ok := ast.Unparen(c.Fun).(*ast.Ident); ok && b.sql.local[b.info.Uses[id]] != nil {
		call.Callees = []*ir.Func{b.sql.local[b.info.Uses[id]]}
	}
	if sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok && b.info.Selections[sel] != nil {
		call.Args = append(call.Args, b.value(sel.X))
	} else if fn == nil {
		b.value(c.Fun)
	}
	call.Args = append(call.Args, b.values(c.Args)...)
	b.emit(call)
	b.filled(c, fn)
	return &ir.Result{Where: at, Call: call}
}

// longer is a slice of strings with more of them.
func (b *sqlFunc) longer(c *ast.CallExpr, at ir.Where) ir.Expr {
	list := &ir.List{Where: at}
	for i, e := range c.Args {
		v := b.value(e)
		if i == 0 || i == len(c.Args)-1 && c.Ellipsis.IsValid() {
			v = &ir.Spread{Where: ir.Where{Span: v.At()}, X: v}
		}
		list.Elems = append(list.Elems, v)
	}
	return list
}

// isBytes reports whether a type is a slice of bytes, which text can be added to.
func isBytes(t types.Type) bool {
	s, ok := t.Underlying().(*types.Slice)
	return ok && types.Identical(s.Elem().Underlying(), types.Typ[types.Byte])
}

// texts reports whether a type is a slice of strings.
func texts(t types.Type) bool {
	if t == nil {
		return false
	}
	s, ok := t.Underlying().(*types.Slice)
	if !ok {
		return false
	}
	e, ok := s.Elem().Underlying().(*types.Basic)
	return ok && e.Info()&types.IsString != 0
}

func (b *sqlFunc) values(list []ast.Expr) []ir.Expr {
	out := make([]ir.Expr, len(list))
	for i, e := range list {
		out[i] = b.value(e)
	}
	return out
}

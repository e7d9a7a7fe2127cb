package goread

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/penstock-io/penstock/check/ir"
)

// expr lowers an SSA value. A pointer and what it points to are one path: to
// the lock engine a lock is where it lives.
func (fr *frame) expr(v ssa.Value) ir.Expr {
	if e, ok := fr.exprs[v]; ok {
		return e
	}
	if fr.busy[v] { // a value made from itself, in a loop
		if phi, ok := v.(*ssa.Phi); ok {
			return &ir.Choice{By: fr.register(phi)}
		}
		return &ir.Unknown{}
	}
	fr.busy[v] = true
	e := fr.lowerValue(v)
	delete(fr.busy, v)
	if e == nil {
		e = &ir.Unknown{Where: ir.Where{Span: fr.span(v.Pos(), v.Pos())}}
	}
	fr.exprs[v] = e
	return e
}

func (fr *frame) lowerValue(v ssa.Value) ir.Expr {
	at := ir.Where{Span: fr.span(v.Pos(), v.Pos())}
	switch x := v.(type) {
	case *ssa.Parameter:
		return &ir.Var{Where: at, Name: x.Name()}
	case *ssa.FreeVar:
		return fr.captured(x, at)
	case *ssa.Global:
		return &ir.Global{Where: at, Name: x.Pkg.Pkg.Path() + "." + x.Name()}
	case *ssa.Alloc:
		return fr.alloc(x)
	case *ssa.FieldAddr:
		return fr.field(x.X, x.Field, at)
	case *ssa.Field:
		return fr.field(x.X, x.Field, at)
	case *ssa.IndexAddr:
		return element(at, fr.expr(x.X), x.Index)
	case *ssa.Index:
		return element(at, fr.expr(x.X), x.Index)
	case *ssa.Lookup:
		return element(at, fr.expr(x.X), x.Index)
	case *ssa.Extract:
		return fr.extract(x, at)
	case *ssa.UnOp:
		return fr.load(x)
	case *ssa.MakeInterface:
		return fr.expr(x.X)
	case *ssa.ChangeInterface:
		return fr.expr(x.X)
	case *ssa.ChangeType:
		return fr.expr(x.X)
	case *ssa.Convert:
		return fr.expr(x.X)
	case *ssa.TypeAssert:
		return fr.expr(x.X)
	case *ssa.Slice:
		return fr.expr(x.X)
	case *ssa.Phi:
		return fr.phi(x, at)
	case *ssa.Call:
		return fr.result(x, 0)
	case *ssa.MakeChan:
		return fr.channel(x)
	case *ssa.Function:
		if f := fr.funcs[x]; f != nil {
			return &ir.FuncRef{Where: at, Func: f}
		}
	case *ssa.MakeClosure:
		fn := x.Fn.(*ssa.Function)
		if f := fr.funcs[fn]; f != nil {
			return &ir.FuncRef{Where: at, Func: f, Bound: fr.all(x.Bindings), Skip: len(fn.Params)}
		}
	}
	return nil
}

func key(v ssa.Value) ir.Expr {
	if c, ok := v.(*ssa.Const); ok && c.Value != nil {
		return &ir.Const{Text: c.Value.ExactString()}
	}
	return nil
}

// element is what stands in a collection at an index.
func element(at ir.Where, x ir.Expr, index ssa.Value) ir.Expr {
	out := &ir.Index{Where: at, X: x, Key: key(index)}
	if out.Key == nil {
		out.By, out.Next = counted(index)
	}
	return out
}

// counted tells which value an index is, or is counted on from round a ring: (i+1) % n.
func counted(v ssa.Value) (by string, next bool) {
	switch x := v.(type) {
	case *ssa.Parameter:
		return x.Name(), false
	case *ssa.Phi:
		return x.Name(), false
	case *ssa.UnOp: // of a variable that a closure shares
		switch x.X.(type) {
		case *ssa.FreeVar, *ssa.Alloc:
			return x.X.Name(), false
		}
	case *ssa.Convert:
		return counted(x.X)
	case *ssa.BinOp:
		sum, ok := x.X.(*ssa.BinOp)
		if x.Op != token.REM || !ok || sum.Op != token.ADD && sum.Op != token.SUB {
			return "", false
		}
		if _, ok := sum.Y.(*ssa.Const); ok {
			by, next = counted(sum.X)
			return by, !next
		}
	}
	return "", false
}

func (fr *frame) extract(x *ssa.Extract, at ir.Where) ir.Expr {
	switch t := x.Tuple.(type) {
	case *ssa.TypeAssert:
		return fr.expr(t.X)
	case *ssa.Lookup:
		return element(at, fr.expr(t.X), t.Index)
	case *ssa.Next:
		if r, ok := t.Iter.(*ssa.Range); ok {
			return &ir.Index{Where: at, X: fr.expr(r.X)}
		}
	case *ssa.Call:
		return fr.result(t, x.Index)
	}
	return nil
}

// channel is a channel that is made, named by its variable.
func (fr *frame) channel(x *ssa.MakeChan) ir.Expr {
	out := &ir.New{Where: ir.Where{Span: fr.span(x.Pos(), x.Pos())}, Class: ir.Channel}
	if id := fr.named[x.Pos()]; id != nil {
		out.Span = fr.node(id)
	}
	if c, ok := x.Size.(*ssa.Const); ok && c.Value != nil && c.Int64() == 0 {
		out.Class = ir.Rendezvous
	}
	return out
}

// result is what a call returns, named by the variable it is put in.
func (fr *frame) result(x *ssa.Call, n int) ir.Expr {
	at := fr.callSpan(x)
	if id := fr.named[x.Common().Pos()]; id != nil {
		at = fr.node(id)
	}
	switch fullName(x.Common()) {
	case "sync.NewCond":
		return &ir.New{Where: ir.Where{Span: at}, Class: "sync.Cond", Lock: ir.Plain, Of: fr.expr(x.Call.Args[0])}
	case "(*sync.RWMutex).RLocker":
		return &ir.Field{Where: ir.Where{Span: at}, X: fr.expr(x.Call.Args[0]), Name: ir.ReadSide, Owner: "sync.RWMutex"}
	}
	c := fr.target(x)
	if c == nil {
		c = &ir.Call{Span: fr.callSpan(x), Name: fr.callName(x)}
	}
	return &ir.Result{Where: ir.Where{Span: at}, Call: c, N: n}
}

// load is what a pointer points to: the same path, but for a variable that
// lives in memory because a closure shares it, and is assigned once.
func (fr *frame) load(x *ssa.UnOp) ir.Expr {
	if cell, ok := x.X.(*ssa.Alloc); ok {
		if only := stored(cell); only != nil {
			return fr.expr(only)
		}
	}
	return fr.expr(x.X)
}

// stored returns the only value that is ever stored in a cell, nil if there is
// none or are several.
func stored(cell *ssa.Alloc) ssa.Value {
	if _, pointer := cell.Type().(*types.Pointer).Elem().Underlying().(*types.Struct); pointer {
		return nil
	}
	var only ssa.Value
	for _, ref := range *cell.Referrers() {
		if s, ok := ref.(*ssa.Store); ok && s.Addr == cell {
			if only != nil {
				return nil
			}
			only = s.Val
		}
	}
	return only
}

// captured is a closure's variable: the very object when it is known wherever
// one looks from, else one more parameter.
func (fr *frame) captured(x *ssa.FreeVar, at ir.Where) ir.Expr {
	fn := x.Parent()
	i := 0
	for i < len(fn.FreeVars) && fn.FreeVars[i] != x {
		i++
	}
	refs := fn.Referrers()
	if refs == nil || fn.Parent() == nil {
		return &ir.Var{Where: at, Name: x.Name()}
	}
	for _, ref := range *refs {
		m, ok := ref.(*ssa.MakeClosure)
		if !ok || i >= len(m.Bindings) {
			continue
		}
		outer := &frame{fr.reader, fn.Parent(), fr.funcs[fn.Parent()], map[ssa.Value]ir.Expr{}, map[ssa.Value]bool{}, map[ssa.CallInstruction]*ir.Call{}, nil}
		bound := m.Bindings[i]
		e := outer.expr(bound)
		if cell, ok := bound.(*ssa.Alloc); ok {
			if only := stored(cell); only != nil {
				e = outer.expr(only)
			}
		}
		if fixed(e) {
			return e
		}
	}
	return &ir.Var{Where: at, Name: x.Name()}
}

// fixed reports whether an expression means the same in every function.
func fixed(e ir.Expr) bool {
	switch x := e.(type) {
	case *ir.Global, *ir.New, *ir.Result:
		return true
	case *ir.Field:
		return fixed(x.X)
	case *ir.Index:
		return fixed(x.X)
	}
	return false
}

// alloc is an object made here, named by its variable.
func (fr *frame) alloc(x *ssa.Alloc) ir.Expr {
	at := fr.span(x.Pos(), x.Pos())
	if x.Comment != "complit" && x.Comment != "new" {
		at = commented(at, x.Comment)
	}
	if id := fr.named[x.Pos()]; id != nil {
		at = fr.node(id)
	}
	if !at.Known() {
		at = fr.f.Span
		at.End = at.Start
	}
	if p, ok := paramCell(x); ok {
		return fr.expr(p)
	}
	return &ir.New{Where: ir.Where{Span: at}, Class: className(x.Type())}
}

// commented is where the variable stands that a value's comment names, if it begins there.
func commented(at ir.Span, name string) ir.Span {
	if end := at.Start + len(name); at.Known() && end <= len(at.File.Text) && string(at.File.Text[at.Start:end]) == name {
		at.End = end
	}
	return at
}

// paramCell returns the parameter whose variable the cell is, when a closure
// or an address keeps it in memory.
func paramCell(x *ssa.Alloc) (ssa.Value, bool) {
	only := stored(x)
	if p, ok := only.(*ssa.Parameter); ok && carries(p.Type()) {
		return p, true
	}
	return nil, false
}

func (fr *frame) field(base ssa.Value, index int, at ir.Where) ir.Expr {
	t := base.Type()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	owner := ""
	if st.Field(index).Name() == "L" && className(t) == "sync.Cond" {
		return fr.expr(base) // a condition is the lock it wraps
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		owner = className(n)
	}
	return &ir.Field{Where: at, X: fr.expr(base), Name: st.Field(index).Name(), Owner: owner}
}

// className is the full name of a named type, or of what a pointer to one
// points to.
func className(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		obj := n.Origin().Obj()
		if obj.Pkg() == nil {
			return obj.Name()
		}
		return obj.Pkg().Path() + "." + obj.Name()
	}
	return ""
}

// phi is one of several values, and in a loop one made from that of the round before.
func (fr *frame) phi(x *ssa.Phi, at ir.Where) ir.Expr {
	c := &ir.Choice{Where: ir.Where{Span: commented(at.Span, x.Comment)}, By: fr.register(x)}
	for _, e := range x.Edges {
		if len(c.Of) < 4 {
			c.Of = append(c.Of, fr.expr(e))
		}
	}
	return c
}

// register is the name of a value that no variable of the source stands for alone.
func (fr *frame) register(v ssa.Value) string { return fr.fn.Name() + "." + v.Name() }

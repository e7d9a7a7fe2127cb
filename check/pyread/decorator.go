package pyread

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// dressed takes the locks that decorators of the function hold where they call it, and
// returns what gives them back.
func (b *builder) dressed() (leave func()) {
	var locks []ir.Expr
	if b.f.node == nil {
		return func() {}
	}
	for _, d := range b.f.node.Decorators {
		for _, lock := range b.decorating(d) {
			b.emit(&ir.Acquire{Span: b.at(d), Stmt: b.at(d), Lock: lock, Awaits: b.r.suspends(b.f.body, b.f, nil)})
			give := func() { b.emit(&ir.Release{Span: b.at(d), Lock: lock}) }
			b.exits = append(b.exits, exit{run: give})
			locks = append(locks, lock)
		}
	}
	return func() {
		all := b.exits
		b.unwind(len(all) - len(locks))
		b.exits = all[:len(all)-len(locks)]
	}
}

// decorating are the locks that a decorator holds where it calls what it decorates, as the
// function reaches them: with lock: return f(*args).
func (b *builder) decorating(d syntax.Expr) []ir.Expr {
	made, _ := d.(*syntax.Call)
	if made != nil {
		d = made.Func
	}
	outer := b.r.functions[b.r.qualified(d, b.f.outer)]
	decorator := outer
	if made != nil { // @under(lock)
		decorator = b.r.returned(outer)
	}
	wrapper := b.r.returned(decorator)
	if wrapper == nil || len(positional(decorator.args)) == 0 {
		return nil
	}
	f := positional(decorator.args)[0].Name
	calls := func(s syntax.Stmt) bool {
		for n := range own(s) {
			if c, ok := n.(*syntax.Call); ok && lastName(c.Func) == f {
				return true
			}
		}
		return false
	}
	var locks []ir.Expr
	for _, held := range heldWhere(wrapper.body, nil, calls) {
		if lock := b.decoratorLock(held, d.Where(), wrapper, outer, made); lock != nil {
			locks = append(locks, lock)
		}
	}
	return locks
}

// returned is the function that another one makes and returns.
func (r *reader) returned(f *function) *function {
	if f == nil {
		return nil
	}
	for _, s := range f.body {
		if ret, ok := s.(*syntax.Return); ok {
			if name, ok := ret.Value.(*syntax.Name); ok {
				return f.defs[name.ID]
			}
		}
	}
	return nil
}

// decoratorLock is a lock of a wrapper as the function knows it that is wrapped: of the
// module, of its own first parameter, or what the decorator is made with.
func (b *builder) decoratorLock(e syntax.Expr, at syntax.Span, wrapper, outer *function, made *syntax.Call) ir.Expr {
	first := func(f *function) string {
		if all := positional(f.args); len(all) > 0 {
			return all[0].Name
		}
		return ""
	}
	if a, ok := e.(*syntax.Attribute); ok && isName(a.Value, first(wrapper)) && first(b.f) != "" {
		own := &builder{r: b.r, f: b.f, m: b.m}
		return own.value(&syntax.Attribute{Span: at, Value: &syntax.Name{Span: at, ID: first(b.f)}, Attr: a.Attr})
	}
	switch x := (&builder{r: b.r, f: wrapper, m: wrapper.module}).value(e).(type) {
	case *ir.Global:
		return x
	case *ir.Var:
		i := slices.IndexFunc(positional(outer.args), func(a *syntax.Arg) bool { return a.Name == x.Name })
		if made != nil && i >= 0 && i < len(made.Args) {
			return (&builder{r: b.r, f: b.f.outer, m: b.f.module}).value(made.Args[i])
		}
	}
	return nil
}

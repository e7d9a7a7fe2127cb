package pyread

import "github.com/penstock-io/penstock/check/pyread/syntax"

// elsewhere marks the functions of which a module may call some in ways that are
// not seen as their calls: those it uses as values, and those it hands a list or
// a mapping of arguments.
func (r *reader) elsewhere(m *module) {
	called := map[syntax.Expr]bool{}
	var visit func(n syntax.Node, f *function)
	visit = func(n syntax.Node, f *function) {
		syntax.Walk(n, func(part syntax.Node) bool {
			switch e := part.(type) {
			case *syntax.FunctionDef:
				if in := r.functionOf[e]; in != nil && part != n {
					visit(e, in)
					return false
				}
				for _, d := range e.Decorators {
					called[d] = true
				}
			case *syntax.Call:
				called[e.Func] = true
				r.calledLoosely(e, f)
				r.members(e, f)
			case *syntax.Name:
				if e.Ctx == syntax.Load && !called[e] {
					r.mark(e, f)
				}
			case *syntax.Attribute:
				if e.Ctx == syntax.Load && !called[e] {
					r.mark(e, f)
				}
			}
			return true
		})
	}
	visit(m.tree, m.body)
}

// calledLoosely marks the function of a call whose arguments cannot be told one
// by one, and the one that a call of getattr names.
func (r *reader) calledLoosely(c *syntax.Call, f *function) {
	loose := false
	for _, e := range c.Args {
		_, star := e.(*syntax.Starred)
		loose = loose || star
	}
	for _, k := range c.Keywords {
		loose = loose || k.Arg == ""
	}
	if a, ok := c.Func.(*syntax.Attribute); ok { // Class.method(object, …)
		full := r.qualified(a, f)
		fn := r.functions[full]
		loose = loose || fn != nil && fn.class != nil && !fn.static
	}
	if loose {
		r.mark(c.Func, f)
		if made := r.classes[r.qualified(c.Func, f)]; made != nil {
			r.markMethod(made, "__init__")
		}
	}
	if name := lastName(c.Func); len(c.Args) > 0 && (name == "getattr" || name == "methodcaller" || name == "attrgetter") {
		if s, ok := c.Args[min(1, len(c.Args)-1)].(*syntax.Constant); ok && s.Kind == syntax.Str {
			for _, fn := range r.methods[f.module.tree.StringValue(s)] {
				fn.ir.Elsewhere = true
			}
		}
	}
}

// mark marks what an expression may name: one function, or every method of the
// name where the object is not known.
func (r *reader) mark(e syntax.Expr, f *function) {
	full := r.qualified(e, f)
	if fn := r.functions[full]; fn != nil {
		fn.ir.Elsewhere = true
		return
	}
	a, ok := e.(*syntax.Attribute)
	if !ok || full != "" {
		return
	}
	t := r.typeOf(a.Value, f)
	switch c := r.classes[t]; {
	case c != nil:
		r.markMethod(c, a.Attr)
	case t == "":
		for _, fn := range r.methods[a.Attr] {
			fn.ir.Elsewhere = true
		}
	}
}

// markMethod marks a method of a class, and those that stand for it in others.
func (r *reader) markMethod(c *class, name string) {
	if fn := r.method(c, name); fn != nil {
		fn.ir.Elsewhere = true
	}
	for _, fn := range overrides(c, name, 0) {
		fn.ir.Elsewhere = true
	}
}

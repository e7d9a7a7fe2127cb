package sqlinject

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
)

// assigned are the values that the variables of a function are given, by it and by
// those inside it.
func (a *analysis) assigned(fn *ir.Func) map[string][]store {
	if m := a.given[fn]; m != nil {
		return m
	}
	m := map[string][]store{}
	for _, b := range fn.Blocks {
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Assign:
				if v, ok := whole(o.To).(*ir.Var); ok && v.In == nil {
					m[v.Name] = append(m[v.Name], store{fn, o.Value})
				}
			case *ir.Call:
				a.puts(fn, o, m)
			}
		}
	}
	for v, list := range a.captured {
		if v.of == fn {
			m[v.name] = append(m[v.name], list...)
		}
	}
	a.given[fn] = m
	return m
}

// returns are the ways out of a function.
func (a *analysis) returns(fn *ir.Func) []*ir.Return {
	var list []*ir.Return
	for _, b := range fn.Blocks {
		for _, op := range b.Ops {
			if r, ok := op.(*ir.Return); ok {
				list = append(list, r)
			}
		}
	}
	return list
}

// filling are the methods that put their arguments into what they belong to.
var filling = words("append appendleft extend extendleft insert add update setdefault")

// filler returns what a call puts something into, and what; nil for other calls.
func filler(c *ir.Call) (into ir.Expr, values []ir.Expr) {
	if len(c.Callees) > 0 || len(c.Args) < 2 || !filling[last(c.Name)] {
		return nil, nil
	}
	for i, arg := range c.Args { // the receiver is the first one, or the last where the method may be a field
		if (i == 0 || i == len(c.Args)-1) && arg != nil && arg.At().Text()+"."+last(c.Name) == c.Name {
			return arg, slices.Delete(slices.Clone(c.Args), i, i+1)
		}
	}
	return nil, nil
}

// fill notes what a call puts into a global or a field.
func (a *analysis) fill(fn *ir.Func, c *ir.Call) {
	into, values := filler(c)
	for _, v := range values {
		a.put(into, store{fn, v})
	}
}

// put notes what a global or a field has in it.
func (a *analysis) put(into ir.Expr, st store) {
	switch x := into.(type) {
	case *ir.Global:
		a.filled[x.Name] = append(a.filled[x.Name], st)
	case *ir.Field:
		a.filled["."+x.Name] = append(a.filled["."+x.Name], st)
	}
}

// puts notes what a call puts into variables of its function: itself, or in the
// functions it calls.
func (a *analysis) puts(fn *ir.Func, c *ir.Call, m map[string][]store) {
	if into, values := filler(c); into != nil {
		if v, ok := into.(*ir.Var); ok && v.In == nil {
			for _, x := range values {
				m[v.Name] = append(m[v.Name], store{fn, x})
			}
		}
		return
	}
	for _, callee := range c.Callees {
		for i, arg := range c.Args {
			if v, ok := arg.(*ir.Var); ok && v.In == nil && i < len(callee.Params) {
				m[v.Name] = append(m[v.Name], a.within(callee)[callee.Params[i]]...)
			}
		}
	}
}

// within is what a function puts into the lists and mappings that its variables
// hold, and so into those of its callers.
func (a *analysis) within(fn *ir.Func) map[string][]store {
	if m := a.inside[fn]; m != nil {
		return m
	}
	m := map[string][]store{}
	a.inside[fn] = m
	for _, b := range fn.Blocks {
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Assign:
				v, ok := whole(o.To).(*ir.Var)
				if _, index := o.To.(*ir.Index); ok && index && v.In == nil {
					m[v.Name] = append(m[v.Name], store{fn, o.Value})
				}
			case *ir.Call:
				a.puts(fn, o, m)
			}
		}
	}
	return m
}

// whole is what an element is one of.
func whole(e ir.Expr) ir.Expr {
	for {
		x, ok := e.(*ir.Index)
		if !ok {
			return e
		}
		e = x.X
	}
}

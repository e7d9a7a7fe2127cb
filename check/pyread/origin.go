package pyread

import (
	"regexp"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// An origin follows a value back through the assignments and functions of its
// file. Each name is followed once.
type origin struct {
	*binding
	seen map[string]bool
}

// once reports whether a name is met for the first time.
func (o *origin) once(name string) bool {
	if o.seen[name] {
		return false
	}
	o.seen[name] = true
	return true
}

// sources are what a name may hold: what it is assigned where the query is, or,
// for one that is not of that function, in the file.
func (o *origin) sources(name string) []syntax.Expr {
	s := o.scope(o.fn)
	if s.stores[name] == 0 && s.params[name] == nil {
		s = o.scope(nil)
	}
	return s.sources[name]
}

// escaped reports whether a value was made for standing between quotes: escaped
// or quoted where it is used, before, in a function, or by who calls this one.
func (o *origin) escaped(e syntax.Expr) bool {
	if dressing.MatchString(o.text(e)) {
		return true
	}
	found := false
	o.all(e, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Name:
			if !found && o.once(n.ID) {
				found = o.escapedName(n.ID)
			}
		case *syntax.Call:
			if name := lastName(n.Func); !found && o.once(name+"()") {
				for _, d := range o.defs[name] {
					found = found || o.escapes(d)
				}
			}
		}
	})
	return found
}

func (o *origin) escapedName(name string) bool {
	for _, from := range o.sources(name) {
		if o.escaped(from) {
			return true
		}
	}
	if o.fn == nil || o.scope(o.fn).params[name] == nil {
		return false
	}
	return o.handed(o.fn.Name)
}

// escapes reports whether the body of a function escapes something.
func (m *mended) escapes(d *syntax.FunctionDef) bool {
	is, known := m.dressers[d]
	if !known {
		is = dressing.MatchString(m.tree.Slice(d.Span))
		m.dressers[d] = is
	}
	return is
}

// handed reports whether a call of a function in this file hands over what it
// escapes there.
func (m *mended) handed(name string) bool {
	is, known := m.dressed[name]
	if known {
		return is
	}
	for _, c := range m.calls[name] {
		for _, e := range c.Args {
			is = is || m.dresses(e)
		}
		for _, k := range c.Keywords {
			is = is || m.dresses(k.Value)
		}
	}
	m.dressed[name] = is
	return is
}

// dresses reports whether an argument is escaped as it is handed over.
func (m *mended) dresses(e syntax.Expr) bool {
	if dressing.MatchString(m.text(e)) {
		return true
	}
	if c, ok := e.(*syntax.Call); ok {
		for _, d := range m.defs[lastName(c.Func)] {
			if m.escapes(d) {
				return true
			}
		}
	}
	return false
}

var number = regexp.MustCompile(`^["']-?\d+(\.\d+)?["']$`)

// fragment reports whether a value may be text that the program composed or
// wrote out: outside of quotes that is SQL, and no value.
func (o *origin) fragment(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Constant:
		return e.Kind == syntax.Str && !number.MatchString(o.text(e))
	case *syntax.JoinedStr:
		return true
	case *syntax.BinOp:
		return o.fragment(e.Left) || e.Op == syntax.Add && o.fragment(e.Right)
	case *syntax.IfExp:
		return o.fragment(e.Body) || o.fragment(e.Orelse)
	case *syntax.BoolOp:
		return o.any(e.Values)
	case *syntax.NamedExpr:
		return o.fragment(e.Value)
	case *syntax.Subscript:
		return o.fragment(e.Value) // text[:-1]
	case *syntax.Name:
		return o.once("fragment "+e.ID) && o.any(o.sources(e.ID))
	case *syntax.Call:
		return o.made(e)
	}
	return false
}

func (o *origin) any(list []syntax.Expr) bool {
	for _, e := range list {
		if o.fragment(e) {
			return true
		}
	}
	return false
}

// made reports whether a call may give composed text.
func (o *origin) made(c *syntax.Call) bool {
	name := lastName(c.Func)
	switch name {
	case "join", "format":
		return true
	case "get", "getenv", "pop":
		return len(c.Args) == 2 && o.fragment(c.Args[1])
	case "str":
		return o.any(c.Args)
	}
	if a, ok := c.Func.(*syntax.Attribute); ok && calm[name] && o.fragment(a.Value) {
		return true
	}
	found := false
	if !o.once("fragment " + name + "()") {
		return false
	}
	for _, d := range o.defs[name] {
		o.all(d, func(n syntax.Node) {
			if r, ok := n.(*syntax.Return); ok && r.Value != nil && !found {
				inside := &origin{binding: &binding{mended: o.mended, fn: d}, seen: o.seen}
				found = inside.fragment(r.Value)
			}
		})
	}
	return found
}

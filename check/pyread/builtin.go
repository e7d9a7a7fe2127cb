package pyread

import (
	"regexp"
	"slices"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// builtinCall is a call of one of the built-ins that fixes are written with.
var builtinCall = regexp.MustCompile(`(?:^|[^\w.])(str|int|list|len|format)\(`)

// shadowed reports whether the edits call a built-in whose name is that of something
// else where the query is. Where str is, a call of it that a fix leaves out may have
// been one of the file's own.
func (b *binding) shadowed() bool {
	for _, e := range b.edits {
		for _, call := range builtinCall.FindAllStringSubmatch(e.New, -1) {
			if b.givenAt(call[1], b.call) {
				return !b.not(call[1] + " is the name of something else here, and the mended text would need it")
			}
		}
	}
	return b.givenAt("str", b.call) && !b.not("str is the name of something else here")
}

// givenAt reports whether a name is given a value by the file, or by a function
// around a call. A class gives its own names to no function.
func (m *mended) givenAt(name string, call *syntax.Call) bool {
	for fn := m.enclosing(call); fn != nil; fn = m.outer(fn) {
		s := m.scope(fn)
		stores := s.stores[name]
		if fn.Name == name { // which its scope counts, and belongs to the next one
			stores--
		}
		if s.params[name] != nil || stores > 0 {
			return true
		}
	}
	return m.givenNames()[name]
}

// outer is the innermost function around another one, nil for none.
func (m *mended) outer(fn *syntax.FunctionDef) *syntax.FunctionDef {
	for n := m.parent[fn]; n != nil; n = m.parent[n] {
		if f, ok := n.(*syntax.FunctionDef); ok {
			return f
		}
	}
	return nil
}

// givenNames are the names that the file gives a value outside of functions and
// classes.
func (m *mended) givenNames() map[string]bool {
	if m.given != nil {
		return m.given
	}
	m.given = map[string]bool{}
	syntax.Walk(m.tree, func(n syntax.Node) bool {
		for _, name := range binds(n) {
			m.given[name] = true
		}
		switch n.(type) {
		case *syntax.FunctionDef, *syntax.ClassDef:
			return false
		}
		return true
	})
	return m.given
}

// handed are the values that calls in this file hand to a parameter, as far as they
// are written out.
func (m *mended) handed(name *syntax.Name) []syntax.Expr {
	fn := m.enclosing(name)
	if fn == nil || m.scope(fn).params[name.ID] == nil {
		return nil
	}
	place := parameterAt(fn, name.ID)
	_, method := m.parent[fn].(*syntax.ClassDef)
	var values []syntax.Expr
	for _, c := range m.callsOf(fn.Name) {
		at := place
		if _, bound := c.Func.(*syntax.Attribute); method && bound {
			at-- // self
		}
		if at >= 0 && at < len(c.Args) {
			values = append(values, c.Args[at])
		}
		for _, k := range c.Keywords {
			if k.Arg == name.ID {
				values = append(values, k.Value)
			}
		}
	}
	return values
}

// parameterAt is the place of a parameter among those that go by place; -1 for
// none of them.
func parameterAt(fn *syntax.FunctionDef, name string) int {
	places := slices.Concat(fn.Args.PosOnly, fn.Args.Args)
	return slices.IndexFunc(places, func(a *syntax.Arg) bool { return a.Name == name })
}

func (m *mended) callsOf(name string) []*syntax.Call {
	if m.calls == nil {
		m.calls = map[string][]*syntax.Call{}
		m.all(m.tree, func(n syntax.Node) {
			if c, ok := n.(*syntax.Call); ok {
				m.calls[lastName(c.Func)] = append(m.calls[lastName(c.Func)], c)
			}
		})
	}
	return m.calls[name]
}

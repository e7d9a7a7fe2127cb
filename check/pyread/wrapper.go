package pyread

import (
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// sequence reports whether the query is called as its driver's own methods are:
// what it is called on is a driver's, or no function of the file has the name that
// is called, or those that have it hand their second argument on as the parameters.
func (b *binding) sequence() bool {
	if !b.rewrite.Query.ByName {
		return true
	}
	for _, f := range b.functions(lastName(b.call.Func)) {
		if !b.passesOn(f) {
			return b.not(f.Name + " of this file may be what is called, and hands no parameters on")
		}
	}
	return true
}

// functions are those of the file that have a name.
func (m *mended) functions(name string) []*syntax.FunctionDef {
	if m.named == nil {
		m.named = map[string][]*syntax.FunctionDef{}
		m.all(m.tree, func(n syntax.Node) {
			if f, ok := n.(*syntax.FunctionDef); ok {
				m.named[f.Name] = append(m.named[f.Name], f)
			}
		})
	}
	return m.named[name]
}

// passesOn reports whether a function hands what stands behind its text to a
// driver in the way it was given.
func (b *binding) passesOn(f *syntax.FunctionDef) bool {
	list := positional(f.Args)
	if _, method := b.parent[f].(*syntax.ClassDef); method && len(list) > 0 {
		list = list[1:]
	}
	if rest := f.Args.Vararg; rest != nil && len(list) == 1 { // def execute(sql, *args): cursor.execute(sql, *args)
		return b.handed(f, rest.Name, true)
	}
	return b.rewrite.Style != ir.Dollar && len(list) > 1 && b.handed(f, list[1].Name, false)
}

// handed reports whether a function uses a parameter only as the second argument
// of calls, behind a star or not.
func (b *binding) handed(f *syntax.FunctionDef, name string, star bool) bool {
	calls := 0
	b.all(f, func(n syntax.Node) {
		c, ok := n.(*syntax.Call)
		if !ok {
			return
		}
		e := argument(c, 1, argumentNames...)
		s, starred := e.(*syntax.Starred)
		if starred {
			e = s.Value
		}
		if or, ok := e.(*syntax.BoolOp); ok { // params or ()
			e = or.Values[0]
		}
		if e != nil && starred == star && isName(e, name) {
			calls++
		}
	})
	return calls > 0 && (!star || calls == b.scope(f).loads[name])
}

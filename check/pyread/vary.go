package pyread

import (
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// fills are where the names and fields of a file are given values.
type fills struct {
	rebound  map[string]bool // names that a function declares global or nonlocal
	made     map[string]bool // fields filled where their object is made
	refilled map[string]bool // fields filled elsewhere
}

// varies reports whether the lock that is written at an acquire may be another
// one from one moment to the next: through a name that a function gives a new value,
// or a field that is not known to be filled only where its object is made.
func (m *mended) varies(a *ir.Acquire) bool {
	list := nodes[syntax.Expr](m, a.Span)
	if len(list) == 0 {
		return true
	}
	f := m.fills()
	varies := false
	m.all(list[0], func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Name:
			varies = varies || f.rebound[n.ID]
		case *syntax.Attribute:
			if _, method := m.parent[n].(*syntax.Call); method {
				return
			}
			_, through := m.parent[n].(*syntax.Attribute)
			if through && m.isMethod(m.parent[n]) {
				through = false // self.lock.acquire: the lock itself
			}
			varies = varies || f.refilled[n.Attr] || through && !f.made[n.Attr]
		}
	})
	return varies
}

func (m *mended) isMethod(n syntax.Node) bool {
	_, called := m.parent[n].(*syntax.Call)
	return called
}

// fills are worked out once for a file.
func (m *mended) fills() *fills {
	if m.filled != nil {
		return m.filled
	}
	f := &fills{rebound: map[string]bool{}, made: map[string]bool{}, refilled: map[string]bool{}}
	m.filled = f
	m.all(m.tree, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Global:
			for _, name := range n.Names {
				f.rebound[name] = true
			}
		case *syntax.Nonlocal:
			for _, name := range n.Names {
				f.rebound[name] = true
			}
		case *syntax.Attribute:
			if n.Ctx != syntax.Store {
				return
			}
			if in := m.enclosing(n); in != nil && in.Name == "__init__" {
				f.made[n.Attr] = true
			} else {
				f.refilled[n.Attr] = true
			}
		}
	})
	return f
}

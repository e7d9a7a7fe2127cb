package pyread

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A mended file is one that fixes are written for. It can have thousands of
// findings, so what is asked of all of it, or of all of a function, is worked out once.
type mended struct {
	*module
	at     map[syntax.Span][]syntax.Node // all nodes by their bytes, the outer ones first
	parent map[syntax.Node]syntax.Node
	scopes map[syntax.Node]*scope
	bound  map[*syntax.With]map[string]uint32 // where each name is first bound in a statement
	odd    *oddities                          // nil until asked for
	filled *fills                             // nil until asked for
	named  map[string][]*syntax.FunctionDef   // functions by their names; nil until asked for
	taken  map[string]bool                    // all names; nil until asked for
	given  map[string]bool                    // names that are given a value at the top; nil until asked for
	calls  map[string][]*syntax.Call          // calls by the last name of what is called; nil until asked for
	seen   int                                // nodes that were looked at: in proportion to the file and its findings
}

// mended returns a file for mending; it is parsed once.
func (m *Mender) mended(f *ir.File) *mended {
	if x := m.files[f]; x != nil {
		return x
	}
	x := &mended{
		module: &module{file: f, tree: syntax.Parse(f.Path, f.Text)},
		at:     map[syntax.Span][]syntax.Node{}, parent: map[syntax.Node]syntax.Node{}, scopes: map[syntax.Node]*scope{},
		bound: map[*syntax.With]map[string]uint32{},
	}
	x.index(x.tree)
	if m.files == nil {
		m.files = map[*ir.File]*mended{}
	}
	m.files[f] = x
	return x
}

func (m *mended) index(n syntax.Node) {
	m.seen++
	m.at[n.Where()] = append(m.at[n.Where()], n)
	syntax.Walk(n, func(part syntax.Node) bool {
		if part == n {
			return true
		}
		m.parent[part] = n
		m.index(part)
		return false
	})
}

// all calls visit with a node and everything in it, outermost first.
func (m *mended) all(n syntax.Node, visit func(syntax.Node)) {
	for part := range syntax.All(n) {
		m.seen++
		visit(part)
	}
}

// nodes are those of a kind that stand at a span, the outer ones first.
func nodes[T syntax.Node](m *mended, at ir.Span) []T {
	var list []T
	if at.File != m.file {
		return nil
	}
	for _, n := range m.at[syntax.Span{Start: uint32(at.Start), End: uint32(at.End)}] {
		if x, ok := n.(T); ok {
			list = append(list, x)
		}
	}
	return list
}

// enclosing is the innermost function around an expression, nil at the top. A
// decorator stands outside of what it decorates.
func (m *mended) enclosing(e syntax.Node) *syntax.FunctionDef {
	for n := m.parent[e]; n != nil; n = m.parent[n] {
		if f, ok := n.(*syntax.FunctionDef); ok && within(e, f) {
			return f
		}
	}
	return nil
}

// list is the list of statements that one stands in, and its place there.
func (m *mended) list(s syntax.Stmt) (list []syntax.Stmt, at int) {
	for _, list := range bodies(m.parent[s]) {
		if i := holding(list, s.Where().Start); i >= 0 && list[i] == s {
			return list, i
		}
	}
	return nil, 0
}

// holding is the index of the last statement that starts at or before a byte;
// -1 when there is none.
func holding(list []syntax.Stmt, at uint32) int {
	i, _ := slices.BinarySearchFunc(list, at, func(s syntax.Stmt, at uint32) int {
		if s.Where().Start <= at {
			return -1
		}
		return 1
	})
	return i - 1
}

// names are all names that the file knows.
func (m *mended) names() map[string]bool {
	if m.taken != nil {
		return m.taken
	}
	m.taken = map[string]bool{}
	m.all(m.tree, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Name:
			m.taken[n.ID] = true
		case *syntax.Arg:
			m.taken[n.Name] = true
		default:
			for _, name := range binds(n) {
				m.taken[name] = true
			}
		}
	})
	return m.taken
}

// A scope is what a function with all in it, or a whole file, does with names.
type scope struct {
	params  map[string]*syntax.Arg
	stores  map[string]int           // nodes that give a name a value, or take it
	rebound map[string]bool          // names that a Name gives another value
	loads   map[string]int           // where a name is read, but by what writes logs
	printed map[string]bool          // names that are printed
	last    map[string]uint32        // where a name stands for the last time
	shared  map[string]bool          // declared to be of another function
	builds  map[string][]syntax.Stmt // name = value, name += value
	tuples  map[string]bool          // whether a name may be a tuple, as far as asked for
	gives   map[string][]syntax.Node // what may give a name a tuple
}

// scope returns what a function does with names; nil stands for the file.
func (m *mended) scope(fn *syntax.FunctionDef) *scope {
	root := syntax.Node(m.tree)
	if fn != nil {
		root = fn
	}
	if s := m.scopes[root]; s != nil {
		return s
	}
	s := &scope{
		params: map[string]*syntax.Arg{}, stores: map[string]int{}, rebound: map[string]bool{}, loads: map[string]int{}, last: map[string]uint32{},
		printed: map[string]bool{},
		shared:  map[string]bool{}, builds: map[string][]syntax.Stmt{}, tuples: map[string]bool{}, gives: map[string][]syntax.Node{},
	}
	if fn != nil {
		for _, a := range params(fn.Args) {
			s.params[a.Name] = a
		}
	}
	m.all(root, s.note)
	m.scopes[root] = s
	return s
}

func (s *scope) note(n syntax.Node) {
	names := binds(n)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		s.stores[name]++
	}
	switch n := n.(type) {
	case *syntax.Name:
		s.last[n.ID] = max(s.last[n.ID], n.Start)
		if n.Ctx == syntax.Load {
			s.loads[n.ID]++
		} else {
			s.rebound[n.ID] = true
		}
	case *syntax.Call:
		s.logged(n)
	case *syntax.Global:
		s.share(n.Names)
	case *syntax.Nonlocal:
		s.share(n.Names)
	case *syntax.Assign:
		s.assigned(n)
	case *syntax.AugAssign:
		if x, ok := n.Target.(*syntax.Name); ok && n.Op == syntax.Add {
			s.builds[x.ID] = append(s.builds[x.ID], n)
		}
	case *syntax.For:
		s.give(n.Target, n)
	case *syntax.Arguments:
		for _, a := range []*syntax.Arg{n.Vararg, n.Kwarg} {
			if a != nil {
				s.gives[a.Name] = append(s.gives[a.Name], n)
			}
		}
	}
}

func (s *scope) share(names []string) {
	for _, name := range names {
		s.shared[name] = true
	}
}

// logged takes back the loads of what goes to a log.
func (s *scope) logged(c *syntax.Call) {
	for _, e := range c.Args {
		if x, ok := e.(*syntax.Name); ok && logs[lastName(c.Func)] {
			s.loads[x.ID]--
			s.printed[x.ID] = s.printed[x.ID] || lastName(c.Func) == "print"
		}
	}
}

func (s *scope) assigned(a *syntax.Assign) {
	for _, t := range a.Targets {
		s.give(t, a)
	}
	if x, ok := a.Targets[0].(*syntax.Name); ok && len(a.Targets) == 1 {
		s.builds[x.ID] = append(s.builds[x.ID], a)
	}
}

func (s *scope) give(to syntax.Expr, n syntax.Node) {
	if x, ok := to.(*syntax.Name); ok {
		s.gives[x.ID] = append(s.gives[x.ID], n)
	}
}

// assigns are the values that a name is assigned, each alone.
func (s *scope) assigns(name string) (values []syntax.Expr) {
	for _, b := range s.builds[name] {
		if a, ok := b.(*syntax.Assign); ok {
			values = append(values, a.Value)
		}
	}
	return values
}

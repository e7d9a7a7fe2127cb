package pyread

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// An effect says how an expression minds being evaluated at another time.
type effect uint8

const (
	still effect = iota // a local variable, a constant
	reads               // what others may change: an attribute, an element, a global variable
	acts                // it may change something
)

// clash reports whether two expressions may not change places.
func clash(x, y effect) bool { return x == acts && y != still || y == acts && x != still }

// calm are functions and methods that change nothing.
var calm = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`str int float bool len repr tuple list sorted set min max sum abs round strip lstrip rstrip lower upper title
		capitalize join format replace isoformat strftime encode decode zfill hex`) {
		m[name] = true
	}
	return m
}()

// effect is the worst of all that an expression evaluates.
func (b *binding) effect(e syntax.Expr) effect {
	worst := still
	b.all(e, func(n syntax.Node) { worst = max(worst, b.effectOf(n)) })
	return worst
}

func (b *binding) effectOf(n syntax.Node) effect {
	switch n := n.(type) {
	case *syntax.Call:
		if name := lastName(n.Func); calm[name] || name == "get" && len(n.Args) > 0 && constantText(n.Args[0]) {
			return reads
		}
		return acts
	case *syntax.Await, *syntax.Yield, *syntax.YieldFrom, *syntax.NamedExpr:
		return acts
	case *syntax.Attribute, *syntax.Subscript, *syntax.Comp:
		return reads
	case *syntax.Name:
		if n.Ctx == syntax.Load && !b.local(n.ID) {
			return reads
		}
	}
	return still
}

// local reports whether a name is a variable that only the query's function
// assigns.
func (b *binding) local(name string) bool {
	if b.fn == nil {
		return false
	}
	s := b.scope(b.fn)
	return (s.params[name] != nil || s.stores[name] > 0) && !s.shared[name]
}

// binds are the names that a node gives a value, or takes it from.
func binds(n syntax.Node) []string {
	switch n := n.(type) {
	case *syntax.Name:
		if n.Ctx != syntax.Load {
			return []string{n.ID}
		}
	case *syntax.ExceptHandler:
		return []string{n.Name}
	case *syntax.FunctionDef:
		return []string{n.Name}
	case *syntax.ClassDef:
		return []string{n.Name}
	case *syntax.MatchAs:
		return []string{n.Name}
	case *syntax.MatchStar:
		return []string{n.Name}
	case *syntax.MatchMapping:
		return []string{n.Rest}
	case *syntax.Alias:
		first, _, _ := strings.Cut(n.Name, ".")
		return []string{first, n.AsName}
	}
	return nil
}

// stable reports whether the values are the same where they are bound as where
// they stood in the text, and everything still happens in the order it did.
func (b *binding) stable() bool {
	moved, ok := b.sameOrder()
	return ok && (within(b.sql, b.call) || b.apart(moved))
}

// sameOrder reports whether the values may be evaluated behind the rest of the
// text and before, or among, the query's other arguments; moved is the worst of them.
func (b *binding) sameOrder() (moved effect, ok bool) {
	stays := still // what stood behind a value, and is evaluated before it now; and the arguments
	seen := map[syntax.Expr]bool{}
	for i, s := range b.t.segments {
		if !s.hole {
			continue
		}
		e := b.effect(s.expr)
		switch {
		case b.bind[i]:
			if e == acts && seen[s.expr] {
				return moved, false // once would become twice
			}
			seen[s.expr] = true
			moved = max(moved, e)
		case len(seen) > 0:
			stays = max(stays, e)
		}
	}
	for _, e := range b.rest() {
		stays = max(stays, b.effect(e))
	}
	if clash(moved, stays) || moved == acts && !b.t.inOrder() || b.t.dropped(b) == acts {
		return moved, false
	}
	return moved, !b.naming() || len(b.rest()) == 0 && stays == still
}

// rest are the arguments of the query beside its text.
func (b *binding) rest() []syntax.Expr {
	var list []syntax.Expr
	for _, e := range b.call.Args {
		if !b.isText(e) {
			list = append(list, e)
		}
	}
	for _, k := range b.call.Keywords {
		if !b.isText(k.Value) {
			list = append(list, k.Value)
		}
	}
	return list
}

// isText reports whether an argument is the query's text.
func (b *binding) isText(e syntax.Expr) bool { return b.span(e.Where()) == b.rewrite.Query.SQL.At() }

// naming reports whether the text gives a name a value on the way.
func (b *binding) naming() (found bool) {
	b.all(b.sql, func(n syntax.Node) {
		_, ok := n.(*syntax.NamedExpr)
		found = found || ok
	})
	return found
}

// apart reports whether a text that a variable brings to the query can have
// its values bound there: nothing between the two changes them.
func (b *binding) apart(moved effect) bool {
	name, ok := b.argument()
	list, i, j := b.statements(b.sql)
	if !ok || list == nil || !b.only(name.ID, 1) {
		return false
	}
	var values []syntax.Expr
	for k, s := range b.t.segments {
		if b.bind[k] {
			values = append(values, s.expr)
		}
	}
	return b.unchanged(values, b.sql.Where().End, list[i:j+1], moved) && (moved != acts || j == i+1)
}

// unchanged reports whether values are the same behind a place in the first of
// some statements and in the query, which the last one holds.
func (b *binding) unchanged(values []syntax.Expr, from uint32, list []syntax.Stmt, moved effect) bool {
	used := map[string]bool{}
	for _, e := range values {
		b.all(e, func(n syntax.Node) {
			if x, ok := n.(*syntax.Name); ok {
				used[x.ID] = true
			}
		})
	}
	loop := b.loop(list[len(list)-1])
	between, same := still, true
	for _, s := range list {
		b.all(s, func(n syntax.Node) {
			if !b.passed(n, from, loop) {
				return
			}
			same = same && !slices.ContainsFunc(binds(n), func(s string) bool { return used[s] })
			between = max(between, b.disturbs(n))
		})
	}
	return same && !clash(moved, between)
}

// argument is the variable that the query's text is passed in.
func (b *binding) argument() (*syntax.Name, bool) {
	for _, e := range b.call.Args {
		if name, ok := e.(*syntax.Name); ok && b.isText(e) {
			return name, true
		}
	}
	for _, k := range b.call.Keywords {
		if name, ok := k.Value.(*syntax.Name); ok && b.isText(k.Value) {
			return name, true
		}
	}
	return nil, false
}

// statements finds the assignment of a value and the statement that holds the
// query in one list, the one before the other, so that neither runs without
// the other having been passed.
func (b *binding) statements(value syntax.Expr) (list []syntax.Stmt, i, j int) {
	s, ok := b.parent[value].(syntax.Stmt)
	if !ok {
		return nil, 0, 0
	}
	switch a := s.(type) {
	case *syntax.Assign:
		ok = a.Value == value && len(a.Targets) == 1
	case *syntax.AnnAssign:
		ok = a.Value == value
	default:
		ok = false
	}
	list, i = b.mended.list(s)
	j = holding(list, b.call.Start)
	if !ok || j <= i || !within(b.call, list[j]) {
		return nil, 0, 0
	}
	return list, i, j
}

// only reports whether a variable of the query's function brings its text and
// nothing else, but to a log.
func (b *binding) only(name string, stores int) bool {
	return b.uses(name, stores) == 1
}

// uses is how often a variable is read, but by what writes logs; -1 when it is
// not the function's alone, or has another number of stores.
func (b *binding) uses(name string, stores int) int {
	s := b.scope(b.fn)
	if s.printed[name] {
		b.note = "what is printed of the query's text has no values in it any more"
	}
	if slices.ContainsFunc(reflecting, func(f string) bool { return s.loads[f] > 0 }) {
		return -1
	}
	if b.fn != nil && (s.params[name] != nil || s.shared[name]) || s.stores[name] != stores {
		return -1
	}
	return s.loads[name]
}

// reflecting are the functions that read variables by their names.
var reflecting = []string{"locals", "vars", "globals", "eval", "exec"}

var logs = map[string]bool{"print": true, "debug": true, "info": true, "warning": true, "error": true, "exception": true, "log": true}

// loop is the outermost part of a statement that runs the query in it more than
// once, or later; nil for none.
func (b *binding) loop(in syntax.Stmt) (outermost syntax.Node) {
	for n := syntax.Node(b.call); n != nil; n = b.parent[n] {
		switch n.(type) {
		case *syntax.For, *syntax.While, *syntax.Comp, *syntax.Lambda:
			outermost = n
		}
		if n == in {
			break
		}
	}
	return outermost
}

// passed reports whether a node runs between a place in the file and the
// query: it stands between the two, or in a loop around the query alone.
func (b *binding) passed(n syntax.Node, from uint32, loop syntax.Node) bool {
	at := n.Where()
	if _, caught := n.(*syntax.ExceptHandler); !caught && within(b.call, n) {
		return false // a handler gives its name a value before the query in it runs
	}
	if at.Start >= from && at.Start < b.call.Start || within(n, b.call.Func) {
		return true
	}
	return loop != nil && within(n, loop) && !within(n, b.call)
}

// disturbs is effectOf, but for what asks a driver for a cursor or writes a log.
func (b *binding) disturbs(n syntax.Node) effect {
	switch n := n.(type) {
	case *syntax.Call:
		if name := lastName(n.Func); keepsDriver[name] && name != "execute" && name != "executemany" || logs[name] {
			return reads
		}
	case *syntax.Attribute:
		if n.Ctx != syntax.Load {
			return acts
		}
	case *syntax.Subscript:
		if n.Ctx != syntax.Load {
			return acts
		}
	case *syntax.AugAssign, *syntax.Bad, *syntax.With, *syntax.For:
		return acts
	}
	return b.effectOf(n)
}

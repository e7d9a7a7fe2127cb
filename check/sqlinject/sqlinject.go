// Package sqlinject finds queries whose text is built from values that are
// neither constant nor checked.
//
//	findings := sqlinject.Analyse(program, sqlinject.Options{})
//	for _, f := range findings {
//		fmt.Println(f.At, f.Message)
//	}
//
// A query's text is followed backwards through assignments, formatting and
// calls into pieces: literal text and holes. A hole is harmless when it is a
// constant, a number, or was compared with a fixed list. For the others a small SQL
// lexer tells where in the statement they stand, and so whether a bound
// parameter can take their place.
package sqlinject

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// RuleInjection is the rule of this package.
const RuleInjection = "sql-injection"

// Limits on what is followed. Beyond them a value counts as unknown.
const (
	statesMax = 16 // ways through a block
	callsMax  = 4  // calls into one another
	piecesMax = 256
	nestMax   = 40
)

// Options chooses what is analysed. The zero value is the whole program.
type Options struct {
	Menders map[ir.Language]finding.Mender
}

type analysis struct {
	program  *ir.Program
	options  Options
	globals  map[string][]ir.Expr
	callers  map[*ir.Func][]caller
	wrappers map[*ir.Func]wrapper // functions that send a parameter as a query
	found    map[string]finding.Finding
}

type caller struct {
	fn   *ir.Func
	call *ir.Call
}

// A wrapper is a function that hands one of its parameters to a driver.
type wrapper struct {
	param int
	query *ir.Query
}

// Analyse returns the injections of a program by place.
func Analyse(p *ir.Program, o Options) []finding.Finding {
	a := &analysis{
		program: p, options: o,
		globals: map[string][]ir.Expr{}, callers: map[*ir.Func][]caller{},
		wrappers: map[*ir.Func]wrapper{}, found: map[string]finding.Finding{},
	}
	a.index()
	for range callsMax { // a wrapper of a wrapper needs one more round
		before := len(a.wrappers)
		for _, f := range p.Funcs {
			if a.sends(f) {
				(&walk{analysis: a, fn: f}).run()
			}
		}
		if len(a.wrappers) == before {
			break
		}
	}
	var out []finding.Finding
	for _, f := range a.found {
		out = append(out, f)
	}
	slices.SortFunc(out, func(x, y finding.Finding) int {
		return cmp.Or(cmp.Compare(x.At.File.Path, y.At.File.Path), cmp.Compare(x.At.Start, y.At.Start), cmp.Compare(x.Key, y.Key))
	})
	return out
}

func (a *analysis) index() {
	for _, f := range a.program.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				switch o := op.(type) {
				case *ir.Assign:
					if g, ok := o.To.(*ir.Global); ok {
						a.globals[g.Name] = append(a.globals[g.Name], o.Value)
					}
				case *ir.Call:
					for _, c := range o.Callees {
						a.callers[c] = append(a.callers[c], caller{f, o})
					}
				}
			}
		}
	}
}

// sends reports whether f sends queries, itself or through a wrapper.
func (a *analysis) sends(f *ir.Func) bool {
	for _, b := range f.Blocks {
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Query:
				return true
			case *ir.Call:
				for _, c := range o.Callees {
					if _, ok := a.wrappers[c]; ok {
						return true
					}
				}
			}
		}
	}
	return false
}

// A state is what the variables hold on one way through a function.
type state map[string]text

// A walk follows the ways through one function.
type walk struct {
	*analysis
	fn    *ir.Func
	depth int // of calls followed into
}

func (w *walk) run() {
	if len(w.fn.Blocks) == 0 {
		return
	}
	type task struct {
		b *ir.Block
		s state
	}
	visits := map[*ir.Block]int{}
	work := []task{{w.fn.Blocks[0], state{}}}
	for len(work) > 0 {
		t := work[len(work)-1]
		work = work[:len(work)-1]
		if visits[t.b]++; visits[t.b] > statesMax {
			continue
		}
		s := clone(t.s)
		for _, op := range t.b.Ops {
			w.step(op, s)
		}
		for i, next := range t.b.Next {
			if after, ok := w.branch(t.b, i, s); ok {
				work = append(work, task{next, after})
			}
		}
	}
}

func clone(s state) state {
	out := make(state, len(s))
	for k, v := range s {
		out[k] = v
	}
	return out
}

func (w *walk) step(op ir.Op, s state) {
	switch o := op.(type) {
	case *ir.Assign:
		if v, ok := o.To.(*ir.Var); ok && v.In == nil {
			s[v.Name] = w.eval(o.Value, s, 0).through(o.Span)
		}
	case *ir.Query:
		w.query(o, o.SQL, o, s)
	case *ir.Call:
		for _, c := range o.Callees {
			if wrap, ok := w.wrappers[c]; ok && wrap.param < len(o.Args) && o.Args[wrap.param] != nil {
				q := *wrap.query
				q.Span, q.SQL = o.Span, o.Args[wrap.param]
				w.query(&q, q.SQL, wrap.query, s)
			}
		}
	}
}

// branch is the state behind one way out of a block; false when that way
// cannot be taken. A test against a fixed list makes a variable harmless.
func (w *walk) branch(b *ir.Block, i int, s state) (state, bool) {
	if b.If == nil || len(b.Next) != 2 {
		return s, true
	}
	if c, ok := b.If.(*ir.Const); ok {
		truth := c.Text != "" && c.Text != "0" && c.Text != "False" && c.Text != "false" && c.Text != "None"
		return s, truth == (i == 0)
	}
	c, ok := b.If.(*ir.Compare)
	if !ok || (i == 0) == c.Not || !w.fixed(c.Y, s) {
		return s, true
	}
	v, ok := c.X.(*ir.Var)
	if !ok || v.In != nil {
		return s, true
	}
	out := clone(s)
	out[v.Name] = text{{hole: true, expr: v, at: v.Span}}
	return out, true
}

// fixed reports whether an expression is constants only.
func (w *walk) fixed(e ir.Expr, s state) bool {
	switch x := e.(type) {
	case *ir.List:
		if x.Keys != nil {
			return !slices.ContainsFunc(x.Keys, func(k ir.Expr) bool { return !w.fixed(k, s) })
		}
		return !slices.ContainsFunc(x.Elems, func(k ir.Expr) bool { return !w.fixed(k, s) })
	case *ir.Const:
		return true
	case *ir.Global:
		values := w.globals[x.Name]
		return len(values) == 1 && w.fixed(values[0], s)
	case *ir.Var:
		return s[x.Name] != nil && s[x.Name].worst() == harmless
	}
	return false
}

// query judges the text of a query in a state.
func (w *walk) query(q *ir.Query, sql ir.Expr, sink *ir.Query, s state) {
	t := w.eval(sql, s, 0)
	if i, ok := w.wholeParam(t); ok {
		if _, known := w.wrappers[w.fn]; !known {
			w.wrappers[w.fn] = wrapper{i, sink}
		}
		if len(w.callers[w.fn]) > 0 || w.fn.Entry == ir.Inner {
			return // judged where it is called
		}
	}
	pieces := contexts(t)
	worst := t.worst()
	if worst == harmless {
		return
	}
	key := fmt.Sprintf("%s %s %d", RuleInjection, w.fn.ID, w.nth(q))
	f := w.tell(q, t, pieces, key)
	if old, ok := w.found[key]; !ok || f.Level > old.Level {
		w.found[key] = f
	}
}

// wholeParam reports whether the text is one parameter and nothing else.
func (w *walk) wholeParam(t text) (int, bool) {
	if len(t) != 1 || !t[0].hole || t[0].taint != parameter {
		return 0, false
	}
	v, ok := t[0].expr.(*ir.Var)
	if !ok {
		return 0, false
	}
	i := slices.Index(w.fn.Params, v.Name)
	return i, i >= 0
}

// nth numbers the queries of a function, so that a key outlives moved lines.
func (w *walk) nth(q *ir.Query) int {
	n := 0
	for _, b := range w.fn.Blocks {
		for _, op := range b.Ops {
			switch op.(type) {
			case *ir.Query, *ir.Call:
				n++
			}
			if op.At() == q.Span {
				return n
			}
		}
	}
	return n
}

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
	statesMax  = 16      // ways through a block
	callsMax   = 6       // calls into one another
	piecesMax  = 256     // of a text
	literalMax = 1 << 20 // bytes of literals that are put together
	nestMax    = 40
)

// Options chooses what is analysed. The zero value is the whole program.
type Options struct {
	Menders map[ir.Language]finding.Mender
}

type analysis struct {
	program    *ir.Program
	options    Options
	globals    map[string][]store
	callers    map[*ir.Func][]caller
	wrappers   map[*ir.Func]wrapper // functions that send a parameter as a query
	found      map[string]*told
	stores     map[string][]store              // what fields are given, by class and name
	kept       map[string]text                 // what fields hold
	captured   map[variable][]store            // what closures give the variables of the function around them
	answers    map[string]text                 // what functions return, by what they are given
	states     map[string]state                // what the variables of a function hold at worst
	open       map[string]bool                 // answers being worked out
	loose      map[string][]caller             // calls of something unknown, by its last name
	filled     map[string][]store              // what the lists of globals, by name, and of fields, by a point and name, are made longer by
	inside     map[*ir.Func]map[string][]store // what a function puts into what its parameters hold
	spans      map[*ir.Func]map[ir.Span]ir.Expr
	given      map[*ir.Func]map[string][]store
	statements map[string]text              // what fields and globals hold of statements, by key
	objects    map[*ir.Func]map[string]bool // parameters that are objects, and no text
	schema     *finding.Schema              // nil until a fix is asked for
}

// A variable is one of a function, seen from those inside it.
type variable struct {
	of   *ir.Func
	name string
}

// A store is a value that a function gives a field.
type store struct {
	fn    *ir.Func
	value ir.Expr
}

type caller struct {
	fn   *ir.Func
	call *ir.Call
}

// A wrapper is a function that hands one of its parameters to a driver.
type wrapper struct {
	param    int
	query    *ir.Query
	forwards bool // its own arguments become those of the query
}

// Analyse returns the injections of a program by place.
func Analyse(p *ir.Program, o Options) []finding.Finding {
	a := &analysis{
		program: p, options: o,
		globals: map[string][]store{}, callers: map[*ir.Func][]caller{},
		wrappers: map[*ir.Func]wrapper{}, found: map[string]*told{},
		stores: map[string][]store{}, kept: map[string]text{}, captured: map[variable][]store{}, answers: map[string]text{}, states: map[string]state{}, open: map[string]bool{},
		filled: map[string][]store{}, inside: map[*ir.Func]map[string][]store{},
		statements: map[string]text{}, loose: map[string][]caller{}, objects: map[*ir.Func]map[string]bool{}, spans: map[*ir.Func]map[ir.Span]ir.Expr{}, given: map[*ir.Func]map[string][]store{},
	}
	a.index()
	for range callsMax { // a wrapper of a wrapper needs one more round
		before := len(a.wrappers)
		for _, f := range p.Funcs {
			if a.sends(f) {
				w := &walk{analysis: a, fn: f}
				w.sent = w.query
				w.run(state{})
			}
		}
		if len(a.wrappers) == before {
			break
		}
	}
	var out []finding.Finding
	for _, f := range a.found {
		a.mend(f)
		out = append(out, f.Finding)
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
					switch to := o.To.(type) {
					case *ir.Global:
						a.globals[to.Name] = append(a.globals[to.Name], store{f, o.Value})
					case *ir.Var:
						if to.In != nil {
							v := variable{to.In, to.Name}
							a.captured[v] = append(a.captured[v], store{f, o.Value})
						}
					case *ir.Field:
						key := to.Owner + "." + to.Name
						a.stores[key] = append(a.stores[key], store{f, o.Value})
					case *ir.Index:
						a.put(whole(to), store{f, o.Value})
					}
				case *ir.Call:
					for _, c := range o.Callees {
						a.callers[c] = append(a.callers[c], caller{f, o})
					}
					a.fill(f, o)
					if len(o.Callees) == 0 {
						a.loose[last(o.Name)] = append(a.loose[last(o.Name)], caller{f, o})
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

// A walk follows the ways through one function.
type walk struct {
	*analysis
	fn    *ir.Func
	depth int                                                  // of calls followed into
	sent  func(q *ir.Query, sql ir.Expr, in *wrapper, s state) // nil: queries are not asked for
	gave  func(r *ir.Return, s state)                          // nil: answers are not asked for
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
		values, key := w.globals[x.Name], "global "+x.Name
		if len(values) != 1 || w.open[key] { // names = (names, …), of which there is no end
			return false
		}
		w.open[key] = true
		defer delete(w.open, key)
		return w.fixed(values[0].value, s)
	case *ir.Var:
		return s[x.Name] != nil && s[x.Name].worst() == harmless
	}
	return false
}

// query judges the text of a query in a state; in is the wrapper that sends
// it, nil when it is sent right here.
func (w *walk) query(q *ir.Query, sql ir.Expr, in *wrapper, s state) {
	t := w.eval(sql, s, 0)
	if held := t.statement(); held != nil && len(t) == 1 {
		t = held
	}
	if rest := t.behindExplain(); rest.worst() <= parameter && rest != nil {
		t = rest
	}
	if i, ok := w.wholeParam(t); ok && w.fn.Entry != ir.Handler {
		if _, known := w.wrappers[w.fn]; !known {
			w.wrappers[w.fn] = wrapper{i, q, in == nil && forwards(q, w.fn) || in != nil && in.forwards}
		}
		return // judged where it is called
	}
	if worst := t.worst(); worst == harmless || worst <= operator && len(t) == 1 {
		return // a text that comes whole from elsewhere is not built here
	}
	pieces := located(t)
	key := fmt.Sprintf("%s %s %d", RuleInjection, w.fn.ID, w.nth(q))
	f := w.tell(q, t, pieces, key, in == nil || in.forwards)
	old := w.found[key]
	if old != nil {
		f.rewrite.Taint = old.rewrite.Taint
	}
	for _, p := range pieces {
		f.rewrite.Taint[p.At] = f.rewrite.Taint[p.At] || p.Hole && p.Tainted
	}
	if old == nil || f.Level > old.Level {
		w.found[key] = f
	}
}

// A told is a finding, and what its fix is made from once all ways to it were
// seen.
type told struct {
	finding.Finding
	rewrite   finding.Rewrite
	unfixable string // why no language need be asked for a fix
}

// mend asks the language for a fix.
func (a *analysis) mend(f *told) {
	m := a.options.Menders[f.rewrite.Query.Span.File.Lang]
	if m == nil {
		return
	}
	if f.unfixable != "" {
		f.NoFix = f.unfixable
		return
	}
	if a.schema == nil {
		a.schema = &finding.Schema{}
		for _, file := range a.program.Files {
			a.schema.Read(string(file.Text))
		}
	}
	f.rewrite.Schema = a.schema
	fix, ok := m.Bind(f.rewrite)
	if !ok {
		f.NoFix = fix.Note
		return
	}
	f.Fixes = append(f.Fixes, fix)
}

// forwards reports whether f hands its own arguments on as those of a query.
func forwards(q *ir.Query, f *ir.Func) bool {
	list, ok := q.Args.(*ir.List)
	if !ok {
		list = &ir.List{Elems: []ir.Expr{q.Args}}
	}
	for _, e := range list.Elems {
		if v, ok := e.(*ir.Var); ok && slices.Contains(f.Params, v.Name) {
			return true
		}
	}
	return false
}

// wholeParam reports whether the text is one parameter and nothing else.
func (w *walk) wholeParam(t text) (int, bool) {
	if len(t) != 1 || !t[0].hole || t[0].taint != parameter && t[0].taint != operator {
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

package pyread

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// An element is one thing that a list holds.
type element struct {
	typed
	many bool // it is made again and again, in a loop or a comprehension
}

// loops is 1 for a statement whose blocks run again and again.
func loops(s syntax.Stmt) int {
	switch s.(type) {
	case *syntax.For, *syntax.While:
		return 1
	}
	return 0
}

// runsOver notes what a loop lets a name run over.
func (f *function) runsOver(target, iter syntax.Expr) {
	if name, ok := target.(*syntax.Name); ok {
		f.loops[name.ID] = append(f.loops[name.ID], iter)
	}
}

// grows notes what a call appends to a list that has a name.
func (f *function) grows(e *syntax.Call) {
	a, ok := e.Func.(*syntax.Attribute)
	if !ok || a.Attr != "append" || len(e.Args) != 1 {
		return
	}
	if name, ok := a.Value.(*syntax.Name); ok {
		f.grown[name.ID] = append(f.grown[name.ID], element{typed{in: f, value: e.Args[0]}, f.looping > 0})
	}
}

// loopElements are what a name that loops bind may stand for; nothing for one that is
// bound in other ways too.
func (r *reader) loopElements(e syntax.Expr, f *function) []element {
	name, ok := e.(*syntax.Name)
	for ; ok && f != nil; f = f.outer {
		if !f.locals[name.ID] && !f.top() {
			continue
		}
		var out []element
		if len(f.loops[name.ID]) == f.assigns[name.ID] {
			for _, iter := range f.loops[name.ID] {
				for _, x := range r.elements(iter, f, 0) {
					if !slices.ContainsFunc(out, func(y element) bool { return y.value == x.value }) {
						out = append(out, x)
					}
				}
			}
		}
		return out
	}
	return nil
}

// argumentLists are the arguments that a tuple stands for: those of each that a loop lets
// its name run over, if they are all written.
func (r *reader) argumentLists(args syntax.Expr, f *function) [][]syntax.Expr {
	var out [][]syntax.Expr
	for _, one := range r.loopElements(args, f) {
		list := elements(one.value)
		if list == nil || one.in != f || one.many || f.alteredLoop(args) {
			return [][]syntax.Expr{nil}
		}
		out = append(out, list)
	}
	if out == nil {
		out = append(out, elements(args))
	}
	return out
}

// elements are the parts of a tuple or a list.
func elements(e syntax.Expr) []syntax.Expr {
	switch e := e.(type) {
	case *syntax.Tuple:
		return e.Elts
	case *syntax.List:
		return e.Elts
	}
	return nil
}

// alteredLoop reports whether what a name runs over may hold more than is written.
func (f *function) alteredLoop(e syntax.Expr) bool {
	name, ok := e.(*syntax.Name)
	for up := f; ok && up != nil; up = up.outer {
		for _, iter := range up.loops[name.ID] {
			if list, ok := iter.(*syntax.Name); ok && up.module.altered()[list.ID] {
				return true
			}
		}
	}
	return false
}

// altered are the names of a module of which another method than append is called, or
// that somebody is handed.
func (m *module) altered() map[string]bool {
	if m.alters != nil {
		return m.alters
	}
	out := map[string]bool{}
	note := func(e syntax.Expr) {
		if name, ok := e.(*syntax.Name); ok {
			out[name.ID] = true
		}
	}
	for n := range syntax.All(m.tree) {
		switch n := n.(type) {
		case *syntax.Attribute:
			if n.Attr != "append" {
				note(n.Value)
			}
		case *syntax.Call:
			for _, arg := range n.Args {
				note(arg)
			}
		}
	}
	m.alters = out
	return out
}

// elements are what a list holds, as far as it is written.
func (r *reader) elements(e syntax.Expr, f *function, depth int) []element {
	if depth > 4 {
		return nil
	}
	var out []element
	switch e := e.(type) {
	case *syntax.Tuple:
		for _, x := range e.Elts {
			out = append(out, r.elementsOf(element{typed: typed{in: f, value: x}})...)
		}
	case *syntax.List:
		for _, x := range e.Elts {
			out = append(out, r.elementsOf(element{typed: typed{in: f, value: x}})...)
		}
	case *syntax.Comp:
		out = append(out, element{typed{in: f, value: e.Elt}, true})
	case *syntax.Name:
		for ; f != nil; f = f.outer {
			if !f.locals[e.ID] && !f.top() {
				continue
			}
			for _, v := range f.types[e.ID] {
				if v.value != nil && !v.annotation {
					out = append(out, r.elements(v.value, v.in, depth+1)...)
				}
			}
			for _, x := range f.grown[e.ID] {
				out = append(out, r.elementsOf(x)...)
			}
			break
		}
	}
	return out
}

// elementsOf are what an element with a name was made as.
func (r *reader) elementsOf(x element) []element {
	name, ok := x.value.(*syntax.Name)
	if !ok || r.functions[r.qualified(name, x.in)] != nil {
		return []element{x}
	}
	var out []element
	for _, v := range r.made(name, x.in) {
		if call, ok := v.value.(*syntax.Call); ok {
			out = append(out, element{typed{in: v.in, value: call}, x.many})
		}
	}
	if out == nil {
		return []element{x}
	}
	return out
}

// startedLater reports whether the thread made here is given a name whose
// start is called somewhere in the module: the thread starts there.
func (b *builder) startedLater(e *syntax.Call) bool { return b.m.deferred[e] }

// idle marks what a thread that nobody starts would run.
func (b *builder) idle(e *syntax.Call) {
	target, _, _ := b.threadTarget(e)
	if target == nil {
		return
	}
	if f := b.r.functions[b.r.qualified(target, b.f)]; f != nil {
		f.ir.Idle = true
	}
}

// A threadScan looks for the threads of a module that do not start where they are made.
type threadScan struct {
	m       *module
	started map[string]bool          // names whose start method is called
	used    map[string]bool          // names that are read
	made    map[*syntax.Call]string  // what each call's result is named
	over    map[string][]syntax.Expr // what a name runs over in loops
	lists   map[string][]syntax.Expr // what the list of a name holds
	starts  map[*syntax.Call]bool    // Thread(...).start()
	later   map[*syntax.Call]bool
}

// deferredThreads finds the threads of a module that do not start where they are made:
// those whose names' start method is called, alone or in a loop over a list, and those
// that nobody uses. idle are the last.
func deferredThreads(m *module) (deferred, idle map[*syntax.Call]bool) {
	t := &threadScan{m, map[string]bool{}, map[string]bool{}, map[*syntax.Call]string{}, map[string][]syntax.Expr{}, map[string][]syntax.Expr{}, map[*syntax.Call]bool{}, map[*syntax.Call]bool{}}
	for n := range syntax.All(m.tree) {
		t.note(n)
	}
	for name := range t.started {
		for _, iter := range t.over[name] {
			t.listed(iter, 0)
		}
	}
	idle = map[*syntax.Call]bool{}
	for call, name := range t.made {
		unused := name == "" && !t.starts[call] || name != "" && !t.used[name] && !strings.ContainsAny(name, ".[(, ")
		if name == "" || t.started[name] || unused {
			t.later[call] = true
			idle[call] = unused
		}
	}
	return t.later, idle
}

func (t *threadScan) note(n syntax.Node) {
	switch n := n.(type) {
	case *syntax.Call:
		a, ok := n.Func.(*syntax.Attribute)
		switch {
		case !ok:
		case a.Attr == "append" && len(n.Args) == 1:
			t.lists[t.m.text(a.Value)] = append(t.lists[t.m.text(a.Value)], n.Args[0])
		case a.Attr == "start":
			if call, ok := a.Value.(*syntax.Call); ok {
				t.made[call], t.starts[call] = "", true
				break
			}
			t.started[t.m.text(a.Value)] = true
		}
	case *syntax.ExprStmt:
		if call, ok := n.Value.(*syntax.Call); ok {
			t.made[call] = ""
		}
	case *syntax.Name:
		t.used[n.ID] = t.used[n.ID] || n.Ctx == syntax.Load
	case *syntax.For:
		t.over[t.m.text(n.Target)] = append(t.over[t.m.text(n.Target)], n.Iter)
	case *syntax.Comprehension:
		t.over[t.m.text(n.Target)] = append(t.over[t.m.text(n.Target)], n.Iter)
	case *syntax.Assign:
		if len(n.Targets) != 1 {
			break
		}
		name := t.m.text(n.Targets[0])
		switch v := n.Value.(type) {
		case *syntax.Call:
			t.made[v] = name
		case *syntax.List, *syntax.Tuple, *syntax.Comp:
			t.lists[name] = append(t.lists[name], v)
		}
	}
}

// listed marks the threads that a list holds: a loop over it starts them.
func (t *threadScan) listed(e syntax.Expr, depth int) {
	if depth > 3 {
		return
	}
	all := func(list []syntax.Expr) {
		for _, x := range list {
			t.listed(x, depth+1)
		}
	}
	switch e := e.(type) {
	case *syntax.List:
		all(e.Elts)
	case *syntax.Tuple:
		all(e.Elts)
	case *syntax.Comp:
		t.listed(e.Elt, depth+1)
	case *syntax.Call:
		t.later[e] = true
	case *syntax.Name:
		for call, name := range t.made {
			if name == e.ID {
				t.later[call] = true
			}
		}
		all(t.lists[e.ID])
	}
}

// scripts marks the functions of files that are run and that nothing which was read
// imports: a file with a main guard, or one that starts threads where it is run.
func (r *reader) scripts(modules []*module) {
	imported := map[string]bool{}
	for _, m := range modules {
		for _, full := range m.imports {
			for at := len(full); at > 0; at = strings.LastIndexByte(full[:at], '.') {
				imported[full[:at]] = true
			}
		}
	}
	script := map[*module]bool{}
	for _, m := range modules {
		script[m] = !imported[m.name] && !strings.Contains(m.name, ".") && r.runs(m.body, m.body.body)
	}
	for _, f := range r.functions {
		f.ir.Script = script[f.module] && f.ir.Entry == ir.API
	}
}

// runs reports whether statements of a module do what only a program does.
func (r *reader) runs(f *function, body []syntax.Stmt) bool {
	b := &builder{r: r, f: f, m: f.module}
	for _, s := range body {
		switch s := s.(type) {
		case *syntax.FunctionDef, *syntax.ClassDef:
			continue
		case *syntax.If:
			if b.mainGuard(s) {
				return true
			}
		}
		for n := range own(s) {
			if call, ok := n.(*syntax.Call); ok {
				switch lastName(call.Func) {
				case "start", "submit", "main", "run_until_complete":
					return true
				case "run":
					if r.qualified(call.Func, f) == "asyncio.run" {
						return true
					}
				}
			}
		}
		for _, inner := range blocks(s) {
			if r.runs(f, inner) {
				return true
			}
		}
	}
	return false
}

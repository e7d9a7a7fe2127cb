package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// gives notes the locks that a function gives back and never takes, where another
// thread runs it: such a lock is a signal, not a mutex, and to take it twice is to
// wait for that thread.
func (w *walk) gives(callee *ir.Func, args []ir.Expr) {
	sum := w.sums[callee]
	if sum == nil {
		return
	}
	for _, e := range sum.exits {
		for _, r := range e.released {
			if slices.ContainsFunc(sum.acquires, func(acq acquire) bool { return sameLock(acq.lock, r) }) {
				continue
			}
			if lock := w.objects.leave(r, callee, w.fn, args); lock.class != "" {
				w.given[lock.class] = true
			}
		}
	}
}

// unknown notes where a lock is given back of which nothing is known: an element, or
// what a parameter stands for. It may be any that somebody was handed.
func (w *walk) unknown(lock ir.Expr) {
	objs := w.objects.resolve(w.fn, lock, 0)
	w.loose = w.loose || w.fn.Span.Known() && (len(objs) == 0 || objs[0].class == "" || strings.HasSuffix(objs[0].class, "[]"))
}

// guarded is how sure a double lock can be, by the conditions under which the lock
// is taken again. One that asks the lock whether it is taken, or who the thread is,
// is there to keep it from happening; so is a flag that is set where the lock is
// held. What any other field, variable of the module or parameter stands for is
// not known.
func (a *analysis) guarded(e *edge) finding.Level {
	level := finding.Certain
	set := map[string]bool{}
	note := func(f *ir.Func) {
		for name := range assigned(f) {
			set[name] = true
		}
	}
	note(e.fn)
	note(e.fromAt.fn)
	for h := e.toAt.via; h != nil; h = h.next {
		note(h.from)
	}
	ask := func(f *ir.Func, op ir.Op) {
		for _, test := range guards(f, op, e.fromAt) {
			level = min(level, a.objects.doubt(test, f, set, 0))
		}
	}
	for h := e.toAt.via; h != nil; h = h.next {
		ask(h.from, h.call)
	}
	ask(e.toAt.fn, e.toAt.op)
	return level
}

// doubtMax is how deep a condition is looked into.
const doubtMax = 4

// doubt is how sure what is done under a condition can be.
func (o *objects) doubt(test ir.Expr, f *ir.Func, set map[string]bool, depth int) finding.Level {
	level := finding.Certain
	if depth > doubtMax {
		return level
	}
	of := func(parts ...ir.Expr) {
		for _, p := range parts {
			level = min(level, o.doubt(p, f, set, depth+1))
		}
	}
	switch x := test.(type) {
	case *ir.Field, *ir.Global, *ir.Index:
		level = finding.Likely
		if name := flag(x); set[name] {
			level = finding.Possible
		}
	case *ir.Var:
		if slices.Contains(f.Params, x.Name) && x.In == nil {
			level = finding.Likely
		}
		of(x.Of...)
		if x.In == nil {
			of(o.locals[f][x.Name]...)
		}
	case *ir.Compare:
		v, variable := x.X.(*ir.Var)
		if c, constant := x.Y.(*ir.Const); !variable || v.Of != nil || !constant || truth(c) {
			of(x.X, x.Y)
		}
	case *ir.Choice:
		of(x.Of...)
	case *ir.Given:
		of(x.X)
	case *ir.Safe:
		of(x.X)
	case *ir.Result:
		level = finding.Likely
		if asksWho(x.Call.Name) {
			level = finding.Possible
		}
		if len(x.Call.Callees) == 1 { // what it answers by
			callee := x.Call.Callees[0]
			for _, r := range o.gives[callee] {
				for _, v := range r.Values {
					level = min(level, o.doubt(v, callee, set, depth+1))
				}
			}
		}
	case *ir.Unknown:
		of(x.Parts...)
		if asksWho(x.By) {
			level = finding.Possible
		}
	}
	return level
}

// truth reports whether a constant is one that a flag is compared with.
func truth(c *ir.Const) bool {
	switch c.Text {
	case "true", "false", "True", "False":
		return true
	}
	return false
}

// asksWho reports whether a function tells by its name who runs, or whether a lock is
// taken.
func asksWho(name string) bool {
	switch strings.ToLower(strings.ReplaceAll(name[strings.LastIndexByte(name, '.')+1:], "_", "")) {
	case "locked", "islocked", "isowned", "isheld", "getident", "getnativeid", "currentthread", "currenttask", "goid", "getgoid", "goroutineid":
		return true
	}
	return false
}

// flag names a variable that can be a flag, the same wherever it is reached from.
func flag(e ir.Expr) string {
	switch x := e.(type) {
	case *ir.Field:
		return x.Owner + "." + x.Name
	case *ir.Global:
		return x.Name
	case *ir.Index:
		return flag(x.X)
	}
	return ""
}

// assigned are the flags that a function sets.
func assigned(f *ir.Func) map[string]bool {
	out := map[string]bool{}
	for _, b := range f.Blocks {
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Assign:
				out[flag(o.To)] = true
			case *ir.Call:
				if len(o.Callees) == 0 && len(o.Args) > 0 && alters(o.Name) {
					out[flag(o.Args[0])] = true
				}
			}
		}
	}
	delete(out, "")
	return out
}

// alters reports whether a method of a collection changes it, by its name.
func alters(name string) bool {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "add", "append", "appendleft", "pop", "popleft", "remove", "discard", "clear", "update", "insert", "setdefault":
		return true
	}
	return false
}

// guards are the conditions that decide whether a function comes to an operation: of
// their two ways out one alone leads there. Those that it has passed when it takes the
// first lock, in the same function, decide nothing more.
func guards(f *ir.Func, op ir.Op, first site) []ir.Expr {
	at := blockOf(f, op)
	if at == nil {
		return nil
	}
	var from *ir.Block
	if first.fn == f {
		from = blockOf(f, first.op)
	}
	var out []ir.Expr
	for _, b := range f.Blocks {
		if b.If == nil || len(b.Next) != 2 || b == at || from != nil && !leads(from, b, nil) {
			continue
		}
		if leads(b.Next[0], at, b) != leads(b.Next[1], at, b) {
			out = append(out, b.If)
		}
	}
	return out
}

func blockOf(f *ir.Func, op ir.Op) *ir.Block {
	for _, b := range f.Blocks {
		if slices.Contains(b.Ops, op) {
			return b
		}
	}
	return nil
}

// leads reports whether control can come from one block to another, not through a third.
func leads(from, to, not *ir.Block) bool {
	seen := map[*ir.Block]bool{not: true}
	work := []*ir.Block{from}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[b] {
			continue
		}
		if b == to {
			return true
		}
		seen[b] = true
		work = append(work, b.Next...)
	}
	return false
}

// rebound is how sure a finding can be that takes two locks of one name for one: where
// a function on the way puts a new lock there it may be two, and where another does,
// who knows when.
func (a *analysis) rebound(e *edge) finding.Level {
	level := finding.Certain
	here := []*ir.Func{e.fn, e.fromAt.fn, e.toAt.fn}
	here = slices.Concat(here, a.callees(e.fn), a.callees(e.fromAt.fn))
	for h := e.toAt.via; h != nil; h = h.next {
		here = append(here, h.from)
	}
	for _, f := range append(a.objects.renewed[e.from.class], a.objects.renewed[e.to.class]...) {
		level = min(level, finding.Likely)
		if slices.Contains(here, f) {
			level = finding.Possible
		}
	}
	return level
}

package sqlinject

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// param is as bad as what callers pass, when all of them are seen.
func (w *walk) param(x *ir.Var, in *ir.Func, i int) text {
	out := hole(x, parameter, "the parameter "+x.Name+" of "+in.Name)
	if w.isObject(in, x.Name) {
		out = ofObject(out)
	}
	if in.Class != "" && i == 0 {
		return hole(x, unknown, "an attribute of "+x.Name)
	}
	if in.Entry == ir.Handler {
		return hole(x, outside, "the request parameter "+x.Name)
	}
	key := fmt.Sprintf("param %p %d %d", in, i, w.depth) // nearer to the limit less is seen
	if t, ok := w.answers[key]; ok {
		return retell(t, x)
	}
	if w.depth >= callsMax || w.open[key] {
		return out
	}
	w.open[key] = true
	out = w.passed(x, in, i, out)
	delete(w.open, key)
	w.answers[key] = out
	return out
}

// ofTexts are the methods of Python's strings and collections, and those of what a
// client sends or a file holds by which texts are got out.
var ofTexts = words(`add append capitalize casefold center clear copy count decode difference difference_update discard encode endswith expandtabs extend find format
	format_map fromhex fromkeys get hex index insert intersection intersection_update isalnum isalpha isascii isdecimal isdigit isdisjoint isidentifier
	islower isnumeric isprintable isspace issubset issuperset istitle isupper items join keys ljust lower lstrip maketrans partition pop popitem remove
	removeprefix removesuffix replace reverse rfind rindex rjust rpartition rsplit rstrip setdefault sort split splitlines startswith strip swapcase
	symmetric_difference symmetric_difference_update title translate union update upper values zfill
	read readline readlines getlist getall getvalue args form json data values params query_params`)

// isObject reports whether a function asks a parameter for what only an object has, and
// no text: a field, or a method that strings and mappings have not.
func (a *analysis) isObject(in *ir.Func, name string) bool {
	if objects, known := a.objects[in]; known {
		return objects[name]
	}
	objects := map[string]bool{}
	a.objects[in] = objects
	for _, e := range a.written(in) {
		f, ok := e.(*ir.Field)
		for ok {
			if v, local := f.X.(*ir.Var); local && v.In == nil && !ofTexts[f.Name] {
				objects[v.Name] = true
			}
			f, ok = f.X.(*ir.Field)
		}
	}
	for _, b := range in.Blocks {
		for _, op := range b.Ops {
			if c, ok := op.(*ir.Call); ok {
				if of, method, dotted := strings.Cut(c.Name, "."); dotted && !strings.Contains(method, ".") && !ofTexts[method] {
					objects[of] = true
				}
			}
		}
	}
	return objects[name]
}

// retell is a text that is known already, at another use of its variable.
func retell(t text, x *ir.Var) text {
	out := slices.Clone(t)
	out[0].expr, out[0].at = x, x.Span
	return out
}

// passed makes a parameter as bad as what its callers pass.
func (w *walk) passed(x *ir.Var, in *ir.Func, i int, out text) text {
	worst := harmless
	var sent text
	for _, c := range w.callers[in] {
		if i >= len(c.call.Args) || c.call.Args[i] == nil {
			worst = max(worst, parameter)
			continue
		}
		inner := &walk{analysis: w.analysis, fn: c.fn, depth: w.depth + 1}
		t := inner.eval(c.call.Args[i], inner.constants(), 0)
		if t.worst() >= operator && t.worst() > sent.worst() {
			for _, p := range t {
				if p.taint == t.worst() {
					sent = text{{hole: true, expr: x, at: x.Span, taint: p.taint, from: p.from, trail: append([]ir.Span{p.at, c.call.Span}, p.trail...)}}
				}
			}
		}
		if sent.worst() == outside {
			return sent
		}
		worst = max(worst, t.worst())
	}
	if sent != nil {
		return sent
	}
	if in.Entry == ir.Inner && len(w.callers[in]) > 0 {
		out[0].taint = min(worst, out[0].taint)
	}
	return out
}

// constants is the state of a function whose order is not followed: each
// variable is the worst that it is assigned.
func (w *walk) constants() state {
	key := fmt.Sprintf("%p %d", w.fn, w.depth)
	if s, ok := w.states[key]; ok {
		return s
	}
	s := state{}
	w.states[key] = s // what a recursion finds
	for _, b := range w.fn.Blocks {
		for _, op := range b.Ops {
			as, ok := op.(*ir.Assign)
			if !ok {
				continue
			}
			if v, ok := as.To.(*ir.Var); ok && v.In == nil && !renewed(v, as.Value) {
				t := w.eval(as.Value, s, nestMax-6)
				if old, again := s[v.Name]; again {
					t = worse(old, w.derived(v, as.Value, s, nestMax-6))
				}
				s[v.Name] = t
			}
		}
	}
	return s
}

// renewed reports whether a variable is only given what it has, known to be checked:
// before that it may have been used.
func renewed(v *ir.Var, value ir.Expr) bool {
	g, ok := value.(*ir.Given)
	return ok && names(g.X, v.Name)
}

// result follows a call to what it returns.
func (w *walk) result(x *ir.Result, s state, depth int) text {
	out := hole(x, harmless, "")
	for _, arg := range x.Call.Args {
		if arg != nil {
			out = worse(out, w.derived(x, arg, s, depth))
		}
	}
	if len(x.Call.Callees) != 1 || w.depth >= callsMax {
		return worse(hole(x, unknown, "what "+x.Call.Name+" returns"), out)
	}
	callee := x.Call.Callees[0]
	args := state{}
	for i, name := range callee.Params {
		if i < len(x.Call.Args) && x.Call.Args[i] != nil {
			args[name] = w.eval(x.Call.Args[i], s, depth+1)
		}
	}
	given, ok := w.answer(callee, x.N, args)
	if !ok {
		return worse(hole(x, unknown, "what "+x.Call.Name+" returns"), out)
	}
	return given
}

// answer is what a function returns when it is given these arguments: the
// worst over its ways.
func (w *walk) answer(callee *ir.Func, n int, args state) (text, bool) {
	key := fmt.Sprintf("%p %d %d %x", callee, n, w.depth, args.sum(callee.Params))
	if t, ok := w.answers[key]; ok {
		return t, t != nil
	}
	if w.open[key] {
		return nil, false // a recursion
	}
	w.open[key] = true
	var given text
	inner := &walk{analysis: w.analysis, fn: callee, depth: w.depth + 1}
	inner.gave = func(r *ir.Return, s state) {
		if n >= len(r.Values) || r.Values[n] == nil {
			return
		}
		if t := inner.eval(r.Values[n], s, 0); given == nil {
			given = t
		} else {
			given = worse(given, t)
		}
	}
	inner.run(args)
	delete(w.open, key)
	w.answers[key] = given
	return given, given != nil
}

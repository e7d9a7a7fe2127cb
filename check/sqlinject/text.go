package sqlinject

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// A part is literal text or a hole.
type part struct {
	text  string
	hole  bool
	list  bool   // the hole is a joined list
	elems []text // of a list that is known, element by element; nil for none
	each  text   // of a joined list: what is made of each of its elements; nil where that is the element
	held  text   // of a hole: a statement that its value is or has in it; nil for none
	// without is, of a hole, the quote that it has none of, or only doubled; "" for none.
	without string
	// values are, of a hole whose elements were checked, what they were before: if it is
	// a mapping, only its keys are what was checked. nil for another one.
	values text
	expr   ir.Expr
	at     ir.Span
	taint  taint
	from   string    // where the value comes from, for people
	trail  []ir.Span // the assignments it went through
}

// A text is what a string is made of.
type text []part

func (t text) worst() taint {
	w := harmless
	for _, p := range t {
		w = max(w, p.taint)
	}
	return w
}

// through notes an assignment on the way of every hole.
func (t text) through(at ir.Span) text {
	out := make(text, len(t))
	for i, p := range t {
		if p.hole && len(p.trail) < 8 {
			p.trail = append(p.trail[:len(p.trail):len(p.trail)], at)
		}
		out[i] = p
	}
	return out
}

func (t text) constant() (string, bool) {
	var b strings.Builder
	for _, p := range t {
		if p.hole {
			return "", false
		}
		b.WriteString(p.text)
	}
	return b.String(), true
}

// eval makes an expression into text.
func (w *walk) eval(e ir.Expr, s state, depth int) text {
	if depth > nestMax || e == nil {
		return text{{hole: true, expr: e, taint: unknown}}
	}
	switch x := e.(type) {
	case *ir.Const:
		return text{{text: x.Text, expr: x, at: x.Span}}
	case *ir.Var:
		return w.variable(x, s)
	case *ir.Global:
		if t, ok := s[globalOf(x)]; ok {
			return t
		}
		if values := w.globals[x.Name]; len(values) == 1 {
			if c, ok := w.eval(values[0].value, state{}, depth+1).constant(); ok {
				return text{{text: c, expr: x, at: x.Span}}
			}
			if w.fixed(values[0].value, s) {
				return text{{hole: true, expr: x, at: x.Span}}
			}
		}
		if t := w.stored("global "+x.Name, w.globals[x.Name], w.filled[x.Name]); t != nil {
			return t
		}
		if t := w.brought(x); t != nil {
			return t
		}
		return hole(e, unknown, "the variable "+x.Name)
	case *ir.Concat:
		return w.concat(x, s, depth)
	case *ir.Format:
		return w.format(x, s, depth)
	case *ir.Joined:
		return w.joined(x, s, depth)
	case *ir.Choice:
		return w.choice(x, s, depth)
	case *ir.Given:
		return w.eval(x.X, w.known(x.Test, x.Yes, s), depth+1)
	case *ir.Safe, *ir.Compare:
		return hole(e, harmless, "")
	case *ir.Without:
		return w.derived(e, x.X, s, depth)
	case *ir.Source:
		return w.source(x, s, depth)
	case *ir.Result:
		return w.result(x, s, depth)
	case *ir.Field:
		if t, ok := s[fieldOf(x)]; ok {
			return t
		}
		if t, ok := w.field(x); ok {
			return t
		}
		if x.Owner != "" {
			if t := w.stored(x.Owner+"."+x.Name, w.stores[x.Owner+"."+x.Name], w.filled["."+x.Name]); t != nil {
				return t
			}
			if values := w.globals[x.Owner+"."+x.Name]; len(values) == 1 && len(w.stores[x.Owner+"."+x.Name]) == 0 { // of its class
				if c, ok := w.eval(values[0].value, state{}, depth+1).constant(); ok {
					return text{{text: c, expr: x, at: x.Span}}
				}
			}
		}
		return ofObject(w.derived(e, x.X, s, depth))
	case *ir.Index:
		of := w.eval(x.X, s, depth+1) // once: of elements in one another twice would be 2^n times
		c, constant := x.Key.(*ir.Const)
		if x.Key != nil && (!constant || c.Str) && of.mapped() != nil {
			return carried(e, of.mapped())
		}
		if constant && !c.Str && len(of) == 1 {
			if i, err := strconv.Atoi(c.Text); err == nil && i >= 0 && i < len(of[0].elems) {
				return of[0].elems[i]
			}
		}
		if w.fixed(x.X, s) {
			return hole(e, harmless, "")
		}
		return carried(e, of)
	case *ir.List:
		return w.listed(x, s, depth)
	case *ir.Each:
		return carried(x, w.element(x, s, depth))
	case *ir.Match:
		if w.narrow(x, s) {
			return hole(e, harmless, "")
		}
		return w.derived(e, x.X, s, depth)
	case *ir.Unknown:
		if t, ok := w.replaced(x, s, depth); ok {
			return t
		}
		out := hole(e, harmless, "")
		for _, p := range x.Parts {
			given := w.eval(p, s, depth+1)
			if of := given.mapped(); of != nil && valued[last(x.By)] {
				given = of
			}
			got := carried(e, given)
			if p.At().Text()+"."+last(x.By) == x.By && !calm[strings.ToLower(last(x.By))] && !ofTexts[last(x.By)] {
				got = ofObject(got)
			}
			out = worse(out, got)
		}
		if len(x.Parts) == 0 {
			return hole(e, unknown, x.What)
		}
		if x.Meant && out.worst() > unknown {
			return hole(e, unknown, x.What)
		}
		return held(out, x.By)
	}
	return hole(e, unknown, "")
}

// field is what a field holds that only its own Go package can write, when all
// that it is ever given is harmless or comes from outside.
func (w *walk) field(x *ir.Field) (text, bool) {
	if x.Owner == "" || !x.Closed || w.depth >= callsMax {
		return nil, false
	}
	key := x.Owner + "." + x.Name
	seen := fmt.Sprintf("%s %d", key, w.depth) // nearer to the limit less is seen
	t, done := w.kept[seen]
	if !done && w.open[key] {
		return hole(x, harmless, ""), true // given what it holds already
	}
	if !done {
		w.open[key] = true
		t = hole(x, harmless, "")
		for _, st := range w.stores[key] {
			inner := &walk{analysis: w.analysis, fn: st.fn, depth: w.depth + 1}
			t = worse(t, inner.derived(x, st.value, inner.constants(), 0))
		}
		delete(w.open, key)
		w.kept[seen] = t
	}
	if worst := t.worst(); worst == harmless || worst >= operator {
		out := hole(x, worst, t[0].from)
		out[0].trail = t[0].trail
		return out, true
	}
	return nil, false
}

func hole(e ir.Expr, t taint, from string) text {
	return text{{hole: true, expr: e, at: e.At(), taint: t, from: from}}
}

// valued are the methods of mappings that bring their values out.
var valued = words("values items get pop popitem setdefault")

// mapped is what the values are of a mapping whose keys were checked; nil for another
// value.
func (t text) mapped() text {
	if len(t) != 1 {
		return nil
	}
	return t[0].values
}

// worse is the text that is more to be feared: of two that are as bad the first,
// unless only the other is seen to be a statement, or to have values that are.
func worse(x, y text) text {
	bad, more := x.worst(), y.worst()
	if bad == harmless && more == harmless && len(x) == 1 && x[0].hole && x.mapped() == nil && y.mapped() != nil {
		return y
	}
	if more > bad || more == bad && more >= row && len(x) == 1 && x[0].hole && x.statement() == nil && y.statement() != nil {
		return y
	}
	return x
}

// derived is one hole that carries what base carries.
func (w *walk) derived(e, base ir.Expr, s state, depth int) text {
	return carried(e, w.eval(base, s, depth+1))
}

// carried is one hole that carries what a text does.
func carried(e ir.Expr, b text) text {
	out := hole(e, b.worst(), "")
	out[0].held, out[0].values = b.statement(), b.mapped()
	for _, p := range b {
		if p.taint == out[0].taint {
			out[0].from, out[0].trail = p.from, p.trail
		}
	}
	return out
}

func (w *walk) variable(x *ir.Var, s state) text {
	in := w.fn
	if x.In != nil {
		in = x.In
	}
	t := w.assigned(x, s)
	stores := w.captured[variable{in, x.Name}]
	key := "captured " + in.ID + " " + x.Name
	if len(stores) == 0 || w.depth >= callsMax || w.open[key] {
		return t
	}
	w.open[key] = true
	defer delete(w.open, key)
	for _, st := range stores {
		inner := &walk{analysis: w.analysis, fn: st.fn, depth: w.depth + 1}
		t = worse(t, inner.derived(x, st.value, inner.constants(), 0))
	}
	return t
}

// assigned is what a variable was given in its own function.
func (w *walk) assigned(x *ir.Var, s state) text {
	if x.In == nil {
		if t, ok := s[x.Name]; ok {
			return t
		}
	}
	in := w.fn
	if x.In != nil {
		in = x.In
		outer := &walk{analysis: w.analysis, fn: in, depth: w.depth + 1}
		if t, ok := outer.constants()[x.Name]; ok && w.depth < callsMax {
			return t
		}
	}
	for i, name := range in.Params {
		if name == x.Name {
			return w.param(x, in, i)
		}
	}
	return hole(x, unknown, "the variable "+x.Name)
}

func (w *walk) concat(x *ir.Concat, s state, depth int) text {
	var out text
	for _, e := range x.Parts {
		out = append(out, place(w.eval(e, s, depth+1), e)...)
	}
	return bounded(x, enclosed(out))
}

// opening is what begins a name that ends with a quote.
var opening = map[string]string{`"`: `"`, "`": "`", "]": "["}

// enclosed is a text in which a name without quotes that stands between them is harmless.
func enclosed(t text) text {
	for i := 1; i+1 < len(t); i++ {
		if q := t[i].without; q != "" && !t[i-1].hole && strings.HasSuffix(t[i-1].text, opening[q]) && !t[i+1].hole && strings.HasPrefix(t[i+1].text, q) {
			t[i].taint, t[i].held = harmless, nil
		}
	}
	return t
}

// bounded keeps a text to piecesMax pieces: in a longer one literals that stand
// together become one, and what is still too much is one hole behind the rest.
func bounded(x ir.Expr, t text) text {
	if len(t) <= piecesMax {
		return t
	}
	var out text
	for i := 0; i < len(t); {
		p := t[i]
		var joined strings.Builder
		for ; i < len(t) && !t[i].hole && len(out) < piecesMax-1 && joined.Len() <= literalMax; i++ {
			joined.WriteString(t[i].text)
		}
		switch {
		case joined.Len() > literalMax, len(out) == piecesMax-1:
			return append(out, carried(x, t[i:])...)
		case p.hole:
			i++
		default:
			p.text = joined.String()
		}
		out = append(out, p)
	}
	return out
}

// place puts a value where it is written: a single hole keeps the span of the
// place it is put in, which is what a fix replaces.
func place(t text, e ir.Expr) text {
	if len(t) == 1 && t[0].hole {
		p := t[0]
		p.at = e.At()
		return text{p}
	}
	return t
}

// listed is a list as one hole that knows its elements.
func (w *walk) listed(x *ir.List, s state, depth int) text {
	out := hole(x, harmless, "")
	known, n := x.Keys == nil, 0
	elems := []text{}
	for _, e := range x.Elems {
		if e == nil {
			known = false
			continue
		}
		var all []text
		if spread, ok := e.(*ir.Spread); ok {
			t := w.eval(spread.X, s, depth+1)
			out = worse(out, w.derived(x, spread.X, s, depth))
			if known = known && len(t) == 1 && t[0].elems != nil; known {
				all = t[0].elems
			}
		} else {
			t := place(w.eval(e, s, depth+1), e)
			out = worse(out, carried(x, t))
			all = []text{t}
		}
		elems = append(elems, all...)
	}
	for _, t := range elems {
		n += len(t)
	}
	out = text{out[0]}
	if known && n < piecesMax {
		out[0].elems = elems
	}
	return out
}

func (w *walk) joined(x *ir.Joined, s state, depth int) text {
	if t := w.pieced(x, s, depth); t != nil {
		return t
	}
	if t := w.eval(x.List, s, depth+1); len(t) == 1 && t[0].elems != nil {
		out := text{{expr: x, at: x.Span}} // of no elements, too, it is a text
		for i, e := range t[0].elems {
			if i > 0 {
				out = append(out, w.eval(x.Sep, s, depth+1)...)
			}
			out = append(out, e...)
		}
		return bounded(x, out)
	}
	switch l := x.List.(type) {
	case *ir.Each:
		elem := w.element(l, s, depth)
		out := hole(x, elem.worst(), "")
		out[0].list, out[0].each = true, elem
		for _, p := range elem {
			if p.taint == out[0].taint {
				out[0].from = p.from
			}
		}
		if c, ok := elem.constant(); ok {
			return text{{text: c, hole: true, expr: x, at: x.Span, list: true}}
		}
		return out
	}
	out := w.derived(x, x.List, s, depth)
	out[0].list = true
	return out
}

// element is what an Each makes of any element.
func (w *walk) element(x *ir.Each, s state, depth int) text {
	inner := clone(s)
	over := w.eval(x.Over, s, depth+1)
	inner[x.Var] = carried(x, over)
	if w.fixed(x.Over, s) {
		inner[x.Var] = hole(x, harmless, "")
	}
	if x.Value != "" {
		if of := over.mapped(); of != nil {
			over = of
		}
		inner[x.Value] = carried(x, over)
	}
	return w.eval(x.Elem, w.known(x.If, true, inner), depth+1)
}

func (w *walk) choice(x *ir.Choice, s state, depth int) text {
	var out text
	for _, e := range x.Of {
		t := w.eval(e, s, depth+1)
		if out == nil {
			out = t
		} else {
			out = worse(out, t)
		}
	}
	if out == nil {
		return hole(x, unknown, "")
	}
	if _, ok := out.constant(); ok && len(x.Of) > 1 {
		out[0].expr = x
	}
	return out
}

package sqlinject

import (
	"hash/maphash"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// A state is what the variables hold on one way through a function; by the variable's
// name, a point and their own, the fields of those; and the globals that nobody else
// writes.
type state map[string]text

// fields stands in a state that has some.
const fields = "."

func clone(s state) state {
	out := make(state, len(s))
	for k, v := range s {
		out[k] = v
	}
	return out
}

// globalOf is the key of a global in a state; "" for another value.
func globalOf(e ir.Expr) string {
	if x, ok := e.(*ir.Global); ok {
		return "global " + x.Name
	}
	return ""
}

// A task is a block to be gone through from a state. The sum tells states apart.
type task struct {
	b   *ir.Block
	s   state
	sum uint64
}

// A visit is a block and the sum of the state it was entered with.
type visit struct {
	b   *ir.Block
	sum uint64
}

// run follows all ways, from what the variables hold at the start. A block is
// entered once with the same state: so it is not the rounds of a loop, which change
// nothing, that use the visits up.
func (w *walk) run(start state) {
	if len(w.fn.Blocks) == 0 {
		return
	}
	visits, seen := map[*ir.Block]int{}, map[visit]bool{}
	work := []task{{w.fn.Blocks[0], start, 0}}
	for len(work) > 0 {
		t := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[visit{t.b, t.sum}] {
			continue
		}
		seen[visit{t.b, t.sum}] = true
		if visits[t.b]++; visits[t.b] > max(statesMax>>w.depth, 2) { // what is called is gone through for each of its callers' states
			continue
		}
		s, sum, own := t.s, t.sum, false
		for _, op := range t.b.Ops {
			names := changes(op, s)
			if len(names) > 0 && !own {
				s, own = clone(s), true
			}
			sum ^= s.sum(names)
			w.step(op, s)
			sum ^= s.sum(names)
		}
		for i, next := range t.b.Next {
			if after, name, ok := w.branch(t.b, i, s); ok {
				names := []string{name}
				work = append(work, task{next, after, sum ^ s.sum(names) ^ after.sum(names)})
			}
		}
	}
}

// changes are the names in a state that an operation may change.
func changes(op ir.Op, s state) []string {
	switch o := op.(type) {
	case *ir.Assign:
		if v, ok := whole(o.To).(*ir.Var); ok {
			return []string{v.Name}
		}
		if key := fieldOf(o.To) + globalOf(o.To); key != "" {
			return []string{key}
		}
	case *ir.Call:
		var names []string
		if into, _ := filler(o); into != nil {
			if v, ok := into.(*ir.Var); ok {
				names = append(names, v.Name)
			}
		}
		if _, ok := s[fields]; ok {
			names = append(names, fieldsOf(o, s)...)
		}
		return names
	}
	return nil
}

// fieldsOf are the fields in a state of what a call is given: it may change them.
func fieldsOf(c *ir.Call, s state) (names []string) {
	for _, arg := range c.Args {
		v, ok := arg.(*ir.Var)
		if !ok || v.In != nil {
			continue
		}
		for name := range s {
			if strings.HasPrefix(name, v.Name+".") {
				names = append(names, name)
			}
		}
	}
	return names
}

var seed = maphash.MakeSeed()

// sum is a number for what some names hold. The way that it came on does not count.
func (s state) sum(names []string) (all uint64) {
	for _, name := range names {
		t, ok := s[name]
		if !ok {
			continue
		}
		h := maphash.String(seed, name)
		for _, p := range t {
			h = (h ^ maphash.Comparable(seed, mark{ends(p.text), p.without, len(p.text), p.hole, p.list, p.taint, len(p.elems), len(p.held), len(p.values), p.at.Start, p.at.End})) * 1099511628211
		}
		all ^= h
	}
	return all
}

// A mark is what of a part tells texts apart.
type mark struct {
	text        string
	without     string
	length      int
	hole, list  bool
	taint       taint
	elems, held int
	values      int
	start, end  int
}

func (w *walk) step(op ir.Op, s state) {
	switch o := op.(type) {
	case *ir.Assign:
		if v, ok := o.To.(*ir.Var); ok && v.In == nil {
			s[v.Name] = w.eval(o.Value, s, 0).through(o.Span)
		} else if key := fieldOf(o.To); key != "" {
			s[key] = w.eval(o.Value, s, 0).through(o.Span)
			s[fields] = nil
		} else if x, ok := o.To.(*ir.Global); ok && w.own(x.Name, w.fn) {
			s[globalOf(x)] = w.eval(o.Value, s, 0).through(o.Span)
		} else if v, ok := whole(o.To).(*ir.Var); ok && ir.Expr(v) != o.To {
			w.keeps(v, o.Value, s)
		}
	case *ir.Query:
		if w.sent != nil {
			w.sent(o, o.SQL, nil, s)
		}
	case *ir.Return:
		if w.gave != nil {
			w.gave(o, s)
		}
	case *ir.Call:
		if v, values := filler(o); v != nil {
			if v, ok := v.(*ir.Var); ok {
				for _, x := range values {
					w.keeps(v, x, s)
				}
			}
		}
		if _, ok := s[fields]; ok {
			for _, name := range fieldsOf(o, s) {
				delete(s, name)
			}
		}
		for _, c := range o.Callees {
			if wrap, ok := w.wrappers[c]; ok && w.sent != nil && wrap.param < len(o.Args) && o.Args[wrap.param] != nil {
				q := *wrap.query
				q.Span, q.SQL = o.Span, o.Args[wrap.param]
				w.sent(&q, q.SQL, &wrap, s)
			}
		}
	}
}

// branch is the state behind one way out of a block; false when that way
// cannot be taken. A test against a fixed list makes a variable harmless.
func (w *walk) branch(b *ir.Block, i int, s state) (out state, changed string, ok bool) {
	if b.If == nil || len(b.Next) != 2 {
		return s, "", true
	}
	if c, ok := b.If.(*ir.Const); ok {
		truth := c.Text != "" && c.Text != "0" && c.Text != "False" && c.Text != "false" && c.Text != "None"
		return s, "", truth == (i == 0)
	}
	out, changed = w.told(b.If, i == 0, s)
	return out, changed, true
}

// told is the state where a test holds, or does not, and the variable that this
// makes harmless; "" for none.
func (w *walk) told(test ir.Expr, holds bool, s state) (out state, changed string) {
	if v, quote := w.withoutQuote(test, holds); v != nil {
		if t := w.variable(v, s); len(t) == 1 && t[0].hole {
			p := t[0]
			p.without = quote
			out = clone(s)
			out[v.Name] = text{p}
			return out, v.Name
		}
	}
	j := w.judged(test, s)
	v, ok := j.x.(*ir.Var)
	if !ok || v.In != nil || holds != j.yes {
		return s, ""
	}
	p := part{hole: true, expr: v, at: v.Span}
	if j.all {
		p.values = w.variable(v, s)
	}
	out = clone(s)
	out[v.Name] = text{p}
	return out, v.Name
}

// known is the state where a test holds, or does not.
func (w *walk) known(test ir.Expr, holds bool, s state) state {
	out, _ := w.told(test, holds, s)
	return out
}

// ends are what tells most long texts apart, with their length.
func ends(text string) string {
	if len(text) <= 256 {
		return text
	}
	return text[:128] + text[len(text)-128:]
}

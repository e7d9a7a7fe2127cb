package pyread

import (
	"slices"
	"strconv"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// value lowers an expression: it emits the calls in it in the order they run,
// and returns what it is.
func (b *builder) value(e syntax.Expr) ir.Expr {
	switch e := e.(type) {
	case *syntax.Name:
		return b.name(e)
	case *syntax.Constant:
		return b.constant(e)
	case *syntax.JoinedStr:
		return b.joinedStr(e)
	case *syntax.Attribute:
		return b.attribute(e)
	case *syntax.Subscript:
		return b.subscript(e)
	case *syntax.Call:
		return b.call(e)
	case *syntax.BinOp:
		return b.binOp(e)
	case *syntax.Await:
		return b.await(e)
	case *syntax.NamedExpr:
		v := b.value(e.Value)
		b.assign(e.Target, v, b.at(e))
		return v
	case *syntax.IfExp:
		return b.conditional(e)
	case *syntax.BoolOp:
		return &ir.Choice{Where: b.where(e), Of: b.values(e.Values)}
	case *syntax.Compare:
		return b.compare(e)
	case *syntax.UnaryOp:
		return &ir.Safe{Where: b.where(e), X: b.value(e.Operand), Why: "a number or a boolean"}
	case *syntax.Lambda:
		return b.lambda(e)
	}
	return b.display(e)
}

func (b *builder) values(list []syntax.Expr) []ir.Expr {
	out := make([]ir.Expr, len(list))
	for i, e := range list {
		out[i] = b.value(e)
	}
	return out
}

// display lowers displays, comprehensions, and what is left.
func (b *builder) display(e syntax.Expr) ir.Expr {
	switch e := e.(type) {
	case *syntax.List:
		return &ir.List{Where: b.where(e), Elems: b.values(e.Elts)}
	case *syntax.Tuple:
		return &ir.List{Where: b.where(e), Elems: b.values(e.Elts)}
	case *syntax.Set:
		return &ir.List{Where: b.where(e), Elems: b.values(e.Elts)}
	case *syntax.Dict:
		return b.dict(e)
	case *syntax.Comp:
		return b.comp(e)
	case *syntax.Starred:
		return b.value(e.Value)
	case *syntax.Yield:
		var parts []ir.Expr
		if e.Value != nil {
			parts = []ir.Expr{b.value(e.Value)}
		}
		return b.unknown(e, parts...)
	case *syntax.YieldFrom:
		return b.unknown(e, b.value(e.Value))
	case *syntax.Slice:
		return &ir.Safe{Where: b.where(e), Why: "a range"}
	}
	return b.unknown(e)
}

func (b *builder) unknown(n syntax.Node, parts ...ir.Expr) ir.Expr {
	return &ir.Unknown{Where: b.where(n), What: b.m.text(n), Parts: parts}
}

func (b *builder) conditional(e *syntax.IfExp) ir.Expr {
	test := b.value(e.Test)
	return &ir.Choice{Where: b.where(e), Of: []ir.Expr{given(b.value(e.Body), test, true), given(b.value(e.Orelse), test, false)}}
}

// given is a variable where a test of it holds, or does not; another value as it is.
func given(x, test ir.Expr, yes bool) ir.Expr {
	var tested ir.Expr
	switch t := test.(type) {
	case *ir.Compare:
		tested = t.X
	case *ir.Match:
		tested = t.X
	}
	v, ok := x.(*ir.Var)
	if of, same := tested.(*ir.Var); !ok || !same || of.Name != v.Name {
		return x
	}
	return &ir.Given{Where: v.Where, X: x, Test: test, Yes: yes}
}

func (b *builder) dict(e *syntax.Dict) ir.Expr {
	list := &ir.List{Where: b.where(e), Keys: []ir.Expr{}}
	for i, k := range e.Keys {
		v := b.value(e.Values[i])
		if k == nil {
			list.Elems, list.Keys = append(list.Elems, v), append(list.Keys, v)
			continue
		}
		list.Elems, list.Keys = append(list.Elems, v), append(list.Keys, b.value(k))
	}
	return list
}

func (b *builder) constant(c *syntax.Constant) ir.Expr {
	if c.Kind != syntax.Str && c.Kind != syntax.Bytes {
		return &ir.Const{Where: b.where(c), Text: b.m.text(c)}
	}
	literals := b.m.tree.Literals(c)
	if len(literals) == 1 {
		return &ir.Const{Where: b.where(c), Text: b.m.tree.StringValue(c), Str: true}
	}
	joined := &ir.Concat{Where: b.where(c)}
	for _, l := range literals {
		joined.Parts = append(joined.Parts, &ir.Const{Where: b.where(l), Text: b.m.tree.Decode(l), Str: true})
	}
	return joined
}

// joinedStr lowers an f-string. A field's span has its braces.
func (b *builder) joinedStr(e *syntax.JoinedStr) ir.Expr {
	joined := &ir.Concat{Where: b.where(e)}
	for _, part := range e.Parts {
		r, ok := part.(*syntax.Replacement)
		if !ok {
			joined.Parts = append(joined.Parts, b.value(part))
			continue
		}
		v := b.value(r.Value)
		if r.Spec != nil {
			b.value(r.Spec)
			if numeric(b.m.tree.Slice(r.Spec.Span)) {
				v = &ir.Safe{X: v, Why: "formatted as a number"}
			}
		}
		if r.Conversion == 'r' || r.Conversion == 'a' {
			v = &ir.Unknown{Where: b.where(r), What: b.m.text(r), Parts: []ir.Expr{v}, By: "repr"}
		}
		joined.Parts = append(joined.Parts, moved(v, b.at(r)))
	}
	if e.Template {
		return b.unknown(e, joined)
	}
	return joined
}

// numeric reports whether a format specification takes numbers only.
func numeric(spec string) bool {
	return spec != "" && slices.Contains([]byte("bdeEfFgGnoxX%"), spec[len(spec)-1])
}

// moved is a value at another span; the nodes around a field need its braces.
func moved(e ir.Expr, at ir.Span) ir.Expr {
	switch x := e.(type) {
	case *ir.Var:
		c := *x
		c.Span = at
		return &c
	case *ir.Global:
		c := *x
		c.Span = at
		return &c
	case *ir.Field:
		c := *x
		c.Span = at
		return &c
	case *ir.Const:
		c := *x
		c.Span = at
		return &c
	case *ir.Safe:
		c := *x
		c.Span = at
		return &c
	case *ir.Source:
		c := *x
		c.Span = at
		return &c
	case *ir.Joined:
		c := *x
		c.Span = at
		return &c
	}
	return &ir.Choice{Where: ir.Where{Span: at}, Of: []ir.Expr{e}}
}

func (b *builder) compare(e *syntax.Compare) ir.Expr {
	if test := b.typeTest(e); test != nil {
		return test
	}
	x := b.value(e.Left)
	ys := b.values(e.Comparators)
	if len(ys) > 1 {
		return &ir.Safe{Where: b.where(e), Why: "a boolean"}
	}
	c := &ir.Compare{Where: b.where(e), X: x, Y: ys[0]}
	switch e.Ops[0] {
	case syntax.Eq, syntax.Is:
	case syntax.NotEq, syntax.IsNot:
		c.Not = true
	case syntax.In:
		c.In = true
	case syntax.NotIn:
		c.In, c.Not = true, true
	case syntax.LtE:
		of := b.setOf(e.Left, x)
		if of == nil {
			return &ir.Safe{Where: b.where(e), X: x, Why: "a boolean"}
		}
		c.X, c.In, c.All = of, true, true
	default:
		return &ir.Safe{Where: b.where(e), X: x, Why: "a boolean"}
	}
	return c
}

func (b *builder) binOp(e *syntax.BinOp) ir.Expr {
	if e.Op == syntax.Add {
		return b.sum(e)
	}
	left := b.value(e.Left)
	if e.Op == syntax.Mod && b.stringly(e.Left) {
		return b.percent(e, left, e.Right)
	}
	right := b.value(e.Right)
	switch e.Op {
	case syntax.Sub:
		if of := b.setOf(e.Left, left); of != nil {
			return &ir.Without{Where: b.where(e), X: of, Y: right}
		}
	case syntax.Mod, syntax.BitOr:
		return b.unknown(e, left, right)
	case syntax.Mult:
		if b.stringly(e.Left) {
			return b.unknown(e, left)
		}
	}
	return &ir.Safe{Where: b.where(e), Why: "the result of arithmetic"}
}

// sum lowers a chain of +, which can have thousands of links, from its left end.
func (b *builder) sum(e *syntax.BinOp) ir.Expr {
	chain := []*syntax.BinOp{e}
	for {
		inner, ok := chain[len(chain)-1].Left.(*syntax.BinOp)
		if !ok || inner.Op != syntax.Add {
			break
		}
		chain = append(chain, inner)
	}
	sum := b.value(chain[len(chain)-1].Left)
	own := false // sum is of this chain alone, and may grow
	for _, link := range slices.Backward(chain) {
		right := b.value(link.Right)
		if c, ok := sum.(*ir.Concat); ok && own {
			c.Where, c.Parts = b.where(link), append(c.Parts, right)
			continue
		}
		sum, own = b.add(link, sum, right), true
	}
	return sum
}

// add is a sum of numbers or strings, one after another.
func (b *builder) add(e syntax.Node, left, right ir.Expr) ir.Expr {
	l, okLeft := left.(*ir.List)
	r, okRight := right.(*ir.List)
	switch {
	case okLeft && okRight:
		return &ir.List{Where: b.where(e), Elems: slices.Concat(l.Elems, r.Elems)}
	case okLeft && l.Keys == nil:
		return &ir.List{Where: b.where(e), Elems: append(l.Elems[:len(l.Elems):len(l.Elems)], spread(right))}
	case okRight && r.Keys == nil:
		return &ir.List{Where: b.where(e), Elems: append([]ir.Expr{spread(left)}, r.Elems...)}
	}
	c := &ir.Concat{Where: b.where(e)}
	if inner, ok := left.(*ir.Concat); ok {
		c.Parts = append(c.Parts, inner.Parts...)
	} else {
		c.Parts = append(c.Parts, left)
	}
	c.Parts = append(c.Parts, right)
	return c
}

func spread(x ir.Expr) ir.Expr { return &ir.Spread{Where: ir.Where{Span: x.At()}, X: x} }

func (b *builder) augmented(s *syntax.AugAssign) {
	old := b.value(s.Target)
	if s.Op == syntax.Mod && b.stringly(s.Target) {
		b.assign(s.Target, b.percent(s, old, s.Value), b.at(s))
		return
	}
	v := b.value(s.Value)
	var sum ir.Expr
	switch s.Op {
	case syntax.Add:
		sum = b.add(s, old, v)
	case syntax.Mod, syntax.BitOr:
		sum = b.unknown(s, old, v)
	default:
		sum = &ir.Safe{Where: b.where(s), Why: "the result of arithmetic"}
	}
	b.assign(s.Target, sum, b.at(s))
}

// assign moves a value to a target, or its parts to a target's parts.
func (b *builder) assign(target syntax.Expr, v ir.Expr, at ir.Span) {
	switch t := target.(type) {
	case *syntax.Name:
		if slices.Contains(b.hidden, t.ID) {
			return
		}
		b.emit(&ir.Assign{Span: at, To: b.variable(t.ID, b.where(t)), Value: v})
	case *syntax.Attribute:
		if to, ok := b.attribute(t).(*ir.Unknown); !ok || to == nil {
			b.emit(&ir.Assign{Span: at, To: b.attribute(t), Value: v})
		}
	case *syntax.Subscript:
		b.emit(&ir.Assign{Span: at, To: &ir.Index{Where: b.where(t), X: b.value(t.Value), Key: b.value(t.Slice)}, Value: v})
	case *syntax.Starred:
		b.assign(t.Value, v, at)
	case *syntax.Tuple:
		b.unpack(t.Elts, v, at)
	case *syntax.List:
		b.unpack(t.Elts, v, at)
	}
}

func (b *builder) unpack(targets []syntax.Expr, v ir.Expr, at ir.Span) {
	list, ok := v.(*ir.List)
	for i, t := range targets {
		switch {
		case ok && list.Keys == nil && len(list.Elems) == len(targets):
			b.assign(t, list.Elems[i], at)
		default:
			of := v
			if !slices.ContainsFunc(targets, func(e syntax.Expr) bool { _, star := e.(*syntax.Starred); return star }) {
				of = &ir.Index{Where: ir.Where{Span: v.At()}, X: v, Key: &ir.Const{Text: strconv.Itoa(i)}}
			}
			b.assign(t, &ir.Unknown{Where: b.where(t), What: b.m.text(t), Parts: []ir.Expr{of}}, at)
		}
	}
}

// lambda is a function of its own, whose variables are those around it.
func (b *builder) lambda(e *syntax.Lambda) ir.Expr {
	if f := b.r.lambdas[e]; f != nil { // a value may be asked for twice
		return &ir.FuncRef{Where: b.where(e), Func: f}
	}
	f := &function{module: b.m, outer: b.f, args: e.Args, static: true}
	f.begin()
	b.f.lambdas++ // by number, not by line: the name outlives moved lines
	f.ir = b.r.program.AddFunc(b.f.path()+".<lambda>"+itoa(b.f.lambdas), "<lambda>", b.at(e))
	f.ir.Outer, f.ir.Elsewhere = b.f.ir, true
	b.r.lambdas[e] = f.ir
	for _, a := range params(e.Args) {
		f.ir.Params = append(f.ir.Params, a.Name)
		f.locals[a.Name] = true
	}
	inner := &builder{r: b.r, f: f, m: b.m}
	inner.cur = inner.block()
	v := inner.value(e.Body)
	inner.emit(&ir.Return{Span: b.at(e.Body), Values: []ir.Expr{v}})
	return &ir.FuncRef{Where: b.where(e), Func: f.ir}
}

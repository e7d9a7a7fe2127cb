package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// comp lowers a comprehension over one iterable to an Each.
func (b *builder) comp(e *syntax.Comp) ir.Expr {
	b.loop++
	mark := len(b.hidden)
	var over, test ir.Expr
	key, value, pairs := b.pairs(e.Generators[0].Target, e.Generators[0].Iter)
	for i, g := range e.Generators {
		var v ir.Expr
		if i == 0 && pairs != nil {
			v = b.value(pairs)
		} else {
			v = b.value(g.Iter)
		}
		if over == nil {
			over = v
		}
		for n := range syntax.All(g.Target) {
			if name, ok := n.(*syntax.Name); ok {
				b.hidden = append(b.hidden, name.ID)
				if b.over == nil {
					b.over = map[string]ir.Expr{}
				}
				b.over[name.ID] = &ir.Index{Where: b.where(name), X: v}
			}
		}
		for _, e := range g.Ifs {
			test = b.value(e)
		}
	}
	elem := b.value(e.Elt)
	if e.Value != nil {
		elem = b.value(e.Value)
	}
	b.hidden = b.hidden[:mark]
	b.loop--
	if target, ok := e.Generators[0].Target.(*syntax.Name); ok {
		key = target.ID
	}
	if key == "" || len(e.Generators) > 1 {
		return b.unknown(e, over, elem)
	}
	return &ir.Each{Where: b.where(e), Over: over, Var: key, Value: value, Elem: elem, If: test}
}

// pairs tells what goes through the items of a mapping: the names of key and value,
// and the mapping; nil for anything else.
func (b *builder) pairs(target, iter syntax.Expr) (key, value string, of syntax.Expr) {
	t, ok := target.(*syntax.Tuple)
	call, called := iter.(*syntax.Call)
	if !ok || !called || len(t.Elts) != 2 || len(call.Args)+len(call.Keywords) > 0 {
		return "", "", nil
	}
	a, method := call.Func.(*syntax.Attribute)
	k, ok1 := t.Elts[0].(*syntax.Name)
	v, ok2 := t.Elts[1].(*syntax.Name)
	if !method || a.Attr != "items" || !ok1 || !ok2 || b.r.classes[b.r.typeOf(a.Value, b.f)] != nil {
		return "", "", nil
	}
	if _, display := a.Value.(*syntax.Dict); display {
		return "", "", nil
	}
	return k.ID, v.ID, a.Value
}

// setOf is what an expression, lowered as x, is the set of: set(y), y.keys(); nil for
// another expression.
func (b *builder) setOf(e syntax.Expr, x ir.Expr) ir.Expr {
	if !b.isSet(e) {
		return nil
	}
	return collection(x)
}

func (b *builder) isSet(e syntax.Expr) bool {
	c, call := e.(*syntax.Call)
	if !call {
		return false
	}
	a, method := c.Func.(*syntax.Attribute)
	full := b.r.qualified(c.Func, b.f)
	return full == "builtins.set" || full == "builtins.frozenset" || method && a.Attr == "keys"
}

// collection is what a list, a set and the keys of a mapping are made of; the value
// itself where it is none of them.
func collection(x ir.Expr) ir.Expr {
	for {
		switch v := x.(type) {
		case *ir.Choice:
			if len(v.Of) != 1 {
				return x
			}
			x = v.Of[0]
		case *ir.Unknown:
			if !strings.HasSuffix(v.By, ".keys") || len(v.Parts) != 1 {
				return x
			}
			x = v.Parts[0]
		default:
			return x
		}
	}
}

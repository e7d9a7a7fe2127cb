package pyread

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// checked is a condition that is true only of values which can carry no SQL.
func (b *builder) checked(n syntax.Node, x ir.Expr, why string) ir.Expr {
	return &ir.Compare{Where: b.where(n), X: x, Y: &ir.Const{Text: why}, In: true}
}

// guard lowers the builtin conditions that tell what a value is; nil for others.
func (b *builder) guard(e *syntax.Call, name string) ir.Expr {
	switch {
	case name == "isinstance" && len(e.Args) == 2 && b.numbers(e.Args[1]):
		return b.checked(e, b.value(e.Args[0]), "a number")
	case (name == "all" || name == "any") && len(e.Args) == 1:
		return b.each(e, name == "any")
	}
	return nil
}

// numbers reports whether an expression names only types whose values are no text.
func (b *builder) numbers(e syntax.Expr) bool {
	if t, ok := e.(*syntax.Tuple); ok {
		return len(t.Elts) > 0 && !slices.ContainsFunc(t.Elts, func(e syntax.Expr) bool { return !b.numbers(e) })
	}
	if x, ok := e.(*syntax.BinOp); ok && x.Op == syntax.BitOr {
		return b.numbers(x.Left) && b.numbers(x.Right)
	}
	full := b.r.qualified(e, b.f)
	switch full {
	case "builtins.int", "builtins.float", "builtins.bool", "builtins.complex", "numbers.Number", "numbers.Integral", "numbers.Real":
		return true
	}
	return safeTypes[full]
}

// each is all(check(x) for x in xs): the condition on the whole list; or, when some,
// any(not check(x) for x in xs), which holds unless they all pass.
func (b *builder) each(e *syntax.Call, some bool) ir.Expr {
	c, ok := e.Args[0].(*syntax.Comp)
	if !ok || len(c.Generators) != 1 || len(c.Generators[0].Ifs) > 0 {
		return nil
	}
	target, ok := c.Generators[0].Target.(*syntax.Name)
	each, lowered := b.value(c).(*ir.Each)
	if !ok || !lowered {
		return nil
	}
	if test, not := ir.Every(each.Elem, target.ID, collection(each.Over)); test != nil && not == some {
		return test
	}
	return &ir.Safe{Where: b.where(e), Why: "a boolean"}
}

// subset lowers the methods of sets that compare with a list, of what a set was made
// of; nil for others.
func (b *builder) subset(e *syntax.Call, a *syntax.Attribute) ir.Expr {
	of, names := a.Value, e.Args[0]
	if a.Attr == "issuperset" {
		of, names = names, of
		if _, named := names.(*syntax.Name); !named {
			return nil
		}
	} else if !b.isSet(of) {
		return nil
	}
	x := collection(b.value(of))
	if a.Attr == "difference" {
		return &ir.Without{Where: b.where(e), X: x, Y: b.value(names)}
	}
	return &ir.Compare{Where: b.where(e), X: x, Y: b.value(names), In: true, All: true}
}

// proven notes what a loop shows of all that it goes through: where a round leaves the
// function unless its element passes a test, behind the loop all have passed.
func (b *builder) proven(s *syntax.For, over ir.Expr) {
	name, _, _ := b.pairs(s.Target, s.Iter)
	if target, ok := s.Target.(*syntax.Name); ok {
		name = target.ID
	}
	of, ok := collection(over).(*ir.Var)
	if !ok || of.In != nil || name == "" || slices.Contains(b.hidden, of.Name) || passesOver(s, name, of.Name) {
		return
	}
	for _, st := range s.Body {
		var tests []passing
		switch st := st.(type) {
		case *syntax.Assert:
			tests = conjuncts(st.Test, true)
		case *syntax.If:
			if leaves(st.Body) {
				tests = conjuncts(st.Test, false)
			}
		}
		for _, t := range tests {
			if all, not := ir.Every(b.aside(t.test), name, of); all != nil && not != t.holds {
				b.emit(&ir.Assign{Span: b.at(st), To: of, Value: &ir.Given{Where: of.Where, X: of, Test: all, Yes: t.holds}})
			}
		}
	}
}

// passesOver reports whether a loop may end or go on without looking at an element, or
// changes what it looks at.
func passesOver(s *syntax.For, names ...string) bool {
	for _, st := range s.Body {
		for n := range syntax.All(st) {
			switch n := n.(type) {
			case *syntax.Break, *syntax.Continue:
				return true
			case *syntax.Name:
				if n.Ctx == syntax.Store && slices.Contains(names, n.ID) {
					return true
				}
			}
		}
	}
	return false
}

// leaves reports whether statements end by leaving the function.
func leaves(body []syntax.Stmt) bool {
	switch body[len(body)-1].(type) {
	case *syntax.Raise, *syntax.Return:
		return true
	}
	return false
}

// A passing is a test that holds, or does not, where control goes on.
type passing struct {
	test  syntax.Expr
	holds bool
}

// conjuncts are the tests of which all hold, or do not, where a condition does.
func conjuncts(e syntax.Expr, holds bool) (all []passing) {
	switch x := e.(type) {
	case *syntax.UnaryOp:
		if x.Op == syntax.Not {
			return conjuncts(x.Operand, !holds)
		}
	case *syntax.BoolOp:
		if x.Or == holds {
			return nil // one of them is enough
		}
		for _, v := range x.Values {
			all = append(all, conjuncts(v, holds)...)
		}
		return all
	}
	return []passing{{e, holds}}
}

// aside is the value of an expression that is lowered once more, and does not run here.
func (b *builder) aside(e syntax.Expr) ir.Expr {
	cur := b.cur
	b.cur = &ir.Block{}
	v := b.value(e)
	b.cur = cur
	return v
}

// typeTest is type(x) is int; nil for another comparison.
func (b *builder) typeTest(e *syntax.Compare) ir.Expr {
	c, ok := e.Left.(*syntax.Call)
	if !ok || len(c.Args) != 1 || len(e.Ops) != 1 || b.r.qualified(c.Func, b.f) != "builtins.type" || !b.numbers(e.Comparators[0]) {
		return nil
	}
	test := &ir.Compare{Where: b.where(e), X: b.value(c.Args[0]), Y: &ir.Const{Text: "a number"}, In: true}
	switch e.Ops[0] {
	case syntax.Eq, syntax.Is:
	case syntax.NotEq, syntax.IsNot:
		test.Not = true
	default:
		return nil
	}
	return test
}

// tried is what is left of a value after a statement that only converts it: where
// it does not raise, the text is a number's.
func (b *builder) tried(s *syntax.ExprStmt) {
	c, ok := s.Value.(*syntax.Call)
	if !ok || len(c.Args) != 1 {
		return
	}
	name, ok := c.Args[0].(*syntax.Name)
	full := b.r.qualified(c.Func, b.f)
	if !ok || full != "builtins.int" && full != "builtins.float" && !safeTypes[full] || slices.Contains(b.hidden, name.ID) {
		return
	}
	if v, ok := b.name(name).(*ir.Var); ok && v.In == nil {
		b.emit(&ir.Assign{Span: b.at(s), To: v, Value: &ir.Safe{Where: b.where(name), X: v, Why: "converted before"}})
	}
}

// compiled reports whether an expression is a compiled regular expression.
func (b *builder) compiled(e syntax.Expr) bool {
	t := b.r.typeOf(e, b.f)
	return t == "re.Pattern" || t == "re.compile"
}

// matched lowers re.match and re.fullmatch.
func (b *builder) matched(e *syntax.Call, full string) ir.Expr {
	if (full == "re.match" || full == "re.fullmatch") && len(e.Args) >= 2 {
		return &ir.Match{Where: b.where(e), Pattern: b.value(e.Args[0]), X: b.value(e.Args[1]), Start: true, Full: full == "re.fullmatch"}
	}
	return nil
}

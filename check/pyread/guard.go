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
	case name == "all" && len(e.Args) == 1:
		return b.each(e)
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

// each is all(check(x) for x in xs): the condition on the whole list.
func (b *builder) each(e *syntax.Call) ir.Expr {
	c, ok := e.Args[0].(*syntax.Comp)
	if !ok || len(c.Generators) != 1 || len(c.Generators[0].Ifs) > 0 {
		return nil
	}
	target, ok := c.Generators[0].Target.(*syntax.Name)
	each, lowered := b.value(c).(*ir.Each)
	if !ok || !lowered {
		return nil
	}
	is := func(x ir.Expr) bool { v, ok := x.(*ir.Var); return ok && v.Name == target.ID }
	switch test := each.Elem.(type) {
	case *ir.Compare:
		if is(test.X) && !test.Not {
			return &ir.Compare{Where: b.where(e), X: each.Over, Y: test.Y, In: test.In}
		}
	case *ir.Match:
		if is(test.X) {
			return &ir.Match{Where: b.where(e), X: each.Over, Pattern: test.Pattern, Start: true, Full: test.Full}
		}
	}
	return &ir.Safe{Where: b.where(e), Why: "a boolean"}
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

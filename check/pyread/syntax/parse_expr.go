package syntax

// starExpressions reads the right side of an assignment: expressions with or
// without a star, and a tuple where there is a comma.
func (p *parser) starExpressions() Expr {
	start := p.start()
	first := p.starExpression()
	if p.kind != comma {
		return first
	}
	return p.tupleFrom(start, first, (*parser).starExpression)
}

// tupleFrom reads the rest of a tuple without parentheses, at its first comma.
func (p *parser) tupleFrom(start uint32, first Expr, element func(*parser) Expr) Expr {
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.accept(comma) {
		if !p.startsExpr() {
			break
		}
		p.exprs = append(p.exprs, element(p))
	}
	return &Tuple{Span: p.to(start), Elts: p.takeExprs(mark)}
}

// startsExpr reports whether an expression, with or without a star, can
// start at the current token.
func (p *parser) startsExpr() bool {
	switch p.kind {
	case name, number, str, templateStart, leftParen, leftBracket, leftBrace, ellipsis, tilde, plus, minus, star,
		keywordFalse, keywordNone, keywordTrue, keywordAwait, keywordLambda, keywordNot:
		return true
	}
	return p.kind == invalid
}

func (p *parser) starExpression() Expr {
	if p.kind == star {
		return p.starred()
	}
	return p.expression()
}

func (p *parser) starNamedExpression() Expr {
	if p.kind == star {
		return p.starred()
	}
	return p.namedExpression()
}

// starred reads *value.
func (p *parser) starred() Expr {
	start := p.start()
	p.next()
	value := p.binary(0)
	return &Starred{Span: p.to(start), Value: value}
}

// namedExpression reads an expression, or name := expression.
func (p *parser) namedExpression() Expr {
	if p.kind != name || p.peek() != walrus {
		return p.expression()
	}
	start := p.start()
	target := p.arena.names.new()
	*target = Name{ID: p.name(), Ctx: Store}
	p.next()
	target.Span = p.to(start)
	p.next()
	value := p.expression()
	return &NamedExpr{Span: p.to(start), Target: target, Value: value}
}

// expression reads a conditional expression, a lambda, or what is in them.
func (p *parser) expression() Expr {
	p.deeper()
	x := p.expressionRule()
	p.depth--
	return x
}

func (p *parser) expressionRule() Expr {
	if p.kind == keywordLambda {
		return p.lambda()
	}
	start := p.start()
	body := p.disjunction()
	if p.kind != keywordIf {
		return body
	}
	p.next()
	test := p.disjunction()
	p.want(keywordElse, "'else'")
	orelse := p.expression()
	return &IfExp{Span: p.to(start), Test: test, Body: body, Orelse: orelse}
}

func (p *parser) lambda() Expr {
	start := p.start()
	p.next()
	args := p.parameters(colon, false)
	p.want(colon, "':'")
	body := p.expression()
	return &Lambda{Span: p.to(start), Args: args, Body: body}
}

func (p *parser) disjunction() Expr {
	start := p.start()
	first := p.conjunction()
	if p.kind != keywordOr {
		return first
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.accept(keywordOr) {
		p.exprs = append(p.exprs, p.conjunction())
	}
	return &BoolOp{Span: p.to(start), Or: true, Values: p.takeExprs(mark)}
}

func (p *parser) conjunction() Expr {
	start := p.start()
	first := p.inversion()
	if p.kind != keywordAnd {
		return first
	}
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.accept(keywordAnd) {
		p.exprs = append(p.exprs, p.inversion())
	}
	return &BoolOp{Span: p.to(start), Values: p.takeExprs(mark)}
}

func (p *parser) inversion() Expr {
	if p.kind != keywordNot {
		return p.comparison()
	}
	start := p.start()
	p.next()
	p.deeper()
	operand := p.inversion()
	p.depth--
	return &UnaryOp{Span: p.to(start), Op: Not, Operand: operand}
}

func (p *parser) comparison() Expr {
	start := p.start()
	left := p.binary(0)
	op, ok := p.compareOp()
	if !ok {
		return left
	}
	mark := len(p.exprs)
	var ops []CompareOp
	for ; ok; op, ok = p.compareOp() {
		ops = append(ops, op)
		p.exprs = append(p.exprs, p.binary(0))
	}
	return &Compare{Span: p.to(start), Left: left, Ops: ops, Comparators: p.takeExprs(mark)}
}

// compareOp takes a comparison operator, if there is one.
func (p *parser) compareOp() (CompareOp, bool) {
	var op CompareOp
	switch p.kind {
	case equal, notEqual, less, lessEqual, greater, greaterEqual:
		op = CompareOp(p.kind - equal)
	case keywordIn:
		op = In
	case keywordNot:
		if p.peek() != keywordIn {
			return 0, false
		}
		p.next()
		op = NotIn
	case keywordIs:
		op = Is
		if p.peek() == keywordNot {
			p.next()
			op = IsNot
		}
	default:
		return 0, false
	}
	p.next()
	return op, true
}

// precedence of the binary operators, from 1; 0 for what is none.
var precedence = [kindCount]uint8{
	bitOr: 1, bitXor: 2, bitAnd: 3, shiftLeft: 4, shiftRight: 4, plus: 5, minus: 5,
	star: 6, slash: 6, doubleSlash: 6, percent: 6, at: 6,
}

// binary reads operators that bind stronger than above. Power is not among
// them: it binds to the right and stronger than a sign on its left.
func (p *parser) binary(above uint8) Expr {
	start := p.start()
	left := p.factor()
	for n := 0; precedence[p.kind] > above; n++ {
		p.chain(n, sumMax)
		k := p.kind
		p.next()
		right := p.binary(precedence[k])
		left = &BinOp{Span: p.to(start), Left: left, Op: Operator(k - plus), Right: right}
	}
	return left
}

// factor reads signs, and a power.
func (p *parser) factor() Expr {
	var op UnaryOperator
	switch p.kind {
	case plus:
		op = UAdd
	case minus:
		op = USub
	case tilde:
		op = Invert
	default:
		return p.power()
	}
	start := p.start()
	p.next()
	p.deeper()
	operand := p.factor()
	p.depth--
	return &UnaryOp{Span: p.to(start), Op: op, Operand: operand}
}

func (p *parser) power() Expr {
	start := p.start()
	base := p.awaited()
	if p.kind != doubleStar {
		return base
	}
	p.next()
	p.deeper()
	exponent := p.factor()
	p.depth--
	return &BinOp{Span: p.to(start), Left: base, Op: Pow, Right: exponent}
}

func (p *parser) awaited() Expr {
	if p.kind != keywordAwait {
		return p.primary()
	}
	start := p.start()
	p.next()
	value := p.primary()
	return &Await{Span: p.to(start), Value: value}
}

// primary reads an atom with its attributes, calls and subscripts.
func (p *parser) primary() Expr {
	start := p.start()
	value := p.atom()
	for n := 0; ; n++ {
		switch p.kind {
		case dot:
			p.next()
			attr := p.ident("a name after '.'")
			a := p.arena.attributes.new()
			*a = Attribute{Span: p.to(start), Value: value, Attr: attr}
			value = a
		case leftParen:
			value = p.call(start, value)
		case leftBracket:
			p.next()
			slice := p.slices()
			p.want(rightBracket, "']'")
			value = &Subscript{Span: p.to(start), Value: value, Slice: slice}
		default:
			return value
		}
		p.chain(n, chainMax)
	}
}

// slices reads what stands between the brackets of a subscript.
func (p *parser) slices() Expr {
	p.deeper()
	start := p.start()
	first := p.slice()
	if p.kind == comma {
		mark := len(p.exprs)
		p.exprs = append(p.exprs, first)
		for p.accept(comma) && p.kind != rightBracket {
			p.exprs = append(p.exprs, p.slice())
		}
		first = &Tuple{Span: p.to(start), Elts: p.takeExprs(mark)}
	} else if s, ok := first.(*Starred); ok {
		first = &Tuple{Span: p.to(start), Elts: []Expr{s}}
	}
	p.depth--
	return first
}

func (p *parser) slice() Expr {
	if p.kind == star {
		return p.starred()
	}
	start := p.start()
	var lower Expr
	if p.kind != colon {
		lower = p.namedExpression()
		if p.kind != colon {
			return lower
		}
	}
	p.next()
	s := &Slice{Lower: lower, Upper: p.bound()}
	if p.accept(colon) {
		s.Step = p.bound()
	}
	s.Span = p.to(start)
	return s
}

// bound reads a bound of a slice, which may be missing.
func (p *parser) bound() Expr {
	if p.kind == colon || p.kind == comma || p.kind == rightBracket {
		return nil
	}
	return p.expression()
}

// call reads the arguments of a call.
func (p *parser) call(start uint32, function Expr) Expr {
	open := p.start()
	p.next()
	c := p.arena.calls.new()
	c.Func = function
	p.deeper()
	c.Args, c.Keywords = p.arguments(open)
	p.depth--
	c.Span = p.to(start)
	return c
}

// arguments reads arguments and the closing parenthesis; the opening one is
// taken already. A generator expression alone takes their parentheses.
func (p *parser) arguments(open uint32) ([]Expr, []*Keyword) {
	mark := len(p.exprs)
	var keywords []*Keyword
	for p.kind != rightParen {
		start := p.start()
		switch {
		case p.kind == doubleStar:
			p.next()
			keywords = append(keywords, p.keyword(start, ""))
		case p.kind == name && p.peek() == assign:
			arg := p.name()
			p.next()
			p.next()
			keywords = append(keywords, p.keyword(start, arg))
		case p.kind == star:
			p.next()
			value := p.expression()
			p.exprs = append(p.exprs, &Starred{Span: p.to(start), Value: value})
		default:
			arg := p.namedExpression()
			if p.kind == keywordFor || p.kind == keywordAsync {
				arg = p.comp(GeneratorExp, arg, nil)
				if len(p.exprs) > mark || keywords != nil || p.kind != rightParen {
					p.fail(arg.Where(), "a generator expression that is not the only argument needs parentheses")
				}
				p.next()
				arg.(*Comp).Span = p.to(open)
				p.exprs = append(p.exprs, arg)
				return p.takeExprs(mark), nil
			}
			if keywords != nil {
				p.fail(arg.Where(), "a positional argument can't follow a keyword argument")
			}
			p.exprs = append(p.exprs, arg)
		}
		if !p.accept(comma) {
			break
		}
	}
	p.want(rightParen, "')'")
	return p.takeExprs(mark), keywords
}

func (p *parser) keyword(start uint32, arg string) *Keyword {
	value := p.expression()
	k := p.arena.keywords.new()
	*k = Keyword{Span: p.to(start), Arg: arg, Value: value}
	return k
}

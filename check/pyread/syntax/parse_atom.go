package syntax

func (p *parser) atom() Expr {
	switch p.kind {
	case name:
		t := p.tokens[p.i]
		n := p.arena.names.new()
		*n = Name{Span: Span{t.start, t.end}, ID: p.name()}
		p.next()
		return n
	case number:
		return p.constant(numberKind(p.tokens[p.i].form))
	case str, templateStart:
		return p.strings()
	case keywordNone:
		return p.constant(None)
	case keywordTrue:
		return p.constant(True)
	case keywordFalse:
		return p.constant(False)
	case ellipsis:
		return p.constant(Ellipsis)
	case leftParen:
		return p.parenthesis()
	case leftBracket:
		return p.list()
	case leftBrace:
		return p.brace()
	}
	p.unexpected("an expression")
	return nil
}

func numberKind(f form) ConstKind {
	switch {
	case f&formImag != 0:
		return Imag
	case f&formFloat != 0:
		return Float
	}
	return Int
}

func (p *parser) constant(k ConstKind) Expr {
	t := p.tokens[p.i]
	c := p.arena.constants.new()
	*c = Constant{Span: Span{t.start, t.end}, Kind: k, form: t.form}
	p.next()
	return c
}

// parenthesis reads a tuple, a generator expression, a yield, or an
// expression in parentheses.
func (p *parser) parenthesis() Expr {
	start := p.start()
	p.next()
	p.deeper()
	x := p.parenthesized(start)
	p.depth--
	return x
}

func (p *parser) parenthesized(start uint32) Expr {
	if p.accept(rightParen) {
		return &Tuple{Span: p.to(start)}
	}
	if p.kind == keywordYield {
		y := p.yield()
		p.want(rightParen, "')'")
		return y
	}
	first := p.starNamedExpression()
	switch p.kind {
	case keywordFor, keywordAsync:
		c := p.comp(GeneratorExp, first, nil)
		p.want(rightParen, "')'")
		c.Span = p.to(start)
		return c
	case comma:
		t := &Tuple{Elts: p.elements(first, rightParen)}
		p.want(rightParen, "')'")
		t.Span = p.to(start)
		return t
	}
	p.want(rightParen, "')'")
	if s, ok := first.(*Starred); ok {
		p.fail(s.Span, "a starred expression can't stand here")
	}
	return first
}

// elements reads the rest of a display, from the comma after its first element.
func (p *parser) elements(first Expr, end kind) []Expr {
	mark := len(p.exprs)
	p.exprs = append(p.exprs, first)
	for p.accept(comma) && p.kind != end {
		p.exprs = append(p.exprs, p.starNamedExpression())
	}
	return p.takeExprs(mark)
}

func (p *parser) list() Expr {
	start := p.start()
	p.next()
	if p.accept(rightBracket) {
		return &List{Span: p.to(start)}
	}
	p.deeper()
	first := p.starNamedExpression()
	var result Expr
	if p.kind == keywordFor || p.kind == keywordAsync {
		c := p.comp(ListComp, first, nil)
		p.want(rightBracket, "']'")
		c.Span = p.to(start)
		result = c
	} else {
		l := &List{Elts: p.elements(first, rightBracket)}
		p.want(rightBracket, "']'")
		l.Span = p.to(start)
		result = l
	}
	p.depth--
	return result
}

// brace reads a set, a dictionary, or a comprehension of one of them.
func (p *parser) brace() Expr {
	start := p.start()
	p.next()
	p.deeper()
	var result Expr
	switch {
	case p.kind == rightBrace || p.kind == doubleStar:
		result = p.dict(start, nil)
	default:
		first := p.starNamedExpression()
		switch p.kind {
		case colon:
			result = p.dict(start, first)
		case keywordFor, keywordAsync:
			c := p.comp(SetComp, first, nil)
			p.want(rightBrace, "'}'")
			c.Span = p.to(start)
			result = c
		default:
			s := &Set{Elts: p.elements(first, rightBrace)}
			p.want(rightBrace, "'}'")
			s.Span = p.to(start)
			result = s
		}
	}
	p.depth--
	return result
}

// dict reads a dictionary whose first key, if any, was read.
func (p *parser) dict(start uint32, first Expr) Expr {
	d := &Dict{}
	for first != nil || p.kind != rightBrace {
		key := first
		first = nil
		if key == nil && p.accept(doubleStar) {
			d.Keys, d.Values = append(d.Keys, nil), append(d.Values, p.binary(0))
		} else {
			if key == nil {
				key = p.expression()
			}
			p.want(colon, "':'")
			value := p.expression()
			if len(d.Keys) == 0 && (p.kind == keywordFor || p.kind == keywordAsync) {
				c := p.comp(DictComp, key, value)
				p.want(rightBrace, "'}'")
				c.Span = p.to(start)
				return c
			}
			d.Keys, d.Values = append(d.Keys, key), append(d.Values, value)
		}
		if !p.accept(comma) {
			break
		}
	}
	p.want(rightBrace, "'}'")
	d.Span = p.to(start)
	return d
}

// comp reads the "for" clauses of a comprehension.
func (p *parser) comp(k CompKind, elt, value Expr) *Comp {
	c := &Comp{Span: p.to(elt.Where().Start), Kind: k, Elt: elt, Value: value}
	for p.kind == keywordFor || p.kind == keywordAsync {
		start := p.start()
		g := &Comprehension{Async: p.accept(keywordAsync)}
		p.want(keywordFor, "'for'")
		g.Target = p.targets(keywordIn)
		p.want(keywordIn, "'in'")
		g.Iter = p.disjunction()
		for p.accept(keywordIf) {
			g.Ifs = append(g.Ifs, p.disjunction())
		}
		g.Span = p.to(start)
		c.Generators = append(c.Generators, g)
	}
	c.End = p.last
	return c
}

// yield reads yield or yield from, with their value.
func (p *parser) yield() Expr {
	start := p.start()
	p.next()
	if p.accept(keywordFrom) {
		value := p.expression()
		return &YieldFrom{Span: p.to(start), Value: value}
	}
	y := &Yield{}
	if p.startsExpr() {
		y.Value = p.starExpressions()
	}
	y.Span = p.to(start)
	return y
}

// targets reads what a for loop assigns to, up to "in"; a with statement's
// has no "in" behind it and no tuple without parentheses.
func (p *parser) targets(end kind) Expr {
	start := p.start()
	first := p.target()
	if p.kind == comma {
		mark := len(p.exprs)
		p.exprs = append(p.exprs, first)
		for p.accept(comma) && p.kind != end {
			p.exprs = append(p.exprs, p.target())
		}
		first = &Tuple{Span: p.to(start), Elts: p.takeExprs(mark)}
	}
	p.store(first)
	return first
}

func (p *parser) target() Expr {
	if p.kind != star {
		return p.binary(0)
	}
	start := p.start()
	p.next()
	value := p.binary(0)
	return &Starred{Span: p.to(start), Value: value}
}

// store makes an expression what is assigned to.
func (p *parser) store(x Expr) {
	switch x := x.(type) {
	case *Name:
		x.Ctx = Store
	case *Attribute:
		x.Ctx = Store
	case *Subscript:
		x.Ctx = Store
	case *Starred:
		x.Ctx = Store
		p.store(x.Value)
	case *Tuple:
		x.Ctx = Store
		for _, e := range x.Elts {
			p.store(e)
		}
	case *List:
		x.Ctx = Store
		for _, e := range x.Elts {
			p.store(e)
		}
	default:
		p.fail(x.Where(), "this can't be assigned to")
	}
}

// delete makes an expression what is deleted.
func (p *parser) delete(x Expr) {
	switch x := x.(type) {
	case *Name:
		x.Ctx = Del
	case *Attribute:
		x.Ctx = Del
	case *Subscript:
		x.Ctx = Del
	case *Tuple:
		x.Ctx = Del
		for _, e := range x.Elts {
			p.delete(e)
		}
	case *List:
		x.Ctx = Del
		for _, e := range x.Elts {
			p.delete(e)
		}
	default:
		p.fail(x.Where(), "this can't be deleted")
	}
}

package syntax

// ifStmt reads if with all its elif and else. Each elif is an If alone in the
// Orelse of the one before; all of them end where the last one ends.
func (p *parser) ifStmt() Stmt {
	var chain []*If
	for p.kind == keywordIf || p.kind == keywordElif {
		p.chain(len(chain), chainMax)
		s := &If{Span: Span{Start: p.start()}}
		p.next()
		s.Test = p.namedExpression()
		s.Body = p.block()
		chain = append(chain, s)
		if p.kind != keywordElif {
			break
		}
	}
	last := chain[len(chain)-1]
	last.Orelse = p.elseBlock()
	for i, s := range chain {
		s.End = p.last
		if i > 0 {
			chain[i-1].Orelse = []Stmt{s}
		}
	}
	return chain[0]
}

// elseBlock reads an else clause, if there is one.
func (p *parser) elseBlock() []Stmt {
	if p.kind != keywordElse {
		return nil
	}
	p.next()
	return p.block()
}

func (p *parser) whileStmt() Stmt {
	start := p.start()
	p.next()
	s := &While{Test: p.namedExpression()}
	s.Body = p.block()
	s.Orelse = p.elseBlock()
	s.Span = p.to(start)
	return s
}

func (p *parser) forStmt(start uint32, async bool) Stmt {
	p.next()
	s := &For{Async: async, Target: p.targets(keywordIn)}
	p.want(keywordIn, "'in'")
	s.Iter = p.starExpressions()
	s.Body = p.block()
	s.Orelse = p.elseBlock()
	s.Span = p.to(start)
	return s
}

func (p *parser) asyncStmt() Stmt {
	start := p.start()
	p.next()
	switch p.kind {
	case keywordDef:
		return p.function(start, true, nil)
	case keywordFor:
		return p.forStmt(start, true)
	case keywordWith:
		return p.withStmt(start, true)
	}
	p.unexpected("'def', 'for' or 'with' after 'async'")
	return nil
}

func (p *parser) withStmt(start uint32, async bool) Stmt {
	p.next()
	s := &With{Async: async}
	if s.Items = p.parenthesizedItems(); s.Items == nil {
		s.Items = p.withItems(colon)
	}
	s.Body = p.block()
	s.Span = p.to(start)
	return s
}

// parenthesizedItems reads "(a as b, c as d)" before a colon. Where the
// parentheses are those of an expression it reads nothing and returns nil.
func (p *parser) parenthesizedItems() (items []*WithItem) {
	if p.kind != leftParen || !p.closesBeforeColon() {
		return nil
	}
	i, last, depth, exprs, errors := p.i, p.last, p.depth, len(p.exprs), len(p.errors)
	defer func() {
		if r := recover(); r != nil {
			if r != (mistake{}) {
				panic(r)
			}
			items = nil
		}
		if items == nil {
			p.i, p.kind, p.last, p.depth = i, p.tokens[i].kind, last, depth
			p.exprs, p.errors = p.exprs[:exprs], p.errors[:errors]
		}
	}()
	p.next()
	items = p.withItems(rightParen)
	p.want(rightParen, "')'")
	return items
}

// closesBeforeColon reports whether the parenthesis at the current token is
// closed right before a colon.
func (p *parser) closesBeforeColon() bool {
	depth := 0
	for i := p.i; ; i++ {
		switch p.tokens[i].kind {
		case leftParen, leftBracket, leftBrace:
			depth++
		case rightParen, rightBracket, rightBrace:
			if depth--; depth == 0 {
				return p.tokens[i+1].kind == colon // endOfFile is behind it
			}
		case newline, endOfFile:
			return false
		}
	}
}

func (p *parser) withItems(end kind) []*WithItem {
	var items []*WithItem
	for {
		start := p.start()
		item := &WithItem{Context: p.expression()}
		if p.accept(keywordAs) {
			item.Vars = p.target()
			p.store(item.Vars)
		}
		item.Span = p.to(start)
		items = append(items, item)
		if !p.accept(comma) || end == rightParen && p.kind == end {
			return items
		}
	}
}

func (p *parser) tryStmt() Stmt {
	start := p.start()
	p.next()
	s := &Try{Body: p.block()}
	for p.kind == keywordExcept {
		s.Handlers = append(s.Handlers, p.handler(s))
	}
	if len(s.Handlers) > 0 {
		s.Orelse = p.elseBlock()
	}
	if p.accept(keywordFinally) {
		s.Finalbody = p.block()
	} else if len(s.Handlers) == 0 {
		p.unexpected("'except' or 'finally'")
	}
	s.Span = p.to(start)
	return s
}

// handler reads except or except*. Several types need no parentheses when no
// name follows: PEP 758.
func (p *parser) handler(try *Try) *ExceptHandler {
	start := p.start()
	p.next()
	h := &ExceptHandler{}
	if p.accept(star) {
		try.Star = true
	}
	if p.kind != colon {
		begin := p.start()
		h.Type = p.expression()
		if p.kind == comma {
			h.Type = p.tupleFrom(begin, h.Type, (*parser).expression)
		}
		if p.accept(keywordAs) {
			h.Name = p.ident("a name after 'as'")
		}
	}
	h.Body = p.block()
	h.Span = p.to(start)
	return h
}

func (p *parser) decorated() Stmt {
	mark := len(p.exprs)
	for p.accept(at) {
		p.exprs = append(p.exprs, p.namedExpression())
		p.want(newline, "the end of the line")
	}
	decorators := p.takeExprs(mark)
	switch p.kind {
	case keywordDef:
		return p.function(p.start(), false, decorators)
	case keywordClass:
		return p.class(decorators)
	case keywordAsync:
		start := p.start()
		p.next()
		if p.kind == keywordDef {
			return p.function(start, true, decorators)
		}
	}
	p.unexpected("a function or class after its decorators")
	return nil
}

func (p *parser) function(start uint32, async bool, decorators []Expr) Stmt {
	p.next()
	f := &FunctionDef{Async: async, Decorators: decorators, NameSpan: p.tokens[p.i].span()}
	f.Name = p.ident("the function's name")
	f.TypeParams = p.typeParams()
	p.want(leftParen, "'('")
	f.Args = p.parameters(rightParen, true)
	p.want(rightParen, "')'")
	if p.accept(arrow) {
		f.Returns = p.expression()
	}
	f.Body = p.block()
	f.Span = p.to(start)
	return f
}

func (p *parser) class(decorators []Expr) Stmt {
	start := p.start()
	p.next()
	c := &ClassDef{Decorators: decorators, NameSpan: p.tokens[p.i].span()}
	c.Name = p.ident("the class's name")
	c.TypeParams = p.typeParams()
	if open := p.start(); p.accept(leftParen) {
		c.Bases, c.Keywords = p.arguments(open)
	}
	c.Body = p.block()
	c.Span = p.to(start)
	return c
}

// parameters reads up to end, which it leaves.
func (p *parser) parameters(end kind, annotated bool) *Arguments {
	a := &Arguments{Span: Span{p.start(), p.start()}}
	starred := false
	for p.kind != end {
		switch p.kind {
		case slash:
			if starred || a.PosOnly != nil || a.Args == nil {
				p.unexpected("a parameter")
			}
			p.next()
			a.PosOnly, a.Args = a.Args, nil
		case star:
			if starred {
				p.unexpected("a parameter")
			}
			p.next()
			starred = true
			if p.kind != comma {
				a.Vararg = p.parameter(annotated, true)
			}
		case doubleStar:
			p.next()
			a.Kwarg = p.parameter(annotated, false)
		default:
			p.positional(a, starred, annotated)
		}
		if !p.accept(comma) {
			break
		}
		if a.Kwarg != nil {
			break
		}
	}
	a.End = max(p.last, a.Start)
	return a
}

// positional reads a parameter with a name and perhaps a default.
func (p *parser) positional(a *Arguments, keywordOnly, annotated bool) {
	arg := p.parameter(annotated, false)
	var value Expr
	if p.accept(assign) {
		value = p.expression()
	}
	switch {
	case keywordOnly:
		a.KwOnly, a.KwDefaults = append(a.KwOnly, arg), append(a.KwDefaults, value)
	case value != nil:
		a.Args, a.Defaults = append(a.Args, arg), append(a.Defaults, value)
	case a.Defaults != nil:
		p.fail(arg.Span, "a parameter without a default can't follow one with a default")
	default:
		a.Args = append(a.Args, arg)
	}
}

// parameter reads a name and its annotation; that of *args may have a star.
func (p *parser) parameter(annotated, variadic bool) *Arg {
	start := p.start()
	arg := p.arena.args.new()
	arg.Name = p.ident("a parameter")
	if annotated && p.accept(colon) {
		if variadic {
			arg.Annotation = p.starExpression()
		} else {
			arg.Annotation = p.expression()
		}
	}
	arg.Span = p.to(start)
	return arg
}

// typeParams reads the type parameters of a definition, if it has any.
func (p *parser) typeParams() []*TypeParam {
	if !p.accept(leftBracket) {
		return nil
	}
	var list []*TypeParam
	for {
		list = append(list, p.typeParam())
		if !p.accept(comma) || p.kind == rightBracket {
			break
		}
	}
	p.want(rightBracket, "']'")
	return list
}

func (p *parser) typeParam() *TypeParam {
	start := p.start()
	t := &TypeParam{}
	switch {
	case p.accept(star):
		t.Kind = TypeVarTuple
	case p.accept(doubleStar):
		t.Kind = ParamSpec
	}
	t.Name = p.ident("a type parameter")
	if t.Kind == TypeVar && p.accept(colon) {
		t.Bound = p.expression()
	}
	if p.accept(assign) {
		if t.Kind == TypeVarTuple {
			t.Default = p.starExpression()
		} else {
			t.Default = p.expression()
		}
	}
	t.Span = p.to(start)
	return t
}

package syntax

// startsMatch reports whether the name "match" begins a match statement: the
// logical line ends in a colon, and its block begins with a case.
func (p *parser) startsMatch() bool {
	switch p.peek() {
	case assign, dot, comma, colon, newline, semicolon, rightParen:
		return false
	}
	i := p.i + 1
	for p.tokens[i].kind != newline && p.tokens[i].kind != endOfFile {
		i++
	}
	if p.tokens[i].kind == endOfFile || p.tokens[i-1].kind != colon || p.tokens[i+1].kind != indent {
		return false
	}
	t := p.tokens[i+2]
	return t.kind == name && p.src[t.start:t.end] == "case"
}

func (p *parser) matchStmt() Stmt {
	start := p.start()
	p.next()
	m := &Match{}
	begin := p.start()
	m.Subject = p.starNamedExpression()
	if p.kind == comma {
		m.Subject = p.tupleFrom(begin, m.Subject, (*parser).starNamedExpression)
	}
	p.want(colon, "':'")
	p.want(newline, "the end of the line")
	p.want(indent, "an indented block")
	p.deeper()
	for p.word("case") {
		m.Cases = append(m.Cases, p.matchCase())
	}
	p.depth--
	p.want(dedent, "'case'")
	m.Span = p.to(start)
	return m
}

func (p *parser) matchCase() *MatchCase {
	start := p.start()
	p.next()
	c := &MatchCase{Pattern: p.patterns()}
	if p.accept(keywordIf) {
		c.Guard = p.namedExpression()
	}
	c.Body = p.block()
	c.Span = p.to(start)
	return c
}

// patterns reads a pattern, or a sequence without brackets.
func (p *parser) patterns() Pattern {
	start := p.start()
	first := p.starPattern()
	_, starred := first.(*MatchStar)
	if p.kind != comma {
		if starred {
			p.fail(first.Where(), "a starred pattern can't stand alone")
		}
		return first
	}
	list := []Pattern{first}
	for p.accept(comma) && p.kind != colon && p.kind != keywordIf {
		list = append(list, p.starPattern())
	}
	return &MatchSequence{Span: p.to(start), Patterns: list}
}

func (p *parser) starPattern() Pattern {
	start := p.start()
	if !p.accept(star) {
		return p.asPattern()
	}
	s := &MatchStar{Name: capture(p.ident("a name after '*'"))}
	s.Span = p.to(start)
	return s
}

// capture is the name that a pattern binds: none for the wildcard.
func capture(name string) string {
	if name == "_" {
		return ""
	}
	return name
}

// asPattern reads alternatives and the name that they are bound to.
func (p *parser) asPattern() Pattern {
	p.deeper()
	start := p.start()
	pattern := p.closedPattern()
	if p.kind == bitOr {
		list := []Pattern{pattern}
		for p.accept(bitOr) {
			list = append(list, p.closedPattern())
		}
		pattern = &MatchOr{Span: p.to(start), Patterns: list}
	}
	if p.accept(keywordAs) {
		bound := p.ident("a name after 'as'")
		pattern = &MatchAs{Span: p.to(start), Pattern: pattern, Name: bound}
	}
	p.depth--
	return pattern
}

func (p *parser) closedPattern() Pattern {
	start := p.start()
	switch p.kind {
	case keywordNone, keywordTrue, keywordFalse:
		k := map[kind]ConstKind{keywordNone: None, keywordTrue: True, keywordFalse: False}[p.kind]
		p.next()
		return &MatchSingleton{p.to(start), k}
	case name:
		return p.namePattern()
	case leftParen, leftBracket:
		return p.sequencePattern()
	case leftBrace:
		return p.mappingPattern()
	case str, templateStart, number, minus:
		value := p.literalPattern()
		return &MatchValue{p.to(start), value}
	}
	p.unexpected("a pattern")
	return nil
}

// literalPattern reads strings, or a number with sign and imaginary part.
func (p *parser) literalPattern() Expr {
	if p.kind == str || p.kind == templateStart {
		return p.strings()
	}
	start := p.start()
	left := p.signedNumber()
	if p.kind != plus && p.kind != minus {
		return left
	}
	op := Operator(p.kind - plus)
	p.next()
	if p.kind != number {
		p.unexpected("an imaginary number")
	}
	right := p.constant(numberKind(p.tokens[p.i].form))
	return &BinOp{Span: p.to(start), Left: left, Op: op, Right: right}
}

func (p *parser) signedNumber() Expr {
	start := p.start()
	negative := p.accept(minus)
	if p.kind != number {
		p.unexpected("a number")
	}
	value := p.constant(numberKind(p.tokens[p.i].form))
	if !negative {
		return value
	}
	return &UnaryOp{Span: p.to(start), Op: USub, Operand: value}
}

// namePattern reads a capture, a dotted value, or a class.
func (p *parser) namePattern() Pattern {
	start := p.start()
	id := p.name()
	p.next()
	if p.kind != dot && p.kind != leftParen {
		return &MatchAs{Span: p.to(start), Name: capture(id)}
	}
	var value Expr = &Name{Span: p.to(start), ID: id}
	for n := 0; p.accept(dot); n++ {
		p.chain(n, chainMax)
		attr := p.ident("a name after '.'")
		value = &Attribute{Span: p.to(start), Value: value, Attr: attr}
	}
	if p.kind != leftParen {
		return &MatchValue{p.to(start), value}
	}
	return p.classPattern(start, value)
}

func (p *parser) classPattern(start uint32, class Expr) Pattern {
	p.next()
	c := &MatchClass{Cls: class}
	for p.kind != rightParen {
		if p.kind == name && p.peek() == assign {
			c.KwdAttrs = append(c.KwdAttrs, p.name())
			p.next()
			p.next()
			c.KwdPatterns = append(c.KwdPatterns, p.asPattern())
		} else {
			c.Patterns = append(c.Patterns, p.asPattern())
		}
		if !p.accept(comma) {
			break
		}
	}
	p.want(rightParen, "')'")
	c.Span = p.to(start)
	return c
}

// sequencePattern reads a sequence in brackets, or one pattern in parentheses.
func (p *parser) sequencePattern() Pattern {
	start := p.start()
	end := rightBracket
	if p.kind == leftParen {
		end = rightParen
	}
	p.next()
	s := &MatchSequence{}
	commas := 0
	for p.kind != end {
		s.Patterns = append(s.Patterns, p.starPattern())
		if !p.accept(comma) {
			break
		}
		commas++
	}
	p.want(end, "the end of the pattern")
	if end == rightParen && len(s.Patterns) == 1 && commas == 0 {
		if _, starred := s.Patterns[0].(*MatchStar); !starred {
			return s.Patterns[0]
		}
	}
	s.Span = p.to(start)
	return s
}

func (p *parser) mappingPattern() Pattern {
	start := p.start()
	p.next()
	m := &MatchMapping{}
	for p.kind != rightBrace {
		if p.accept(doubleStar) {
			m.Rest = p.ident("a name after '**'")
		} else {
			m.Keys = append(m.Keys, p.patternKey())
			p.want(colon, "':'")
			m.Patterns = append(m.Patterns, p.asPattern())
		}
		if !p.accept(comma) {
			break
		}
	}
	p.want(rightBrace, "'}'")
	m.Span = p.to(start)
	return m
}

// patternKey reads a literal or a dotted name.
func (p *parser) patternKey() Expr {
	switch p.kind {
	case keywordNone:
		return p.constant(None)
	case keywordTrue:
		return p.constant(True)
	case keywordFalse:
		return p.constant(False)
	case name:
		if v, ok := p.namePattern().(*MatchValue); ok {
			return v.Value
		}
		p.unexpected("a dotted name as key")
	}
	return p.literalPattern()
}

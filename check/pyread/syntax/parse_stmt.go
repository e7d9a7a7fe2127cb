package syntax

import "strings"

// statementRule reads a compound statement or a line of simple ones.
func (p *parser) statementRule() {
	var s Stmt
	switch p.kind {
	case keywordIf:
		s = p.ifStmt()
	case keywordFor:
		s = p.forStmt(p.start(), false)
	case keywordWhile:
		s = p.whileStmt()
	case keywordTry:
		s = p.tryStmt()
	case keywordWith:
		s = p.withStmt(p.start(), false)
	case keywordDef:
		s = p.function(p.start(), false, nil)
	case keywordClass:
		s = p.class(nil)
	case at:
		s = p.decorated()
	case keywordAsync:
		s = p.asyncStmt()
	case name:
		if !p.word("match") || !p.startsMatch() {
			p.simpleLine()
			return
		}
		s = p.matchStmt()
	case newline:
		p.next()
		return
	default:
		p.simpleLine()
		return
	}
	p.stmts = append(p.stmts, s)
}

// simpleLine reads simple statements to the end of the logical line.
func (p *parser) simpleLine() {
	for {
		p.stmts = append(p.stmts, p.simple())
		if !p.accept(semicolon) || p.kind == newline {
			break
		}
	}
	p.want(newline, "the end of the statement")
}

func (p *parser) simple() Stmt {
	start := p.start()
	switch p.kind {
	case keywordReturn:
		p.next()
		r := &Return{}
		if p.startsExpr() {
			r.Value = p.starExpressions()
		}
		r.Span = p.to(start)
		return r
	case keywordPass:
		p.next()
		return &Pass{p.to(start)}
	case keywordBreak:
		p.next()
		return &Break{p.to(start)}
	case keywordContinue:
		p.next()
		return &Continue{p.to(start)}
	case keywordRaise:
		return p.raise()
	case keywordImport:
		return p.importStmt()
	case keywordFrom:
		return p.importFrom()
	case keywordDel:
		return p.del()
	case keywordAssert:
		return p.assert()
	case keywordGlobal:
		p.next()
		names := p.nameList()
		return &Global{p.to(start), names}
	case keywordNonlocal:
		p.next()
		names := p.nameList()
		return &Nonlocal{p.to(start), names}
	case name:
		if p.word("type") && p.peek() == name && p.startsAlias() {
			return p.typeAlias()
		}
	}
	return p.expressionStmt()
}

// expressionStmt reads an expression, or an assignment of any kind.
func (p *parser) expressionStmt() Stmt {
	start := p.start()
	x := p.value()
	switch {
	case p.kind == assign:
		return p.assignment(start, x)
	case p.kind == colon:
		return p.annotated(start, x)
	case p.kind >= plusAssign && p.kind <= bitAndAssign:
		op := Operator(p.kind - plusAssign)
		switch x.(type) {
		case *Name, *Attribute, *Subscript:
			p.store(x)
		default:
			p.fail(x.Where(), "this can't be the target of an augmented assignment")
		}
		p.next()
		value := p.value()
		return &AugAssign{Span: p.to(start), Target: x, Op: op, Value: value}
	}
	s := p.arena.exprStmts.new()
	*s = ExprStmt{Span: p.to(start), Value: x}
	return s
}

// value reads a yield or star expressions.
func (p *parser) value() Expr {
	if p.kind == keywordYield {
		return p.yield()
	}
	return p.starExpressions()
}

func (p *parser) assignment(start uint32, x Expr) Stmt {
	mark := len(p.exprs)
	for p.accept(assign) {
		p.store(x)
		p.exprs = append(p.exprs, x)
		x = p.value()
	}
	s := p.arena.assigns.new()
	*s = Assign{Span: p.to(start), Targets: p.takeExprs(mark), Value: x}
	return s
}

func (p *parser) annotated(start uint32, x Expr) Stmt {
	switch x.(type) {
	case *Name, *Attribute, *Subscript:
		p.store(x)
	default:
		p.fail(x.Where(), "this can't be annotated")
	}
	p.next()
	s := &AnnAssign{Target: x, Annotation: p.expression()}
	if p.accept(assign) {
		s.Value = p.value()
	}
	s.Span = p.to(start)
	return s
}

func (p *parser) raise() Stmt {
	start := p.start()
	p.next()
	s := &Raise{}
	if p.startsExpr() {
		s.Exc = p.expression()
		if p.accept(keywordFrom) {
			s.Cause = p.expression()
		}
	}
	s.Span = p.to(start)
	return s
}

func (p *parser) assert() Stmt {
	start := p.start()
	p.next()
	s := &Assert{Test: p.expression()}
	if p.accept(comma) {
		s.Msg = p.expression()
	}
	s.Span = p.to(start)
	return s
}

func (p *parser) del() Stmt {
	start := p.start()
	p.next()
	mark := len(p.exprs)
	for {
		x := p.primary()
		p.delete(x)
		p.exprs = append(p.exprs, x)
		if !p.accept(comma) || p.kind == newline || p.kind == semicolon {
			break
		}
	}
	return &Delete{Span: p.to(start), Targets: p.takeExprs(mark)}
}

func (p *parser) nameList() []string {
	names := []string{p.ident("a name")}
	for p.accept(comma) {
		names = append(names, p.ident("a name"))
	}
	return names
}

// dotted reads a.b.c.
func (p *parser) dotted() string {
	start := p.start()
	p.ident("a module's name")
	end, spaced := p.last, false
	for p.kind == dot {
		spaced = spaced || p.start() != end
		p.next()
		spaced = spaced || p.start() != p.last
		p.ident("a name after '.'")
		end = p.last
	}
	text := p.src[start:end]
	if spaced {
		text = strings.Join(strings.Fields(strings.ReplaceAll(text, ".", " . ")), "")
	}
	return text
}

func (p *parser) importStmt() Stmt {
	start := p.start()
	p.next()
	s := &Import{}
	for {
		begin := p.start()
		a := &Alias{Name: p.dotted()}
		p.asName(a)
		a.Span = p.to(begin)
		s.Names = append(s.Names, a)
		if !p.accept(comma) {
			break
		}
	}
	s.Span = p.to(start)
	return s
}

func (p *parser) asName(a *Alias) {
	if p.accept(keywordAs) {
		a.AsName = p.ident("a name after 'as'")
	}
}

func (p *parser) importFrom() Stmt {
	start := p.start()
	p.next()
	s := &ImportFrom{}
	for p.kind == dot || p.kind == ellipsis {
		s.Level++
		if p.kind == ellipsis {
			s.Level += 2
		}
		p.next()
	}
	if s.Level == 0 || p.kind == name {
		s.Module = p.dotted()
	}
	p.want(keywordImport, "'import'")
	begin := p.start()
	switch {
	case p.accept(star):
		s.Names = []*Alias{{Span: p.to(begin), Name: "*"}}
	case p.accept(leftParen):
		s.Names = p.aliases(rightParen)
		p.want(rightParen, "')'")
	default:
		s.Names = p.aliases(newline)
	}
	s.Span = p.to(start)
	return s
}

// aliases reads what is imported; a comma may come last before end.
func (p *parser) aliases(end kind) []*Alias {
	var list []*Alias
	for {
		begin := p.start()
		a := &Alias{Name: p.ident("a name to import")}
		p.asName(a)
		a.Span = p.to(begin)
		list = append(list, a)
		if !p.accept(comma) || end == rightParen && p.kind == end {
			return list
		}
	}
}

// startsAlias reports whether "type name" goes on as a type alias does.
func (p *parser) startsAlias() bool {
	k := p.tokens[p.i+2].kind // a name is never the last token
	return k == assign || k == leftBracket
}

func (p *parser) typeAlias() Stmt {
	start := p.start()
	p.next()
	t := p.tokens[p.i]
	s := &TypeAlias{Name: &Name{Span: t.span(), ID: p.name(), Ctx: Store}}
	p.next()
	s.TypeParams = p.typeParams()
	p.want(assign, "'='")
	s.Value = p.expression()
	s.Span = p.to(start)
	return s
}

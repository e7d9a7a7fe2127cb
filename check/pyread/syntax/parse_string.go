package syntax

// A literal is one string literal, or one run of text in a template.
type literal struct {
	Span
	form form
}

// strings reads string literals that stand side by side and are one string.
func (p *parser) strings() Expr {
	start := p.start()
	if p.kind == str {
		if k := p.peek(); k != str && k != templateStart {
			return p.constant(stringKind(p.tokens[p.i].form))
		}
	}
	var plain []literal
	var parts []Expr
	var opens []Span
	first := p.tokens[p.i].form
	for p.kind == str || p.kind == templateStart {
		f := p.tokens[p.i].form
		if f&formBytes != first&formBytes || f&formTemplate != first&formTemplate {
			p.fail(p.tokens[p.i].span(), "strings of different kinds can't be joined")
		}
		if p.kind == str {
			plain = append(plain, literal{p.tokens[p.i].span(), f})
			parts = append(parts, p.constant(stringKind(f)))
			continue
		}
		opens = append(opens, p.tokens[p.i].span())
		parts = p.template(parts)
	}
	if opens != nil {
		return &JoinedStr{Span: p.to(start), Template: first&formTemplate != 0, Parts: parts, Opens: opens}
	}
	c := p.arena.constants.new()
	*c = Constant{Span: p.to(start), Kind: stringKind(first), form: first, more: plain}
	return c
}

func (t token) span() Span { return Span{t.start, t.end} }

func stringKind(f form) ConstKind {
	if f&formBytes != 0 {
		return Bytes
	}
	return Str
}

// template reads one f-string or t-string and appends its parts.
func (p *parser) template(parts []Expr) []Expr {
	f := p.tokens[p.i].form
	p.next()
	p.deeper()
	parts = p.fields(parts, f)
	p.depth--
	p.want(templateEnd, "the end of the string")
	return parts
}

// fields reads text and fields up to the end of a template or specification.
func (p *parser) fields(parts []Expr, f form) []Expr {
	for {
		switch p.kind {
		case templateMiddle:
			parts = append(parts, p.constant(Str))
		case leftBrace:
			parts = append(parts, p.field(f))
		default:
			return parts
		}
	}
}

// field reads one field, from its opening brace to its closing one.
func (p *parser) field(f form) Expr {
	start := p.start()
	p.next()
	r := &Replacement{Template: f&formTemplate != 0, Source: Span{Start: p.last}}
	if p.kind == keywordYield {
		r.Value = p.yield()
	} else {
		r.Value = p.starExpressions()
	}
	if p.accept(assign) {
		r.Debug = true
	}
	r.Source.End = p.start()
	if p.accept(exclamation) {
		r.Conversion = p.conversion()
	}
	if p.kind == colon {
		specStart := p.start()
		p.next()
		p.deeper()
		parts := p.fields(nil, f&^formTemplate)
		p.depth--
		r.Spec = &JoinedStr{Span: p.to(specStart), Parts: parts}
	}
	p.want(rightBrace, "'}'")
	r.Span = p.to(start)
	return r
}

func (p *parser) conversion() byte {
	if p.kind == name {
		switch c := p.text(); c {
		case "a", "r", "s":
			p.next()
			return c[0]
		}
	}
	p.unexpected("a conversion: 'a', 'r' or 's'")
	return 0
}

package syntax

import (
	"fmt"

	"golang.org/x/text/unicode/norm"
)

// A parser makes the tree by recursive descent, one method a rule of the
// grammar in the Python language reference. A mistake unwinds to the innermost
// statement, which becomes a Bad one.
type parser struct {
	file   *File
	src    string
	tokens []token
	errors []Error

	i     int    // the current token
	kind  kind   // its kind
	last  uint32 // end of the last token that was no layout
	depth int
	links int // of the chains in the statement so far

	exprs []Expr // being gathered; each list is cut off when it is whole
	stmts []Stmt
	arena arena
}

// mistake unwinds to the statement; the error is recorded already.
type mistake struct{}

func (p *parser) parse() {
	p.kind = p.tokens[0].kind
	for p.kind != endOfFile {
		p.statement()
		if p.kind == dedent { // left over from a mistake
			p.next()
		}
	}
	p.file.Body = p.takeStmts(0)
}

// next goes to the next token.
func (p *parser) next() {
	if t := &p.tokens[p.i]; t.kind > dedent {
		p.last = t.end
	}
	if p.i+1 < len(p.tokens) {
		p.i++
	}
	p.kind = p.tokens[p.i].kind
}

// start is where the current token starts.
func (p *parser) start() uint32 { return p.tokens[p.i].start }

// peek returns the kind of the token after the current one.
func (p *parser) peek() kind {
	if p.i+1 < len(p.tokens) {
		return p.tokens[p.i+1].kind
	}
	return endOfFile
}

// to is the span from start to the last token.
func (p *parser) to(start uint32) Span { return Span{start, p.last} }

// text is that of the current token.
func (p *parser) text() string {
	t := p.tokens[p.i]
	return p.src[t.start:t.end]
}

// word reports whether the current token is this soft keyword.
func (p *parser) word(text string) bool { return p.kind == name && p.text() == text }

// name is the name at the current token. Python compares names in the normal
// form NFKC, in which some letters are another one.
func (p *parser) name() string {
	text := p.text()
	for i := range len(text) {
		if text[i] >= 0x80 {
			return norm.NFKC.String(text)
		}
	}
	return text
}

// accept takes a token of the kind, if it is the current one.
func (p *parser) accept(k kind) bool {
	if p.kind == k {
		p.next()
		return true
	}
	return false
}

// want takes a token of the kind, or fails.
func (p *parser) want(k kind, what string) {
	if p.kind != k {
		p.unexpected(what)
	}
	p.next()
}

// ident takes a name.
func (p *parser) ident(what string) string {
	if p.kind != name {
		p.unexpected(what)
	}
	text := p.name()
	p.next()
	return text
}

// unexpected fails at the current token. Of an invalid one the scanner has
// said already what is wrong.
func (p *parser) unexpected(want string) {
	t := p.tokens[p.i]
	if t.kind == invalid {
		panic(mistake{})
	}
	p.fail(Span{t.start, t.end}, "want %s, found %s", want, p.found())
}

// found describes the current token.
func (p *parser) found() string {
	switch p.kind {
	case endOfFile:
		return "the end of the file"
	case newline:
		return "the end of the line"
	case indent:
		return "an indentation"
	case dedent:
		return "the end of the block"
	}
	text := p.text()
	if len(text) > 40 {
		text = text[:37] + "..."
	}
	return fmt.Sprintf("%q", text)
}

func (p *parser) fail(at Span, format string, args ...any) {
	p.errors = append(p.errors, Error{at, fmt.Sprintf(format, args...)})
	panic(mistake{})
}

// deeper is called where rules recurse; the caller takes one off depth again.
func (p *parser) deeper() {
	if p.depth++; p.depth > depthMax*4 {
		p.fail(Span{p.start(), p.start()}, "this is nested too deep to be read")
	}
}

// chain fails when a chain of operators, attributes or calls gets so long
// that walking the tree would need a very deep stack.
func (p *parser) chain(n, most int) {
	if n > most {
		p.fail(Span{p.start(), p.start()}, "this chain has more than %d links", most)
	}
	if p.links++; p.links > linksMax {
		p.fail(Span{p.start(), p.start()}, "the chains of this statement have more than %d links", linksMax)
	}
}

// takeExprs cuts off the expressions gathered since mark.
func (p *parser) takeExprs(mark int) []Expr {
	list := p.arena.exprs.copy(p.exprs[mark:])
	clear(p.exprs[mark:])
	p.exprs = p.exprs[:mark]
	return list
}

func (p *parser) takeStmts(mark int) []Stmt {
	list := p.arena.stmts.copy(p.stmts[mark:])
	clear(p.stmts[mark:])
	p.stmts = p.stmts[:mark]
	return list
}

// statement reads one line of statements, or one compound statement, and
// never fails: what can't be read becomes a Bad statement.
func (p *parser) statement() {
	begin, depth, exprs, stmts := p.i, p.depth, len(p.exprs), len(p.stmts)
	defer func() {
		if r := recover(); r != nil {
			if r != (mistake{}) {
				panic(r)
			}
			p.depth, p.exprs = depth, p.exprs[:exprs]
			p.stmts = p.stmts[:stmts]
			p.skip(begin)
		}
	}()
	p.links = 0
	p.statementRule()
}

// skip goes on behind the logical line with the mistake, and reads the block
// that follows it, if any.
func (p *parser) skip(begin int) {
	start := p.tokens[begin].start
	bad := &Bad{}
	if p.i > begin && p.tokens[p.i-1].kind == newline && p.kind != indent {
		bad.Span = Span{start, max(p.last, start)} // this line is not at fault
		p.stmts = append(p.stmts, bad)
		return
	}
	for p.kind != newline && p.kind != endOfFile && p.kind != indent && p.kind != dedent {
		p.next()
	}
	p.accept(newline)
	if p.kind == indent {
		bad.Body = p.indented() // the scanner limits how deep blocks nest
	}
	bad.Span = Span{start, max(p.last, start)}
	if p.i == begin && p.kind != dedent && p.kind != endOfFile {
		p.next()
	}
	p.stmts = append(p.stmts, bad)
}

// block reads what follows the colon of a compound statement.
func (p *parser) block() []Stmt {
	p.want(colon, "':'")
	if p.kind != newline {
		mark := len(p.stmts)
		p.simpleLine()
		return p.takeStmts(mark)
	}
	p.next()
	if p.kind != indent {
		p.unexpected("an indented block")
	}
	p.deeper()
	body := p.indented()
	p.depth--
	return body
}

// indented reads from an indent to its dedent.
func (p *parser) indented() []Stmt {
	mark := len(p.stmts)
	p.next()
	for p.kind != dedent && p.kind != endOfFile {
		p.statement()
		if p.kind == indent { // left over from a mistake
			p.skip(p.i)
		}
	}
	p.accept(dedent)
	return p.takeStmts(mark)
}

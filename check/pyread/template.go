package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A segment is a stretch of the SQL that an expression builds: text that
// stands in a literal, or a hole.
type segment struct {
	hole  bool
	expr  syntax.Expr // what fills a hole
	verb  string      // "%d", "{:>5}": what a template says about the hole
	span  syntax.Span // the hole as written: {x}, %s, or the operand of +
	plus  bool        // the hole is an operand of +
	value string      // of text
	parts []part      // of text
	lit   syntax.Literal
}

// A part is a piece of a literal's text.
type part struct {
	span  syntax.Span
	value string
}

// plain reports whether the characters of a part stand for themselves.
func (p part) plain() bool { return int(p.span.End-p.span.Start) == len(p.value) }

// A template is an expression that builds a string, taken apart.
type template struct {
	m        *module
	node     syntax.Expr
	segments []segment
	filled   syntax.Expr   // the % or .format around a literal, nil for none
	rest     syntax.Span   // what of filled goes when its holes are parameters
	opens    []syntax.Span // prefix and quote of each f-string
}

// takeApart reads an expression as a template. ok is false for an expression
// that is built in a way it does not know.
func (m *module) takeApart(e syntax.Expr) (*template, bool) {
	t := &template{m: m, node: e}
	ok := t.add(e)
	return t, ok && len(t.segments) > 0
}

func (t *template) add(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Constant:
		if e.Kind != syntax.Str {
			return false
		}
		for _, l := range t.m.tree.Literals(e) {
			t.literal(l)
		}
		return true
	case *syntax.JoinedStr:
		return t.joined(e)
	case *syntax.BinOp:
		if e.Op == syntax.Mod {
			return t.percent(e)
		}
		return e.Op == syntax.Add && t.operand(e.Left) && t.operand(e.Right)
	case *syntax.Call:
		return t.format(e)
	}
	return false
}

// operand is one side of +: a string, or a hole.
func (t *template) operand(e syntax.Expr) bool {
	switch x := e.(type) {
	case *syntax.Constant, *syntax.JoinedStr:
		return t.add(e)
	case *syntax.BinOp:
		if x.Op == syntax.Add {
			return t.add(e)
		}
	}
	t.segments = append(t.segments, segment{hole: true, plus: true, expr: e, span: e.Where()})
	return true
}

func (t *template) literal(l syntax.Literal) {
	s := segment{lit: l}
	for at, value := range t.m.tree.Pieces(l) {
		s.parts = append(s.parts, part{at, value})
		s.value += value
	}
	t.segments = append(t.segments, s)
}

func (t *template) joined(e *syntax.JoinedStr) bool {
	if e.Template {
		return false
	}
	t.opens = append(t.opens, e.Opens...)
	for _, p := range e.Parts {
		switch p := p.(type) {
		case *syntax.Constant:
			for _, l := range t.m.tree.Literals(p) {
				t.literal(l)
			}
		case *syntax.Replacement:
			verb := ""
			if p.Spec != nil || p.Conversion != 0 || p.Debug {
				verb = t.m.text(p)
			}
			t.segments = append(t.segments, segment{hole: true, expr: p.Value, span: p.Span, verb: verb})
		}
	}
	return true
}

// percent takes a literal and its % apart.
func (t *template) percent(e *syntax.BinOp) bool {
	c, ok := e.Left.(*syntax.Constant)
	if !ok || c.Kind != syntax.Str || len(t.segments) > 0 {
		return false
	}
	args := []syntax.Expr{e.Right}
	if tuple, ok := e.Right.(*syntax.Tuple); ok {
		args = tuple.Elts
	} else if _, ok := e.Right.(*syntax.Dict); ok {
		return false
	}
	t.filled, t.rest = e, syntax.Span{Start: t.m.closing(c.End), End: e.End}
	for _, l := range t.m.tree.Literals(c) {
		for _, p := range t.m.pieces(l) {
			rest, ok := t.verbs(l, p, args)
			if !ok {
				return false
			}
			args = rest
		}
	}
	return len(args) == 0
}

func (m *module) pieces(l syntax.Literal) (list []part) {
	for at, value := range m.tree.Pieces(l) {
		list = append(list, part{at, value})
	}
	return list
}

// verbs cuts one piece of a template at its verbs, and returns the arguments
// that are left. A text that is written as an escape has none.
func (t *template) verbs(l syntax.Literal, p part, args []syntax.Expr) ([]syntax.Expr, bool) {
	text, at := p.value, p.span.Start
	if !p.plain() && strings.Contains(text, "%") {
		return nil, false
	}
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+1 >= len(text) {
			t.text(l, part{syntax.Span{Start: at, End: p.span.End}, text})
			return args, i < 0
		}
		t.text(l, part{syntax.Span{Start: at, End: at + uint32(i)}, text[:i]})
		span := syntax.Span{Start: at + uint32(i), End: at + uint32(i) + 2}
		switch text[i+1] {
		case '%':
			t.text(l, part{span, "%"})
		case 's', 'd', 'i', 'r':
			if len(args) == 0 || text[i+1] == 'r' {
				return nil, false
			}
			t.segments = append(t.segments, segment{hole: true, expr: args[0], span: span})
			args = args[1:]
		default:
			return nil, false
		}
		text, at = text[i+2:], span.End
	}
}

// text appends a piece of text to the last segment, if that is of the same
// literal.
func (t *template) text(l syntax.Literal, p part) {
	if p.span.Start == p.span.End {
		return
	}
	if n := len(t.segments); n > 0 && !t.segments[n-1].hole && t.segments[n-1].lit.Span == l.Span {
		s := &t.segments[n-1]
		s.parts, s.value = append(s.parts, p), s.value+p.value
		return
	}
	t.segments = append(t.segments, segment{lit: l, value: p.value, parts: []part{p}})
}

// format takes a literal and its .format apart.
func (t *template) format(e *syntax.Call) bool {
	a, ok := e.Func.(*syntax.Attribute)
	if !ok || a.Attr != "format" || len(t.segments) > 0 {
		return false
	}
	c, ok := a.Value.(*syntax.Constant)
	if !ok || c.Kind != syntax.Str {
		return false
	}
	fill := &fields{call: e}
	t.filled, t.rest = e, syntax.Span{Start: t.m.closing(c.End), End: e.End}
	for _, l := range t.m.tree.Literals(c) {
		for _, p := range t.m.pieces(l) {
			if !t.braces(l, p, fill) {
				return false
			}
		}
	}
	return true
}

// closing skips the parentheses that close behind a literal, so that they stay.
func (m *module) closing(at uint32) uint32 {
	end := at
	for i := at; i < uint32(len(m.tree.Text)); i++ {
		switch m.tree.Text[i] {
		case ' ', '\t', '\n', '\r':
		case ')':
			end = i + 1
		default:
			return end
		}
	}
	return end
}

// fields hands out the arguments of a format call.
type fields struct {
	call *syntax.Call
	next int
}

func (f *fields) take(name string) syntax.Expr {
	switch {
	case name == "":
		f.next++
		return argument(f.call, f.next-1)
	case strings.Trim(name, "0123456789") == "":
		n := 0
		for _, c := range name {
			n = min(n*10+int(c-'0'), 1000)
		}
		return argument(f.call, n)
	}
	return argument(f.call, len(f.call.Args), name)
}

// braces cuts one piece of a template at its fields.
func (t *template) braces(l syntax.Literal, p part, fill *fields) bool {
	text, at := p.value, p.span.Start
	if !p.plain() && strings.ContainsAny(text, "{}") {
		return false
	}
	for {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			t.text(l, part{syntax.Span{Start: at, End: p.span.End}, text})
			return true
		}
		t.text(l, part{syntax.Span{Start: at, End: at + uint32(i)}, text[:i]})
		at, text = at+uint32(i), text[i:]
		if len(text) > 1 && text[0] == text[1] {
			t.text(l, part{syntax.Span{Start: at, End: at + 2}, text[:1]})
			at, text = at+2, text[2:]
			continue
		}
		end := strings.IndexByte(text, '}')
		if text[0] == '}' || end < 0 || strings.ContainsAny(text[1:end], ".[!:{") {
			return false
		}
		expr := fill.take(text[1:end])
		if expr == nil {
			return false
		}
		span := syntax.Span{Start: at, End: at + uint32(end) + 1}
		t.segments = append(t.segments, segment{hole: true, expr: expr, span: span})
		at, text = span.End, text[end+1:]
	}
}

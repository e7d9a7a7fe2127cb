package pyread

import (
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A segment is a stretch of the SQL that an expression builds: text that
// stands in a literal, or a hole.
type segment struct {
	hole  bool
	expr  syntax.Expr    // what fills a hole
	verb  string         // "%d", "{:>5}": what a template says about the hole
	span  syntax.Span    // the hole as written: {x}, %s, or the operand of +
	plus  bool           // the hole is an operand of +
	value string         // of text
	parts []part         // of text
	lit   syntax.Literal // that it stands in; none for a hole of an f-string or of +
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
	m        *mended
	node     syntax.Expr
	segments []segment
	filled   syntax.Expr   // the % or .format around a literal, nil for none
	rest     syntax.Span   // what of filled goes when its holes are parameters
	opens    []syntax.Span // prefix and quote of each f-string
	args     []syntax.Expr // what filled takes by name or number, in the order it is evaluated
}

// inOrder reports whether the holes stand in the order they are evaluated in,
// each once.
func (t *template) inOrder() bool {
	n := 0
	for _, s := range t.segments {
		if !s.hole || t.args == nil {
			continue
		}
		if n == len(t.args) || t.args[n] != s.expr {
			return false
		}
		n++
	}
	return n == len(t.args)
}

// dropped is the worst effect of what fills no hole.
func (t *template) dropped(b *binding) effect {
	worst := still
	for _, e := range t.args {
		if !slices.ContainsFunc(t.segments, func(s segment) bool { return s.expr == e }) {
			worst = max(worst, b.effect(e))
		}
	}
	return worst
}

// takeApart reads an expression as a template. ok is false for an expression
// that is built in a way it does not know.
func (m *mended) takeApart(e syntax.Expr) (*template, bool) {
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
	fill := &verbs{args: []syntax.Expr{e.Right}}
	switch right := e.Right.(type) {
	case *syntax.Tuple:
		fill.args = right.Elts
	case *syntax.Dict:
		if fill.named, ok = t.m.keyed(right); !ok {
			return false
		}
		t.args, fill.args = right.Values, nil
	default:
		if t.m.maybeTuple(right) {
			return false
		}
	}
	t.filled, t.rest = e, syntax.Span{Start: t.m.closing(c.End), End: e.End}
	for _, l := range t.m.tree.Literals(c) {
		for _, p := range t.m.pieces(l) {
			if !t.verbs(l, p, fill) {
				return false
			}
		}
	}
	return len(fill.args) == 0
}

// keyed are the values of a mapping whose keys are all written out.
func (m *module) keyed(d *syntax.Dict) (map[string]syntax.Expr, bool) {
	out := map[string]syntax.Expr{}
	for i, k := range d.Keys {
		c, ok := k.(*syntax.Constant)
		if !ok || c.Kind != syntax.Str {
			return nil, false
		}
		out[m.tree.StringValue(c)] = d.Values[i]
	}
	return out, true
}

// maybeTuple reports whether a value may be a tuple, or a mapping, of which %
// takes the elements: a row, an element of something, a catch-all parameter, or what
// a call in this file hands over.
func (m *mended) maybeTuple(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Call:
		return strings.HasPrefix(lastName(e.Func), "fetch") || lastName(e.Func) == "tuple" || lastName(e.Func) == "next" || lastName(e.Func) == "dict"
	case *syntax.Await:
		return m.maybeTuple(e.Value)
	case *syntax.Name:
		if m.generated(e) {
			return true
		}
		s := m.scope(m.enclosing(e))
		known, asked := s.tuples[e.ID]
		if !asked {
			s.tuples[e.ID] = false // to who asks on the way: row = await row
			known = slices.ContainsFunc(s.gives[e.ID], m.givesTuple) || slices.ContainsFunc(m.handed(e), m.tuple)
			s.tuples[e.ID] = known
		}
		return known
	}
	return false
}

// tuple reports whether a value is, or may be, a tuple or a mapping.
func (m *mended) tuple(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Tuple, *syntax.Dict:
		return true
	}
	return m.maybeTuple(e)
}

// generated reports whether a name is that of an element of what a comprehension
// around it goes through.
func (m *mended) generated(name *syntax.Name) bool {
	for n := m.parent[name]; n != nil; n = m.parent[n] {
		if c, ok := n.(*syntax.Comp); ok && slices.ContainsFunc(c.Generators, func(g *syntax.Comprehension) bool { return isName(g.Target, name.ID) }) {
			return true
		}
	}
	return false
}

// givesTuple reports whether a node may give the name that it assigns a tuple
// or a mapping.
func (m *mended) givesTuple(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.Assign:
		_, name := n.Value.(*syntax.Name)
		return !name && m.tuple(n.Value)
	case *syntax.For, *syntax.Arguments:
		return true
	}
	return false
}

// verbs hands out what a % fills its template with.
type verbs struct {
	args  []syntax.Expr          // in order
	named map[string]syntax.Expr // by name; nil for none
}

func (m *module) pieces(l syntax.Literal) (list []part) {
	for at, value := range m.tree.Pieces(l) {
		list = append(list, part{at, value})
	}
	return list
}

// verbs cuts one piece of a template at its verbs. A text that is written as
// an escape has none.
func (t *template) verbs(l syntax.Literal, p part, fill *verbs) bool {
	text, at := p.value, p.span.Start
	if !p.plain() && strings.Contains(text, "%") {
		return false
	}
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+1 >= len(text) {
			t.text(l, part{syntax.Span{Start: at, End: p.span.End}, text})
			return i < 0
		}
		t.text(l, part{syntax.Span{Start: at, End: at + uint32(i)}, text[:i]})
		text, at = text[i:], at+uint32(i)
		if text[1] == '%' {
			t.text(l, part{syntax.Span{Start: at, End: at + 2}, "%"})
			text, at = text[2:], at+2
			continue
		}
		expr, length := fill.take(text)
		if expr == nil {
			return false
		}
		verb := ""
		if c := text[length-1]; c != 's' {
			verb = "%" + string(c)
		}
		t.segments = append(t.segments, segment{hole: true, expr: expr, span: syntax.Span{Start: at, End: at + uint32(length)}, verb: verb, lit: l})
		text, at = text[length:], at+uint32(length)
	}
}

// take is the value of the verb that a text begins with, and the verb's length;
// nil for a verb that is not known.
func (v *verbs) take(text string) (syntax.Expr, int) {
	length := 2
	var expr syntax.Expr
	if v.named != nil {
		m := namedVerbs.FindStringSubmatch(text)
		if m == nil {
			return nil, 0
		}
		expr, length = v.named[m[1]], len(m[0])
	} else if len(v.args) > 0 {
		expr, v.args = v.args[0], v.args[1:]
	}
	if !strings.ContainsRune("sdi", rune(text[length-1])) {
		return nil, 0
	}
	return expr, length
}

var namedVerbs = regexp.MustCompile(`^%\((\w+)\)[a-z]`)

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
	t.args = append(t.args, e.Args...)
	for _, k := range e.Keywords {
		if k.Arg == "" {
			return false
		}
		t.args = append(t.args, k.Value)
	}
	if slices.ContainsFunc(e.Args, func(e syntax.Expr) bool { _, star := e.(*syntax.Starred); return star }) {
		return false
	}
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
		t.segments = append(t.segments, segment{hole: true, expr: expr, span: span, lit: l})
		at, text = span.End, text[end+1:]
	}
}

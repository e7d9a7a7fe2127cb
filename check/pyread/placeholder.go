package pyread

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A writer puts placeholders where the holes were.
type writer struct {
	*binding
	number int                  // the last $n
	taken  map[string]bool      // names of parameters
	given  int                  // parameters that the text had already, so far
	cut    map[int][2]int       // bytes of a text that go at its start and at its end
	gone   map[int]bool         // segments that a placeholder before them stands for
	marks  map[int]string       // placeholders by hole
	code   map[int]bool         // marks that are Python, not SQL
	braced map[syntax.Span]bool // literals that become f-strings
	unfit  bool                 // a value cannot be written in an f-string of every Python 3
}

func (w *writer) write() bool {
	w.cut, w.gone, w.marks, w.code, w.braced = map[int][2]int{}, map[int]bool{}, map[int]string{}, map[int]bool{}, map[syntax.Span]bool{}
	for i, s := range w.t.segments {
		switch {
		case w.gone[i]:
		case !s.hole:
			w.given += w.before[i]
		case w.bind[i]:
			if !w.hole(i) {
				return false
			}
		}
	}
	for i, s := range w.t.segments {
		if !s.hole && !w.swallowed(i) {
			w.rewriteText(i)
		}
	}
	for i := range w.t.segments { // not the map, whose order is another each time
		if mark, ok := w.marks[i]; ok && !w.rewriteHole(i, mark) {
			return false
		}
	}
	for i, s := range w.t.segments {
		if w.gone[i] && s.hole && w.marks[i] == "" {
			if s.plus {
				return false
			}
			w.edits = append(w.edits, w.replace(s.span, ""))
		}
	}
	w.unformat()
	return !w.unfit
}

// kept is what of a text stays in the SQL.
func (w *writer) kept(i int) string {
	v, c := w.t.segments[i].value, w.cut[i]
	return v[c[0] : len(v)-c[1]]
}

// hole chooses the placeholder and the parameter of one hole.
func (w *writer) hole(i int) bool {
	s := w.t.segments[i]
	if dressed(s) {
		return w.not(w.text(s.expr) + " brings its own quotes")
	}
	switch w.contexts[i] {
	case finding.InList:
		return w.list(i) || w.not("what the list is made of is not seen, or it could not be gone through twice")
	case finding.Quoted, finding.Partial:
		return w.quoted(i)
	}
	text := w.text(unwrapped(s.expr))
	switch {
	case strings.HasPrefix(s.verb, "%"):
		text = w.number10(s.expr)
	case s.verb != "":
		text = w.formatted([]any{s})
	}
	w.marks[i] = w.mark(text, s.expr)
	return true
}

// number10 is what %d makes of a value, as a number.
func (w *writer) number10(e syntax.Expr) string {
	if c, ok := e.(*syntax.Call); ok {
		if name := lastName(c.Func); name == "int" || name == "len" {
			return w.text(e)
		}
	}
	return "int(" + w.text(e) + ")"
}

// shown is a value as text: what stood between quotes was one, whatever it was
// before, and a driver may not know what it was.
func (w *writer) shown(s segment) string {
	text := w.text(s.expr)
	switch {
	case strings.HasPrefix(s.verb, "%"):
		return "str(" + w.number10(s.expr) + ")"
	case s.plus || w.textual(s.expr):
		return text
	case w.oddities().enums && !w.percentFilled():
		return "format(" + text + ")"
	}
	return "str(" + text + ")"
}

// percentFilled reports whether % fills the text, which shows a value as str does.
func (w *writer) percentFilled() bool {
	_, ok := w.t.filled.(*syntax.BinOp)
	return ok
}

var texts = map[string]bool{
	"str": true, "strip": true, "lstrip": true, "rstrip": true, "lower": true, "upper": true, "title": true, "join": true, "format": true,
	"isoformat": true, "strftime": true, "hex": true, "zfill": true,
}

// textual reports whether a value is surely a str.
func (w *writer) textual(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.JoinedStr:
		return true
	case *syntax.Constant:
		return e.Kind == syntax.Str
	case *syntax.Call:
		return texts[lastName(e.Func)]
	case *syntax.BinOp:
		return e.Op == syntax.Add && (w.textual(e.Left) || w.textual(e.Right))
	case *syntax.Name:
		if w.fn == nil {
			return false
		}
		s := w.scope(w.fn)
		a := s.params[e.ID]
		return !s.rebound[e.ID] && a != nil && a.Annotation != nil && w.text(a.Annotation) == "str"
	}
	return false
}

// dressed reports whether a hole's own verb quotes: as a parameter it would be
// another value.
func dressed(s segment) bool {
	return strings.Contains(s.verb, "!r") || strings.Contains(s.verb, "!a") || s.verb == "%r" || s.verb == "%a"
}

// unwrapped takes off str(): a parameter has the type that the value has.
func unwrapped(e syntax.Expr) syntax.Expr {
	if c, ok := e.(*syntax.Call); ok && len(c.Args) == 1 && len(c.Keywords) == 0 {
		if name, ok := c.Func.(*syntax.Name); ok && name.ID == "str" {
			return c.Args[0]
		}
	}
	return e
}

// mark adds a parameter and returns its placeholder.
func (w *writer) mark(text string, e syntax.Expr) string {
	p := param{text: text, before: w.given}
	mark := "?"
	switch {
	case w.mapping:
		p.name = w.name(e)
		mark = ":" + p.name
		if w.rewrite.Style == ir.Percent {
			mark = "%(" + p.name + ")s"
		}
	case w.rewrite.Style == ir.Percent:
		mark = "%s"
	case w.rewrite.Style == ir.Dollar:
		w.number++
		mark = fmt.Sprintf("$%d", w.number)
	}
	w.params = append(w.params, p)
	return mark
}

// name is a free name for the parameter of an expression.
func (w *writer) name(e syntax.Expr) string {
	base := "value"
	for n := range syntax.All(e) {
		if name := lastName(asExpr(n)); name != "" {
			base = name
			break
		}
	}
	name := base
	for i := 2; w.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	w.taken[name] = true
	return name
}

func asExpr(n syntax.Node) syntax.Expr {
	e, _ := n.(syntax.Expr)
	return e
}

// quoted makes one parameter of all between two quotes of the SQL.
func (w *writer) quoted(i int) bool {
	from, to := i, i
	var parts []any
	for from--; ; from-- {
		if from < 0 {
			return false
		}
		s := w.t.segments[from]
		if s.hole {
			parts = append(parts, s)
			continue
		}
		// The hole is between quotes, so the nearest one on its left opens its
		// literal, whatever stands before that.
		at := strings.LastIndexByte(w.kept(from), '\'')
		if at < 0 {
			parts = append(parts, w.kept(from))
			continue
		}
		kept := w.kept(from)
		if finding.TypesLiteral(kept[:at]) || strings.HasSuffix(kept[:at], "'") { // a doubled quote within the literal
			return false
		}
		c := w.cut[from]
		w.cut[from] = [2]int{c[0], c[1] + len(kept) - at}
		if tail := kept[at+1:]; tail != "" {
			parts = append(parts, tail)
		}
		break
	}
	slices.Reverse(parts)
	parts = append(parts, w.t.segments[i])
	for to++; ; to++ {
		if to >= len(w.t.segments) {
			return false
		}
		s := w.t.segments[to]
		if s.hole {
			parts = append(parts, s)
			continue
		}
		at := finding.CloseQuote(w.kept(to))
		head := s.value
		if at >= 0 {
			head = s.value[:at]
			w.cut[to] = [2]int{at + 1, 0}
		}
		if head != "" {
			parts = append(parts, head)
		}
		if at >= 0 {
			break
		}
	}
	for j := from + 1; j < to; j++ {
		if s := w.t.segments[j]; !s.hole {
			w.cut[j] = [2]int{len(s.value), 0}
		}
		w.gone[j] = true
	}
	e := w.t.segments[i].expr
	if from+1 != i { // the text before holds holes too: the mark goes to the first
		w.marks[from+1] = w.mark(w.formatted(parts), e)
		return w.t.segments[from+1].hole
	}
	w.marks[i] = w.mark(w.formatted(parts), e)
	return true
}

// formatted is a value with text around it: an f-string, or the value alone.
func (w *writer) formatted(parts []any) string {
	if len(parts) == 1 {
		if s, ok := parts[0].(segment); ok && (s.verb == "" || s.verb[0] == '%') {
			return w.shown(s)
		}
	}
	quote := `"`
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			text := strings.ReplaceAll(p, "''", "'")
			if w.doubles() && w.rewrite.Query.Args != nil {
				text = strings.ReplaceAll(text, "%%", "%")
			}
			text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "{", "{{", "}", "}}").Replace(text)
			b.WriteString(text)
		case segment:
			text := "{" + w.text(p.expr) + "}"
			switch {
			case strings.HasPrefix(p.verb, "%"):
				text = "{" + w.number10(p.expr) + "}"
			case p.verb != "":
				text = p.verb
			}
			if strings.Contains(text, `"`) {
				quote = `"""` // before Python 3.12 a quote may not come again
			}
			w.unfit = w.unfit || strings.ContainsAny(text, "\\\n\r#") || strings.HasPrefix(text, "{{") || strings.Contains(text, `"""`)
			b.WriteString(text)
		}
	}
	return "f" + quote + b.String() + quote
}

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
	number int             // the last $n
	taken  map[string]bool // names of parameters
	before int             // parameters in the text so far
	cut    map[int][2]int  // bytes of a text that go at its start and at its end
	gone   map[int]bool    // segments that a placeholder before them stands for
	marks  map[int]string  // placeholders by hole
	into   map[int]string  // placeholders to append to a text, for an operand of +
}

func (w *writer) write() bool {
	w.cut, w.gone, w.marks, w.into = map[int][2]int{}, map[int]bool{}, map[int]string{}, map[int]string{}
	for i, s := range w.t.segments {
		switch {
		case w.gone[i]:
		case !s.hole:
			w.before += w.existing(w.kept(i))
		case w.bind[i]:
			if !w.hole(i) {
				return false
			}
		}
	}
	for i, s := range w.t.segments {
		if !s.hole {
			w.rewriteText(i)
		}
	}
	for i, mark := range w.marks {
		if !w.rewriteHole(i, mark) {
			return false
		}
	}
	for i := range w.gone {
		if s := w.t.segments[i]; s.hole && w.marks[i] == "" {
			if s.plus {
				return false
			}
			w.edits = append(w.edits, w.replace(s.span, ""))
		}
	}
	w.unformat()
	return true
}

// kept is what of a text stays in the SQL.
func (w *writer) kept(i int) string {
	v, c := w.t.segments[i].value, w.cut[i]
	return v[c[0] : len(v)-c[1]]
}

// hole chooses the placeholder and the parameter of one hole.
func (w *writer) hole(i int) bool {
	s := w.t.segments[i]
	switch w.contexts[i] {
	case finding.InList:
		return w.list(i)
	case finding.Quoted, finding.Partial:
		return w.quoted(i)
	}
	text := w.text(unwrapped(s.expr))
	if s.verb != "" {
		text = w.formatted([]any{s})
	}
	w.marks[i] = w.mark(text, s.expr)
	return true
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
	p := param{text: text, before: w.before}
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
		at := openQuote(w.kept(from))
		if at < 0 {
			parts = append(parts, w.kept(from))
			continue
		}
		kept := w.kept(from)
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
		at := closeQuote(w.kept(to))
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

// openQuote finds the quote that is still open at the end of a text.
func openQuote(text string) int {
	at := -1
	for i := 0; i < len(text); i++ {
		if text[i] == '\'' {
			if at >= 0 {
				at = -1
			} else {
				at = i
			}
		}
	}
	return at
}

// closeQuote finds the first quote that is not doubled.
func closeQuote(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] != '\'' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			i++
			continue
		}
		return i
	}
	return -1
}

// list makes a parameter of each element of a list.
func (w *writer) list(i int) bool {
	s := w.t.segments[i]
	values, ok := w.elements(s.expr)
	if !ok || i == 0 || i+1 >= len(w.t.segments) || w.t.segments[i-1].hole || w.t.segments[i+1].hole || w.t.filled != nil || w.mapping {
		return false
	}
	before, after := w.kept(i-1), w.kept(i+1)
	open, shut := inBefore.FindStringSubmatchIndex(before), closeAfter.FindStringIndex(after)
	if open == nil || shut == nil {
		return false
	}
	quoted := strings.HasSuffix(before, "'")
	if w.rewrite.Style == ir.Dollar {
		verb := " = ANY("
		if open[2] >= 0 {
			verb = " <> ALL("
		}
		w.cut[i-1] = [2]int{0, len(before) - open[0]}
		w.cut[i+1] = [2]int{shut[1], 0}
		w.number++
		w.params = append(w.params, param{text: "list(" + values + ")"})
		w.marks[i] = fmt.Sprintf("%s$%d)", verb, w.number)
		return true
	}
	if quoted {
		w.cut[i-1], w.cut[i+1] = [2]int{0, 1}, [2]int{1, 0}
	}
	q := w.quote(i)
	generated := fmt.Sprintf("%[1]s, %[1]s.join(%[1]s?%[1]s * len(%[2]s))", q, values)
	if w.rewrite.Style == ir.Percent {
		generated = fmt.Sprintf("%[1]s, %[1]s.join([%[1]s%%s%[1]s] * len(%[2]s))", q, values)
	}
	w.params = append(w.params, param{text: "*" + values, before: w.before})
	w.marks[i] = "{" + generated + "}"
	if s.plus {
		w.marks[i] = generated
	}
	return true
}

// quote is one that does not end the f-string of a hole.
func (w *writer) quote(i int) string {
	for _, open := range slices.Backward(w.t.opens) {
		if open.End <= w.t.segments[i].span.Start {
			if strings.HasSuffix(w.tree.Slice(open), `"`) {
				return "'"
			}
			break
		}
	}
	return `"`
}

// elements is the list that a join puts between commas, as Python.
func (w *writer) elements(e syntax.Expr) (string, bool) {
	c, ok := e.(*syntax.Call)
	if !ok || lastName(c.Func) != "join" || len(c.Args) != 1 {
		return "", false
	}
	switch list := c.Args[0].(type) {
	case *syntax.Call:
		if lastName(list.Func) == "map" && len(list.Args) == 2 && lastName(list.Args[0]) == "str" {
			return w.countable(list.Args[1])
		}
	case *syntax.Comp:
		g := list.Generators[0]
		target, named := g.Target.(*syntax.Name)
		if !named || len(list.Generators) > 1 || len(g.Ifs) > 0 || g.Async {
			return "", false
		}
		elt := unwrapped(list.Elt)
		if j, ok := elt.(*syntax.JoinedStr); ok { // f"'{x}'"
			for _, p := range j.Parts {
				if r, ok := p.(*syntax.Replacement); ok && r.Spec == nil {
					elt = r.Value
				}
			}
		}
		if name, ok := elt.(*syntax.Name); ok && name.ID == target.ID {
			return w.countable(g.Iter)
		}
	default:
		return w.countable(c.Args[0])
	}
	return "", false
}

// countable is a list that can be gone through twice.
func (w *writer) countable(e syntax.Expr) (string, bool) {
	switch e.(type) {
	case *syntax.Name, *syntax.Attribute, *syntax.List, *syntax.Tuple, *syntax.Subscript:
		return w.text(e), true
	}
	return "", false
}

// formatted is a value with text around it: an f-string, or the value alone.
func (w *writer) formatted(parts []any) string {
	if len(parts) == 1 {
		if s, ok := parts[0].(segment); ok && s.verb == "" {
			return w.text(s.expr)
		}
	}
	quote := `"`
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			text := strings.ReplaceAll(p, "''", "'")
			if w.rewrite.Style == ir.Percent && w.rewrite.Query.Args != nil {
				text = strings.ReplaceAll(text, "%%", "%")
			}
			text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "{", "{{", "}", "}}").Replace(text)
			b.WriteString(text)
		case segment:
			if p.verb != "" {
				b.WriteString(p.verb)
				continue
			}
			text := w.text(p.expr)
			if strings.Contains(text, `"`) {
				quote = `"""` // before Python 3.12 a quote may not come again
			}
			b.WriteString("{" + text + "}")
		}
	}
	return "f" + quote + b.String() + quote
}

package pyread

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// rewriteText cuts what belongs to parameters off a text, and writes the rest
// as the literal will be: a % that is doubled for the driver, braces that stand
// alone when the literal is no f-string any more.
func (w *writer) rewriteText(i int) {
	s := w.t.segments[i]
	c := w.cut[i]
	plain := s.lit.Middle && w.emptied(s.lit.Span)
	doubled := w.doubles() && w.rewrite.Query.Args == nil
	at := 0
	for _, p := range s.parts {
		from, to := at, at+len(p.value)
		at = to
		lo, hi := max(from, c[0]), min(to, len(s.value)-c[1])
		if lo >= hi {
			w.edits = append(w.edits, w.replace(p.span, ""))
			continue
		}
		old := w.tree.Slice(p.span)
		text := old
		if p.plain() {
			text = p.value[lo-from : hi-from]
		}
		switch {
		case p.value == "%" && !p.plain():
			text = "%" // %% of a template
		case p.value == "{" || p.value == "}":
			if plain || w.t.filled != nil {
				text = p.value
			}
		}
		if doubled {
			text = strings.ReplaceAll(text, "%", "%%")
		}
		if w.braced[s.lit.Span] && (p.plain() || p.value == "{" || p.value == "}") {
			text = strings.NewReplacer("{", "{{", "}", "}}").Replace(text)
		}
		if text != old {
			w.edits = append(w.edits, w.replace(p.span, text))
		}
	}
}

// doubles reports whether the driver reads %% as % where there are parameters.
// MySQL's own connector does not.
func (w *writer) doubles() bool { return w.rewrite.Style == ir.Percent && w.rewrite.Driver != "mysql" }

// emptied reports whether the f-string around a span loses all its holes.
func (w *writer) emptied(at syntax.Span) bool {
	open, end := w.around(at)
	for i, s := range w.t.segments {
		inside := s.hole && !s.plus && s.span.Start >= open.End && s.span.Start < end
		if inside && (!w.bind[i] && !w.gone[i] || w.code[i]) {
			return false
		}
	}
	return true
}

// around is the opening of the f-string that holds a span, and where the next
// one opens.
func (w *writer) around(at syntax.Span) (syntax.Span, uint32) {
	var open syntax.Span
	end := w.sql.Where().End
	for _, o := range w.t.opens {
		if o.End <= at.Start {
			open = o
		} else {
			return open, o.Start
		}
	}
	return open, end
}

// rewriteHole puts a placeholder in the place of a hole.
func (w *writer) rewriteHole(i int, mark string) bool {
	s := w.t.segments[i]
	if s.plus && !w.code[i] {
		return w.rewriteOperand(i, mark)
	}
	if old := w.tree.Slice(s.span); old != mark {
		w.edits = append(w.edits, w.replace(s.span, mark))
	}
	return true
}

// rewriteOperand takes an operand of + away, and appends its placeholder to
// the literal before it.
func (w *writer) rewriteOperand(i int, mark string) bool {
	if i == 0 || w.t.segments[i-1].hole {
		w.edits = append(w.edits, w.replace(w.t.segments[i].span, `"`+mark+`"`))
		return true
	}
	lit := w.t.segments[i-1].lit
	if lit.Middle {
		return false
	}
	w.edits = append(w.edits, w.insert(lit.Body.End, mark))
	start, end := lit.End, w.t.segments[i].span.End
	if between := w.tree.Text[start:w.t.segments[i].span.Start]; strings.ContainsAny(between, "()#") {
		return false
	}
	if w.swallowed(i + 1) {
		end = w.t.segments[i+1].lit.End
	}
	for end < uint32(len(w.tree.Text)) && w.tree.Text[end] == ')' && w.unbalanced(start, end) {
		end++
	}
	w.edits = append(w.edits, w.replace(syntax.Span{Start: start, End: end}, ""))
	return true
}

// swallowed reports whether a text is a whole operand of + of which nothing
// stays, and which goes with the hole before it.
func (w *writer) swallowed(i int) bool {
	if i < 2 || i >= len(w.t.segments) || w.t.segments[i].hole || w.kept(i) != "" {
		return false
	}
	s, hole, first := w.t.segments[i], w.t.segments[i-1], w.t.segments[i-2]
	between := strings.TrimSpace(w.tree.Text[hole.span.End:max(s.lit.Start, hole.span.End)])
	return !s.lit.Middle && hole.hole && hole.plus && w.marks[i-1] != "" && !w.code[i-1] && !first.hole && !first.lit.Middle && between == "+" &&
		(i+1 == len(w.t.segments) || w.t.segments[i+1].hole || w.t.segments[i+1].lit.Span != s.lit.Span)
}

// unbalanced reports whether a stretch of text opens a parenthesis that it
// does not close.
func (w *writer) unbalanced(start, end uint32) bool {
	text := w.tree.Text[start:end]
	return strings.Count(text, "(") > strings.Count(text, ")")
}

// unformat takes away the % or .format, and the f of an f-string that has no
// holes any more.
func (w *writer) unformat() {
	if w.t.filled != nil {
		w.edits = append(w.edits, w.replace(w.t.rest, ""))
	}
	for i, open := range w.t.opens {
		end := w.sql.Where().End
		if i+1 < len(w.t.opens) {
			end = w.t.opens[i+1].Start
		}
		if !w.emptied(syntax.Span{Start: open.End, End: end}) {
			continue
		}
		for at := open.Start; at < open.End; at++ {
			if c := w.tree.Text[at]; c == 'f' || c == 'F' {
				w.edits = append(w.edits, w.replace(syntax.Span{Start: at, End: at + 1}, ""))
			}
		}
	}
}

// pass adds the parameters to the call.
func (b *binding) pass() bool {
	list := make([]string, len(b.params))
	for i, p := range b.params {
		list[i] = p.text
	}
	switch {
	case b.rewrite.Style == ir.Named:
		for i, p := range b.params {
			list[i] = p.name + "=" + p.text
		}
		if b.rewrite.Query.Method != "text" {
			return false
		}
		b.edits = append(b.edits, b.insert(b.call.End, ".bindparams("+strings.Join(list, ", ")+")"))
		return true
	case b.rewrite.Query.Method == "executescript":
		return b.not("executescript takes no parameters")
	case b.rewrite.Style == ir.Dollar:
		return b.append(list)
	case b.rewrite.Style != ir.Qmark && b.rewrite.Style != ir.Percent:
		return false
	}
	args := b.arguments()
	switch {
	case b.rewrite.Query.Many:
		return b.passRows(args, list)
	case args == nil:
		return b.append([]string{b.display(list)})
	case b.mapping:
		return b.passNamed(args)
	}
	return b.passMore(args, list)
}

// display is a tuple of values, or a mapping of named ones.
func (b *binding) display(list []string) string {
	if b.mapping {
		for i, p := range b.params {
			list[i] = `"` + p.name + `": ` + p.text
		}
		return "{" + strings.Join(list, ", ") + "}"
	}
	if len(list) == 1 {
		return "(" + list[0] + ",)"
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// append adds positional arguments behind the last one of the call.
func (b *binding) append(list []string) bool {
	if len(b.call.Args) == 0 {
		return false // the text is passed by keyword
	}
	if b.rewrite.Query.Many {
		return false
	}
	last := b.call.Args[len(b.call.Args)-1]
	b.edits = append(b.edits, b.insert(b.outside(last), ", "+strings.Join(list, ", ")))
	return true
}

// outside skips the parentheses that close around an argument.
func (b *binding) outside(e syntax.Expr) uint32 {
	at, depth := e.Where().End, 0
	start := b.call.Func.Where().End
	for _, c := range b.tree.Text[start:e.Where().Start] {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	end := at
	for depth--; depth > 0 && at < b.call.End; at++ { // the call's own one stays
		if c := b.tree.Text[at]; c == ')' {
			depth--
			end = at + 1
		} else if strings.IndexByte(" \t\r\n", c) < 0 {
			break
		}
	}
	return end
}

func (b *binding) passNamed(args syntax.Expr) bool {
	list := make([]string, len(b.params))
	for i, p := range b.params {
		list[i] = `"` + p.name + `": ` + p.text
	}
	if d, ok := args.(*syntax.Dict); ok && len(d.Values) > 0 {
		b.edits = append(b.edits, b.insert(d.Values[len(d.Values)-1].Where().End, ", "+strings.Join(list, ", ")))
		return true
	}
	b.edits = append(b.edits, b.replace(args.Where(), "{**"+b.text(args)+", "+strings.Join(list, ", ")+"}"))
	return true
}

// passMore merges the parameters with those that the call has, in the order
// of the text.
func (b *binding) passMore(args syntax.Expr, list []string) bool {
	var elems []syntax.Expr
	switch a := args.(type) {
	case *syntax.Tuple:
		elems = a.Elts
	case *syntax.List:
		elems = a.Elts
	default:
		return b.merge(args, b.text(args), list)
	}
	texts := make([]string, len(elems))
	for i, e := range elems {
		if _, ok := e.(*syntax.Starred); ok {
			return b.merge(args, b.text(args), list)
		}
		texts[i] = b.text(e)
	}
	if len(texts) != b.total() {
		return false
	}
	for i, p := range slices.Backward(b.params) {
		texts = slices.Insert(texts, p.before, list[i])
	}
	b.edits = append(b.edits, b.replace(args.Where(), b.display(texts)))
	return true
}

// merge puts the new parameters before or behind all that a variable holds.
func (b *binding) merge(at syntax.Expr, old string, list []string) bool {
	text, ok := b.merged(old, list)
	if ok {
		b.edits = append(b.edits, b.replace(at.Where(), text))
	}
	return ok
}

func (b *binding) merged(old string, list []string) (string, bool) {
	total := b.total()
	first, last := b.params[0].before, b.params[len(b.params)-1].before
	switch {
	case last == 0:
		return "(" + strings.Join(list, ", ") + ", *" + old + ")", true
	case first == total:
		return "(*" + old + ", " + strings.Join(list, ", ") + ")", true
	}
	return "", false
}

// passRows adds the parameters to each row of executemany.
func (b *binding) passRows(args syntax.Expr, list []string) bool {
	if args == nil || b.mapping {
		return false
	}
	for _, text := range list {
		if strings.Contains(text, "row") {
			return false
		}
	}
	text, ok := b.merged("row", list)
	if !ok {
		return false
	}
	b.edits = append(b.edits, b.replace(args.Where(), "["+text+" for row in "+b.text(args)+"]"))
	return true
}

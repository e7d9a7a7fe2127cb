package goread

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// place puts a placeholder where each hole to bind was, and notes the
// arguments in their order.
func (b *binding) place() bool {
	given := b.call.Args[b.text+1:]
	all := ""
	for _, s := range b.flat {
		if s.hole {
			all += " "
		}
		all += s.text
	}
	if b.rewrite.Style == ir.Percent || b.rewrite.Style == ir.Named || b.existing(all) != len(given) || !b.takes() {
		return b.not(finding.NoMerging)
	}
	for _, e := range given {
		b.args = append(b.args, b.source(e))
	}
	if b.rewrite.Style != ir.Qmark {
		b.given = len(given)
	}
	marks := b.marks(all)
	b.around = make([]finding.Place, len(b.flat))
	for i := range b.flat {
		b.around[i] = b.surroundings(i)
	}
	for i, s := range b.flat {
		switch {
		case s.gone:
		case !s.hole:
			if b.rewrite.Style == ir.Qmark {
				b.given += marks[i]
			}
		case s.bind:
			if !b.hole(i) {
				return false
			}
		}
	}
	return true
}

// marks counts the ? of each segment that stand for a parameter, of a text in
// which a hole is one blank.
func (b *binding) marks(all string) []int {
	bare, at := finding.Bare(all), 0
	out := make([]int, len(b.flat))
	for i, s := range b.flat {
		if s.hole {
			at++
		}
		out[i] = strings.Count(bare[at:at+len(s.text)], "?")
		at += len(s.text)
	}
	return out
}

// takes reports whether the method takes arguments beside the text.
func (b *binding) takes() bool {
	m := b.rewrite.Query.Method
	if strings.HasPrefix(m, "Prepare") || strings.HasPrefix(m, "Named") || m == "ExecParams" || b.rewrite.Driver == "gorm" && (fragments[m] || m == "Select") {
		return false
	}
	for _, e := range b.call.Args[b.text+1:] {
		if c, ok := e.(*ast.CompositeLit); ok && strings.Contains(b.source(c.Type), "NamedArgs") {
			return false
		}
	}
	return true
}

func (b *binding) hole(i int) bool {
	s := b.flat[i]
	switch s.at {
	case finding.Quoted, finding.Partial:
		return b.quoted(i)
	case finding.InList:
		return b.inList(i)
	}
	if !b.plain(s, false) || !b.around[i].Value() {
		return b.not(finding.NoValue)
	}
	if _, odd := b.odd[b.span(s.expr)]; odd {
		b.note = "what " + b.source(s.expr) + " prints is bound as text: if that is a number, SQL or has quotes, it is another value now"
	}
	b.stored(b.around[i])
	b.mark(s, b.value(s))
	return true
}

// stored notes a column that keeps text as it is, where text was a number in the
// statement.
func (b *binding) stored(at finding.Place) {
	if at.Database == finding.Postgres {
		return
	}
	if column := b.rewrite.Schema.NoNumbers(at); column != "" {
		b.note = "the program declares " + column + " as no number: what was a number in the statement is text now"
	}
}

// value is the hole as an argument of the call: the text that it was, where a
// driver would take the value as another.
func (b *binding) value(s *segment) string {
	text := b.source(s.expr)
	as, odd := b.odd[b.span(s.expr)]
	switch {
	case !odd && !padded(s.verb):
		return text
	case s.verb == "%v":
		as = "fmt.Sprint"
	case s.verb != "%s" || as == "":
		return "fmt.Sprintf(" + strconv.Quote(s.verb) + ", " + text + ")"
	}
	return as + "(" + text + ")"
}

// padded reports whether a verb changes the length of a text.
func padded(verb string) bool {
	return strings.HasSuffix(verb, "s") && strings.ContainsAny(verb, "0123456789.") && !strings.Contains(verb, "[")
}

// mark turns a hole into a placeholder.
func (b *binding) mark(s *segment, arg string) {
	n := b.given
	switch b.rewrite.Style {
	case ir.Qmark:
		s.text = "?"
		b.args = slices.Insert(b.args, n, arg)
	case ir.Dollar:
		s.text = fmt.Sprintf("$%d", n+1)
	case ir.AtP:
		s.text = fmt.Sprintf("@p%d", n+1)
	case ir.ColonIndex:
		s.text = fmt.Sprintf(":%d", n+1)
	}
	if b.rewrite.Style != ir.Qmark {
		b.args = append(b.args, arg)
	}
	b.given++
	b.bound++
	s.hole, s.gone = false, true
}

// quoted makes one parameter of all between two quotes of the SQL.
func (b *binding) quoted(i int) bool {
	from, to := i-1, i+1
	// The hole is between quotes, so the nearest one on its left opens its
	// literal, whatever stands before that.
	for from >= 0 && (b.flat[from].hole || !strings.Contains(b.flat[from].text, "'")) {
		from--
	}
	for to < len(b.flat) && (b.flat[to].hole || finding.CloseQuote(b.flat[to].text) < 0) {
		to++
	}
	if from < 0 || to == len(b.flat) {
		return false
	}
	head, tail := b.flat[from], b.flat[to]
	if strings.Contains(head.text, "''") {
		return b.not(finding.NoValue) // a doubled quote is no end of a literal
	}
	open, shut := strings.LastIndexByte(head.text, '\''), finding.CloseQuote(tail.text)
	at := b.around[i]
	at.Before, at.Behind = b.before(from)+head.text[:open], tail.text[shut+1:]+b.behind(to)
	if !at.Quoted() {
		return b.not(finding.NoValue)
	}
	for _, s := range append(slices.Clone(b.flat[from+1:to]), &segment{text: head.text[open+1:] + tail.text[:shut]}) {
		if !s.hole && strings.Contains(s.text, `\`) || s.hole && !b.plain(s, true) {
			return false
		}
	}
	parts := []*segment{{text: head.text[open+1:]}}
	parts = append(parts, b.flat[from+1:to]...)
	parts = append(parts, &segment{text: tail.text[:shut]})
	arg, ok := b.joined(parts)
	if !ok {
		return false
	}
	head.text, tail.text = head.text[:open], tail.text[shut+1:]
	for _, s := range b.flat[from+1 : to] {
		s.text, s.hole, s.gone = "", false, true
	}
	b.mark(b.flat[i], arg)
	return true
}

// joined is text and holes as one Go expression.
func (b *binding) joined(parts []*segment) (string, bool) {
	var out []string
	tmpl, args, verbs := "", "", false
	for _, s := range parts {
		text := strings.ReplaceAll(s.text, "''", "'")
		switch {
		case !s.hole && text != "":
			out = append(out, strconv.Quote(text))
			tmpl += strings.ReplaceAll(text, "%", "%%")
		case s.hole && s.verb == "":
			out = append(out, b.source(s.expr))
			tmpl += "%s"
			args += ", " + b.source(s.expr)
		case s.hole:
			out = append(out, b.value(s))
			verbs = true
			tmpl += s.verb
			args += ", " + b.source(s.expr)
		}
	}
	if len(out) == 1 {
		return out[0], true
	}
	if !verbs {
		return strings.Join(out, " + "), true
	}
	return "fmt.Sprintf(" + strconv.Quote(tmpl) + args + ")", true
}

var (
	inBefore   = regexp.MustCompile(`(?i)\s*\b(NOT\s+)?IN\s*\(\s*$`)
	closeAfter = regexp.MustCompile(`^\s*\)`)
)

// inList makes a parameter of a joined list: an array where the driver knows
// arrays, else one for each element.
func (b *binding) inList(i int) bool {
	c, ok := ast.Unparen(b.flat[i].expr).(*ast.CallExpr)
	if !ok || b.source(c.Fun) != "strings.Join" || len(c.Args) != 2 || i == 0 || i+1 >= len(b.flat) || b.flat[i-1].hole || b.flat[i+1].hole {
		return false
	}
	head, tail := b.flat[i-1], b.flat[i+1]
	open, shut := inBefore.FindStringSubmatchIndex(head.text), closeAfter.FindStringIndex(tail.text)
	if open == nil || shut == nil || !b.around[i].List() || !b.plain(b.flat[i], true) {
		return b.not(finding.NoValue)
	}
	b.stored(b.around[i])
	list := b.source(c.Args[0])
	if b.rewrite.Style == ir.Dollar && b.rewrite.Driver == "pgx" {
		verb := " = ANY("
		if open[2] >= 0 {
			verb = " <> ALL("
		}
		b.note = "pgx takes a []string for a column of text only"
		head.text, tail.text = head.text[:open[0]]+verb, tail.text[shut[0]:]
		b.mark(b.flat[i], list)
		return true
	}
	if _, name := c.Args[0].(*ast.Ident); !name || b.rewrite.Style != ir.Qmark || b.list != "" {
		return false
	}
	b.list = list
	b.bound++
	b.args = append(b.args, list)
	s := b.flat[i]
	s.bind = false
	s.expr = nil
	s.text = `strings.TrimSuffix(strings.Repeat("?, ", len(` + list + `)), ", ")`
	return true
}

// render writes the expression anew.
func (b *binding) render() string {
	var out strings.Builder
	pending := "" // a literal's text that has not been written yet
	style := byte(0)
	flush := func() {
		if style != 0 {
			out.WriteString(quote(pending, style))
		}
		pending, style = "", 0
	}
	for i, o := range b.items {
		sep := ""
		if i > 0 {
			sep = string(b.file.Text[b.span(b.items[i-1].expr).End:b.span(o.expr).Start])
			if strings.ContainsAny(sep, "()") {
				sep = " + "
			}
		}
		text, lit := b.operand(o)
		switch {
		case lit == 0:
			flush()
			if out.Len() > 0 {
				out.WriteString(sep)
			}
			out.WriteString(text)
		case style != 0 && (!strings.Contains(sep, "\n") || text == "") && (lit == style || text == "" || pending == ""):
			pending += text
			if len(pending) == len(text) {
				style = lit
			}
		default:
			if text == "" && len(b.items) > 1 && style == 0 && i == len(b.items)-1 && out.Len() > 0 {
				continue
			}
			flushed := style != 0
			flush()
			if flushed || out.Len() > 0 {
				out.WriteString(sep)
			}
			pending, style = text, lit
		}
	}
	flush()
	return out.String()
}

// operand is an operand's new text: decoded, with the quote it goes between,
// or Go source with 0.
func (b *binding) operand(o *operand) (string, byte) {
	if lit, ok := ast.Unparen(o.expr).(*ast.BasicLit); ok {
		return o.segs[0].text, lit.Value[0]
	}
	if o.sprintf == nil {
		s := o.segs[0]
		switch {
		case s.hole && s.expr != nil:
			return b.source(o.expr), 0
		case s.hole:
			return s.text, 0 // generated placeholders
		}
		return s.text, '"'
	}
	tmpl, args, plain, holes := "", "", "", false
	for _, s := range o.segs {
		switch {
		case s.hole && s.expr == nil:
			holes = true
			tmpl += "%s"
			args += ", " + s.text
		case s.hole:
			holes = true
			tmpl += s.verb
			args += ", " + b.source(s.expr)
		default:
			tmpl += strings.ReplaceAll(s.text, "%", "%%")
			plain += s.text
		}
	}
	style := b.source(o.sprintf.Args[0])[0]
	if !holes {
		return plain, style
	}
	return "fmt.Sprintf(" + quote(tmpl, style) + args + ")", 0
}

// quote writes a literal between the quotes it had, if it can.
func quote(text string, style byte) string {
	if style == '`' && !strings.ContainsAny(text, "`\r") {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

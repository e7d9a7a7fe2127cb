package pyread

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// Bind turns the holes of a query into parameters of its driver. All of the
// text must be built by one expression, in the function that sends it; the
// edits leave it as it is but for the holes.
func (Mender) Bind(r finding.Rewrite) (finding.Fix, bool) {
	if r.Query == nil || r.Whole == nil || r.Query.Span.File != r.Whole.At().File {
		return finding.Fix{}, false
	}
	b := &binding{module: reread(r.Query.Span.File), rewrite: r}
	if !b.find() || !b.choose() || !b.stable() {
		return finding.Fix{}, false
	}
	if !b.place() || !b.pass() {
		return finding.Fix{}, false
	}
	fix := finding.Fix{Title: "bind the value as a parameter", Edits: b.edits}
	if len(b.params) > 1 {
		fix.Title = "bind the values as parameters"
	}
	return fix, true
}

// A binding is one rewrite under way.
type binding struct {
	*module
	rewrite  finding.Rewrite
	call     *syntax.Call // the query
	sql      syntax.Expr  // the expression that builds its text
	t        *template
	contexts []finding.Context // of each segment that is a hole to bind
	bind     []bool            // by segment
	params   []param
	edits    []finding.Edit
	mapping  bool // parameters go by name
}

// A param is a value to be bound.
type param struct {
	text   string // as Python
	name   string
	before int // parameters that the text had before it already
}

// find looks up the call and the expression in the file.
func (b *binding) find() bool {
	var whole []syntax.Expr
	for n := range syntax.All(b.tree) {
		e, ok := n.(syntax.Expr)
		if !ok {
			continue
		}
		if c, ok := e.(*syntax.Call); ok && b.span(c.Span) == b.rewrite.Query.Span {
			b.call = c
		}
		if b.span(e.Where()) == b.rewrite.Whole.At() {
			whole = append(whole, e)
		}
	}
	if b.call == nil {
		return false
	}
	for _, e := range whole {
		if t, ok := b.takeApart(e); ok {
			b.sql, b.t = e, t
			return b.enclosing(e) == b.enclosing(b.call)
		}
	}
	return false
}

// enclosing is the innermost function around an expression, nil at the top.
func (m *module) enclosing(e syntax.Expr) *syntax.FunctionDef {
	var found *syntax.FunctionDef
	for n := range syntax.All(m.tree) {
		if f, ok := n.(*syntax.FunctionDef); ok && within(e, f) {
			found = f
		}
	}
	return found
}

// choose pairs the engine's holes with those of the source. A hole that is
// tainted where no parameter can stand ends the attempt.
func (b *binding) choose() bool {
	b.bind = make([]bool, len(b.t.segments))
	b.contexts = make([]finding.Context, len(b.t.segments))
	var holes []int
	for i, s := range b.t.segments {
		if s.hole {
			holes = append(holes, i)
		}
	}
	var pieces []finding.Piece
	for _, p := range b.rewrite.Pieces {
		if p.Hole {
			pieces = append(pieces, p)
		}
	}
	any := false
	for n, p := range pieces {
		i := b.holeAt(p.At)
		if i < 0 && len(pieces) == len(holes) {
			i = holes[n]
		}
		switch {
		case i < 0 && p.Tainted, p.Tainted && !p.Context.Bindable():
			return false
		case i < 0 || !p.Tainted && b.t.filled == nil:
			continue
		case !p.Context.Bindable():
			return false // the template goes, and this value could not stay
		}
		b.bind[i], b.contexts[i], any = true, p.Context, true
	}
	if b.t.filled != nil {
		for _, i := range holes {
			if !b.bind[i] {
				return false
			}
		}
	}
	return any
}

// holeAt finds the hole that is, or is filled by, what stands at a span.
func (b *binding) holeAt(at ir.Span) int {
	return slices.IndexFunc(b.t.segments, func(s segment) bool {
		return s.hole && (b.span(s.span) == at || b.span(s.expr.Where()) == at)
	})
}

// stable reports whether the values are still the same where the query is
// sent: nothing that they name is assigned in between, and nothing is called
// at another time than before.
func (b *binding) stable() bool {
	if within(b.sql, b.call) {
		return true
	}
	used := map[string]bool{}
	for i, s := range b.t.segments {
		if !b.bind[i] {
			continue
		}
		for n := range syntax.All(s.expr) {
			switch n := n.(type) {
			case *syntax.Name:
				used[n.ID] = true
			case *syntax.Await, *syntax.Yield, *syntax.YieldFrom, *syntax.NamedExpr:
				return false
			}
		}
	}
	for n := range syntax.All(b.tree) {
		name, ok := n.(*syntax.Name)
		if ok && name.Ctx != syntax.Load && used[name.ID] && name.Start > b.sql.Where().End && name.Start < b.call.Start {
			return false
		}
	}
	return true
}

var (
	named      = regexp.MustCompile(`(^|[^:\w]):[A-Za-z_]\w*`)
	namedVerb  = regexp.MustCompile(`%\([A-Za-z_]\w*\)s`)
	dollars    = regexp.MustCompile(`\$(\d+)`)
	inBefore   = regexp.MustCompile(`(?i)\s*\b(NOT\s+)?IN\s*\(\s*'?$`)
	closeAfter = regexp.MustCompile(`^'?\s*\)`)
)

// existing counts the parameters that stand in a text.
func (b *binding) existing(text string) int {
	switch b.rewrite.Style {
	case ir.Qmark:
		return strings.Count(text, "?")
	case ir.Percent:
		return strings.Count(strings.ReplaceAll(text, "%%", ""), "%s")
	}
	return 0
}

// place writes a placeholder for every hole, and notes the parameters.
func (b *binding) place() bool {
	all := ""
	for _, s := range b.t.segments {
		all += s.value
	}
	b.mapping = b.rewrite.Style == ir.Named || b.rewrite.Style == ir.Qmark && named.MatchString(all) && !strings.Contains(all, "?") && b.boundByName() ||
		b.rewrite.Style == ir.Percent && namedVerb.MatchString(all)
	number := 0
	for _, m := range dollars.FindAllStringSubmatch(all, -1) {
		n := 0
		fmt.Sscan(m[1], &n)
		number = max(number, n)
	}
	w := &writer{binding: b, number: number, taken: map[string]bool{}}
	for _, m := range named.FindAllString(all, -1) {
		w.taken[m[strings.IndexByte(m, ':')+1:]] = true
	}
	for _, m := range namedVerb.FindAllString(all, -1) {
		w.taken[m[2:len(m)-2]] = true
	}
	return w.write()
}

// boundByName reports whether the query's own arguments are a mapping, or
// there are none.
func (b *binding) boundByName() bool {
	args := b.arguments()
	_, dict := args.(*syntax.Dict)
	return dict
}

// arguments is what the call binds already; nil for nothing.
func (b *binding) arguments() syntax.Expr {
	return argument(b.call, 1, argumentNames...)
}

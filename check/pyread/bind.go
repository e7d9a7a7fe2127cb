package pyread

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// Bind turns the holes of a query into parameters of its driver. All of the
// text must be built by one expression, in the function that sends it; the
// edits leave it as it is but for the holes.
func (m *Mender) Bind(r finding.Rewrite) (finding.Fix, bool) {
	if r.Query == nil || r.Whole == nil || r.Query.Span.File != r.Whole.At().File {
		return finding.Fix{Note: finding.NoSingle}, false
	}
	b := &binding{mended: m.mended(r.Query.Span.File), rewrite: r}
	if r.Style == ir.NoStyle {
		return finding.Fix{Note: finding.NoDriver}, false
	}
	if !b.locate() || !b.sequence() || !b.build() || b.shadowed() {
		return finding.Fix{Note: cmp.Or(b.why, finding.NoProof)}, false
	}
	fix := finding.Fix{Title: "bind the value as a parameter", Edits: b.edits}
	if len(b.params) > 1 {
		fix.Title = "bind the values as parameters"
	}
	if r.Style == ir.Dollar {
		fix.Tier, fix.Note = finding.Unsafe, "asyncpg takes a value of the column's own type only: a str for an integer column is refused"
	}
	if b.note != "" {
		fix.Tier, fix.Note = finding.Unsafe, b.note
	}
	return fix, true
}

// build writes the edits: for a text that one expression builds, else for one
// that is built step by step.
func (b *binding) build() bool {
	if b.find() {
		return b.choose() && b.equal() && (b.stable() || b.not(finding.NoMoving)) && b.place() && b.pass()
	}
	return b.steps()
}

// not notes why there is no fix: the first reason counts.
func (b *binding) not(why string) bool {
	b.why = cmp.Or(b.why, why)
	return false
}

// A binding is one rewrite under way.
type binding struct {
	*mended
	rewrite   finding.Rewrite
	call      *syntax.Call // the query
	sql       syntax.Expr  // the expression that builds its text
	t         *template
	contexts  []finding.Context // of each segment that is a hole to bind
	bind      []bool            // by segment
	params    []param
	edits     []finding.Edit
	mapping   bool                // parameters go by name
	before    []int               // parameters that stand in each segment, by segment
	note      string              // what else the fix changes
	why       string              // why there is none
	statement string              // the text of all steps, of a text that is built in several
	fn        *syntax.FunctionDef // around the query; nil at the top
}

// A param is a value to be bound.
type param struct {
	text   string // as Python
	name   string
	before int // parameters that the text had before it already
}

// locate looks up the call in the file.
func (b *binding) locate() bool {
	calls := nodes[*syntax.Call](b.mended, b.rewrite.Query.Span)
	if len(calls) == 0 {
		return false
	}
	b.call = calls[len(calls)-1]
	b.fn = b.enclosing(b.call)
	return true
}

// find looks up the expression that builds the text.
func (b *binding) find() bool {
	for _, e := range nodes[syntax.Expr](b.mended, b.rewrite.Whole.At()) {
		if _, kept := b.parent[e].(*syntax.NamedExpr); kept {
			return false // (q := "…"): q is read elsewhere
		}
		if t, ok := b.takeApart(e); ok {
			b.sql, b.t = e, t
			return b.enclosing(e) == b.fn
		}
	}
	return false
}

// choose pairs the engine's holes with those of the source, one after the
// other. A hole that is tainted where no parameter can stand ends the attempt.
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
	any, next := false, 0
	for n, p := range pieces {
		i := b.holeAt(p.At, next)
		if i < 0 && len(pieces) == len(holes) {
			i = holes[n]
		}
		switch {
		case i < 0 && p.Tainted, p.Tainted && !p.Context.Bindable():
			return b.not(finding.NoSingle)
		case i < 0:
			continue
		}
		next = i + 1
		if !p.Tainted && b.t.filled == nil {
			continue
		}
		if !p.Context.Bindable() {
			return b.not("the template goes, and " + b.text(b.t.segments[i].expr) + ", which is no value, could not stay")
		}
		b.bind[i], b.contexts[i], any = true, p.Context, true
	}
	b.fill()
	return any && b.complete()
}

// fill binds the holes of a template that are constants to the engine: the
// template goes.
func (b *binding) fill() {
	if b.t.filled == nil {
		return
	}
	pieces := b.pieces()
	finding.Locate(pieces)
	for i, p := range pieces {
		if p.Hole && !b.bind[i] && p.Context.Bindable() {
			b.bind[i], b.contexts[i] = true, p.Context
		}
	}
}

// pieces are the segments as they are written.
func (b *binding) pieces() []finding.Piece {
	list := make([]finding.Piece, len(b.t.segments))
	for i, s := range b.t.segments {
		list[i] = finding.Piece{Text: s.value, Hole: s.hole, List: s.hole && isJoin(s.expr)}
	}
	return list
}

func isJoin(e syntax.Expr) bool {
	c, ok := e.(*syntax.Call)
	return ok && lastName(c.Func) == "join"
}

// complete reports whether a template that goes keeps no hole.
func (b *binding) complete() bool {
	for i, s := range b.t.segments {
		if b.t.filled != nil && s.hole && !b.bind[i] {
			return false
		}
	}
	return true
}

// holeAt finds the first hole from a segment on that is, or is filled by, what
// stands at a span.
func (b *binding) holeAt(at ir.Span, from int) int {
	for i, s := range b.t.segments {
		if i >= from && s.hole && (b.span(s.span) == at || b.span(s.expr.Where()) == at) {
			return i
		}
	}
	return -1
}

var (
	named     = regexp.MustCompile(`(^|[^:\w]):[A-Za-z_]\w*`)
	namedVerb = regexp.MustCompile(`%\([A-Za-z_]\w*\)s`)
	dollars   = regexp.MustCompile(`\$(\d+)`)
)

// count tells how many parameters stand in each segment already.
func (b *binding) count() {
	all := ""
	for _, s := range b.t.segments {
		if s.hole {
			all += "x"
		}
		all += s.value
	}
	if b.rewrite.Style == ir.Qmark {
		all = finding.Bare(all)
	} else {
		all = strings.ReplaceAll(all, "%%", "  ")
	}
	b.before = make([]int, len(b.t.segments))
	at := 0
	for i, s := range b.t.segments {
		if s.hole {
			at++
			continue
		}
		text := all[at : at+len(s.value)]
		at += len(s.value)
		switch b.rewrite.Style {
		case ir.Qmark:
			b.before[i] = strings.Count(text, "?")
		case ir.Percent:
			b.before[i] = strings.Count(text, "%s")
		}
	}
}

// total is how many parameters the text had before.
func (b *binding) total() int {
	n := 0
	for _, k := range b.before {
		n += k
	}
	return n
}

// place writes a placeholder for every hole, and notes the parameters.
func (b *binding) place() bool {
	b.count()
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

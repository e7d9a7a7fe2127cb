package pyread

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// A step is a statement that begins the text of a query in a variable, or
// makes it longer.
type step struct {
	stmt   syntax.Stmt
	value  syntax.Expr // what is assigned or added
	begins bool
}

// steps binds the values of a text that a variable is built up to in several
// statements. Each of them gives its values to a list beside the text, just
// before, so that both are always of one length, whichever way was taken, and
// every value is evaluated when it was.
func (b *binding) steps() bool {
	name, ok := b.argument()
	switch {
	case !ok || b.fn == nil:
		return b.not(finding.NoSingle)
	case b.rewrite.Query.Method == "executescript":
		return b.not("executescript takes no parameters")
	case b.rewrite.Query.Args != nil || len(b.rest()) > 0 || b.rewrite.Query.Many:
		return b.not("the text is built in several steps, beside other parameters")
	case b.rewrite.Style != ir.Qmark && b.rewrite.Style != ir.Percent:
		return b.not(finding.NoNumbers)
	}
	list, ok := b.built(name)
	if !ok {
		return b.not(name.ID + " is used for more than this query, or built in a way that is not followed, or in more than 200 statements")
	}
	params := b.free(name.ID + "_params")
	for _, s := range list {
		b.statement += b.text(s.value) + " "
	}
	for _, s := range list {
		if !b.step(s, name.ID, params) {
			return false
		}
	}
	return len(b.params) > 0 && b.append([]string{params})
}

// stepsMax is how many statements a text may be built in to be mended: each is judged
// beside the text of all. Nobody writes more by hand.
const stepsMax = 200

// built finds the statements that build the text, and nothing else may know
// the variable but the query and a log.
func (b *binding) built(name *syntax.Name) ([]step, bool) {
	builds := b.scope(b.fn).builds[name.ID]
	uses := b.uses(name.ID, len(builds))
	if len(builds) < 2 || len(builds) > stepsMax || uses < 1 || uses > 1+len(builds) {
		return nil, false
	}
	var list []step
	added := 0
	for _, s := range builds {
		switch s := s.(type) {
		case *syntax.Assign:
			longer := b.longer(s.Value, name.ID)
			if longer {
				added++
			}
			list = append(list, step{s, s.Value, !longer})
		case *syntax.AugAssign:
			list = append(list, step{s, s.Value, false})
		}
	}
	return list, uses == 1+added
}

func isName(e syntax.Expr, name string) bool {
	x, ok := e.(*syntax.Name)
	return ok && x.ID == name
}

// longer reports whether a value is the variable with something added to it.
func (b *binding) longer(e syntax.Expr, name string) bool {
	for {
		sum, ok := e.(*syntax.BinOp)
		if !ok || sum.Op != syntax.Add {
			return false
		}
		if isName(sum.Left, name) {
			return true
		}
		e = sum.Left
	}
}

// step rewrites one statement.
func (b *binding) step(s step, name, params string) bool {
	t, ok := b.takeApart(s.value)
	if !ok {
		return b.not(finding.NoSingle)
	}
	one := &binding{mended: b.mended, rewrite: b.rewrite, call: b.call, fn: b.fn, sql: s.value, t: t, statement: b.statement}
	if !(one.locateIn(s, name) || one.not(finding.NoPlace)) || !one.equal() || !(one.early(s.stmt) || one.not(finding.NoMoving)) || !one.place() || one.mapping || one.total() > 0 {
		return b.not(cmp.Or(one.why, finding.NoMerging))
	}
	if one.note != "" {
		b.note = one.note
	}
	b.edits = append(b.edits, one.edits...)
	b.params = append(b.params, one.params...)
	values := make([]string, len(one.params))
	for i, p := range one.params {
		values[i] = p.text
	}
	text := params + " += [" + strings.Join(values, ", ") + "]"
	switch {
	case s.begins:
		text = params + " = [" + strings.Join(values, ", ") + "]"
	case len(values) == 0:
		return true
	case len(values) == 1 && !strings.HasPrefix(values[0], "*"):
		text = params + ".append(" + values[0] + ")"
	case len(values) == 1:
		text = params + ".extend(" + values[0][1:] + ")"
	}
	b.edits = append(b.edits, b.ahead(s.stmt, text))
	return true
}

// early reports whether the values of a step may be evaluated before the rest
// of it. Where an exception is caught that ends the step half way, the function
// would go on with a value too many.
func (b *binding) early(s syntax.Stmt) bool {
	moved, ok := b.sameOrder()
	stays, half := still, false
	for i, s := range b.t.segments {
		if s.hole && !b.bind[i] {
			stays = max(stays, b.effect(s.expr))
			_, plain := s.expr.(*syntax.Name)
			half = half || !plain || s.verb != ""
		}
	}
	return ok && !clash(moved, stays) && !b.naming() && !(half && b.caught(s))
}

// caught reports whether the function may go on when a statement fails.
func (b *binding) caught(s syntax.Stmt) bool {
	for n := b.parent[s]; n != nil && n != syntax.Node(b.fn); n = b.parent[n] {
		switch n.(type) {
		case *syntax.Try, *syntax.With: // contextlib.suppress
			return true
		}
	}
	return false
}

// locateIn tells where the holes of one step stand, by what is written in the
// step alone: so it does not matter which steps come before. The step must not
// begin or end within quotes, and only the first may be a statement's head.
func (b *binding) locateIn(s step, name string) bool {
	pieces := b.pieces()
	if first := b.t.segments[0]; !s.begins && first.hole && isName(first.expr, name) {
		pieces[0] = finding.Piece{} // what was there before
	}
	finding.Locate(pieces)
	if !finding.Closed(pieces) || s.begins && !finding.TakesParameters(pieces) || !s.begins && !finding.Continues(pieces) {
		return false
	}
	b.bind = make([]bool, len(pieces))
	b.contexts = make([]finding.Context, len(pieces))
	for i, p := range pieces {
		if !p.Hole {
			continue
		}
		tainted, seen := b.taint(b.t.segments[i])
		switch {
		case p.Context.Bindable() && (tainted || !seen || b.t.filled != nil):
			b.bind[i], b.contexts[i] = true, p.Context
		case tainted || !seen:
			return false
		}
	}
	return b.complete()
}

// taint is what the engine saw of a hole.
func (b *binding) taint(s segment) (tainted, seen bool) {
	for _, at := range []ir.Span{b.span(s.span), b.span(s.expr.Where())} {
		if bad, ok := b.rewrite.Taint[at]; ok {
			tainted, seen = tainted || bad, true
		}
	}
	return tainted, seen
}

// ahead puts a statement before another one.
func (b *binding) ahead(s syntax.Stmt, text string) finding.Edit {
	at := s.Where().Start
	indent := b.indent(at)
	if strings.TrimLeft(indent, " \t") != "" {
		return b.insert(at, text+"; ")
	}
	return b.insert(at, text+b.newline()+indent)
}

// newline is how the file ends its lines.
func (m *module) newline() string {
	if i := strings.IndexByte(m.tree.Text, '\n'); i > 0 && m.tree.Text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// free is a name that the file does not know.
func (b *binding) free(base string) string {
	taken := b.names()
	name := base
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	return name
}

package goread

import (
	"go/ast"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// plain reports whether a hole holds the value itself: what was escaped or quoted
// for the text would be another value as a parameter, and SQL none. Where a function
// that was not read has made it, the fix is not a safe one.
func (b *binding) plain(s *segment, quoted bool) bool {
	if s.expr == nil || s.verb == "%q" {
		return b.not("the value brings its own quotes")
	}
	made, known := b.rewrite.Making(b.span(s.expr), b.span(ast.Unparen(s.expr)))
	if doubt := made.Doubt(); doubt != "" {
		b.note = doubt
	}
	name := b.source(s.expr)
	switch {
	case !known:
		return b.not(finding.NoSource(name))
	case made.Escaped:
		return b.not(finding.NoEscaped(name))
	case made.SQL && !quoted:
		return b.not(finding.NoSQL(name))
	}
	return true
}

// surroundings is the SQL around a segment, with a ? for each hole.
func (b *binding) surroundings(i int) finding.Place {
	p := finding.Place{Before: b.before(i), Behind: b.behind(i), Statement: b.statement}
	switch {
	case b.rewrite.Driver == "gorm":
	case b.rewrite.Style == ir.Dollar:
		p.Database = finding.Postgres
	case b.rewrite.Style == ir.Qmark:
		p.Database = finding.Question
	}
	return p
}

// before is the text ahead of a segment.
func (b *binding) before(i int) string { return shown(b.flat[:i]) }

// behind is the text after a segment.
func (b *binding) behind(i int) string { return shown(b.flat[i+1:]) }

func shown(list []*segment) string {
	var out strings.Builder
	for _, s := range list {
		if s.hole {
			out.WriteByte('?')
		} else {
			out.WriteString(s.text)
		}
	}
	return out.String()
}

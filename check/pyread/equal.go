package pyread

import (
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// equal reports whether the query with its values bound is surely the query as
// it was, for every value it was meant for. What is in doubt stays as it is: a
// program that works must not break by being mended.
func (b *binding) equal() bool {
	places := b.pieces()
	finding.Locate(places)
	before := ""
	for i, s := range b.t.segments {
		if b.bind[i] {
			o := &origin{binding: b, seen: map[string]bool{}}
			within := b.contexts[i] == finding.Quoted || b.contexts[i] == finding.Partial
			if o.escaped(s.expr) || !within && !b.alone(i, before, places[i].Context) {
				return false
			}
		}
		if s.hole {
			before += "?"
		}
		before += s.value
	}
	return b.mergeable()
}

// alone reports whether a hole outside of quotes is one value of the SQL: a
// token of its own, in a place for values, never a stretch of SQL, and compared
// as it was.
func (b *binding) alone(i int, before string, place finding.Context) bool {
	s := b.t.segments[i]
	if b.glued(i) {
		return false
	}
	if b.contexts[i] == finding.InList {
		return true
	}
	continues := !regexpHead.MatchString(before)
	o := &origin{binding: b, seen: map[string]bool{}}
	return (place.Bindable() || continues) && !o.fragment(s.expr) && (!sqlite[b.rewrite.Driver] || b.contexts[i] == finding.Limit || b.numeric(s) || compared(before))
}

// regexpHead finds the first word of a statement: what has none is a further step
// of a text, of which the place is told by what came before.
var regexpHead = regexp.MustCompile(`(?i)^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|VALUES|MERGE|CALL)\b`)

// glued reports whether something stands right beside a hole that makes one
// token with it: {x}0, {x}.5, '{x}' with a quote too many.
func (b *binding) glued(i int) bool {
	t := b.t.segments
	if i > 0 && (t[i-1].hole || t[i-1].value != "" && gluing(t[i-1].value[len(t[i-1].value)-1])) && b.contexts[i] != finding.InList {
		return true
	}
	return i+1 < len(t) && b.contexts[i] != finding.InList && (t[i+1].hole || t[i+1].value != "" && gluing(t[i+1].value[0]))
}

func gluing(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 || strings.IndexByte(".'\"`#@$[\\", c) >= 0
}

// sqlite are the drivers of SQLite, where a number and its text differ unless
// they meet the type of a column.
var sqlite = map[string]bool{"sqlite3": true, "aiosqlite": true, "pysqlite3": true, "apsw": true}

const column = "(?:[A-Za-z_]\\w*|\\?|\"[^\"]+\"|`[^`]+`)(?:\\s*\\.\\s*(?:[A-Za-z_]\\w*|\"[^\"]+\"|`[^`]+`))?"

var (
	// A column right before, compared or set: its type is given to the value.
	besideColumn = regexp.MustCompile(`(?i)(?:^|\b(?:WHERE|AND|OR|ON|SET|NOT|WHEN)\s|[(,])\s*` + column +
		`\s*(?:=|==|<|>|<=|>=|<>|!=|\bIS(?:\s+NOT)?|(?:\bNOT\s+)?\bBETWEEN(?:\s+(?:\?|[\w.+-]+|'[^']*')\s+AND)?|(?:\bNOT\s+)?\bIN\s*\([^()]*)\s*$`)
	grouped  = regexp.MustCompile(`(?i)\b(?:GROUP\s+BY|HAVING)\b`)
	inserted = regexp.MustCompile(`(?i)\bVALUES\s*(?:\([^()]*\)\s*,\s*)*\([^()]*$`)
	asText   = regexp.MustCompile(`(?i)(?:\bLIKE|\|\||[-+*/%])\s*$`) // text and its number do alike
)

// compared reports whether SQLite gives a value behind some SQL a column's type,
// or does not mind its type.
func compared(before string) bool {
	return besideColumn.MatchString(before) && !grouped.MatchString(before) || inserted.MatchString(before) || asText.MatchString(before)
}

// numeric reports whether a value is surely a number.
func (b *binding) numeric(s segment) bool {
	if strings.HasPrefix(s.verb, "%") && !strings.HasSuffix(s.verb, "s") {
		return true
	}
	switch e := s.expr.(type) {
	case *syntax.Constant:
		return e.Kind != syntax.Str
	case *syntax.Call:
		return slices.Contains([]string{"int", "len", "float"}, lastName(e.Func))
	case *syntax.Name:
		if b.fn == nil {
			return false
		}
		sc := b.scope(b.fn)
		a := sc.params[e.ID]
		return a != nil && !sc.rebound[e.ID] && a.Annotation != nil && slices.Contains([]string{"int", "float"}, b.text(a.Annotation))
	}
	return false
}

var (
	numbered = regexp.MustCompile(`\?\d`)
	sigils   = regexp.MustCompile(`(^|[^\w@$])[@$][A-Za-z_]`)
)

// mergeable reports whether the query's own arguments can be joined by new ones:
// they must be a sequence, one for each placeholder, and all placeholders seen.
func (b *binding) mergeable() bool {
	for _, e := range b.call.Args {
		if _, ok := e.(*syntax.Starred); ok {
			return b.rewrite.Style == ir.Dollar && b.closed()
		}
	}
	if slices.ContainsFunc(b.call.Keywords, func(k *syntax.Keyword) bool { return k.Arg == "" }) {
		return false
	}
	args := b.arguments()
	if args == nil || b.rewrite.Style != ir.Qmark && b.rewrite.Style != ir.Percent {
		return true
	}
	all := ""
	for _, s := range b.t.segments {
		all += s.value
		if s.hole {
			all += " x "
		}
	}
	bare := finding.Bare(all)
	if b.rewrite.Style == ir.Qmark && (numbered.MatchString(bare) || sigils.MatchString(bare)) {
		return false
	}
	if _, dict := args.(*syntax.Dict); dict {
		return b.closed()
	}
	switch {
	case b.rewrite.Style == ir.Qmark && named.MatchString(bare):
		return false // a mapping, or half of one
	case b.rewrite.Style == ir.Percent && namedVerb.MatchString(all):
		return b.closed()
	case displayed(args):
		return true // as many as there are placeholders, or no fix
	}
	b.count()
	return b.total() > 0 && b.closed() && !lone[b.rewrite.Driver]
}

// lone are the drivers that take one value that is no sequence.
var lone = map[string]bool{"pymysql": true, "MySQLdb": true, "aiomysql": true, "asyncmy": true, "pymssql": true, "django": false}

// closed reports whether no hole stays, which could bring placeholders.
func (b *binding) closed() bool {
	for i, s := range b.t.segments {
		if s.hole && !b.bind[i] {
			return false
		}
	}
	return true
}

// displayed reports whether arguments are written out one by one.
func displayed(e syntax.Expr) bool {
	var list []syntax.Expr
	switch e := e.(type) {
	case *syntax.Tuple:
		list = e.Elts
	case *syntax.List:
		list = e.Elts
	default:
		return false
	}
	return !slices.ContainsFunc(list, func(e syntax.Expr) bool { _, ok := e.(*syntax.Starred); return ok })
}

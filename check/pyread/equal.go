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
	for i := range b.t.segments {
		if b.bind[i] && !(b.raw(i) && (b.fits(i, places[i].Context) || b.not(finding.NoValue))) {
			return false
		}
	}
	return b.mergeable() || b.not(finding.NoMerging)
}

// raw reports whether a hole holds the value itself, not what the program made of
// it for standing in SQL.
func (b *binding) raw(i int) bool {
	s := b.t.segments[i]
	made, known := b.rewrite.Making(b.span(s.span), b.span(s.expr.Where()))
	if doubt := made.Doubt(); doubt != "" {
		b.note = doubt
	}
	switch {
	case !known:
		return b.not(finding.NoSource(b.text(s.expr)))
	case made.Escaped:
		return b.not(finding.NoEscaped(b.text(s.expr)))
	case made.SQL && (b.contexts[i] == finding.Value || b.contexts[i] == finding.Limit):
		return b.not(finding.NoSQL(b.text(s.expr)))
	}
	return true
}

// fits reports whether a hole is one value of the SQL, in a place for values, and
// compared as it was.
func (b *binding) fits(i int, place finding.Context) bool {
	s := b.t.segments[i]
	at := finding.Place{Before: b.shown(0, i), Behind: b.shown(i+1, len(b.t.segments)), Statement: b.statement, Database: databases[b.rewrite.Driver]}
	switch b.contexts[i] {
	case finding.Quoted, finding.Partial:
		return b.fitsQuoted(at)
	case finding.InList:
		b.stored(at)
		b.doubt(at)
		return at.List()
	}
	if !b.numeric(s) {
		b.stored(at)
		if !b.declared(s.expr) {
			b.doubt(at)
		}
	}
	head := regexpHead.MatchString(at.Before)
	return (place.Bindable() || !head) && b.native(s.expr) && (at.Value() || b.numeric(s) && at.Alone())
}

// fitsQuoted reports whether all between the quotes around a hole is a value that
// a parameter can stand for.
func (b *binding) fitsQuoted(at finding.Place) bool {
	open, shut := finding.OpenQuote(at.Before), finding.CloseQuote(at.Behind)
	if open < 0 || shut < 0 || strings.Contains(at.Before[open:]+at.Behind[:shut], `\`) {
		return false // what a backslash means is another thing in each database
	}
	at.Before, at.Behind = at.Before[:open], at.Behind[shut+1:]
	return at.Quoted()
}

// shown is the text of some segments, with a ? for each hole.
func (b *binding) shown(from, to int) string {
	var out strings.Builder
	for _, s := range b.t.segments[from:to] {
		if s.hole {
			out.WriteByte('?')
		}
		out.WriteString(s.value)
	}
	return out.String()
}

// regexpHead finds the first word of a statement: what has none is a further step
// of a text, of which the place is told by what came before.
var regexpHead = regexp.MustCompile(`(?i)^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|VALUES|MERGE|CALL)\b`)

// databases are those behind the drivers.
var databases = map[string]finding.Database{
	"sqlite3": finding.SQLite, "aiosqlite": finding.SQLite, "pysqlite3": finding.SQLite, "apsw": finding.SQLite,
	"psycopg2": finding.ClientSideSQL, "aiopg": finding.ClientSideSQL, "psycopg": finding.Postgres, "psycopg_pool": finding.Postgres, "asyncpg": finding.Postgres,
	"pg8000": finding.Postgres, "pymysql": finding.MySQL, "MySQLdb": finding.MySQL, "mysql": finding.MySQL, "aiomysql": finding.MySQL, "asyncmy": finding.MySQL,
}

// native reports whether a driver takes a value as it is printed, as far as its
// type is declared: it does not know a Decimal, or a class of the program.
func (b *binding) native(e syntax.Expr) bool {
	name, ok := unwrapped(e).(*syntax.Name)
	if !ok || b.fn == nil {
		return true
	}
	a := b.scope(b.fn).params[name.ID]
	return a == nil || a.Annotation == nil || nativeType.MatchString(b.text(a.Annotation))
}

// declared reports whether the type of a value is.
func (b *binding) declared(e syntax.Expr) bool {
	name, ok := unwrapped(e).(*syntax.Name)
	if !ok || b.fn == nil {
		return false
	}
	a := b.scope(b.fn).params[name.ID]
	return a != nil && a.Annotation != nil
}

// doubt notes what of the file's a driver does not take, and a value may be: an
// object that prints itself, for SQLite a Decimal.
func (b *binding) doubt(at finding.Place) {
	odd := b.oddities()
	switch {
	case odd.printing != "":
		b.note = "a driver takes no " + odd.printing + ", which prints itself: if the value is one, the query fails"
	case odd.decimals && at.Database == finding.SQLite:
		b.note = "sqlite3 takes no Decimal: if the value is one, the query fails"
	case odd.arrays:
		b.note = "a driver takes no number of NumPy's: if the value is one, it is another value now, or the query fails"
	}
}

// stored notes a column that keeps text as it is, where the value may be text that
// was a number in the statement.
func (b *binding) stored(at finding.Place) {
	if at.Database != finding.SQLite {
		return
	}
	if column := b.rewrite.Schema.NoNumbers(at); column != "" {
		b.note = "the program declares " + column + " as no number: if the value is text, it was a number in the statement and is text now"
	}
}

var nativeType = regexp.MustCompile(`^["']?(?:(?:typing\.)?(?:Optional|Union|Annotated)\[)?(?:int|float|str|bool|Any|object)\b`)

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

package pyread

import (
	"cmp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// sinks are the methods that send SQL; true for those whose name alone, on
// something that looks like a connection, is enough.
var sinks = map[string]bool{
	"execute": true, "executemany": true, "executescript": true, "exec_driver_sql": true, "execute_many": true, "mogrify": false,
	"fetch": false, "fetchrow": false, "fetchval": false, "fetch_all": false, "fetch_one": false, "fetch_val": false, "iterate": false,
	"raw": false, "prepare": false, "execute_fetchall": true, "execute_insert": true, "scalar": false, "scalars": false, "stream": false, "sql": false,
}

// query lowers a call that sends SQL, or reads what was answered.
func (b *builder) query(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	byName, sink := sinks[a.Attr]
	if !sink {
		return b.answer(e, a, t)
	}
	driver, ok := b.driver(a, t, byName)
	sql := argument(e, 0, "sql", "query", "statement", "operation", "command", "raw_query", "sql_script")
	if !ok || sql == nil || driver == "sqlalchemy" && driverType(b.r.typeOf(sql, b.f)) {
		return nil
	}
	q := &ir.Query{Span: b.at(e), Driver: driver, Style: drivers[driver], Method: a.Attr, SQL: b.value(sql)}
	q.ByName = !driverType(t)
	q.Many = a.Attr == "executemany" || a.Attr == "execute_many"
	if name, ok := sql.(*syntax.Name); ok && b.over[name.ID] != nil && slices.Contains(b.hidden, name.ID) {
		q.SQL = b.over[name.ID] // [cur.execute(q) for q in queries]
	}
	b.value(a.Value)
	q.Args = b.binds(e, driver)
	b.emit(q)
	return &ir.Source{Where: b.where(e), From: ir.Database, What: b.m.text(e)}
}

// sent lowers a call of what is no method of a driver by its looks, but always one: of
// a variable that was given it once, or of what getattr finds by its name. It is nil for
// other calls.
func (b *builder) sent(e *syntax.Call) ir.Expr {
	switch f := e.Func.(type) {
	case *syntax.Name:
		for in := b.f; in != nil; in = in.outer {
			if in.locals[f.ID] {
				if in.assigns[f.ID] != 1 {
					return nil
				}
				return b.sentBy(e, in.types[f.ID])
			}
		}
	case *syntax.Attribute:
		if c := b.r.classes[b.r.typeOf(f.Value, b.f)]; c != nil {
			return b.sentBy(e, c.fields[f.Attr])
		}
	case *syntax.Call:
		if name, ok := f.Func.(*syntax.Name); ok && name.ID == "getattr" && len(f.Args) == 2 {
			if c, ok := f.Args[1].(*syntax.Constant); ok && c.Kind == syntax.Str {
				a := &syntax.Attribute{Span: f.Span, Value: f.Args[0], Attr: b.m.tree.StringValue(c)}
				return b.query(e, a, b.r.typeOf(a.Value, b.f))
			}
		}
	}
	return nil
}

// sentBy lowers a call of what was given the method of a driver, once.
func (b *builder) sentBy(e *syntax.Call, given []typed) ir.Expr {
	if len(given) != 1 || given[0].annotation {
		return nil
	}
	a, ok := given[0].value.(*syntax.Attribute)
	if !ok {
		return nil
	}
	if _, sends := sinks[a.Attr]; !sends {
		return nil
	}
	t := b.r.typeOf(a.Value, given[0].in)
	if given[0].in == b.f {
		return b.query(e, &syntax.Attribute{Span: e.Func.Where(), Value: a.Value, Attr: a.Attr}, t)
	}
	if !driverType(t) {
		return nil
	}
	return b.query(e, &syntax.Attribute{Span: e.Func.Where(), Value: e.Func, Attr: a.Attr}, t)
}

// handedTo lowers a query that is sent by a method which a call is given, with
// its text: map(cur.execute, queries).
func (b *builder) handedTo(e *syntax.Call, method syntax.Expr, sql ir.Expr) {
	a, ok := method.(*syntax.Attribute)
	if !ok {
		return
	}
	byName, sends := sinks[a.Attr]
	if !sends {
		return
	}
	t := b.r.typeOf(a.Value, b.f)
	if driver, ok := b.driver(a, t, byName); ok { // of no style: its arguments are not those of the call
		b.emit(&ir.Query{Span: b.at(e), Driver: driver, Method: a.Attr, SQL: sql, ByName: !driverType(t)})
	}
}

// binds is what a call binds to the parameters of its SQL.
func (b *builder) binds(e *syntax.Call, driver string) ir.Expr {
	if driver == "asyncpg" && len(e.Args) > 1 {
		rest := e.Args[1:]
		list := &ir.List{Where: ir.Where{Span: b.m.span(syntax.Span{Start: rest[0].Where().Start, End: rest[len(rest)-1].Where().End})}}
		list.Elems = b.values(rest)
		return list
	}
	if args := argument(e, 1, argumentNames...); args != nil {
		if f := b.f.args; f != nil && f.Vararg != nil && isName(args, f.Vararg.Name) {
			return b.unknown(args) // def execute(sql, *args): execute(sql, args) takes them one by one
		}
		return b.value(args)
	}
	return nil
}

// argumentNames are the keywords by which drivers take parameters.
var argumentNames = []string{"parameters", "params", "args", "vars", "values", "seq_of_parameters", "vars_list", "data", "argslist"}

// argument is the nth positional argument of a call, or one by keyword.
func argument(e *syntax.Call, n int, names ...string) syntax.Expr {
	if n < len(e.Args) {
		return e.Args[n]
	}
	for _, k := range e.Keywords {
		for _, name := range names {
			if k.Arg == name {
				return k.Value
			}
		}
	}
	return nil
}

// driver tells which library a receiver belongs to, "" when it only looks
// like a connection. ok is false when it is no such thing.
func (b *builder) driver(a *syntax.Attribute, t string, byName bool) (driver string, ok bool) {
	if name, known := strings.CutPrefix(t, "driver "); known {
		return name, true
	}
	if a.Attr == "raw" {
		return "django", strings.HasSuffix(b.m.text(a.Value), ".objects")
	}
	if t != "" || !looksLikeConnection(a.Value) {
		return "", false
	}
	only := b.onlyDriver()
	return only, byName || only == "asyncpg"
}

// looksLikeConnection goes by the last part of a name.
func looksLikeConnection(e syntax.Expr) bool {
	name := strings.ToLower(lastName(e))
	if c, ok := e.(*syntax.Call); ok {
		name = strings.ToLower(lastName(c.Func))
	}
	if name == "c" || name == "tx" || name == "db" {
		return true
	}
	for _, word := range []string{"cur", "conn", "db", "session", "engine", "database", "pool", "trans"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// onlyDriver is the one database library that the module imports, or, where it
// imports none, the one that the user named; "" if several or unknown.
func (b *builder) onlyDriver() string {
	found := ""
	for _, full := range b.m.imports {
		first, _, _ := strings.Cut(full, ".")
		if _, known := drivers[first]; !known || first == found || first == "django" && !strings.HasPrefix(full, "django.db") {
			continue
		}
		if found != "" {
			return ""
		}
		found = first
	}
	return cmp.Or(found, b.r.driver)
}

// answer is what a query brought: values from outside, once removed.
func (b *builder) answer(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	switch a.Attr {
	case "fetchone", "fetchall", "fetchmany":
		if driverType(t) || t == "" && looksLikeConnection(a.Value) {
			b.value(a.Value)
			return &ir.Source{Where: b.where(e), From: ir.Database, What: b.m.text(e)}
		}
	}
	return nil
}

// textQuery is SQLAlchemy's text(), and Django's RawSQL: SQL wherever it is
// sent to.
func (b *builder) textQuery(e *syntax.Call, full string) ir.Expr {
	q := &ir.Query{Span: b.at(e)}
	switch full {
	case "sqlalchemy.text", "sqlalchemy.sql.text", "sqlalchemy.sql.expression.text", "flask_sqlalchemy.SQLAlchemy.text":
		q.Driver, q.Style, q.Method = "sqlalchemy", ir.Named, "text"
	case "django.db.models.expressions.RawSQL":
		q.Driver, q.Style, q.Method = "django", ir.Percent, "RawSQL"
	case "pandas.read_sql", "pandas.read_sql_query": // of any driver: advice, no fix
		q.Driver, q.Method = "pandas", "read_sql"
	default:
		return nil
	}
	sql := argument(e, 0, "text", "sql")
	if sql == nil {
		return nil
	}
	q.SQL = b.value(sql)
	if q.Driver == "django" {
		q.Args = b.binds(e, q.Driver)
	}
	b.emit(q)
	return b.unknown(e)
}

package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// qualified is the full name of what an expression names: a module, function,
// class, global variable or something of a library. It is "" for a local
// variable and for what is no dotted name.
func (r *reader) qualified(e syntax.Expr, f *function) string {
	if dotted(e) > dotsMax {
		return ""
	}
	return r.qualifiedTo(e, f)
}

// dotsMax is how many dots, calls and brackets a name has at most, of which it is asked what it is:
// a bound on time, as it is asked again for each part of it.
const dotsMax = 100

// dotted counts the attributes, elements and calls that one expression is made
// of, one of the other, to one more than dotsMax.
func dotted(e syntax.Expr) (dots int) {
	for ; dots <= dotsMax; dots++ {
		switch x := e.(type) {
		case *syntax.Attribute:
			e = x.Value
		case *syntax.Call:
			e = x.Func
		case *syntax.Subscript:
			e = x.Value
		default:
			return dots
		}
	}
	return dots
}

func (r *reader) qualifiedTo(e syntax.Expr, f *function) string {
	switch e := e.(type) {
	case *syntax.Name:
		return r.canonical(f.find(e.ID))
	case *syntax.Attribute:
		base := r.qualifiedTo(e.Value, f)
		if base == "" || r.variable(base) {
			return ""
		}
		return r.canonical(base + "." + e.Attr)
	}
	return ""
}

// variable reports whether a full name is a global variable of the program.
func (r *reader) variable(full string) bool {
	m, name := r.global(full)
	return m != nil && r.functions[full] == nil && r.classes[full] == nil && r.modules[full] == nil && m.body.locals[name]
}

// find looks a name up from the inside out.
func (f *function) find(name string) string {
	for ; !f.top(); f = f.outer {
		if d := f.defs[name]; d != nil {
			return d.ir.ID
		}
		if c := f.inside[name]; c != nil {
			return c.full
		}
		if f.locals[name] {
			return ""
		}
	}
	m := f.module
	switch {
	case f.defs[name] != nil:
		return f.defs[name].ir.ID
	case f.inside[name] != nil:
		return f.inside[name].full
	case m.imports[name] != "":
		return m.imports[name]
	case f.locals[name]:
		return m.name + "." + name
	}
	return "builtins." + name
}

// canonical follows names that a module of the program only passes on.
func (r *reader) canonical(full string) string {
	for range 5 {
		if r.functions[full] != nil || r.classes[full] != nil || r.modules[full] != nil {
			return full
		}
		dot := strings.LastIndexByte(full, '.')
		if dot < 0 {
			return full
		}
		m := r.modules[full[:dot]]
		if m == nil || m.imports[full[dot+1:]] == "" || m.body.locals[full[dot+1:]] {
			return full
		}
		full = m.imports[full[dot+1:]]
	}
	return full
}

// global returns the module and name of a global variable of the program.
func (r *reader) global(full string) (*module, string) {
	dot := strings.LastIndexByte(full, '.')
	if dot < 0 {
		return nil, ""
	}
	return r.modules[full[:dot]], full[dot+1:]
}

// typeOf is the full name of the class of a value, "" when it is not known.
// What belongs to a database driver has the type "driver " and its name.
func (r *reader) typeOf(e syntax.Expr, f *function) string {
	if dotted(e) > dotsMax {
		return ""
	}
	switch e := e.(type) {
	case *syntax.Name:
		return r.typeOfName(e.ID, f)
	case *syntax.Attribute:
		if full := r.qualified(e, f); full != "" {
			if m, name := r.global(full); m != nil {
				return r.agreed(m.body, name, m.body.types[name])
			}
			if strings.HasPrefix(full, "django.db.connection") {
				return "driver django"
			}
		}
		base := r.typeOf(e.Value, f)
		if driverType(base) {
			return base
		}
		if c := r.classes[base]; c != nil {
			return r.fieldType(c, e.Attr)
		}
	case *syntax.Call:
		return r.typeOfCall(e, f)
	case *syntax.Await:
		return r.typeOf(e.Value, f)
	case *syntax.NamedExpr:
		return r.typeOf(e.Value, f)
	case *syntax.IfExp:
		return r.typeOf(e.Body, f)
	case *syntax.BoolOp:
		return r.typeOf(e.Values[len(e.Values)-1], f)
	case *syntax.Subscript:
		if base := r.typeOf(e.Value, f); driverType(base) {
			return base
		}
	}
	return ""
}

func (r *reader) typeOfName(name string, f *function) string {
	for ; f != nil; f = f.outer {
		if f.class != nil && name == f.receiver() {
			return f.class.full
		}
		if f.top() {
			if full := r.canonical(f.find(name)); !strings.HasPrefix(full, "builtins.") {
				if m, name := r.global(full); m != nil {
					return r.agreed(m.body, name, m.body.types[name])
				}
				return libraryType(full)
			}
			return ""
		}
		if f.locals[name] {
			return r.agreed(f, name, f.types[name])
		}
	}
	return ""
}

// agreed is the one type that all values of a name have, None aside.
func (r *reader) agreed(f *function, name string, values []typed) string {
	if f.busy[name] {
		return ""
	}
	f.busy[name] = true
	defer delete(f.busy, name)
	return r.common(values)
}

func (r *reader) common(values []typed) string {
	found := ""
	for _, v := range values {
		if c, ok := v.value.(*syntax.Constant); ok && c.Kind == syntax.None {
			continue
		}
		one := r.typeOfTyped(v)
		if one == "" || found != "" && found != one {
			return ""
		}
		found = one
	}
	return found
}

func (r *reader) typeOfTyped(v typed) string {
	switch {
	case v.value == nil:
		return ""
	case v.annotation:
		return r.annotated(v.value, v.in)
	}
	return r.typeOf(v.value, v.in)
}

// annotated is the class that an annotation names: X, "X", Optional[X], X | None.
func (r *reader) annotated(e syntax.Expr, f *function) string {
	switch e := e.(type) {
	case *syntax.Name, *syntax.Attribute:
		return libraryType(r.qualified(e, f))
	case *syntax.Constant:
		if e.Kind != syntax.Str {
			return ""
		}
		parsed := syntax.Parse("", []byte(f.module.tree.StringValue(e)))
		if len(parsed.Body) == 1 && len(parsed.Errors) == 0 {
			if s, ok := parsed.Body[0].(*syntax.ExprStmt); ok {
				if _, again := s.Value.(*syntax.Constant); !again {
					return r.annotated(s.Value, f)
				}
			}
		}
	case *syntax.Subscript:
		switch full := r.qualified(e.Value, f); full {
		case "typing.Optional", "typing.Annotated", "typing.Final", "typing.ClassVar":
			slice := e.Slice
			if t, ok := slice.(*syntax.Tuple); ok && len(t.Elts) > 0 {
				slice = t.Elts[0]
			}
			return r.annotated(slice, f)
		default:
			return libraryType(full)
		}
	case *syntax.BinOp:
		if c, ok := e.Right.(*syntax.Constant); ok && c.Kind == syntax.None {
			return r.annotated(e.Left, f)
		}
	}
	return ""
}

// fieldType is the type of an instance's or class's attribute.
func (r *reader) fieldType(c *class, name string) string {
	for _, k := range r.mro(c) {
		if k.busy {
			return ""
		}
		k.busy = true
		t := ""
		if values := k.fields[name]; len(values) > 0 {
			t = r.common(values)
		} else if v := k.statics[name]; v != nil {
			t = r.typeOf(v, k.module.body)
		} else if p := k.methods[name]; p != nil && p.node != nil && p.node.Returns != nil {
			t = r.annotated(p.node.Returns, p) // a property
		}
		k.busy = false
		if t != "" {
			return t
		}
	}
	return ""
}

// mro is a class and its bases in the program, nearest first.
func (r *reader) mro(c *class) []*class {
	list := []*class{c}
	for i := 0; i < len(list) && len(list) < 32; i++ {
		for _, b := range list[i].bases {
			if base := r.classes[b]; base != nil {
				list = append(list, base)
			}
		}
	}
	return list
}

// inherits reports whether a class is one of a library's, by its full name.
func (r *reader) inherits(c *class, full string) bool {
	for _, k := range r.mro(c) {
		for _, b := range k.bases {
			if b == full {
				return true
			}
		}
	}
	return false
}

func (r *reader) typeOfCall(e *syntax.Call, f *function) string {
	if full := r.qualified(e.Func, f); full != "" {
		if r.classes[full] != nil {
			return full
		}
		if fn := r.functions[full]; fn != nil {
			return r.returns(fn)
		}
		if full == "builtins.super" {
			if m := f.method(); m != nil && len(m.class.bases) > 0 {
				return m.class.bases[0]
			}
			return ""
		}
		return libraryType(full)
	}
	a, ok := e.Func.(*syntax.Attribute)
	if !ok {
		return ""
	}
	base := r.typeOf(a.Value, f)
	if c := r.classes[base]; c != nil {
		if m := r.method(c, a.Attr); m != nil {
			return r.returns(m)
		}
		return ""
	}
	if driverType(base) && keepsDriver[a.Attr] {
		return base
	}
	return ""
}

// returns is the type a function's annotation promises, or that of what all
// its return statements give.
func (r *reader) returns(fn *function) string {
	if fn.node == nil {
		return ""
	}
	if fn.node.Returns != nil {
		return r.annotated(fn.node.Returns, fn)
	}
	var values []typed
	for n := range syntax.All(fn.node) {
		if ret, ok := n.(*syntax.Return); ok && ret.Value != nil {
			values = append(values, typed{in: fn, value: ret.Value})
		}
	}
	return r.agreed(fn, "return", values)
}

// method looks a method up in a class and its bases.
func (r *reader) method(c *class, name string) *function {
	for _, k := range r.mro(c) {
		if m := k.methods[name]; m != nil {
			return m
		}
	}
	return nil
}

// lockKinds are the locks of the libraries, by their full names.
var lockKinds = map[string]ir.LockKind{
	"threading.Lock": ir.Plain, "threading.RLock": ir.Reentrant, "threading.Condition": ir.Reentrant,
	"threading.Semaphore": ir.Semaphore, "threading.BoundedSemaphore": ir.Semaphore,
	"multiprocessing.Lock": ir.Plain, "multiprocessing.RLock": ir.Reentrant, "multiprocessing.Condition": ir.Reentrant,
	"multiprocessing.Semaphore": ir.Semaphore, "multiprocessing.BoundedSemaphore": ir.Semaphore,
	"multiprocessing.synchronize.Lock": ir.Plain, "multiprocessing.synchronize.RLock": ir.Reentrant, "multiprocessing.synchronize.Condition": ir.Reentrant,
	"multiprocessing.synchronize.Semaphore": ir.Semaphore, "multiprocessing.synchronize.BoundedSemaphore": ir.Semaphore,
	"asyncio.locks.Lock": ir.Async, "asyncio.locks.Condition": ir.Async, "asyncio.locks.Semaphore": ir.Semaphore,
	"_thread.allocate_lock": ir.Plain, "_thread.RLock": ir.Reentrant,
	"asyncio.Lock": ir.Async, "asyncio.Condition": ir.Async, "asyncio.Semaphore": ir.Semaphore, "asyncio.BoundedSemaphore": ir.Semaphore,
	"anyio.Lock": ir.Async, "trio.Lock": ir.Async,
	"readerwriterlock.rwlock.RWLockFair": ir.ReadWrite, "readerwriterlock.rwlock.RWLockRead": ir.ReadWrite, "readerwriterlock.rwlock.RWLockWrite": ir.ReadWrite,
	"gevent.lock.RLock": ir.Reentrant, "gevent.lock.Semaphore": ir.Semaphore, "gevent.lock.BoundedSemaphore": ir.Semaphore,
	"eventlet.semaphore.Semaphore": ir.Semaphore,
}

// drivers are the database libraries by the first part of their names, with
// the style in which they write a parameter.
var drivers = map[string]ir.Style{
	"sqlite3": ir.Qmark, "aiosqlite": ir.Qmark, "pyodbc": ir.Qmark, "duckdb": ir.Qmark, "pysqlite3": ir.Qmark, "apsw": ir.Qmark,
	"psycopg": ir.Percent, "psycopg2": ir.Percent, "psycopg_pool": ir.Percent, "pymysql": ir.Percent, "MySQLdb": ir.Percent, "mysql": ir.Percent,
	"aiomysql": ir.Percent, "asyncmy": ir.Percent, "aiopg": ir.Percent, "pg8000": ir.Percent, "pymssql": ir.Percent,
	"snowflake": ir.Percent, "django": ir.Percent, "asyncpg": ir.Dollar, "sqlalchemy": ir.NoStyle, "oracledb": ir.ColonIndex, "cx_Oracle": ir.ColonIndex,
}

// keepsDriver are the methods of a connection that return another part of the
// same driver.
var keepsDriver = map[string]bool{
	"cursor": true, "connect": true, "acquire": true, "connection": true, "getconn": true, "begin": true, "transaction": true, "get_db": true,
	"__enter__": true, "execute": true, "executemany": true, "prepare": true, "session": true, "raw_connection": true, "connect_async": true,
}

func driverType(t string) bool { return strings.HasPrefix(t, "driver ") }

// libraryType is the type of an object of a library, by the full name of its
// class or of the function that makes it.
func libraryType(full string) string {
	first, rest, _ := strings.Cut(full, ".")
	if _, ok := drivers[first]; ok && rest != "" {
		if first == "django" && !strings.HasPrefix(rest, "db.connection") && rest != "db" {
			return full
		}
		return "driver " + first
	}
	return full
}

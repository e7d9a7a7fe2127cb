package pyread

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// call lowers a call: what means something to the engines first, then any other.
func (b *builder) call(e *syntax.Call) ir.Expr {
	full := b.r.qualified(e.Func, b.f)
	if v := b.sent(e); v != nil {
		return v
	}
	if v := b.library(e, full); v != nil {
		return v
	}
	if a, ok := e.Func.(*syntax.Attribute); ok {
		if v := b.methodCall(e, a); v != nil {
			return v
		}
	}
	c := b.callOf(e)
	b.signals(e, c)
	b.emit(c)
	b.handedOver(e)
	if b.quotes(e.Func) {
		if len(c.Callees) == 1 || lastName(e.Func) == "quote_value" { // its source is there, and may not do what its name says
			return &ir.Unknown{Where: b.where(e), What: b.m.text(e), Parts: []ir.Expr{&ir.Result{Where: b.where(e), Call: c}}, By: c.Name, Meant: true}
		}
		return &ir.Safe{Where: b.where(e), Why: "quoted as a name"}
	}
	if class := b.r.classes[full]; class != nil {
		return &ir.New{Where: b.where(e), Class: full}
	}
	if len(c.Callees) == 0 {
		return b.unread(e, c)
	}
	return &ir.Result{Where: b.where(e), Call: c}
}

// unread is what a function makes that was not read.
func (b *builder) unread(e *syntax.Call, c *ir.Call) ir.Expr {
	parts := slices.DeleteFunc(slices.Clone(c.Args), func(x ir.Expr) bool { return x == nil })
	out := ir.Expr(&ir.Unknown{Where: b.where(e), What: b.m.text(e), Parts: parts, By: c.Name})
	if name := lastName(e.Func); len(e.Args)+len(e.Keywords) == 0 || requestParts[name] || strings.HasPrefix(name, "get") {
		if src := firstSource(parts, b.at(e), b.m.text(e)); src != nil {
			out = src
		}
	}
	return b.orDefault(e, out)
}

// orDefault is what is looked up, or what is written to stand for it.
func (b *builder) orDefault(e *syntax.Call, found ir.Expr) ir.Expr {
	if name := lastName(e.Func); name != "get" && name != "getenv" && name != "pop" {
		return found
	}
	switch d := argument(e, 1, "default").(type) {
	case *syntax.Constant, *syntax.JoinedStr, *syntax.Name, *syntax.Attribute:
		return &ir.Choice{Where: b.where(e), Of: []ir.Expr{found, b.value(d)}}
	}
	return found
}

// quoting are functions that by their names make a quoted identifier of what they
// are given. A library's are taken at their word. Of the program's own it is not known
// whether they do it right: SQL made with them is possible.
var quoting = map[string]bool{
	"quote_name": true, "quote_ident": true, "quote_identifier": true, "quote_name_unless_alias": true, "escape_identifier": true, "quote_schema": true,
	"format_table": true, "format_sequence": true, "geo_quote_name": true, "qn": true, "quote_value": true,
}

// quotes reports whether a called expression is such a function, by its own name or that
// of what a variable was given.
func (b *builder) quotes(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Attribute:
		return quoting[e.Attr] || e.Attr == "quote" && strings.Contains(strings.ToLower(lastName(e.Value)), "preparer")
	case *syntax.Name:
		if quoting[e.ID] {
			return true
		}
		if given := b.f.types[e.ID]; len(given) == 1 && b.f.assigns[e.ID] == 1 {
			a, ok := given[0].value.(*syntax.Attribute)
			return ok && quoting[a.Attr]
		}
	}
	return false
}

// methodCall lowers the methods that mean something whatever they belong to.
func (b *builder) methodCall(e *syntax.Call, a *syntax.Attribute) ir.Expr {
	t := b.r.typeOf(a.Value, b.f)
	if c := b.r.classes[t]; c != nil && b.r.method(c, a.Attr) != nil {
		return nil
	}
	for _, lower := range []func(*syntax.Call, *syntax.Attribute, string) ir.Expr{b.query, b.stackMethod, b.lockMethod, b.threadMethod, b.textMethod} {
		if v := lower(e, a, t); v != nil {
			return v
		}
	}
	return nil
}

// textMethod lowers the methods of strings and dictionaries.
func (b *builder) textMethod(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	switch {
	case a.Attr == "format" && (b.stringly(a.Value) || b.composed(a.Value)):
		return b.format(e, a)
	case a.Attr == "format_map" && len(e.Args) == 1 && (b.stringly(a.Value) || b.composed(a.Value)):
		out := &ir.Format{Where: b.where(e), Verbs: ir.BraceVerbs, Template: b.value(a.Value), Names: []string{}}
		b.mapping(out, e.Args[0])
		return out
	case a.Attr == "substitute" || a.Attr == "safe_substitute":
		return b.substitute(e, a)
	case t == "io.StringIO" && (a.Attr == "write" && len(e.Args) == 1 || a.Attr == "getvalue"):
		return b.inMemory(e, a)
	case a.Attr == "join" && len(e.Args) == 1 && (b.stringly(a.Value) || b.composed(a.Value)):
		return &ir.Joined{Where: b.where(e), Sep: b.value(a.Value), List: b.value(e.Args[0])}
	case a.Attr == "get" && len(e.Args) > 0 && b.constantTable(a.Value):
		key := b.value(e.Args[0])
		if len(e.Args) == 1 || constantText(e.Args[1]) {
			return &ir.Safe{Where: b.where(e), X: key, Why: "looked up in a constant table"}
		}
	case len(e.Args) > 0 && (a.Attr == "append" || a.Attr == "extend" || a.Attr == "insert"):
		return b.grow(e, a)
	case a.Attr == "read_text" || a.Attr == "read_bytes":
		return &ir.Source{Where: b.where(e), From: ir.Stored, What: b.m.text(e), Of: b.value(a.Value)}
	case len(e.Args) == 1 && (a.Attr == "issubset" || a.Attr == "issuperset" || a.Attr == "difference"):
		return b.subset(e, a)
	case judged[a.Attr] && len(e.Args) == 0:
		return b.checked(e, b.value(a.Value), a.Attr)
	case matching[a.Attr] && len(e.Args) == 1 && b.compiled(a.Value):
		return &ir.Match{Where: b.where(e), X: b.value(e.Args[0]), Pattern: b.value(a.Value), Start: true, Full: a.Attr == "fullmatch"}
	case booleans[a.Attr] && len(e.Args) <= 1:
		b.value(a.Value)
		b.values(e.Args)
		return &ir.Safe{Where: b.where(e), Why: "a boolean"}
	}
	return nil
}

// grow lowers what makes a list longer whose elements are joined somewhere in
// the function: pieces of a text. It is nil for any other list.
func (b *builder) grow(e *syntax.Call, a *syntax.Attribute) ir.Expr {
	name, ok := a.Value.(*syntax.Name)
	if !ok || !b.joins(name.ID) || slices.Contains(b.hidden, name.ID) {
		return nil
	}
	more := b.values(e.Args)
	old := spread(b.name(name))
	list := &ir.List{Where: b.where(e), Elems: []ir.Expr{old, more[0]}}
	switch {
	case a.Attr == "extend":
		list.Elems[1] = spread(more[0])
	case a.Attr == "insert" && len(more) == 2:
		list.Elems = []ir.Expr{old, more[1]}
		if b.m.text(e.Args[0]) == "0" {
			list.Elems = []ir.Expr{more[1], old}
		}
	}
	b.assign(name, list, b.at(e))
	return b.unknown(e)
}

// joins reports whether the function joins a list of that name.
func (b *builder) joins(name string) bool {
	if b.f.joined == nil {
		b.f.joined = map[string]bool{}
		for _, s := range b.f.body {
			for n := range syntax.All(s) {
				c, ok := n.(*syntax.Call)
				if !ok || lastName(c.Func) != "join" || len(c.Args) != 1 {
					continue
				}
				for n := range syntax.All(c.Args[0]) {
					if x, ok := n.(*syntax.Name); ok {
						b.f.joined[x.ID] = true
					}
				}
			}
		}
	}
	return b.f.joined[name]
}

func constantText(e syntax.Expr) bool {
	_, ok := e.(*syntax.Constant)
	return ok
}

var booleans = map[string]bool{"startswith": true, "endswith": true}

// judged are the methods of strings that are true of what can carry no SQL.
var judged = map[string]bool{"isdigit": true, "isalnum": true, "isalpha": true, "isidentifier": true, "isnumeric": true, "isdecimal": true}

// matching are the methods and functions that look for a pattern at the start of a text.
var matching = map[string]bool{"match": true, "fullmatch": true}

// callOf resolves a call. Its arguments are in the order of the callee's
// parameters when there is one callee, else as written.
func (b *builder) callOf(e *syntax.Call) *ir.Call {
	c := &ir.Call{Span: b.at(e), Name: b.m.text(e.Func)}
	callees, receiver, sure := b.callees(e)
	for _, f := range callees {
		c.Callees = append(c.Callees, f.ir)
	}
	c.Sure = sure
	if len(callees) == 0 {
		if name, ok := e.Func.(*syntax.Name); ok && b.r.qualified(name, b.f) == "" || !ok {
			c.Fun = b.calledValue(e.Func)
		}
		a, method := e.Func.(*syntax.Attribute)
		_, field := c.Fun.(*ir.Field)
		var x ir.Expr
		if method {
			x = b.receiver(a)
		}
		if method && !field { // a function kept in a field takes no receiver
			c.Args = append(c.Args, x)
		}
		c.Args = append(c.Args, b.values(e.Args)...)
		for _, k := range e.Keywords {
			c.Args = append(c.Args, b.value(k.Value))
		}
		if field && method {
			c.Args = append(c.Args, x)
		}
		return c
	}
	c.Args = b.arguments(callees[0], receiver, e)
	return c
}

// receiver is what a method is called on. It is lowered once: in a chain of
// calls, x.f().g().h(), twice would be 2^n times.
func (b *builder) receiver(a *syntax.Attribute) ir.Expr {
	if b.lowered == a {
		b.lowered = nil
		return b.base
	}
	return b.value(a.Value)
}

// calledValue is a called expression that is no name of a function.
func (b *builder) calledValue(e syntax.Expr) ir.Expr {
	switch e.(type) {
	case *syntax.Name, *syntax.Attribute, *syntax.Call, *syntax.Subscript, *syntax.Lambda:
		return b.value(e)
	}
	return nil
}

// arguments puts a call's arguments in the order of a function's parameters.
// What is not known is nil.
func (b *builder) arguments(f *function, receiver ir.Expr, e *syntax.Call) []ir.Expr {
	if f.args == nil {
		return []ir.Expr{receiver}
	}
	names := f.ir.Params
	out := make([]ir.Expr, len(names))
	at := 0
	if !f.static && len(names) > 0 {
		out[0], at = receiver, 1
	}
	slots := len(positional(f.args))
	for _, arg := range e.Args {
		v := b.value(arg)
		if _, ok := arg.(*syntax.Starred); ok {
			at = len(names)
		}
		switch {
		case at < slots:
			out[at] = v
			at++
		case f.args.Vararg != nil && slots < len(out) && at < len(names):
			if list, ok := out[slots].(*ir.List); ok {
				list.Elems = append(list.Elems, v)
			} else {
				out[slots] = &ir.List{Where: b.where(arg), Elems: []ir.Expr{v}}
			}
		}
	}
	for _, k := range e.Keywords {
		v := b.value(k.Value)
		if i := slices.Index(names, k.Arg); i >= 0 && k.Arg != "" {
			out[i] = v
		}
	}
	b.defaults(f, out)
	return out
}

// defaults fills what a call leaves out.
func (b *builder) defaults(f *function, out []ir.Expr) {
	all := positional(f.args)
	inner := &builder{r: b.r, f: f.outer, m: f.module}
	for i, d := range f.args.Defaults {
		if at := len(all) - len(f.args.Defaults) + i; out[at] == nil {
			if _, ok := d.(*syntax.Constant); ok {
				out[at] = inner.value(d)
			}
		}
	}
}

// guessMax is the most methods of one name that a call may be guessed to mean.
const guessMax = 4

// builtinMethods belong to strings, collections, files and the like: a call
// of one with an unknown receiver says nothing.
var builtinMethods = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`get append pop items keys values update add remove join split read write close strip format copy clear extend
		insert sort index count encode decode setdefault execute executemany commit rollback fetchall fetchone fetchmany lower upper replace startswith endswith
		popitem discard union open send recv flush seek readline readlines acquire release wait notify notify_all set is_set start cancel result done put
		get_nowait put_nowait search match group sub findall exists mkdir info debug warning error exception critical log`) {
		m[name] = true
	}
	return m
}()

// callees resolves the called expression: the functions it may be, the value
// that becomes self, and whether that is certain.
func (b *builder) callees(e *syntax.Call) ([]*function, ir.Expr, bool) {
	full := b.r.qualified(e.Func, b.f)
	if f := b.r.functions[full]; f != nil {
		return []*function{f}, b.classReceiver(e.Func, f), true
	}
	if c := b.r.classes[full]; c != nil {
		if m := b.r.method(c, "__init__"); m != nil {
			return []*function{m}, &ir.New{Where: b.where(e), Class: full}, true
		}
		return nil, nil, false
	}
	a, ok := e.Func.(*syntax.Attribute)
	if !ok {
		return nil, nil, false
	}
	if c := b.classOfGlobal(full); c != nil { // Class.method(...), or of a base
		if m := b.r.method(c, a.Attr); m != nil {
			return []*function{m}, nil, true
		}
	}
	if c := b.r.classes[b.r.typeOf(a.Value, b.f)]; c != nil {
		return b.virtual(c, a)
	}
	if full != "" {
		return nil, nil, false // of a library
	}
	all := b.r.methods[a.Attr]
	if len(all) == 0 || len(all) > guessMax || builtinMethods[a.Attr] || b.r.typeOf(a.Value, b.f) != "" {
		return nil, nil, false
	}
	return all, b.value(a.Value), false
}

// classReceiver is the receiver of a class method that is called by its class.
func (b *builder) classReceiver(e syntax.Expr, f *function) ir.Expr {
	if a, ok := e.(*syntax.Attribute); ok && f.class != nil && !f.static {
		return b.value(a.Value)
	}
	return nil
}

// virtual is a method of a class, or those of its subclasses.
func (b *builder) virtual(c *class, a *syntax.Attribute) ([]*function, ir.Expr, bool) {
	var found []*function
	if m := b.r.method(c, a.Attr); m != nil {
		found = append(found, m)
	}
	if _, super := a.Value.(*syntax.Call); !super {
		found = append(found, overrides(c, a.Attr, 0)...)
	}
	if len(found) == 0 || len(found) > 2*guessMax {
		return nil, nil, false
	}
	receiver := b.value(a.Value)
	if call, ok := a.Value.(*syntax.Call); ok && lastName(call.Func) == "super" {
		if m := b.f.method(); m != nil {
			receiver = &ir.Var{Where: b.where(a.Value), Name: m.receiver()}
		}
	}
	return found, receiver, len(found) == 1
}

func overrides(c *class, name string, depth int) []*function {
	var found []*function
	for _, s := range c.subs {
		if m := s.methods[name]; m != nil {
			found = append(found, m)
		}
		if depth < 8 {
			found = append(found, overrides(s, name, depth+1)...)
		}
	}
	return found
}

package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// library lowers calls of functions and classes of libraries; nil for others.
func (b *builder) library(e *syntax.Call, full string) ir.Expr {
	if full == "" {
		return nil
	}
	if kind, ok := lockKinds[full]; ok {
		return b.newLock(e, full, kind)
	}
	if src := b.sourceCall(e, full); src != nil {
		return src
	}
	if v := b.threads(e, full); v != nil {
		return v
	}
	if v := b.textQuery(e, full); v != nil {
		return v
	}
	if v := b.matched(e, full); v != nil {
		return v
	}
	if v := b.composable(e, full); v != nil {
		return v
	}
	if name, ok := strings.CutPrefix(full, "builtins."); ok {
		return b.builtin(e, name)
	}
	if safeTypes[full] || full == "uuid.uuid4" || strings.HasPrefix(full, "datetime.") || strings.HasPrefix(full, "time.") || strings.HasPrefix(full, "random.rand") {
		parts := b.values(e.Args)
		s := &ir.Safe{Where: b.where(e), Why: "converted by " + full}
		if len(parts) > 0 {
			s.X = parts[0]
		}
		return s
	}
	switch full {
	case "os.register_at_fork":
		for _, k := range e.Keywords {
			if ref, ok := b.value(k.Value).(*ir.FuncRef); ok && k.Arg == "after_in_child" {
				ref.Func.Entry = ir.Init // the child of a fork has one thread
			}
		}
		return b.unknown(e)
	case "string.Template", "io.StringIO":
		if len(e.Args) == 1 {
			return b.value(e.Args[0])
		}
		return &ir.Const{Where: b.where(e), Str: true}
	case "functools.partial":
		if len(e.Args) > 1 {
			b.handedTo(e, e.Args[0], b.value(e.Args[1]))
		}
	case "sys.exit", "os._exit", "os.abort":
		b.values(e.Args)
		b.fail()
		return b.unknown(e)
	}
	return nil
}

func (b *builder) newLock(e *syntax.Call, full string, kind ir.LockKind) ir.Expr {
	n := &ir.New{Where: b.where(e), Class: full, Lock: kind}
	if strings.HasSuffix(full, ".Condition") {
		for _, arg := range e.Args {
			n.Of = b.value(arg)
		}
		for _, k := range e.Keywords {
			if k.Arg == "lock" {
				n.Of = b.value(k.Value)
			}
		}
	}
	return n
}

// safeBuiltins return numbers and booleans.
var safeBuiltins = map[string]string{
	"int": "converted to int", "float": "converted to float", "bool": "converted to bool", "complex": "converted to complex",
	"len": "a length", "abs": "a number", "round": "a number", "ord": "a number", "hash": "a number", "id": "a number", "sum": "a number",
	"range": "numbers", "isinstance": "a boolean", "issubclass": "a boolean", "callable": "a boolean", "hasattr": "a boolean", "any": "a boolean",
	"all": "a boolean", "hex": "a number", "oct": "a number", "bin": "a number", "divmod": "numbers", "pow": "a number",
}

// builtin lowers the builtins that values flow through; nil for the rest.
func (b *builder) builtin(e *syntax.Call, name string) ir.Expr {
	if v := b.guard(e, name); v != nil {
		return v
	}
	if why, ok := safeBuiltins[name]; ok {
		s := &ir.Safe{Where: b.where(e), Why: why}
		for i, v := range b.values(e.Args) {
			if i == 0 {
				s.X = v
			}
		}
		return s
	}
	switch name {
	case "str", "list", "tuple", "set", "sorted", "reversed", "frozenset", "iter", "next":
		if len(e.Args) >= 1 {
			v := b.value(e.Args[0])
			for _, k := range e.Keywords {
				b.value(k.Value)
			}
			if name == "next" {
				return b.element(v, e)
			}
			if name != "iter" && name != "reversed" {
				b.drained(e.Args[0])
			}
			return &ir.Choice{Where: b.where(e), Of: []ir.Expr{v}}
		}
	case "map":
		return b.mapped(e)
	case "super":
		return b.unknown(e)
	case "exit", "quit":
		b.fail()
		return b.unknown(e)
	}
	return nil
}

// mapped is map(f, list) for the conversions that matter.
func (b *builder) mapped(e *syntax.Call) ir.Expr {
	if len(e.Args) != 2 {
		return nil
	}
	over := b.value(e.Args[1])
	b.handedTo(e, e.Args[0], b.element(over, e.Args[1]))
	each := &ir.Each{Where: b.where(e), Over: over, Var: "element", Elem: &ir.Var{Where: b.where(e), Name: "element"}}
	full := b.r.qualified(e.Args[0], b.f)
	name := strings.TrimPrefix(full, "builtins.")
	if f := b.r.functions[full]; f != nil {
		b.emit(&ir.Call{Span: b.at(e), Name: b.m.text(e.Args[0]), Callees: []*ir.Func{f.ir}, Sure: true, Args: []ir.Expr{b.element(over, e)}})
	}
	switch {
	case safeBuiltins[name] != "" || safeTypes[full]:
		each.Elem = &ir.Safe{Where: b.where(e), X: each.Elem, Why: "converted by " + name}
	case name != "str":
		if b.r.functions[full] == nil && full != "" {
			return &ir.Unknown{Where: b.where(e), What: b.m.text(e), Parts: []ir.Expr{over}, By: b.m.text(e.Args[0])}
		}
		return b.unknown(e, over)
	}
	return each
}

// composed reports whether an expression is an SQL object of psycopg.
func (b *builder) composed(e syntax.Expr) bool {
	c, ok := e.(*syntax.Call)
	if !ok {
		return false
	}
	switch full := b.r.qualified(c.Func, b.f); full {
	case "psycopg.sql.SQL", "psycopg2.sql.SQL":
		return true
	}
	a, ok := c.Func.(*syntax.Attribute)
	return ok && (a.Attr == "format" || a.Attr == "join") && b.composed(a.Value)
}

// composable lowers psycopg's own way to build SQL, in which a name is quoted
// as one.
func (b *builder) composable(e *syntax.Call, full string) ir.Expr {
	module, name := full, ""
	if dot := strings.LastIndexByte(full, '.'); dot > 0 {
		module, name = full[:dot], full[dot+1:]
	}
	if full == "psycopg2.extensions.quote_ident" {
		module, name = "psycopg.sql", "Identifier"
	}
	if module != "psycopg.sql" && module != "psycopg2.sql" {
		return nil
	}
	parts := b.values(e.Args)
	switch {
	case name == "SQL" && len(parts) == 1:
		return parts[0]
	case name == "Identifier" || name == "Literal" || name == "Placeholder":
		s := &ir.Safe{Where: b.where(e), Why: "quoted by psycopg"}
		if len(parts) > 0 {
			s.X = parts[0]
		}
		return s
	}
	return nil
}

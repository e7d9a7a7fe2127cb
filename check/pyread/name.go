package pyread

import (
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

func itoa(n int) string { return strconv.Itoa(n) }

// variable is what a name of the function stands for.
func (b *builder) variable(name string, at ir.Where) ir.Expr {
	if slices.Contains(b.hidden, name) {
		return &ir.Var{Where: at, Name: name}
	}
	for f := b.f; !f.top(); f = f.outer {
		if f.locals[name] {
			v := &ir.Var{Where: at, Name: name}
			if f != b.f {
				v.In = f.ir
			}
			return v
		}
		if global, declared := f.globals[name]; declared && global {
			break
		}
	}
	return &ir.Global{Where: at, Name: b.m.name + "." + name}
}

// name lowers a name that is read.
func (b *builder) name(e *syntax.Name) ir.Expr {
	at := b.where(e)
	if slices.Contains(b.hidden, e.ID) {
		return &ir.Var{Where: at, Name: e.ID}
	}
	full := b.r.canonical(b.f.find(e.ID))
	if full == "" {
		v := b.variable(e.ID, at)
		if why := b.safeParameter(e.ID); why != "" {
			return &ir.Safe{Where: at, X: v, Why: why}
		}
		return v
	}
	return b.named(e, full)
}

// named is what a full name stands for.
func (b *builder) named(e syntax.Expr, full string) ir.Expr {
	if f := b.r.functions[full]; f != nil {
		return &ir.FuncRef{Where: b.where(e), Func: f.ir}
	}
	if src := b.source(e, full); src != nil {
		return src
	}
	if m, name := b.r.global(full); m != nil {
		if c := b.r.constantGlobal(m, name); c != nil {
			return &ir.Const{Where: b.where(e), Text: m.text(c)}
		}
		return &ir.Global{Where: b.where(e), Name: full}
	}
	if strings.HasPrefix(full, "builtins.") {
		return b.unknown(e)
	}
	return &ir.Global{Where: b.where(e), Name: full}
}

// constantGlobal is a number or boolean that a module gives a name once.
func (r *reader) constantGlobal(m *module, name string) *syntax.Constant {
	values := m.body.types[name]
	if len(values) != 1 || m.body.assigns[name] != 1 || values[0].annotation {
		return nil
	}
	c, ok := values[0].value.(*syntax.Constant)
	if !ok || c.Kind == syntax.Str || c.Kind == syntax.Bytes {
		return nil
	}
	for _, f := range r.functions {
		if f.module == m && f.globals[name] {
			return nil
		}
	}
	return c
}

// safeParameter says why a parameter cannot carry SQL: its annotation is that
// of a number or the like, and nothing else is assigned to it.
func (b *builder) safeParameter(name string) string {
	for f := b.f; !f.top(); f = f.outer {
		if !f.locals[name] {
			continue
		}
		if f.args == nil || f.assigns[name] > 0 {
			return ""
		}
		for _, a := range params(f.args) {
			if a.Name == name && a != f.args.Vararg && a != f.args.Kwarg {
				return b.safeAnnotation(a.Annotation)
			}
		}
		return ""
	}
	return ""
}

// safeTypes are classes whose values are written without a quote or a space
// that could end a value in SQL.
var safeTypes = map[string]bool{
	"builtins.int": true, "builtins.float": true, "builtins.bool": true, "builtins.complex": true,
	"uuid.UUID": true, "datetime.date": true, "datetime.datetime": true, "datetime.time": true, "datetime.timedelta": true,
	"decimal.Decimal": true, "fractions.Fraction": true, "ipaddress.IPv4Address": true, "ipaddress.IPv6Address": true,
}

func (b *builder) safeAnnotation(e syntax.Expr) string {
	if e == nil {
		return ""
	}
	t := b.r.annotated(e, b.f)
	if safeTypes[t] {
		return "annotated " + b.m.text(e)
	}
	if c := b.r.classes[t]; c != nil && b.r.enumeration(c) {
		return "a member of " + c.name
	}
	return ""
}

func (r *reader) enumeration(c *class) bool {
	return r.inherits(c, "enum.Enum") || r.inherits(c, "enum.IntEnum") || r.inherits(c, "enum.StrEnum")
}

// attribute lowers value.attr.
func (b *builder) attribute(e *syntax.Attribute) ir.Expr {
	if full := b.r.qualified(e, b.f); full != "" {
		if c := b.classOfGlobal(full); c != nil {
			if b.r.enumeration(c) {
				return &ir.Safe{Where: b.where(e), Why: "a member of " + c.name}
			}
			return b.field(e, nil, c)
		}
		return b.named(e, full)
	}
	x := b.value(e.Value)
	b.lowered, b.base = e, x
	if src := extended(x, b.at(e), b.m.text(e)); src != nil {
		return src
	}
	if src := b.requestPart(e); src != nil {
		return src
	}
	t := b.r.typeOf(e.Value, b.f)
	if c := b.r.classes[t]; c != nil && b.r.enumeration(c) && (e.Attr == "value" || e.Attr == "name") {
		return &ir.Safe{Where: b.where(e), Why: "a member of " + c.name}
	}
	return b.field(e, x, b.r.classes[t])
}

// classOfGlobal is the class whose attribute a full name is.
func (b *builder) classOfGlobal(full string) *class {
	if dot := strings.LastIndexByte(full, '.'); dot > 0 {
		return b.r.classes[full[:dot]]
	}
	return nil
}

// field is attr of an instance, or of a class when x is nil.
func (b *builder) field(e *syntax.Attribute, x ir.Expr, c *class) ir.Expr {
	if c != nil {
		for _, k := range b.r.mro(c) {
			if len(k.fields[e.Attr]) > 0 && x != nil {
				return &ir.Field{Where: b.where(e), X: x, Name: e.Attr, Owner: k.full}
			}
			if _, ok := k.statics[e.Attr]; ok {
				return &ir.Global{Where: b.where(e), Name: k.full + "." + e.Attr}
			}
			if m := k.methods[e.Attr]; m != nil {
				return b.bound(e, x, m)
			}
		}
	}
	if x == nil {
		return b.unknown(e)
	}
	owner := ""
	if c != nil {
		owner = c.full
	} else if all := b.r.owners[e.Attr]; len(all) == 1 {
		owner = all[0].full
	}
	return &ir.Field{Where: b.where(e), X: x, Name: e.Attr, Owner: owner}
}

// bound is a method as a value; the value of a property is what it returns.
func (b *builder) bound(e *syntax.Attribute, x ir.Expr, m *function) ir.Expr {
	if m.node != nil {
		for _, d := range m.node.Decorators {
			if name := lastName(d); name == "property" || name == "cached_property" {
				call := &ir.Call{Span: b.at(e), Name: b.m.text(e), Callees: []*ir.Func{m.ir}, Sure: true, Args: []ir.Expr{x}}
				b.emit(call)
				return &ir.Result{Where: b.where(e), Call: call}
			}
		}
	}
	ref := &ir.FuncRef{Where: b.where(e), Func: m.ir}
	if !m.static && x != nil {
		ref.Bound = []ir.Expr{x}
	}
	return ref
}

// subscript lowers value[key].
func (b *builder) subscript(e *syntax.Subscript) ir.Expr {
	x := b.value(e.Value)
	key := b.value(e.Slice)
	if src := extended(x, b.at(e), b.m.text(e)); src != nil {
		return src
	}
	if b.constantTable(e.Value) {
		return &ir.Safe{Where: b.where(e), X: key, Why: "looked up in a constant table"}
	}
	if _, ok := e.Slice.(*syntax.Slice); ok {
		return b.unknown(e, x)
	}
	by, next := b.r.counted(e.Slice, b.f, 0)
	return &ir.Index{Where: b.where(e), X: x, Key: key, By: by, Next: next}
}

// constantTable reports whether an expression is a dictionary of constants
// that a module or the function gives a name once.
func (b *builder) constantTable(e syntax.Expr) bool {
	var values []typed
	if d, ok := e.(*syntax.Dict); ok {
		return constants(d)
	}
	full := b.r.qualified(e, b.f)
	if name, ok := e.(*syntax.Name); ok && full == "" {
		values = b.f.types[name.ID]
	} else if c := b.classOfGlobal(full); c != nil {
		values = []typed{{value: c.statics[lastName(e)]}}
	} else if m, name := b.r.global(full); m != nil {
		values = m.body.types[name]
	} else if a, ok := e.(*syntax.Attribute); ok {
		if c := b.r.classes[b.r.typeOf(a.Value, b.f)]; c != nil && len(c.fields[a.Attr]) == 0 {
			values = []typed{{value: c.statics[a.Attr]}}
		}
	}
	found := false
	for _, v := range values {
		if v.annotation {
			continue
		}
		d, ok := v.value.(*syntax.Dict)
		if !ok || found || !constants(d) {
			return false
		}
		found = true
	}
	return found
}

func constants(d *syntax.Dict) bool {
	for _, v := range d.Values {
		if _, ok := v.(*syntax.Constant); !ok {
			return false
		}
	}
	return len(d.Values) > 0
}

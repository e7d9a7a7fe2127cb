package pyread

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// format is "template".format(arguments).
func (b *builder) format(e *syntax.Call, a *syntax.Attribute) ir.Expr {
	out := &ir.Format{Where: b.where(e), Verbs: ir.BraceVerbs, Template: b.value(a.Value)}
	for _, arg := range e.Args {
		if s, ok := arg.(*syntax.Starred); ok {
			return b.unknown(e, out.Template, b.value(s.Value))
		}
		out.Args = append(out.Args, b.value(arg))
	}
	b.keywords(out, e)
	return out
}

// keywords are the values that a call gives a template by name.
func (b *builder) keywords(out *ir.Format, e *syntax.Call) {
	if len(e.Keywords) > 0 && out.Names == nil {
		out.Names = make([]string, len(out.Args))
	}
	for _, k := range e.Keywords {
		if k.Arg == "" {
			b.mapping(out, k.Value)
			continue
		}
		out.Args, out.Names = append(out.Args, b.value(k.Value)), append(out.Names, k.Arg)
	}
}

// mapping are the values that a mapping gives a template: by the names that are
// written out, or all that it has.
func (b *builder) mapping(out *ir.Format, e syntax.Expr) {
	if d, ok := e.(*syntax.Dict); ok {
		if named, ok := b.m.keyed(d); ok {
			for i, k := range d.Keys {
				c := k.(*syntax.Constant)
				if named[b.m.tree.StringValue(c)] == d.Values[i] {
					out.Args, out.Names = append(out.Args, b.value(d.Values[i])), append(out.Names, b.m.tree.StringValue(c))
				}
			}
			return
		}
	}
	if c, ok := e.(*syntax.Call); ok && lastName(c.Func) == "dict" && len(c.Args) == 0 {
		b.keywords(out, c)
		return
	}
	v := b.value(e)
	out.Args, out.Names = append(out.Args, &ir.Index{Where: b.where(e), X: v}), append(out.Names, ir.EveryName)
}

// substitute is string.Template("template").substitute(arguments).
func (b *builder) substitute(e *syntax.Call, a *syntax.Attribute) ir.Expr {
	out := &ir.Format{Where: b.where(e), Verbs: ir.DollarVerbs, Template: b.value(a.Value), Names: []string{}}
	b.keywords(out, e)
	for _, arg := range e.Args {
		b.mapping(out, arg)
	}
	return out
}

// inMemory is what is written to a text in memory, and the text that comes of it.
func (b *builder) inMemory(e *syntax.Call, a *syntax.Attribute) ir.Expr {
	text := b.value(a.Value)
	if a.Attr == "getvalue" {
		return text
	}
	b.assign(a.Value, b.add(e, text, b.value(e.Args[0])), b.at(e))
	return b.unknown(e)
}

// stringly reports whether an expression is surely a string that was written
// here, so that % fills it.
func (b *builder) stringly(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Constant:
		return e.Kind == syntax.Str || e.Kind == syntax.Bytes
	case *syntax.JoinedStr:
		return true
	case *syntax.BinOp:
		return e.Op == syntax.Add && (b.stringly(e.Left) || b.stringly(e.Right))
	case *syntax.IfExp:
		return b.stringly(e.Body) || b.stringly(e.Orelse)
	case *syntax.Name:
		return b.stringlyName(e.ID)
	case *syntax.Attribute: // of its class
		c := b.r.classes[b.r.typeOf(e.Value, b.f)]
		if c == nil {
			return false
		}
		if given := c.fields[e.Attr]; len(given) > 0 {
			return slices.ContainsFunc(given, writtenHere)
		}
		text, ok := c.statics[e.Attr].(*syntax.Constant)
		return ok && text.Kind == syntax.Str
	}
	return false
}

// writtenHere reports whether a field is given a string as it stands in the source.
func writtenHere(t typed) bool {
	switch v := t.value.(type) {
	case *syntax.Constant:
		return !t.annotation && v.Kind == syntax.Str
	case *syntax.JoinedStr:
		return !t.annotation
	}
	return false
}

// stringlyName reports whether a string that was written here is assigned to
// a name.
func (b *builder) stringlyName(name string) bool {
	for f := b.f; f != nil; f = f.outer {
		if !f.locals[name] {
			continue
		}
		guard := "string " + name // s = s + "…" asks for s again
		if f.busy[guard] {
			return false
		}
		f.busy[guard] = true
		defer delete(f.busy, guard)
		return slices.ContainsFunc(f.types[name], func(t typed) bool {
			switch v := t.value.(type) {
			case *syntax.Constant, *syntax.JoinedStr, *syntax.BinOp, *syntax.IfExp, *syntax.Name:
				return !t.annotation && b.stringly(v)
			}
			return false
		})
	}
	return false
}

// percent is "template" % arguments, or template %= arguments.
func (b *builder) percent(n syntax.Node, template ir.Expr, right syntax.Expr) ir.Expr {
	out := &ir.Format{Where: b.where(n), Verbs: ir.PercentVerbs, Template: template}
	switch args := right.(type) {
	case *syntax.Tuple:
		out.Args = b.values(args.Elts)
	case *syntax.Dict:
		out.Names = []string{}
		for i, k := range args.Keys {
			v := b.value(args.Values[i])
			c, ok := k.(*syntax.Constant)
			if !ok {
				return b.unknown(n, template, v)
			}
			out.Args, out.Names = append(out.Args, v), append(out.Names, b.m.tree.StringValue(c))
		}
	default:
		out.Args = []ir.Expr{b.value(right)}
	}
	return out
}

package pyread

import (
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

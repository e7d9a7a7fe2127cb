package pyread

import (
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// indirect notes the members that objects are given in other ways than by an
// assignment, by their names: properties, and what a class says of its objects.
func (r *reader) indirect(c *class) {
	for _, s := range c.node.Body {
		switch s := s.(type) {
		case *syntax.FunctionDef:
			if slices.ContainsFunc(s.Decorators, func(d syntax.Expr) bool { return computed[lastName(d)] }) {
				r.program.Indirect[s.Name] = true
			}
		case *syntax.AnnAssign:
			if c.methods["__init__"] == nil {
				r.indirectValue(s.Target, s.Value)
			}
		case *syntax.Assign:
			r.indirectValue(s.Targets[0], s.Value)
		}
	}
}

// computed are the decorators that make a member of a method.
var computed = map[string]bool{"property": true, "cached_property": true, "hybrid_property": true}

// indirectValue notes a member whose value stands in a class, when that is text.
func (r *reader) indirectValue(to, value syntax.Expr) {
	name, ok := to.(*syntax.Name)
	if ok && value != nil && holdsText(value) {
		r.program.Indirect[name.ID] = true
	}
}

func holdsText(e syntax.Expr) bool {
	for n := range syntax.All(e) {
		switch n := n.(type) {
		case *syntax.JoinedStr:
			return true
		case *syntax.Constant:
			if n.Kind == syntax.Str {
				return true
			}
		}
	}
	return false
}

var member = regexp.MustCompile(`[A-Za-z_][\w-]*`)

// members notes the members that a call gives objects: the fields of a named tuple,
// an option that has a default, what setattr names, keywords of a namespace, and
// what a class without a constructor of its own is made of.
func (r *reader) members(c *syntax.Call, f *function) {
	m := f.module
	switch lastName(c.Func) {
	case "namedtuple", "NamedTuple", "make_dataclass", "setattr":
		r.written(m, c.Args)
	case "add_argument", "add_option", "option", "argument":
		if d := argument(c, len(c.Args), "default"); d != nil && holdsText(d) {
			r.written(m, c.Args)
		}
	case "SimpleNamespace", "_replace", "replace":
		for _, k := range c.Keywords {
			r.program.Indirect[k.Arg] = true
		}
	}
	made := r.classes[r.qualified(c.Func, f)]
	if made == nil || r.method(made, "__init__") != nil || len(c.Args)+len(c.Keywords) == 0 {
		return
	}
	for _, s := range made.node.Body {
		if a, ok := s.(*syntax.AnnAssign); ok {
			if name, ok := a.Target.(*syntax.Name); ok {
				r.program.Indirect[name.ID] = true
			}
		}
	}
}

// written notes the names that are written in the texts of some arguments.
func (r *reader) written(m *module, args []syntax.Expr) {
	for _, e := range args {
		for n := range syntax.All(e) {
			if s, ok := n.(*syntax.Constant); ok && s.Kind == syntax.Str {
				for _, name := range member.FindAllString(m.tree.StringValue(s), -1) {
					r.program.Indirect[strings.ReplaceAll(name, "-", "_")] = true
				}
			}
		}
	}
}

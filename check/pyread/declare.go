package pyread

import (
	"cmp"
	"fmt"
	"iter"
	"path"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// declare enters what a module defines and imports.
func (r *reader) declare(m *module) {
	m.imports = map[string]string{}
	r.modules[m.name] = m
	m.body = &function{module: m, body: m.tree.Body}
	m.body.ir = r.program.AddFunc(m.name, "<module>", m.span(m.tree.Span))
	m.body.ir.Entry = ir.Init
	r.program.Tops = append(r.program.Tops, m.body.ir)
	m.body.begin()
	r.scan(m.body, m.tree.Body)
}

func (f *function) begin() {
	f.locals, f.globals, f.types = map[string]bool{}, map[string]bool{}, map[string][]typed{}
	f.defs, f.inside, f.assigns, f.busy = map[string]*function{}, map[string]*class{}, map[string]int{}, map[string]bool{}
	f.loops, f.grown = map[string][]syntax.Expr{}, map[string][]element{}
}

// top reports whether the function is a module's body.
func (f *function) top() bool { return f.outer == nil }

// scan enters what the statements of a function define.
func (r *reader) scan(f *function, body []syntax.Stmt) {
	for _, s := range body {
		switch s := s.(type) {
		case *syntax.FunctionDef:
			r.declareFunction(f, s, nil)
			continue
		case *syntax.ClassDef:
			r.declareClass(f, s, nil)
			continue
		case *syntax.Import, *syntax.ImportFrom:
			f.module.imported(s)
			continue
		case *syntax.Global:
			for _, name := range s.Names {
				f.globals[name] = true
			}
		case *syntax.Nonlocal:
			for _, name := range s.Names {
				f.globals[name] = false
			}
		}
		for part := range own(s) {
			f.names(part)
		}
		again := loops(s)
		f.looping += again
		for _, b := range blocks(s) {
			r.scan(f, b)
		}
		f.looping -= again
	}
}

// own yields the parts of a statement that are in none of its blocks.
func own(s syntax.Stmt) iter.Seq[syntax.Node] {
	return func(yield func(syntax.Node) bool) {
		more := true
		syntax.Walk(s, func(n syntax.Node) bool {
			if _, block := n.(syntax.Stmt); block && n != syntax.Node(s) {
				return false
			}
			more = more && yield(n)
			return more
		})
	}
}

// blocks returns the blocks of a compound statement that is no definition.
func blocks(s syntax.Stmt) [][]syntax.Stmt {
	switch s := s.(type) {
	case *syntax.If:
		return [][]syntax.Stmt{s.Body, s.Orelse}
	case *syntax.For:
		return [][]syntax.Stmt{s.Body, s.Orelse}
	case *syntax.While:
		return [][]syntax.Stmt{s.Body, s.Orelse}
	case *syntax.With:
		return [][]syntax.Stmt{s.Body}
	case *syntax.Try:
		list := [][]syntax.Stmt{s.Body}
		for _, h := range s.Handlers {
			list = append(list, h.Body)
		}
		return append(list, s.Orelse, s.Finalbody)
	case *syntax.Match:
		var list [][]syntax.Stmt
		for _, c := range s.Cases {
			list = append(list, c.Body)
		}
		return list
	case *syntax.Bad:
		return [][]syntax.Stmt{s.Body}
	}
	return nil
}

// names notes a name that a part of a statement binds, and what it is bound to.
func (f *function) names(part syntax.Node) {
	switch n := part.(type) {
	case *syntax.Assign:
		for _, t := range n.Targets {
			f.bind(t, typed{in: f, value: n.Value})
		}
	case *syntax.AnnAssign:
		f.bind(n.Target, typed{in: f, value: n.Annotation, annotation: true})
	case *syntax.AugAssign:
		f.bind(n.Target, typed{in: f, value: n.Value})
	case *syntax.NamedExpr:
		f.bind(n.Target, typed{in: f, value: n.Value})
	case *syntax.For:
		f.bind(n.Target, typed{})
		f.runsOver(n.Target, n.Iter)
	case *syntax.Comprehension:
		f.bind(n.Target, typed{})
		f.runsOver(n.Target, n.Iter)
	case *syntax.Call:
		f.grows(n)
	case *syntax.WithItem:
		if n.Vars != nil {
			f.bind(n.Vars, typed{in: f, value: n.Context})
		}
	case *syntax.ExceptHandler:
		if n.Name != "" {
			f.note(n.Name, typed{})
		}
	case *syntax.MatchAs:
		if n.Name != "" {
			f.note(n.Name, typed{})
		}
	case *syntax.MatchStar:
		if n.Name != "" {
			f.note(n.Name, typed{})
		}
	}
}

func (f *function) bind(target syntax.Expr, t typed) {
	switch x := target.(type) {
	case *syntax.Name:
		f.note(x.ID, t)
	case *syntax.Attribute:
		f.field(x, t)
	case *syntax.Starred:
		f.bind(x.Value, typed{})
	case *syntax.Tuple:
		for i, e := range x.Elts {
			f.bind(e, t.element(i, len(x.Elts)))
		}
	case *syntax.List:
		for i, e := range x.Elts {
			f.bind(e, t.element(i, len(x.Elts)))
		}
	}
}

// element is the part of a display that goes to the ith of n targets.
func (t typed) element(i, n int) typed {
	if tuple, ok := t.value.(*syntax.Tuple); ok && len(tuple.Elts) == n && !t.annotation {
		return typed{in: t.in, value: tuple.Elts[i]}
	}
	return typed{}
}

func (f *function) note(name string, t typed) {
	f.types[name] = append(f.types[name], t)
	f.assigns[name]++
	if _, declared := f.globals[name]; !declared {
		f.locals[name] = true
	}
}

// field notes what a method assigns to a field of its receiver.
func (f *function) field(x *syntax.Attribute, t typed) {
	base, ok := x.Value.(*syntax.Name)
	if owner := f.method(); ok && owner != nil && owner.receiver() == base.ID {
		owner.class.fields[x.Attr] = append(owner.class.fields[x.Attr], t)
	}
}

// method is the method that f is, or is nested in; nil for none.
func (f *function) method() *function {
	for ; f != nil; f = f.outer {
		if f.class != nil {
			return f
		}
	}
	return nil
}

// receiver is the name of a method's first parameter.
func (f *function) receiver() string {
	if f.static || f.args == nil {
		return ""
	}
	if all := positional(f.args); len(all) > 0 {
		return all[0].Name
	}
	return ""
}

func positional(a *syntax.Arguments) []*syntax.Arg {
	return append(a.PosOnly[:len(a.PosOnly):len(a.PosOnly)], a.Args...)
}

// params are all parameters in the order of ir.Func.Params.
func params(a *syntax.Arguments) []*syntax.Arg {
	list := positional(a)
	if a.Vararg != nil {
		list = append(list, a.Vararg)
	}
	list = append(list, a.KwOnly...)
	if a.Kwarg != nil {
		list = append(list, a.Kwarg)
	}
	return list
}

// imported enters the names that an import statement binds.
func (m *module) imported(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.Import:
		for _, a := range s.Names {
			if a.AsName != "" {
				m.imports[a.AsName] = a.Name
			} else {
				first, _, _ := strings.Cut(a.Name, ".")
				m.imports[first] = first
			}
		}
	case *syntax.ImportFrom:
		from := s.Module
		if s.Level > 0 {
			from = m.relative(s.Level, s.Module)
		}
		for _, a := range s.Names {
			m.imports[cmp.Or(a.AsName, a.Name)] = from + "." + a.Name
		}
	}
}

// relative resolves "from ..x import": the package is one level above the
// module, unless the module is the package.
func (m *module) relative(level int, name string) string {
	parts := strings.Split(m.name, ".")
	if path.Base(m.file.Path) == "__init__.py" {
		level--
	}
	parts = parts[:max(len(parts)-level, 0)]
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, ".")
}

func (r *reader) declareFunction(f *function, s *syntax.FunctionDef, c *class) {
	n := &function{module: f.module, class: c, outer: f, node: s, args: s.Args, body: s.Body}
	n.begin()
	prefix, title := f.path(), s.Name
	if c != nil {
		prefix, title = c.full, c.name+"."+s.Name
	}
	id := prefix + "." + s.Name
	if r.functions[id] != nil { // defined twice: in the branches of an if, or overloaded
		line, _ := f.module.tree.Position(s.Start)
		id = fmt.Sprintf("%s@%d", id, line)
	}
	r.functions[id], r.functionOf[s] = n, n
	n.ir = r.program.AddFunc(id, title, f.module.span(s.Span))
	for _, d := range s.Decorators {
		if name, ok := d.(*syntax.Name); ok && name.ID == "staticmethod" {
			n.static = true
		}
	}
	if c == nil {
		n.static = true
		f.defs[s.Name] = n
		f.note(s.Name, typed{})
		n.ir.Outer = f.ir
		if f.top() {
			n.ir.Outer = nil
		}
	} else {
		c.methods[s.Name] = n
		n.ir.Class = c.full
		n.ir.Maker = s.Name == "__init__" || s.Name == "__new__" || s.Name == "__post_init__"
		r.methods[s.Name] = append(r.methods[s.Name], n)
	}
	for _, a := range params(s.Args) {
		n.ir.Params = append(n.ir.Params, a.Name)
		n.locals[a.Name] = true
		if a.Annotation != nil {
			n.types[a.Name] = append(n.types[a.Name], typed{in: f, value: a.Annotation, annotation: true})
		}
	}
	r.scan(n, s.Body)
	n.ir.Entry = r.entry(n)
}

// path is the prefix of the full names of what is defined in a function.
func (f *function) path() string {
	if f.top() {
		return f.module.name
	}
	return f.ir.ID + ".<locals>"
}

func (r *reader) declareClass(f *function, s *syntax.ClassDef, outer *class) {
	prefix := f.path()
	if outer != nil {
		prefix = outer.full
	}
	c := &class{
		full: prefix + "." + s.Name, name: s.Name, module: f.module, node: s,
		methods: map[string]*function{}, statics: map[string]syntax.Expr{}, fields: map[string][]typed{},
	}
	r.classOf[s] = c
	if lockKinds[c.full] == ir.NoLock { // of a lock in Python's own library more is known than its source says
		r.classes[c.full] = c
	}
	if outer == nil {
		f.inside[s.Name] = c
		f.note(s.Name, typed{})
	}
	r.scanClass(f, c, s.Body)
	r.declareData(f, c)
}

// scanClass enters methods with the function around the class as their outer
// one: they do not see the class's own names.
func (r *reader) scanClass(f *function, c *class, body []syntax.Stmt) {
	for _, s := range body {
		switch s := s.(type) {
		case *syntax.FunctionDef:
			r.declareFunction(f, s, c)
		case *syntax.ClassDef:
			r.declareClass(f, s, c)
		default:
			c.static(f, s)
			for _, b := range blocks(s) {
				r.scanClass(f, c, b)
			}
		}
	}
}

// static notes what a class's body assigns.
func (c *class) static(f *function, s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.Assign:
		for _, t := range s.Targets {
			if name, ok := t.(*syntax.Name); ok {
				c.statics[name.ID] = s.Value
			}
		}
	case *syntax.AnnAssign:
		name, ok := s.Target.(*syntax.Name)
		switch {
		case !ok:
		case s.Value != nil && factory(s.Value) == nil:
			c.statics[name.ID] = s.Value
		default:
			c.fields[name.ID] = append(c.fields[name.ID], typed{in: f, value: s.Annotation, annotation: true})
		}
	}
}

// factory returns what makes a data class's field: field(default_factory=x).
func factory(value syntax.Expr) syntax.Expr {
	call, ok := value.(*syntax.Call)
	if !ok {
		return nil
	}
	for _, k := range call.Keywords {
		if k.Arg == "default_factory" || k.Arg == "factory" {
			return k.Value
		}
	}
	return nil
}

// declareData gives a class whose fields have factories the constructor that
// a decorator will write.
func (r *reader) declareData(f *function, c *class) {
	made := false
	for _, s := range c.node.Body {
		if a, ok := s.(*syntax.AnnAssign); ok && a.Value != nil && factory(a.Value) != nil {
			made = true
		}
	}
	if !made || c.methods["__init__"] != nil {
		return
	}
	n := &function{module: f.module, class: c, outer: f, args: &syntax.Arguments{}}
	n.begin()
	n.ir = r.program.AddFunc(c.full+".__init__", c.name+".__init__", f.module.span(c.node.Span))
	n.ir.Class, n.ir.Maker, n.ir.Params = c.full, true, []string{"self"}
	c.methods["__init__"] = n
	r.functions[n.ir.ID] = n
}

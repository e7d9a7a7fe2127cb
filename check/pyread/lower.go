package pyread

import (
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
	"slices"
)

// A builder makes the blocks of one function.
type builder struct {
	r      *reader
	f      *function
	m      *module
	cur    *ir.Block          // nil where control cannot come
	exits  []exit             // what must happen on the way out, outermost first
	loop   int                // loops and comprehensions around the current expression
	hidden []string           // names that comprehensions around it bind
	over   map[string]ir.Expr // what those are elements of

	stacks map[string]*lockStack // the exit stacks that are open, by name

	lowered *syntax.Attribute    // the last attribute that was lowered,
	base    ir.Expr              // and what it is one of
	awaited syntax.Expr          // the last that was awaited
	tasks   map[string][]ir.Span // where the tasks of each group start, by its name
}

// An exit is something around the current statement that control passes when
// it leaves: a block whose end runs code, a loop, or a try with handlers.
type exit struct {
	run                func() // with and finally: what runs on the way out
	breaks, continues  *ir.Block
	catches            *ir.Block
	isLoop, isHandlers bool
}

// lowerModule lowers a module's body and everything in it.
func (r *reader) lowerModule(m *module) {
	r.lower(m.body)
}

// lower fills the blocks of a function, once.
func (r *reader) lower(f *function) {
	b := &builder{r: r, f: f, m: f.module}
	b.cur = b.block()
	b.prologue()
	leave := b.dressed()
	b.statements(f.body)
	leave()
}

// block adds an empty block to the function.
func (b *builder) block() *ir.Block {
	n := &ir.Block{}
	b.f.ir.Blocks = append(b.f.ir.Blocks, n)
	return n
}

// emit appends an operation, where control can come.
func (b *builder) emit(op ir.Op) {
	if b.cur != nil {
		b.cur.Ops = append(b.cur.Ops, op)
	}
}

// to ends the current block with a way to another.
func (b *builder) to(next *ir.Block) {
	if b.cur != nil && next != nil {
		b.cur.Next = append(b.cur.Next, next)
	}
	b.cur = nil
}

// branch ends the current block with a choice.
func (b *builder) branch(on ir.Expr, yes, no *ir.Block) {
	if b.cur != nil {
		b.cur.If, b.cur.Next = on, []*ir.Block{yes, no}
	}
	b.cur = nil
}

// either ends the current block with ways that nothing is known of.
func (b *builder) either(next ...*ir.Block) {
	if b.cur != nil {
		b.cur.Next = append(b.cur.Next, next...)
	}
	b.cur = nil
}

func (b *builder) at(n syntax.Node) ir.Span { return b.m.span(n.Where()) }

func (b *builder) where(n syntax.Node) ir.Where { return ir.Where{Span: b.at(n)} }

func (b *builder) statements(body []syntax.Stmt) {
	for _, s := range body {
		b.statement(s)
	}
}

func (b *builder) statement(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.FunctionDef:
		b.function(s)
	case *syntax.ClassDef:
		b.class(s)
	case *syntax.If:
		b.ifStmt(s)
	case *syntax.While:
		b.while(s)
	case *syntax.For:
		b.forStmt(s)
	case *syntax.With:
		b.with(s, 0)
	case *syntax.Try:
		b.try(s)
	case *syntax.Match:
		b.match(s)
	case *syntax.Bad:
		b.statements(s.Body)
	default:
		b.simple(s)
	}
}

func (b *builder) simple(s syntax.Stmt) {
	switch s := s.(type) {
	case *syntax.ExprStmt:
		b.value(s.Value)
		b.tried(s)
	case *syntax.Assign:
		v := b.value(s.Value)
		for _, t := range s.Targets {
			b.assign(t, v, b.at(s))
		}
	case *syntax.AnnAssign:
		if s.Value != nil {
			b.assign(s.Target, b.value(s.Value), b.at(s))
		}
	case *syntax.AugAssign:
		b.augmented(s)
	case *syntax.Return:
		b.ret(s)
	case *syntax.Raise:
		b.raise(s)
	case *syntax.Assert:
		b.assert(s)
	case *syntax.Break:
		b.leaveLoop(func(e exit) *ir.Block { return e.breaks })
	case *syntax.Continue:
		b.leaveLoop(func(e exit) *ir.Block { return e.continues })
	case *syntax.Delete:
		for _, t := range s.Targets {
			b.value(t)
		}
	}
}

// function lowers a nested definition, and gives its name the function.
func (b *builder) function(s *syntax.FunctionDef) {
	for _, d := range s.Decorators {
		b.value(d)
	}
	fn := b.r.functionOf[s]
	fn.ir.Defaults = make([]ir.Expr, len(fn.ir.Params))
	for i, d := range s.Args.Defaults {
		fn.ir.Defaults[len(positional(s.Args))-len(s.Args.Defaults)+i] = b.value(d)
	}
	for i, d := range s.Args.KwDefaults {
		if d != nil {
			fn.ir.Defaults[slices.Index(fn.ir.Params, s.Args.KwOnly[i].Name)] = b.value(d)
		}
	}
	b.r.lower(fn)
}

// class lowers the body of a class where it stands, and its methods.
func (b *builder) class(s *syntax.ClassDef) {
	c := b.r.classOf[s]
	b.classBody(c, s.Body)
	if m := c.methods["__init__"]; m != nil && m.node == nil {
		b.r.lowerData(m)
	}
}

func (b *builder) classBody(c *class, body []syntax.Stmt) {
	for _, s := range body {
		switch s := s.(type) {
		case *syntax.Assign:
			v := b.value(s.Value)
			for _, t := range s.Targets {
				if name, ok := t.(*syntax.Name); ok {
					b.emit(&ir.Assign{Span: b.at(s), To: &ir.Global{Where: b.where(t), Name: c.full + "." + name.ID}, Value: v})
				}
			}
		case *syntax.AnnAssign:
			if name, ok := s.Target.(*syntax.Name); ok && s.Value != nil && factory(s.Value) == nil {
				b.emit(&ir.Assign{Span: b.at(s), To: &ir.Global{Where: b.where(name), Name: c.full + "." + name.ID}, Value: b.value(s.Value)})
			}
		case *syntax.If:
			b.classBody(c, s.Body)
			b.classBody(c, s.Orelse)
		default:
			b.statement(s)
		}
	}
}

// lowerData writes the constructor that a data class's decorator makes.
func (r *reader) lowerData(f *function) {
	b := &builder{r: r, f: f, m: f.module}
	b.cur = b.block()
	for _, s := range f.class.node.Body {
		a, ok := s.(*syntax.AnnAssign)
		if !ok || a.Value == nil {
			continue
		}
		name, named := a.Target.(*syntax.Name)
		maker := factory(a.Value)
		if !named || maker == nil {
			continue
		}
		outer := f.outer
		call := &syntax.Call{Span: a.Value.Where(), Func: maker}
		to := &ir.Field{Where: b.where(name), X: &ir.Var{Where: b.where(name), Name: "self"}, Name: name.ID, Owner: f.class.full}
		inner := &builder{r: r, f: outer, m: f.module, cur: b.cur}
		b.emit(&ir.Assign{Span: b.at(a), To: to, Value: inner.value(call)})
	}
}

// prologue says what a handler's parameters are: they come from outside.
func (b *builder) prologue() {
	if b.f.ir.Entry != ir.Handler || b.f.args == nil {
		return
	}
	for i, a := range params(b.f.args) {
		if i == 0 && b.f.class != nil || a.Name == "request" || b.r.injected(b.f, a) {
			continue
		}
		v := &ir.Var{Where: b.where(a), Name: a.Name}
		source := ir.Expr(&ir.Source{Where: b.where(a), From: ir.HTTP, What: "the request's " + a.Name})
		if why := b.safeAnnotation(a.Annotation); why != "" {
			source = &ir.Safe{Where: b.where(a), X: source, Why: why}
		}
		b.emit(&ir.Assign{Span: b.at(a), To: v, Value: source})
	}
}

// injected reports whether a framework fills a parameter from elsewhere than
// the request: a dependency, a connection, a file of its own.
func (r *reader) injected(f *function, a *syntax.Arg) bool {
	if a.Annotation != nil {
		if t := r.annotated(a.Annotation, f.outer); t != "" && t != "builtins.str" && t != "builtins.bytes" && r.classes[t] == nil && t != "builtins.dict" && t != "builtins.list" {
			return true
		}
	}
	all := positional(f.args)
	for i, p := range all {
		at := i - (len(all) - len(f.args.Defaults))
		if p == a && at >= 0 {
			call, ok := f.args.Defaults[at].(*syntax.Call)
			return ok && lastName(call.Func) == "Depends"
		}
	}
	return false
}

// lastName is the last part of a dotted name.
func lastName(e syntax.Expr) string {
	switch e := e.(type) {
	case *syntax.Name:
		return e.ID
	case *syntax.Attribute:
		return e.Attr
	}
	return ""
}

package syntax

import "iter"

// Walk calls visit with a node and, as long as visit says so, with the parts
// of it, in the order of ast's fields. Nil parts are left out.
func Walk(n Node, visit func(Node) bool) {
	if visit(n) {
		w := walker{visit}
		w.parts(n)
	}
}

// All returns a node and everything in it, outermost first.
func All(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		more := true
		Walk(n, func(n Node) bool {
			more = more && yield(n)
			return more
		})
	}
}

type walker struct{ visit func(Node) bool }

func (w walker) node(n Node) {
	if w.visit(n) {
		w.parts(n)
	}
}

// expr is for parts that may be missing.
func (w walker) expr(list ...Expr) {
	for _, e := range list {
		if e != nil {
			w.node(e)
		}
	}
}

func nodes[T Node](w walker, list []T) {
	for _, n := range list {
		w.node(n)
	}
}

// parts walks the parts of a node.
func (w walker) parts(n Node) {
	switch n := n.(type) {
	case *File:
		nodes(w, n.Body)
	case Stmt:
		w.stmt(n)
	case Expr:
		w.exprParts(n)
	case Pattern:
		w.pattern(n)
	case *Arguments:
		w.arguments(n)
	case *Arg:
		w.expr(n.Annotation)
	case *Keyword:
		w.expr(n.Value)
	case *TypeParam:
		w.expr(n.Bound, n.Default)
	case *WithItem:
		w.expr(n.Context, n.Vars)
	case *Comprehension:
		w.expr(n.Target, n.Iter)
		nodes(w, n.Ifs)
	case *ExceptHandler:
		w.expr(n.Type)
		nodes(w, n.Body)
	case *MatchCase:
		w.node(n.Pattern)
		w.expr(n.Guard)
		nodes(w, n.Body)
	}
}

func (w walker) stmt(s Stmt) {
	switch s := s.(type) {
	case *FunctionDef:
		w.node(s.Args)
		nodes(w, s.Body)
		nodes(w, s.Decorators)
		w.expr(s.Returns)
		nodes(w, s.TypeParams)
	case *ClassDef:
		nodes(w, s.Bases)
		nodes(w, s.Keywords)
		nodes(w, s.Body)
		nodes(w, s.Decorators)
		nodes(w, s.TypeParams)
	case *If:
		w.expr(s.Test)
		w.blocks(s.Body, s.Orelse)
	case *For:
		w.expr(s.Target, s.Iter)
		w.blocks(s.Body, s.Orelse)
	case *While:
		w.expr(s.Test)
		w.blocks(s.Body, s.Orelse)
	case *With:
		nodes(w, s.Items)
		nodes(w, s.Body)
	case *Try:
		nodes(w, s.Body)
		nodes(w, s.Handlers)
		w.blocks(s.Orelse, s.Finalbody)
	case *Match:
		w.expr(s.Subject)
		nodes(w, s.Cases)
	case *Bad:
		nodes(w, s.Body)
	default:
		w.simple(s)
	}
}

func (w walker) blocks(list ...[]Stmt) {
	for _, b := range list {
		nodes(w, b)
	}
}

func (w walker) simple(s Stmt) {
	switch s := s.(type) {
	case *ExprStmt:
		w.expr(s.Value)
	case *Assign:
		nodes(w, s.Targets)
		w.expr(s.Value)
	case *AugAssign:
		w.expr(s.Target, s.Value)
	case *AnnAssign:
		w.expr(s.Target, s.Annotation, s.Value)
	case *Return:
		w.expr(s.Value)
	case *Delete:
		nodes(w, s.Targets)
	case *Raise:
		w.expr(s.Exc, s.Cause)
	case *Assert:
		w.expr(s.Test, s.Msg)
	case *Import:
		nodes(w, s.Names)
	case *ImportFrom:
		nodes(w, s.Names)
	case *TypeAlias:
		w.node(s.Name)
		nodes(w, s.TypeParams)
		w.expr(s.Value)
	}
}

func (w walker) exprParts(e Expr) {
	switch e := e.(type) {
	case *Attribute:
		w.expr(e.Value)
	case *Call:
		w.expr(e.Func)
		nodes(w, e.Args)
		nodes(w, e.Keywords)
	case *Subscript:
		w.expr(e.Value, e.Slice)
	case *Slice:
		w.expr(e.Lower, e.Upper, e.Step)
	case *Starred:
		w.expr(e.Value)
	case *JoinedStr:
		nodes(w, e.Parts)
	case *Replacement:
		w.expr(e.Value)
		if e.Spec != nil {
			w.node(e.Spec)
		}
	case *Dict:
		for i, k := range e.Keys {
			w.expr(k, e.Values[i])
		}
	case *Set:
		nodes(w, e.Elts)
	case *List:
		nodes(w, e.Elts)
	case *Tuple:
		nodes(w, e.Elts)
	case *Comp:
		w.expr(e.Elt, e.Value)
		nodes(w, e.Generators)
	default:
		w.operator(e)
	}
}

func (w walker) operator(e Expr) {
	switch e := e.(type) {
	case *BoolOp:
		nodes(w, e.Values)
	case *NamedExpr:
		w.node(e.Target)
		w.expr(e.Value)
	case *BinOp:
		w.expr(e.Left, e.Right)
	case *UnaryOp:
		w.expr(e.Operand)
	case *Compare:
		w.expr(e.Left)
		nodes(w, e.Comparators)
	case *IfExp:
		w.expr(e.Test, e.Body, e.Orelse)
	case *Lambda:
		w.node(e.Args)
		w.expr(e.Body)
	case *Await:
		w.expr(e.Value)
	case *Yield:
		w.expr(e.Value)
	case *YieldFrom:
		w.expr(e.Value)
	}
}

func (w walker) arguments(a *Arguments) {
	nodes(w, a.PosOnly)
	nodes(w, a.Args)
	if a.Vararg != nil {
		w.node(a.Vararg)
	}
	nodes(w, a.KwOnly)
	w.expr(a.KwDefaults...)
	if a.Kwarg != nil {
		w.node(a.Kwarg)
	}
	nodes(w, a.Defaults)
}

func (w walker) pattern(p Pattern) {
	switch p := p.(type) {
	case *MatchValue:
		w.expr(p.Value)
	case *MatchSequence:
		nodes(w, p.Patterns)
	case *MatchMapping:
		nodes(w, p.Keys)
		nodes(w, p.Patterns)
	case *MatchClass:
		w.expr(p.Cls)
		nodes(w, p.Patterns)
		nodes(w, p.KwdPatterns)
	case *MatchAs:
		if p.Pattern != nil {
			w.node(p.Pattern)
		}
	case *MatchOr:
		nodes(w, p.Patterns)
	}
}

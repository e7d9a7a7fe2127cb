package pyread

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// lockMethod lowers acquire, release and a condition's wait. Whether the
// receiver is a lock at all, the engine knows better.
func (b *builder) lockMethod(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	if driverType(t) {
		return nil
	}
	at := b.at(e)
	switch a.Attr {
	case "acquire":
		got := &ir.Result{Where: b.where(e), Call: &ir.Call{Span: at, Name: b.m.text(e.Func)}}
		tries := b.tries(e)
		b.emit(&ir.Acquire{Span: at, Stmt: at, Lock: b.value(a.Value), Try: tries, OK: got, Awaits: b.r.suspends(b.f.body, b.f, nil)})
		if !tries && lockKinds[t] != ir.NoLock {
			return &ir.Const{Where: b.where(e), Text: "True"} // it returns with the lock or not at all
		}
		return got
	case "release":
		if len(e.Args)+len(e.Keywords) > 0 {
			return nil
		}
		b.emit(&ir.Release{Span: at, Lock: b.value(a.Value)})
		return b.unknown(e)
	case "wait", "wait_for":
		if lockKinds[t] == ir.NoLock && !strings.Contains(strings.ToLower(lastName(a.Value)), "cond") {
			return nil
		}
		b.values(e.Args)
		b.emit(&ir.Wait{Span: at, Lock: b.value(a.Value)})
		if n := len(e.Args) + len(e.Keywords); n == 0 && a.Attr == "wait" || n == 1 && a.Attr == "wait_for" {
			return &ir.Const{Where: b.where(e), Text: "True"} // without a time-out it returns only what holds
		}
		return b.unknown(e)
	}
	return nil
}

// handedOver notes the release of a lock among the arguments of a call: who gets it
// gives the lock back when he likes, on a thread that he likes.
func (b *builder) handedOver(e *syntax.Call) {
	for _, arg := range e.Args {
		b.hand(arg, b)
	}
	for _, k := range e.Keywords {
		b.hand(k.Value, b)
	}
}

// hand notes that somebody else is to call a function, when that is a lock's release.
// It is told as it was written in a function.
func (b *builder) hand(e syntax.Expr, in *builder) bool {
	a, ok := e.(*syntax.Attribute)
	if !ok || a.Attr != "release" {
		return false
	}
	if t := b.r.typeOf(a.Value, in.f); t != "" && lockKinds[t] == ir.NoLock {
		return false
	}
	b.emit(&ir.Hand{Span: b.at(a), Lock: in.value(a.Value)})
	return true
}

// tries reports whether an acquire gives up: acquire(False), acquire(timeout=1).
func (b *builder) tries(e *syntax.Call) bool {
	if len(e.Args) > 1 {
		return true
	}
	if len(e.Args) == 1 {
		c, ok := e.Args[0].(*syntax.Constant)
		return !ok || c.Kind == syntax.False || c.Kind == syntax.Int && b.m.text(c) == "0"
	}
	for _, k := range e.Keywords {
		c, constant := k.Value.(*syntax.Constant)
		switch k.Arg {
		case "blocking", "block":
			return !constant || c.Kind != syntax.True
		case "timeout":
			u, negative := k.Value.(*syntax.UnaryOp)
			return !(negative && u.Op == syntax.USub) && !(constant && c.Kind == syntax.None)
		}
	}
	return false
}

// enter lowers one item of a with statement, and returns what its end does.
func (b *builder) enter(s *syntax.With, item *syntax.WithItem) (leave func()) {
	at := b.at(item.Context)
	t := b.r.typeOf(item.Context, b.f)
	if call, ok := item.Context.(*syntax.Call); ok {
		if leave := b.enterCall(s, item, call, t); leave != nil {
			return leave
		}
	}
	v := b.value(item.Context)
	if stackTypes[t] && item.Vars != nil {
		return b.enterStack(item, v)
	}
	if c := b.r.classes[t]; c != nil && b.r.method(c, "__enter__") != nil {
		return b.enterObject(item, v, c)
	}
	if item.Vars != nil {
		b.assign(item.Vars, v, b.at(item))
	}
	if !b.maybeLock(item.Context, t) {
		return func() {}
	}
	b.emit(&ir.Acquire{Span: at, Stmt: b.at(s), Lock: v, Awaits: s.Async && b.r.suspends(s.Body, b.f, nil)})
	return func() { b.emit(&ir.Release{Span: at, Lock: v}) }
}

// maybeLock reports whether a context manager can be a lock.
func (b *builder) maybeLock(e syntax.Expr, t string) bool {
	if t != "" {
		return lockKinds[t] != ir.NoLock
	}
	switch e := e.(type) {
	case *syntax.Name, *syntax.Attribute, *syntax.Subscript:
		return true
	case *syntax.Call:
		full := b.r.qualified(e.Func, b.f)
		_, method := e.Func.(*syntax.Attribute)
		return b.r.functions[full] != nil || full == "" && method
	}
	return false
}

// enterCall lowers the context managers that are made where they are entered:
// pools of threads, generators with a decorator, sides of read-write locks.
func (b *builder) enterCall(s *syntax.With, item *syntax.WithItem, e *syntax.Call, t string) func() {
	if pools[t] || taskGroups[t] {
		v := b.value(e)
		if item.Vars != nil {
			b.assign(item.Vars, v, b.at(item))
		}
		return func() {
			if item.Vars != nil {
				b.ended(item.Context, b.tasks[b.m.text(item.Vars)])
			}
			b.emit(&ir.Join{Span: b.at(item), What: b.m.text(item)})
		}
	}
	if a, ok := e.Func.(*syntax.Attribute); ok && len(e.Args) == 0 {
		shared := slices.Contains([]string{"gen_rlock", "reader_lock", "read_lock", "reader", "rlock"}, a.Attr)
		exclusive := slices.Contains([]string{"gen_wlock", "writer_lock", "write_lock", "writer", "wlock"}, a.Attr)
		if c := b.r.classes[b.r.typeOf(a.Value, b.f)]; (shared || exclusive) && c == nil {
			mode := ir.Exclusive
			if shared {
				mode = ir.Shared
			}
			lock, at := b.value(a.Value), b.at(e)
			b.emit(&ir.Acquire{Span: at, Stmt: b.at(s), Lock: lock, Kind: ir.ReadWrite, Mode: mode})
			return func() { b.emit(&ir.Release{Span: at, Lock: lock, Mode: mode}) }
		}
	}
	callees, receiver, _ := b.callees(e)
	if len(callees) == 1 && callees[0].contextManager() {
		return b.enterGenerator(s, e, callees[0], receiver)
	}
	return nil
}

// enterObject calls __enter__ now and __exit__ at the end.
func (b *builder) enterObject(item *syntax.WithItem, v ir.Expr, c *class) func() {
	enter := &ir.Call{Span: b.at(item.Context), Name: b.m.text(item.Context) + ".__enter__", Sure: true, Args: []ir.Expr{v}}
	enter.Callees = []*ir.Func{b.r.method(c, "__enter__").ir}
	b.emit(enter)
	if item.Vars != nil {
		b.assign(item.Vars, v, b.at(item))
	}
	return func() {
		if m := b.r.method(c, "__exit__"); m != nil {
			b.emit(&ir.Call{Span: b.at(item.Context), Name: b.m.text(item.Context) + ".__exit__", Callees: []*ir.Func{m.ir}, Sure: true, Args: []ir.Expr{v}})
		}
	}
}

// contextManager reports whether a decorator makes a generator one.
func (f *function) contextManager() bool {
	if f.node == nil {
		return false
	}
	for _, d := range f.node.Decorators {
		if name := lastName(d); name == "contextmanager" || name == "asynccontextmanager" {
			return true
		}
	}
	return false
}

// enterGenerator takes the locks that a generator holds where it yields, by
// the caller's names for them.
func (b *builder) enterGenerator(s *syntax.With, e *syntax.Call, f *function, receiver ir.Expr) func() {
	b.values(e.Args)
	var locks []ir.Expr
	at := b.at(e)
	for _, held := range heldAtYield(f.body, nil) {
		if lock := b.seenFrom(held, f, receiver); lock != nil {
			b.emit(&ir.Acquire{Span: at, Stmt: b.at(s), Lock: lock, Awaits: true})
			locks = append(locks, lock)
		}
	}
	return func() {
		for _, lock := range slices.Backward(locks) {
			b.emit(&ir.Release{Span: at, Lock: lock})
		}
	}
}

// heldAtYield finds what a generator holds where it yields.
func heldAtYield(body []syntax.Stmt, held []syntax.Expr) []syntax.Expr {
	return heldWhere(body, held, func(s syntax.Stmt) bool {
		e, ok := s.(*syntax.ExprStmt)
		if !ok {
			return false
		}
		_, yields := e.Value.(*syntax.Yield)
		return yields
	})
}

// heldWhere finds what is held by with statements, and by acquire, at a statement.
func heldWhere(body []syntax.Stmt, held []syntax.Expr, is func(syntax.Stmt) bool) []syntax.Expr {
	for _, s := range body {
		switch s := s.(type) {
		case *syntax.With:
			inner := slices.Clone(held)
			for _, item := range s.Items {
				inner = append(inner, item.Context)
			}
			if found := heldWhere(s.Body, inner, is); found != nil {
				return found
			}
			continue
		case *syntax.Try:
			if found := heldWhere(s.Body, slices.Clone(held), is); found != nil {
				return found
			}
			continue
		case *syntax.ExprStmt:
			if lock := acquired(s); lock != nil {
				held = append(held, lock)
			}
		}
		if is(s) {
			return held
		}
	}
	return nil
}

// acquired is the lock that a statement takes: lock.acquire().
func acquired(s *syntax.ExprStmt) syntax.Expr {
	if call, ok := s.Value.(*syntax.Call); ok {
		if a, ok := call.Func.(*syntax.Attribute); ok && a.Attr == "acquire" {
			return a.Value
		}
	}
	return nil
}

// seenFrom is a lock of a method or function, as its caller reaches it.
func (b *builder) seenFrom(e syntax.Expr, f *function, receiver ir.Expr) ir.Expr {
	inner := &builder{r: b.r, f: f, m: f.module}
	switch x := inner.value(e).(type) {
	case *ir.Global:
		return x
	case *ir.Field:
		if v, ok := x.X.(*ir.Var); ok && receiver != nil && v.Name == f.receiver() {
			return &ir.Field{Where: x.Where, X: receiver, Name: x.Name, Owner: x.Owner}
		}
	}
	return nil
}

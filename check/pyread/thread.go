package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// pools run functions on threads of their own.
var pools = map[string]bool{
	"concurrent.futures.ThreadPoolExecutor": true, "concurrent.futures.thread.ThreadPoolExecutor": true, "multiprocessing.pool.ThreadPool": true, "multiprocessing.dummy.Pool": true,
}

var taskGroups = map[string]bool{"asyncio.TaskGroup": true, "anyio.create_task_group": true, "trio.open_nursery": true}

// threads lowers what starts threads and tasks by a full name.
func (b *builder) threads(e *syntax.Call, full string) ir.Expr {
	switch full {
	case "threading.Thread", "threading.Timer":
		if !b.startedLater(e) {
			b.startThread(e, b.f, b.at(e))
		}
		return &ir.New{Where: b.where(e), Class: full}
	case "asyncio.create_task", "asyncio.ensure_future":
		b.startTasks(e.Args)
		return b.unknown(e)
	case "asyncio.gather", "asyncio.wait":
		b.startTasks(e.Args)
		b.emit(&ir.Join{Span: b.at(e), What: b.m.text(e)})
		return b.unknown(e)
	case "asyncio.to_thread", "_thread.start_new_thread", "asyncio.run_coroutine_threadsafe":
		b.start(e, e.Args, b.f, b.at(e), b.loop > 0)
		return b.unknown(e)
	case "concurrent.futures.wait":
		b.values(e.Args)
		b.emit(&ir.Join{Span: b.at(e), What: b.m.text(e)})
		return b.unknown(e)
	}
	return nil
}

// startedLater reports whether the thread made here is given a name whose
// start is called somewhere in the module: the thread starts there.
func (b *builder) startedLater(e *syntax.Call) bool { return b.m.deferred[e] }

// deferredThreads finds the threads of a module that do not start where they are made:
// those whose names' start method is called, and those that nobody uses.
func deferredThreads(m *module) map[*syntax.Call]bool {
	started, used := map[string]bool{}, map[string]bool{}
	made := map[*syntax.Call]string{}
	for n := range syntax.All(m.tree) {
		switch n := n.(type) {
		case *syntax.Call:
			a, ok := n.Func.(*syntax.Attribute)
			if !ok || a.Attr != "start" {
				continue
			}
			if call, ok := a.Value.(*syntax.Call); ok {
				made[call] = "" // Thread(...).start()
				continue
			}
			started[m.text(a.Value)] = true
		case *syntax.ExprStmt:
			if call, ok := n.Value.(*syntax.Call); ok {
				made[call] = ""
			}
		case *syntax.Name:
			used[n.ID] = used[n.ID] || n.Ctx == syntax.Load
		case *syntax.Assign:
			if call, ok := n.Value.(*syntax.Call); ok && len(n.Targets) == 1 {
				made[call] = m.text(n.Targets[0])
			}
		}
	}
	deferred := map[*syntax.Call]bool{}
	for call, name := range made {
		unused := !used[name] && !strings.ContainsAny(name, ".[(, ")
		if name == "" || started[name] || unused {
			deferred[call] = true
		}
	}
	return deferred
}

// threadMethod lowers start, join, submit and their like.
func (b *builder) threadMethod(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	switch a.Attr {
	case "start":
		return b.startMethod(e, a, t)
	case "join":
		if len(e.Args) == 0 || t == "threading.Thread" {
			b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value)})
			return b.unknown(e)
		}
	case "result", "get":
		if all := b.submitted(a.Value); len(all) > 0 {
			b.value(a.Value)
			for _, of := range all {
				b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value), Of: b.at(of)})
			}
			return b.unknown(e)
		}
	case "submit", "apply_async", "run_in_executor", "call_soon_threadsafe":
		args := e.Args
		if a.Attr == "run_in_executor" && len(args) > 0 {
			args = args[1:]
		}
		if len(args) > 0 && !strings.Contains(t, "Process") && b.start(e, args, b.f, b.at(e), b.loop > 0) {
			pool := a.Value
			if a.Attr == "run_in_executor" {
				pool = e.Args[0]
			}
			b.onWorker(pool)
			return b.unknown(e)
		}
	case "map", "imap", "starmap", "imap_unordered":
		if pools[t] && len(e.Args) > 0 && b.start(e, e.Args[:1], b.f, b.at(e), true) {
			b.onWorker(a.Value)
			if strings.HasPrefix(t, "multiprocessing") && !strings.HasPrefix(a.Attr, "imap") {
				b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value), Of: b.at(e)}) // it returns when all are done
			}
			return b.unknown(e, b.values(e.Args[1:])...)
		}
	case "create_task", "start_soon":
		if a.Attr == "start_soon" && len(e.Args) > 0 {
			b.start(e, e.Args, b.f, b.at(e), b.loop > 0)
		} else {
			b.startTasks(e.Args)
		}
		return b.unknown(e)
	case "shutdown":
		if pools[t] {
			b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value)})
			return b.unknown(e)
		}
	}
	return nil
}

// drained notes that all that a pool's map has started is waited for.
func (b *builder) drained(e syntax.Expr) {
	call, ok := e.(*syntax.Call)
	if !ok {
		return
	}
	if a, ok := call.Func.(*syntax.Attribute); ok && strings.Contains(a.Attr, "map") && pools[b.r.typeOf(a.Value, b.f)] {
		b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value), Of: b.at(e)})
	}
}

// onWorker notes that the thread started last runs on a pool of one.
func (b *builder) onWorker(pool syntax.Expr) {
	made := b.r.made(pool, b.f)
	if len(made) != 1 || b.cur == nil || len(b.cur.Ops) == 0 {
		return
	}
	call, ok := made[0].value.(*syntax.Call)
	start, last := b.cur.Ops[len(b.cur.Ops)-1].(*ir.Start)
	if !ok || !last || !pools[b.r.qualified(call.Func, made[0].in)] {
		return
	}
	if c, ok := argument(call, 0, "max_workers", "processes").(*syntax.Constant); ok && made[0].in.module.text(c) == "1" {
		start.Worker = (&builder{m: made[0].in.module}).at(call).String()
	}
}

// submitted are the starts in pools of which an expression may be the future.
func (b *builder) submitted(e syntax.Expr) []*syntax.Call {
	var out []*syntax.Call
	for _, made := range b.r.made(e, b.f) {
		if call, ok := made.value.(*syntax.Call); ok && made.in == b.f {
			if a, ok := call.Func.(*syntax.Attribute); ok && (a.Attr == "submit" || a.Attr == "apply_async") {
				out = append(out, call)
			}
		}
	}
	return out
}

// startMethod is t.start(): of the threads that t may be, or of a class that
// is one.
func (b *builder) startMethod(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	if c := b.r.classes[t]; c != nil && b.r.inherits(c, "threading.Thread") {
		if run := b.r.method(c, "run"); run != nil {
			call := &ir.Call{Span: b.at(e), Name: c.name + ".run", Callees: []*ir.Func{run.ir}, Sure: true, Args: []ir.Expr{b.value(a.Value)}}
			b.emit(&ir.Start{Span: b.at(e), Call: call, Many: b.loop > 0})
			return b.unknown(e)
		}
	}
	found := false
	for _, made := range b.r.made(a.Value, b.f) {
		call, ok := made.value.(*syntax.Call)
		if !ok || made.annotation {
			continue
		}
		switch b.r.qualified(call.Func, made.in) {
		case "threading.Thread", "threading.Timer":
			b.startThread(call, made.in, b.at(e))
			found = true
		}
	}
	if !found {
		return nil
	}
	return b.unknown(e)
}

// made is what a name or field may have been assigned.
func (r *reader) made(e syntax.Expr, f *function) []typed {
	switch e := e.(type) {
	case *syntax.Call:
		return []typed{{in: f, value: e}}
	case *syntax.Name:
		for ; f != nil; f = f.outer {
			if f.locals[e.ID] || f.top() {
				return f.types[e.ID]
			}
		}
	case *syntax.Attribute:
		if c := r.classes[r.typeOf(e.Value, f)]; c != nil {
			return c.fields[e.Attr]
		}
	}
	return nil
}

// startThread starts what Thread(target=f, args=(...)) or Timer(s, f) names.
// The arguments are those of the function where the thread was made.
func (b *builder) startThread(e *syntax.Call, in *function, at ir.Span) {
	var target, args syntax.Expr
	for _, k := range e.Keywords {
		switch k.Arg {
		case "target", "function":
			target = k.Value
		case "args":
			args = k.Value
		}
	}
	if target == nil && len(e.Args) > 1 {
		target = e.Args[1]
	}
	if args == nil && len(e.Args) > 2 {
		args = e.Args[len(e.Args)-1]
	}
	if target == nil {
		return
	}
	list := []syntax.Expr{target}
	switch a := args.(type) {
	case *syntax.Tuple:
		list = append(list, a.Elts...)
	case *syntax.List:
		list = append(list, a.Elts...)
	}
	b.start(e, list, in, at, b.loop > 0)
}

// start starts a function with arguments, both as written in a function.
func (b *builder) start(e *syntax.Call, list []syntax.Expr, in *function, at ir.Span, many bool) bool {
	target := list[0]
	made := &syntax.Call{Span: e.Span, Func: target, Args: list[1:]}
	inner := b
	if in != b.f {
		inner = &builder{r: b.r, f: in, m: in.module}
	}
	if call, ok := target.(*syntax.Call); ok { // a coroutine, or partial(f, x)
		made = call
		if lastName(call.Func) == "partial" && len(call.Args) > 0 {
			made = &syntax.Call{Span: e.Span, Func: call.Args[0], Args: append(call.Args[1:len(call.Args):len(call.Args)], list[1:]...)}
		}
	}
	if b.hand(made.Func, inner) {
		return true
	}
	call := inner.callOf(made)
	if l, ok := made.Func.(*syntax.Lambda); ok {
		if ref, ok := inner.value(l).(*ir.FuncRef); ok {
			call.Callees, call.Sure, call.Fun, call.Args = []*ir.Func{ref.Func}, true, nil, nil
		}
	}
	if len(call.Callees) == 0 && call.Fun == nil {
		return false
	}
	b.emit(&ir.Start{Span: at, Call: call, Many: many})
	return true
}

// startTasks starts each coroutine that is called in a list of arguments.
func (b *builder) startTasks(args []syntax.Expr) {
	for _, arg := range args {
		many := b.loop > 0
		if s, ok := arg.(*syntax.Starred); ok {
			arg, many = s.Value, true
		}
		if c, ok := arg.(*syntax.Comp); ok {
			b.loop++
			arg, many = c.Elt, true
			for _, g := range c.Generators {
				b.value(g.Iter)
			}
			b.loop--
		}
		if call, ok := arg.(*syntax.Call); ok {
			b.emit(&ir.Start{Span: b.at(call), Call: b.callOf(call), Many: many})
			continue
		}
		b.value(arg)
	}
}

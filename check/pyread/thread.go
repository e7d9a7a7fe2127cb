package pyread

import (
	"slices"
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
	case "threading.Thread", "threading.Timer", "multiprocessing.Process":
		switch {
		case b.m.idle[e]:
			b.idle(e)
		case !b.startedLater(e):
			b.startThread(e, b.f, b.at(e), b.loop > 0)
		}
		return &ir.New{Where: b.where(e), Class: full}
	case "asyncio.create_task", "asyncio.ensure_future":
		if started := b.startTasks(e.Args); b.awaited == e {
			b.ended(e, started)
		}
		return b.unknown(e)
	case "asyncio.gather", "asyncio.wait":
		started := b.startTasks(e.Args)
		if b.awaited == e && (full == "asyncio.gather" || len(e.Keywords) == 0) { // wait may have a time-out, or wait for the first
			b.ended(e, started)
		}
		b.emit(&ir.Join{Span: b.at(e), What: b.m.text(e)})
		return b.unknown(e)
	case "asyncio.to_thread", "_thread.start_new_thread", "asyncio.run_coroutine_threadsafe":
		if len(e.Args) > 0 {
			b.start(handed(e, e.Args), b.f, b.at(e), b.loop > 0)
		}
		return b.unknown(e)
	case "concurrent.futures.wait":
		b.values(e.Args)
		b.emit(&ir.Join{Span: b.at(e), What: b.m.text(e)})
		return b.unknown(e)
	}
	return nil
}

// threadMethod lowers start, join, submit and their like.
func (b *builder) threadMethod(e *syntax.Call, a *syntax.Attribute, t string) ir.Expr {
	switch a.Attr {
	case "start":
		return b.startMethod(e, a, t)
	case "join":
		if len(e.Args) == 0 || t == "threading.Thread" {
			b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value), Try: len(e.Args)+len(e.Keywords) > 0})
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
		if len(args) > 0 && !strings.Contains(t, "Process") && b.start(handed(e, args), b.f, b.at(e), b.loop > 0) {
			pool := a.Value
			if a.Attr == "run_in_executor" {
				pool = e.Args[0]
			}
			b.onWorker(pool)
			return b.unknown(e)
		}
	case "map", "imap", "starmap", "imap_unordered":
		if pools[t] && len(e.Args) > 0 && b.start(handed(e, e.Args[:1]), b.f, b.at(e), true) {
			b.onWorker(a.Value)
			if strings.HasPrefix(t, "multiprocessing") && !strings.HasPrefix(a.Attr, "imap") {
				b.emit(&ir.Join{Span: b.at(e), What: b.m.text(a.Value), Of: b.at(e)}) // it returns when all are done
			}
			return b.unknown(e, b.values(e.Args[1:])...)
		}
	case "create_task", "start_soon":
		if a.Attr == "start_soon" && len(e.Args) > 0 {
			b.start(handed(e, e.Args), b.f, b.at(e), b.loop > 0)
		} else {
			group := b.m.text(a.Value)
			if b.tasks == nil {
				b.tasks = map[string][]ir.Span{}
			}
			b.tasks[group] = append(b.tasks[group], b.startTasks(e.Args)...)
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

// allJoined notes that a loop has joined all that it runs over, each thread that there is,
// also where it may go round no time.
func (b *builder) allJoined(s *syntax.For) {
	for _, one := range s.Body {
		st, ok := one.(*syntax.ExprStmt)
		if !ok {
			continue
		}
		call, ok := st.Value.(*syntax.Call)
		if !ok || len(call.Args)+len(call.Keywords) > 0 {
			continue
		}
		if a, ok := call.Func.(*syntax.Attribute); ok && a.Attr == "join" && b.m.text(a.Value) == b.m.text(s.Target) {
			b.emit(&ir.Join{Span: b.at(call), What: b.m.text(a.Value)})
		}
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
	if b.startRun(e, a, t, b.loop > 0) {
		return b.unknown(e)
	}
	found := false
	for _, made := range b.r.made(a.Value, b.f) {
		call, ok := made.value.(*syntax.Call)
		if !ok || made.annotation {
			continue
		}
		found = b.startMade(call, made.in, b.at(e), b.loop > 0) || found
	}
	for _, one := range b.r.loopElements(a.Value, b.f) {
		if call, ok := one.value.(*syntax.Call); ok {
			found = b.startMade(call, one.in, b.at(e), one.many) || b.startRun(e, a, b.r.qualified(call.Func, one.in), one.many) || found
		}
	}
	if !found {
		return nil
	}
	return b.unknown(e)
}

// startRun starts the run method of a class, when that is one of threads.
func (b *builder) startRun(e *syntax.Call, a *syntax.Attribute, class string, many bool) bool {
	c := b.r.classes[class]
	if c == nil || !b.r.inherits(c, "threading.Thread") {
		return false
	}
	run := b.r.method(c, "run")
	if run == nil {
		return false
	}
	call := &ir.Call{Span: b.at(e), Name: c.name + ".run", Callees: []*ir.Func{run.ir}, Sure: true, Args: []ir.Expr{b.value(a.Value)}}
	b.emit(&ir.Start{Span: b.at(e), Call: call, Many: many})
	return true
}

// startMade starts what a call makes, when that is a thread or a process.
func (b *builder) startMade(call *syntax.Call, in *function, at ir.Span, many bool) bool {
	switch b.r.qualified(call.Func, in) {
	case "threading.Thread", "threading.Timer", "multiprocessing.Process":
		b.startThread(call, in, at, many)
		return true
	}
	return false
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
func (b *builder) startThread(e *syntax.Call, in *function, at ir.Span, many bool) {
	target, args, keywords := b.threadTarget(e)
	if target == nil {
		return
	}
	if b.cur == nil {
		return
	}
	cur, mark := b.cur, len(b.cur.Ops)
	for _, list := range b.r.argumentLists(args, in) {
		b.start(&syntax.Call{Span: e.Span, Func: target, Args: list, Keywords: keywords}, in, at, many)
	}
	for _, op := range cur.Ops[mark:] {
		if s, ok := op.(*ir.Start); ok {
			s.Process = b.r.qualified(e.Func, in) == "multiprocessing.Process"
		}
	}
}

// threadTarget is the function that a thread is made with, and its arguments.
func (b *builder) threadTarget(e *syntax.Call) (target, args syntax.Expr, keywords []*syntax.Keyword) {
	for _, k := range e.Keywords {
		switch k.Arg {
		case "target", "function":
			target = k.Value
		case "args":
			args = k.Value
		case "kwargs":
			keywords = b.keywordsOf(k.Value)
		}
	}
	if target == nil && len(e.Args) > 1 {
		target = e.Args[1]
	}
	if args == nil && len(e.Args) > 2 {
		args = e.Args[len(e.Args)-1]
	}
	return target, args, keywords
}

// keywordsOf are the keywords that {"name": value} or dict(name=value) stands for.
func (b *builder) keywordsOf(e syntax.Expr) []*syntax.Keyword {
	switch e := e.(type) {
	case *syntax.Call:
		if lastName(e.Func) == "dict" && len(e.Args) == 0 {
			return e.Keywords
		}
	case *syntax.Dict:
		var out []*syntax.Keyword
		for i, k := range e.Keys {
			if c, ok := k.(*syntax.Constant); ok && c.Kind == syntax.Str {
				out = append(out, &syntax.Keyword{Span: c.Span, Arg: b.m.tree.StringValue(c), Value: e.Values[i]})
			}
		}
		return out
	}
	return nil
}

// handed is the call that somebody is handed the parts of: submit(f, x, key=y).
func handed(e *syntax.Call, list []syntax.Expr) *syntax.Call {
	return &syntax.Call{Span: e.Span, Func: list[0], Args: list[1:], Keywords: e.Keywords}
}

// start starts what a call that is put together from its parts calls, all as written in
// a function: each function that a loop lets its name run over.
func (b *builder) start(made *syntax.Call, in *function, at ir.Span, many bool) bool {
	if name, ok := made.Func.(*syntax.Name); ok {
		found := false
		for _, one := range b.r.loopElements(name, in) {
			switch one.value.(type) {
			case *syntax.Name, *syntax.Attribute, *syntax.Lambda, *syntax.Call:
				each := &syntax.Call{Span: made.Span, Func: one.value, Args: made.Args, Keywords: made.Keywords}
				found = b.startOne(each, one.in, at, many) || found
			}
		}
		if found {
			return true
		}
	}
	return b.startOne(made, in, at, many)
}

func (b *builder) startOne(made *syntax.Call, in *function, at ir.Span, many bool) bool {
	inner := b
	if in != b.f {
		inner = &builder{r: b.r, f: in, m: in.module}
	}
	if call, ok := made.Func.(*syntax.Call); ok { // a coroutine, or partial(f, x)
		rest := made
		made = call
		if lastName(call.Func) == "partial" && len(call.Args) > 0 {
			made = &syntax.Call{
				Span: rest.Span, Func: call.Args[0], Args: slices.Concat(call.Args[1:], rest.Args), Keywords: slices.Concat(call.Keywords, rest.Keywords),
			}
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

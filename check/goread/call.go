package goread

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/penstock-io/penstock/check/ir"
)

// A verb is what a method of a lock type does.
type verb struct {
	does    byte // 'a'cquire, 'r'elease, 'w'ait, 'j'oin, 's'tart, 'c'alls its argument
	kind    ir.LockKind
	mode    ir.Mode
	try     bool
	fromArg int // for 's' and 'c': which argument is the function
}

// verbs are the methods and functions that mean something to the engines, by
// full name. The types of lockorder are the sync types with a check on top.
var verbs = func() map[string]verb {
	m := map[string]verb{
		"(*sync.Cond).Wait":                        {does: 'w'},
		"(*sync.WaitGroup).Wait":                   {does: 'j'},
		"(*sync.WaitGroup).Go":                     {does: 's', fromArg: 1},
		"(*sync.Once).Do":                          {does: 'c', fromArg: 1},
		"time.AfterFunc":                           {does: 's', fromArg: 1},
		"context.AfterFunc":                        {does: 's', fromArg: 1},
		"(*golang.org/x/sync/errgroup.Group).Go":   {does: 's', fromArg: 1},
		"(*golang.org/x/sync/errgroup.Group).Wait": {does: 'j'},
		"(sync.Locker).Lock":                       {does: 'a', kind: ir.Plain},
		"(sync.Locker).Unlock":                     {does: 'r'},
	}
	for _, pkg := range []string{"sync", "github.com/penstock-io/penstock/lockorder"} {
		for _, t := range []string{"Mutex", "RWMutex"} {
			kind := ir.Plain
			if t == "RWMutex" {
				kind = ir.ReadWrite
			}
			at := "(*" + pkg + "." + t + ")."
			m[at+"Lock"] = verb{does: 'a', kind: kind}
			m[at+"TryLock"] = verb{does: 'a', kind: kind, try: true}
			m[at+"Unlock"] = verb{does: 'r'}
			m[at+"RLock"] = verb{does: 'a', kind: kind, mode: ir.Shared}
			m[at+"TryRLock"] = verb{does: 'a', kind: kind, mode: ir.Shared, try: true}
			m[at+"RUnlock"] = verb{does: 'r', mode: ir.Shared}
		}
	}
	return m
}()

// fullName is the name of what a call calls, or of the interface's method.
func fullName(c *ssa.CallCommon) string {
	if c.IsInvoke() {
		return "(" + c.Value.Type().String() + ")." + c.Method.Name()
	}
	if fn := c.StaticCallee(); fn != nil {
		if o := fn.Origin(); o != nil {
			fn = o
		}
		if m, ok := fn.Object().(*types.Func); ok && fn.Synthetic != "" && verbs[m.FullName()].does != 0 {
			return m.FullName() // f() after f := mu.Lock, or f := (*sync.Mutex).Lock
		}
		return fn.String()
	}
	return ""
}

// call lowers a call, or a deferred one.
func (fr *frame) call(ins ssa.CallInstruction) []ir.Op {
	common := ins.Common()
	at := fr.callSpan(ins)
	v, known := verbs[fullName(common)]
	if !known {
		if c := fr.target(ins); c != nil {
			return []ir.Op{c}
		}
		return nil
	}
	switch v.does {
	case 'a':
		acq := &ir.Acquire{Span: at, Stmt: at, Lock: fr.lock(common, at), Kind: v.kind, Mode: v.mode, Try: v.try}
		if v.try {
			c := &ir.Call{Span: at, Name: "TryLock"}
			fr.calls[ins] = c
			acq.OK = &ir.Result{Call: c}
		}
		return []ir.Op{acq}
	case 'r':
		return []ir.Op{&ir.Release{Span: at, Lock: fr.lock(common, at), Kind: ir.Plain, Mode: v.mode}}
	case 'w':
		return []ir.Op{&ir.Wait{Span: at, Lock: fr.expr(receiver(common)), Kind: ir.Plain}}
	case 'j':
		return []ir.Op{&ir.Join{Span: at, What: variable(receiver(common)) + ".Wait"}}
	}
	c := &ir.Call{Span: at, Name: fr.callName(ins), Sure: true}
	fr.addTarget(c, common.Args[v.fromArg])
	if len(c.Callees) == 0 {
		return nil
	}
	if v.does == 's' {
		return []ir.Op{&ir.Start{Span: at, Call: c, Many: looped(ins.Block())}}
	}
	return []ir.Op{c}
}

// addTarget adds the function that a value is, with what it has captured.
func (fr *frame) addTarget(c *ir.Call, v ssa.Value) {
	switch x := v.(type) {
	case *ssa.MakeClosure:
		fn := x.Fn.(*ssa.Function)
		if f := fr.funcs[fn]; f != nil {
			c.Callees = append(c.Callees, f)
			c.Args = slices.Concat(make([]ir.Expr, len(fn.Params)), fr.all(x.Bindings))
		}
	case *ssa.Function:
		if f := fr.funcs[x]; f != nil {
			c.Callees = append(c.Callees, f)
		}
	case *ssa.ChangeType:
		fr.addTarget(c, x.X)
	case *ssa.UnOp:
		for _, one := range elements(x.X) {
			if _, again := one.(*ssa.UnOp); !again {
				fr.addTarget(c, one)
			}
		}
		c.Sure = c.Sure && len(c.Callees) < 2
	}
}

// elements are what is put, by their place, into the array or the slice written out that
// an address is in; nothing for any other.
func elements(at ssa.Value) []ssa.Value {
	in, ok := at.(*ssa.IndexAddr)
	if !ok {
		return nil
	}
	array := in.X
	if s, ok := array.(*ssa.Slice); ok {
		array = s.X
	}
	cell, ok := array.(*ssa.Alloc)
	if !ok {
		return nil
	}
	var out []ssa.Value
	for _, ref := range *cell.Referrers() {
		if to, ok := ref.(*ssa.IndexAddr); ok {
			for _, use := range *to.Referrers() {
				if s, ok := use.(*ssa.Store); ok && s.Addr == to {
					out = append(out, s.Val)
				}
			}
		}
	}
	return out
}

// target lowers a call to IR, nil when nothing that was read is called.
func (fr *frame) target(ins ssa.CallInstruction) *ir.Call {
	common := ins.Common()
	c := &ir.Call{Span: fr.callSpan(ins), Name: fr.callName(ins)}
	if common.IsInvoke() {
		c.Args = append(c.Args, fr.expr(common.Value))
	}
	static := common.StaticCallee()
	switch {
	case static != nil:
		if f := fr.funcs[static]; f != nil {
			c.Callees, c.Sure = []*ir.Func{f}, true
		}
	default:
		targets := fr.dynamic[ins]
		if _, given := common.Value.(*ssa.Parameter); given && !common.IsInvoke() {
			c.Fun = fr.expr(common.Value)
		}
		if len(targets) > dynamicMax {
			targets = nil
		}
		for _, t := range targets {
			if f := fr.funcs[t]; f != nil {
				c.Callees = append(c.Callees, f)
			}
		}
		c.Sure = len(targets) == 1
	}
	fr.passed(common)
	if len(c.Callees) == 0 && c.Fun == nil {
		return nil
	}
	c.Args = append(c.Args, fr.all(common.Args)...)
	if m, ok := common.Value.(*ssa.MakeClosure); ok {
		c.Args = append(c.Args, fr.all(m.Bindings)...)
	}
	return c
}

// passed notes functions handed to the HTTP server: many threads enter them.
func (fr *frame) passed(common *ssa.CallCommon) {
	name := fullName(common)
	if name != "net/http.HandleFunc" && name != "(*net/http.ServeMux).HandleFunc" {
		return
	}
	for _, arg := range common.Args {
		switch x := arg.(type) {
		case *ssa.Function:
			fr.handler[x] = true
		case *ssa.MakeClosure:
			fr.handler[x.Fn.(*ssa.Function)] = true
		}
	}
}

func (fr *frame) callSpan(ins ssa.CallInstruction) ir.Span {
	if call := fr.reader.calls[ins.Pos()]; call != nil {
		return fr.node(call)
	}
	if call := fr.reader.calls[ins.Common().Pos()]; call != nil {
		return fr.node(call)
	}
	at := fr.span(ins.Pos(), ins.Pos())
	if !at.Known() {
		at = fr.f.Span
		at.End = at.Start
	}
	return at
}

func (fr *frame) callName(ins ssa.CallInstruction) string {
	if call := fr.reader.calls[ins.Common().Pos()]; call != nil {
		if text := fr.node(call.Fun).Text(); len(text) <= 60 && !strings.Contains(text, "\n") {
			return text
		}
	}
	if fn := ins.Common().StaticCallee(); fn != nil {
		return fr.name(fn)
	}
	return "a function value"
}

// lock is the object a lock method is called on, named as it is written.
func (fr *frame) lock(common *ssa.CallCommon, at ir.Span) ir.Expr {
	e := fr.expr(receiver(common))
	call := fr.reader.calls[common.Pos()]
	if call == nil {
		return e
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		return renamed(e, fr.node(sel.X))
	}
	return e
}

// receiver is the object that a method is called on.
func receiver(common *ssa.CallCommon) ssa.Value {
	if m, value := common.Value.(*ssa.MakeClosure); value {
		return m.Bindings[0]
	}
	if common.IsInvoke() {
		return common.Value
	}
	return common.Args[0]
}

// renamed is e as it is written at a span.
func renamed(e ir.Expr, at ir.Span) ir.Expr {
	switch x := e.(type) {
	case *ir.Field:
		out := *x
		out.Span = at
		return &out
	case *ir.Index:
		out := *x
		out.Span = at
		return &out
	}
	return e
}

func (fr *frame) all(vs []ssa.Value) []ir.Expr {
	out := make([]ir.Expr, len(vs))
	for i, v := range vs {
		switch {
		case carries(v.Type()):
			out[i] = fr.expr(v)
		case boolean(v.Type()):
			out[i] = fr.test(v)
		}
	}
	return out
}

// carries reports whether values of a type can lead to a lock or a function.
func carries(t types.Type) bool {
	_, basic := t.Underlying().(*types.Basic)
	return !basic
}

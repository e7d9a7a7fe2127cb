package goread

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/callgraph/vta"
	"golang.org/x/tools/go/ssa"

	"github.com/penstock-io/penstock/check/ir"
)

// lower turns the functions of the packages into IR.
func (r *reader) lower(prog *ssa.Program, members []*ssa.Package) {
	all := functions(prog, members)
	r.resolve(all)
	for fn := range all {
		r.declare(fn)
	}
	slices.SortFunc(r.locks.Funcs, func(x, y *ir.Func) int { return strings.Compare(x.ID, y.ID) })
	for fn, f := range r.funcs {
		r.body(fn, f)
	}
	for fn := range r.handler {
		if f := r.funcs[fn]; f != nil {
			f.Entry = ir.Handler
		}
	}
}

// functions returns the functions of the packages, closures and the wrappers
// of promoted methods included.
func functions(prog *ssa.Program, members []*ssa.Package) map[*ssa.Function]bool {
	all := map[*ssa.Function]bool{}
	var add func(fn *ssa.Function)
	add = func(fn *ssa.Function) {
		if fn == nil || all[fn] || fn.Blocks == nil {
			return
		}
		all[fn] = true
		for _, anon := range fn.AnonFuncs {
			add(anon)
		}
		for _, b := range fn.Blocks {
			for _, ins := range b.Instrs {
				if m, ok := ins.(*ssa.MakeClosure); ok {
					add(m.Fn.(*ssa.Function)) // a bound method, or a closure
				}
				if c, ok := ins.(ssa.CallInstruction); ok {
					if callee := c.Common().StaticCallee(); callee != nil && callee.Synthetic != "" {
						add(callee) // an instance of a generic function, or a wrapper
					}
				}
			}
		}
	}
	for _, p := range members {
		if p == nil {
			continue
		}
		for _, m := range p.Members {
			switch m := m.(type) {
			case *ssa.Function:
				add(m)
			case *ssa.Type:
				for _, t := range []types.Type{m.Type(), types.NewPointer(m.Type())} {
					if named, ok := m.Type().(*types.Named); ok && named.TypeParams().Len() > 0 || types.IsInterface(m.Type()) {
						continue
					}
					set := prog.MethodSets.MethodSet(t)
					for sel := range set.Methods() {
						add(prog.MethodValue(sel))
					}
				}
			}
		}
	}
	return all
}

// dynamicMax is how many targets a call may have before nothing is said of it.
const dynamicMax = 4

// resolve finds what calls through interfaces and function values may reach.
func (r *reader) resolve(all map[*ssa.Function]bool) {
	r.dynamic = map[ssa.CallInstruction][]*ssa.Function{}
	graph := vta.CallGraph(all, nil)
	for fn, node := range graph.Nodes {
		if !all[fn] {
			continue
		}
		for _, e := range node.Out {
			if e.Site != nil && e.Site.Common().StaticCallee() == nil {
				r.dynamic[e.Site] = append(r.dynamic[e.Site], e.Callee.Func)
			}
		}
	}
	for _, targets := range r.dynamic { // the graph has them in no order
		slices.SortFunc(targets, func(x, y *ssa.Function) int { return strings.Compare(identity(x), identity(y)) })
	}
}

// declare makes the IR function of an SSA function.
func (r *reader) declare(fn *ssa.Function) {
	at := ir.Span{}
	if s := fn.Syntax(); s != nil {
		at = r.node(s)
	}
	f := r.locks.AddFunc(identity(fn), r.name(fn), at)
	for _, p := range fn.Params {
		f.Params = append(f.Params, p.Name())
	}
	for _, v := range fn.FreeVars {
		f.Params = append(f.Params, v.Name())
	}
	for i, name := range f.Params {
		if name == "_" || name == "" || slices.Index(f.Params, name) < i {
			f.Params[i] = "_" + string(rune('a'+i%26)) + name
		}
	}
	f.Entry = entry(fn)
	r.funcs[fn] = f
}

func identity(fn *ssa.Function) string {
	if fn.Synthetic != "" {
		return fn.String() + "#" + fn.Synthetic
	}
	return fn.String()
}

// name is how a person calls the function.
func (r *reader) name(fn *ssa.Function) string {
	if parent := fn.Parent(); parent != nil {
		return r.name(parent) + "." + "func" + strings.TrimPrefix(fn.Name(), parent.Name()+"$")
	}
	name, recv := fn.Name(), fn.Signature.Recv()
	if method, ok := fn.Object().(*types.Func); ok && recv == nil { // a method value
		name, recv = method.Name(), method.Signature().Recv()
	}
	if recv != nil {
		t, star := recv.Type(), ""
		if p, ok := t.(*types.Pointer); ok {
			t, star = p.Elem(), "*"
		}
		if n, ok := types.Unalias(t).(*types.Named); ok {
			if star == "" {
				return n.Obj().Name() + "." + name
			}
			return "(*" + n.Obj().Name() + ")." + name
		}
	}
	return name
}

// entry says how the world enters a function.
func entry(fn *ssa.Function) ir.Entry {
	pkg := ""
	if fn.Pkg != nil {
		pkg = fn.Pkg.Pkg.Name()
	}
	switch {
	case servesHTTP(fn.Signature):
		return ir.Handler
	case fn.Parent() != nil || fn.Synthetic != "" && fn.Name() != "init":
		return ir.Inner
	case fn.Name() == "init" || strings.HasPrefix(fn.Name(), "init#"):
		return ir.Init
	case fn.Name() == "main" && pkg == "main" && fn.Signature.Recv() == nil:
		return ir.Main
	case strings.HasPrefix(fn.Name(), "Test") && strings.HasSuffix(fn.Signature.String(), "testing.T)"):
		return ir.Test
	case pkg != "main" && fn.Object() != nil && fn.Object().Exported():
		return ir.API
	}
	return ir.Inner
}

func servesHTTP(sig *types.Signature) bool {
	p := sig.Params()
	return p.Len() == 2 && p.At(0).Type().String() == "net/http.ResponseWriter" && p.At(1).Type().String() == "*net/http.Request"
}

// A frame lowers one function.
type frame struct {
	*reader
	fn     *ssa.Function
	f      *ir.Func
	exprs  map[ssa.Value]ir.Expr
	busy   map[ssa.Value]bool
	calls  map[ssa.CallInstruction]*ir.Call
	blocks map[*ssa.BasicBlock]*ir.Block
}

func (r *reader) body(fn *ssa.Function, f *ir.Func) {
	fr := &frame{r, fn, f, map[ssa.Value]ir.Expr{}, map[ssa.Value]bool{}, map[ssa.CallInstruction]*ir.Call{}, map[*ssa.BasicBlock]*ir.Block{}}
	for _, b := range fn.Blocks {
		fr.blocks[b] = &ir.Block{}
		f.Blocks = append(f.Blocks, fr.blocks[b])
	}
	for _, b := range fn.Blocks {
		fr.block(b, fr.blocks[b])
	}
}

func (fr *frame) block(b *ssa.BasicBlock, out *ir.Block) {
	for _, next := range b.Succs {
		out.Next = append(out.Next, fr.blocks[next])
	}
	for _, ins := range b.Instrs {
		out.Ops = append(out.Ops, fr.signal(ins)...)
		switch x := ins.(type) {
		case *ssa.Call:
			out.Ops = append(out.Ops, fr.call(x)...)
		case *ssa.Go:
			if v := verbs[fullName(x.Common())]; v.does == 'r' {
				at := fr.callSpan(x)
				out.Ops = append(out.Ops, &ir.Hand{Span: at, Lock: fr.lock(x.Common(), at), Kind: ir.Plain})
			} else if c := fr.target(x); c != nil && len(c.Callees) > 0 {
				out.Ops = append(out.Ops, &ir.Start{Span: fr.callSpan(x), Call: c, Many: looped(b)})
			}
		case *ssa.RunDefers:
			out.Ops = append(out.Ops, fr.deferred(b)...)
		case *ssa.If:
			out.If = fr.test(x.Cond)
		case *ssa.Panic:
			out.Ends = true
		case *ssa.Store:
			out.Ops = append(out.Ops, fr.store(x)...)
		case *ssa.Return:
			out.Ops = append(out.Ops, &ir.Return{Span: fr.leaving(x), Values: fr.all(x.Results)})
		case *ssa.Phi:
			if boolean(x.Type()) || carries(x.Type()) {
				out.Ops = append(out.Ops, &ir.Assign{To: &ir.Var{Name: fr.register(x)}, Value: &ir.Unknown{}})
			}
		}
	}
}

// store lowers what is put in a field; in a variable of the package, only what may be
// a flag.
func (fr *frame) store(x *ssa.Store) []ir.Op {
	at := fr.span(x.Pos(), x.Pos())
	switch to := x.Addr.(type) {
	case *ssa.FieldAddr:
		if carries(x.Val.Type()) {
			return []ir.Op{&ir.Assign{Span: at, To: fr.expr(to), Value: fr.expr(x.Val)}}
		}
		return []ir.Op{&ir.Assign{Span: at, To: fr.expr(to), Value: &ir.Unknown{}}}
	case *ssa.Global:
		if !carries(x.Val.Type()) {
			return []ir.Op{&ir.Assign{Span: at, To: fr.expr(to), Value: &ir.Unknown{}}}
		}
	}
	return nil
}

// leaving is where a function returns: at its closing brace when nothing says so.
func (fr *frame) leaving(x *ssa.Return) ir.Span {
	if x.Pos().IsValid() {
		return fr.span(x.Pos(), x.Pos()+token.Pos(len("return")))
	}
	at := fr.f.Span
	if at.Known() {
		at.Start = max(at.End-1, at.Start)
	}
	return at
}

func boolean(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}

// looped reports whether a block can run again.
func looped(b *ssa.BasicBlock) bool {
	seen := map[*ssa.BasicBlock]bool{}
	work := slices.Clone(b.Succs)
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		if n == b {
			return true
		}
		if !seen[n] {
			seen[n] = true
			work = append(work, n.Succs...)
		}
	}
	return false
}

// deferred returns the deferred calls that may be pending at a block, last
// first.
func (fr *frame) deferred(at *ssa.BasicBlock) []ir.Op {
	var pending []*ssa.Defer
	for _, b := range fr.fn.Blocks {
		for _, ins := range b.Instrs {
			if d, ok := ins.(*ssa.Defer); ok && reaches(b, at) {
				pending = append(pending, d)
			}
		}
	}
	var ops []ir.Op
	for _, d := range slices.Backward(pending) {
		if b, ok := d.Call.Value.(*ssa.Builtin); ok && b.Name() == "close" {
			ops = append(ops, fr.signalled(d, d.Call.Args[0], "send", ir.Let)...)
		}
		ops = append(ops, fr.call(d)...)
	}
	return ops
}

func reaches(from, to *ssa.BasicBlock) bool {
	if from == to {
		return true
	}
	seen := map[*ssa.BasicBlock]bool{from: true}
	work := []*ssa.BasicBlock{from}
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		for _, s := range n.Succs {
			if s == to {
				return true
			}
			if !seen[s] {
				seen[s] = true
				work = append(work, s)
			}
		}
	}
	return false
}

// test lowers a branch's condition to something that is equal when it is asked
// again.
func (fr *frame) test(v ssa.Value) ir.Expr {
	switch x := v.(type) {
	case *ssa.Const:
		if x.Value == nil {
			return &ir.Const{Text: "nil"}
		}
		return &ir.Const{Text: x.Value.String()}
	case *ssa.Parameter:
		return &ir.Var{Name: x.Name()}
	case *ssa.UnOp:
		switch x.Op {
		case token.NOT:
			if inner := fr.test(x.X); inner != nil {
				return &ir.Compare{X: inner, Not: true, Y: &ir.Const{Text: "true"}}
			}
		case token.MUL:
			return fr.expr(x)
		}
	case *ssa.BinOp:
		if c, ok := x.Y.(*ssa.Const); ok && (x.Op == token.EQL || x.Op == token.NEQ) {
			text := "nil"
			if c.Value != nil {
				text = c.Value.String()
			}
			return &ir.Compare{X: fr.test(x.X), Y: &ir.Const{Text: text}, Not: x.Op == token.NEQ}
		}
	case *ssa.Call:
		if c := fr.calls[x]; c != nil {
			return &ir.Result{Call: c}
		}
	}
	return &ir.Var{Name: fr.register(v), Of: fr.reads(v, 0)}
}

// reads are the fields, variables of packages and results of calls that a value is
// worked out from.
func (fr *frame) reads(v ssa.Value, depth int) []ir.Expr {
	if depth > 3 {
		return nil
	}
	switch x := v.(type) {
	case *ssa.UnOp:
		if x.Op == token.MUL {
			return []ir.Expr{fr.expr(x)}
		}
		return fr.reads(x.X, depth+1)
	case *ssa.BinOp:
		return slices.Concat(fr.reads(x.X, depth+1), fr.reads(x.Y, depth+1))
	case *ssa.Convert:
		return fr.reads(x.X, depth+1)
	case *ssa.Lookup:
		return []ir.Expr{fr.expr(x.X)}
	case *ssa.Extract:
		if l, ok := x.Tuple.(*ssa.Lookup); ok {
			return []ir.Expr{fr.expr(l.X)}
		}
	case *ssa.Phi:
		var all []ir.Expr
		for _, e := range x.Edges {
			all = append(all, fr.reads(e, depth+1)...)
		}
		return all
	case *ssa.Call:
		if _, builtin := x.Call.Value.(*ssa.Builtin); !builtin {
			return []ir.Expr{&ir.Result{Call: &ir.Call{Name: fr.callName(x)}}}
		}
	}
	return nil
}

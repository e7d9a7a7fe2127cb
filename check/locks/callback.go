package locks

import (
	"slices"

	"github.com/penstock-io/penstock/check/ir"
)

// asksMax is how many calls of its parameters one summary keeps.
const asksMax = 8

// An ask is a call of a function that the caller hands over, with what is held
// meanwhile. Which function it is, and on which objects, only the caller knows.
type ask struct {
	param int
	call  *ir.Call
	from  *ir.Func
	via   *hop // the calls on the way to call, outermost first
	held  []held
}

// handedOver are the functions among a call's arguments.
func handedOver(o *ir.Call) []*ir.Func {
	var out []*ir.Func
	for _, arg := range o.Args {
		if ref, ok := arg.(*ir.FuncRef); ok {
			out = append(out, ref.Func)
		}
	}
	return out
}

// ask notes a call of a parameter under a lock.
func (w *walk) ask(o *ir.Call, s *state) {
	if o.Fun == nil || len(s.held) == 0 {
		return
	}
	if n, ok := w.param(o.Fun); ok {
		w.keep(ask{param: n, call: o, from: w.fn, held: slices.Clone(s.held)})
	}
}

// param tells which of the function's own parameters an expression is.
func (w *walk) param(e ir.Expr) (n int, ok bool) {
	objs := w.objects.resolve(w.fn, e, 0)
	if len(objs) != 1 || objs[0].root != paramRoot || objs[0].sel != "" {
		return 0, false
	}
	return objs[0].n, true
}

func (w *walk) keep(a ask) {
	same := func(x ask) bool { return x.call == a.call && x.param == a.param && len(x.held) == len(a.held) }
	if len(w.sum.asks) < asksMax && !slices.ContainsFunc(w.sum.asks, same) {
		w.sum.asks = append(w.sum.asks, a)
	}
}

// answer applies the summary of what is handed over where the callee calls it; what
// this function was handed itself is asked of its own caller.
func (w *walk) answer(a ask, callee *ir.Func, o *ir.Call, s *state, through func(site) site) {
	if a.param >= len(o.Args) || o.Args[a.param] == nil || depth(a.via) >= depthMax {
		return
	}
	inner := w.translateHeld(a.held, callee, o, through)
	via := &hop{call: o, from: w.fn, next: a.via, sure: true}
	if n, ok := w.param(o.Args[a.param]); ok {
		w.keep(ask{param: n, call: a.call, from: a.from, via: via, held: slices.Concat(s.held, inner)})
		return
	}
	for _, f := range w.objects.resolve(w.fn, o.Args[a.param], 0) {
		sum := w.sums[f.fn]
		if f.fn == nil || sum == nil {
			continue
		}
		args := slices.Concat(make([]ir.Expr, f.skip), f.bound)
		for _, acq := range sum.acquires {
			if depth(acq.at.via) >= depthMax {
				continue
			}
			at := site{acq.at.op, acq.at.fn, then(via, &hop{call: a.call, from: a.from, next: acq.at.via, sure: true})}
			lock := w.objects.leave(acq.lock, f.fn, w.fn, args)
			w.took(s, acquire{lock: lock, mode: acq.mode, try: acq.try, at: at}, inner, false)
		}
	}
}

// then is one row of calls behind another.
func then(first, last *hop) *hop {
	if first == nil {
		return last
	}
	return &hop{first.call, first.from, then(first.next, last), first.sure}
}

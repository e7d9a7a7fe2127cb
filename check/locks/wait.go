package locks

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// waitsUnder is what is waited for, in their own function, between first and
// second, or anywhere in the block that first opens: taking second earlier would
// keep it from whoever is to end that wait. "" when nothing is.
func (a *analysis) waitsUnder(fn *ir.Func, first, second *ir.Acquire) string {
	region := first.Stmt
	if region == first.Span {
		region.End = second.Span.End
	}
	return a.waitsIn(fn, &region, map[*ir.Func]bool{})
}

// waitsIn is what a function waits for inside a span, or anywhere with none,
// itself or in what it calls.
func (a *analysis) waitsIn(fn *ir.Func, within *ir.Span, seen map[*ir.Func]bool) string {
	if within == nil && seen[fn] {
		return ""
	}
	seen[fn] = within == nil
	for _, b := range fn.Blocks {
		for _, op := range b.Ops {
			at := op.At()
			if within != nil && (at.File != within.File || at.Start < within.Start || at.End > within.End) {
				continue
			}
			if text := a.waitsFor(fn, op, seen); text != "" {
				return text
			}
		}
	}
	return ""
}

func (a *analysis) waitsFor(fn *ir.Func, op ir.Op, seen map[*ir.Func]bool) string {
	switch o := op.(type) {
	case *ir.Wait:
		return label(o.Span, "a wait")
	case *ir.Join:
		return label(o.Span, "a join")
	case *ir.Call:
		for _, callee := range a.targets(fn, o) {
			if text := a.waitsIn(callee, nil, seen); text != "" {
				return text
			}
		}
		if len(o.Callees) == 0 && waits(o.Name) {
			return o.Name
		}
	}
	return ""
}

// waits reports whether something that was not read says by its name that it
// waits: an event's wait, a future's result.
func waits(name string) bool {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "wait", "wait_for", "Wait", "result", "get", "recv":
		return true
	}
	return false
}

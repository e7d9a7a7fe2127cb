package pyread

import "github.com/penstock-io/penstock/check/pyread/syntax"

// counted tells which variable a key is, or is counted on from round a ring, as in
// (i + 1) % n, or in i - 1, which goes round by itself. It is "" for a variable that is set
// by anything but the call of its function or a loop.
func (r *reader) counted(e syntax.Expr, f *function, depth int) (by string, next bool) {
	switch e := e.(type) {
	case *syntax.Name:
		in := f
		for in.outer != nil && !in.locals[e.ID] {
			in = in.outer
		}
		values := in.types[e.ID]
		switch {
		case len(in.loops[e.ID]) == in.assigns[e.ID]:
			return in.ir.ID + "." + e.ID, false
		case len(values) == 1 && in.assigns[e.ID] == 1 && values[0].value != nil && depth == 0:
			return r.counted(values[0].value, in, 1)
		}
	case *syntax.BinOp:
		name, first := e.Left.(*syntax.Name)
		if e.Op == syntax.Sub && first && constant(e.Right) {
			by, next = r.counted(name, f, 1)
			return by, !next
		}
		sum, ok := e.Left.(*syntax.BinOp)
		if e.Op != syntax.Mod || !ok || sum.Op != syntax.Add && sum.Op != syntax.Sub {
			return "", false
		}
		x, y := sum.Left, sum.Right
		if sum.Op == syntax.Add && constant(x) {
			x, y = y, x
		}
		if name, ok := x.(*syntax.Name); ok && constant(y) {
			by, next = r.counted(name, f, 1)
			return by, !next
		}
	}
	return "", false
}

func constant(e syntax.Expr) bool {
	c, ok := e.(*syntax.Constant)
	return ok && c.Kind == syntax.Int
}

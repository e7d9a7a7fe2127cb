package syntax

// A slab hands out values of one type from blocks, so that the commonest
// nodes cost the allocator little. A block lives as long as any of its nodes:
// the tree of a file is kept or dropped as a whole.
type slab[T any] struct{ free []T }

const (
	slabMin = 16
	slabMax = 512 // values in one block
)

// new returns a zero value.
func (s *slab[T]) new() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabMax)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// copy returns a list with exactly these values; nil for none.
func (s *slab[T]) copy(list []T) []T {
	n := len(list)
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n > slabMin {
			return append(make([]T, 0, n), list...)
		}
		s.free = make([]T, slabMax)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	copy(out, list)
	return out
}

// An arena holds the slabs of one tree.
type arena struct {
	exprs      slab[Expr]
	stmts      slab[Stmt]
	names      slab[Name]
	constants  slab[Constant]
	attributes slab[Attribute]
	calls      slab[Call]
	keywords   slab[Keyword]
	exprStmts  slab[ExprStmt]
	assigns    slab[Assign]
	args       slab[Arg]
}

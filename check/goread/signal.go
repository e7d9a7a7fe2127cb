package goread

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/penstock-io/penstock/check/ir"
)

// signal lowers what one goroutine does for another to go on, or waits for: channels,
// and WaitGroup.Done. They are calls that nothing was read of.
func (fr *frame) signal(ins ssa.Instruction) []ir.Op {
	done := func(on ssa.Value, does string) []ir.Op {
		name := variable(on)
		if name == "" {
			return nil
		}
		return []ir.Op{&ir.Call{Span: fr.span(ins.Pos(), ins.Pos()), Name: name + "." + does}}
	}
	switch x := ins.(type) {
	case *ssa.Send:
		return done(x.Chan, "send")
	case *ssa.UnOp:
		if x.Op == token.ARROW {
			return done(x.X, "recv")
		}
	case ssa.CallInstruction:
		common := x.Common()
		if b, ok := common.Value.(*ssa.Builtin); ok && b.Name() == "close" {
			return done(common.Args[0], "send")
		}
		if fullName(common) == "(*sync.WaitGroup).Done" {
			return done(common.Args[0], "Done")
		}
	}
	return nil
}

// variable is the name that the source has for a value, "" for none.
func variable(v ssa.Value) string {
	switch x := v.(type) {
	case *ssa.FreeVar:
		return x.Name()
	case *ssa.Parameter:
		return x.Name()
	case *ssa.Global:
		return x.Name()
	case *ssa.Alloc:
		return x.Comment
	case *ssa.UnOp:
		return variable(x.X)
	case *ssa.ChangeType:
		return variable(x.X)
	case *ssa.FieldAddr:
		return fieldName(x.X.Type(), x.Field)
	case *ssa.Field:
		return fieldName(x.X.Type(), x.Field)
	}
	return ""
}

func fieldName(t types.Type, n int) string {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	if st, ok := t.Underlying().(*types.Struct); ok {
		return st.Field(n).Name()
	}
	return ""
}

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
	switch x := ins.(type) {
	case *ssa.Send:
		return append(fr.signalled(ins, x.Chan, "send", ir.Send), fr.lent(ins, x.X)...)
	case *ssa.UnOp:
		if x.Op == token.ARROW {
			return fr.signalled(ins, x.X, "recv", ir.Receive)
		}
	case *ssa.Select:
		return fr.selected(x)
	case *ssa.Return:
		return fr.lent(ins, x.Results...)
	case *ssa.Store:
		if _, made := x.Val.(*ssa.MakeChan); !made && !cell(x.Addr) {
			return fr.lent(ins, x.Val)
		}
	case ssa.CallInstruction:
		common := x.Common()
		if b, ok := common.Value.(*ssa.Builtin); ok {
			if _, deferred := x.(*ssa.Defer); b.Name() == "close" && !deferred {
				return fr.signalled(ins, common.Args[0], "send", ir.Let)
			}
			return nil
		}
		if fullName(common) == "(*sync.WaitGroup).Done" {
			return fr.signalled(ins, common.Args[0], "Done", ir.None)
		}
		return fr.lent(ins, common.Args...)
	}
	return nil
}

// cell reports whether an address is that of a variable of the function.
func cell(at ssa.Value) bool {
	_, ok := at.(*ssa.Alloc)
	return ok
}

// signalled is a signal on something that has a name in the source.
func (fr *frame) signalled(ins ssa.Instruction, on ssa.Value, does string, signal ir.Signal) []ir.Op {
	name := variable(on)
	if name == "" && signal == ir.None {
		return nil
	}
	c := &ir.Call{Span: fr.span(ins.Pos(), ins.Pos()), Name: name + "." + does, Signal: signal}
	if signal != ir.None {
		c.On = fr.expr(on)
	}
	return []ir.Op{c}
}

// selected are the signals of a select statement, none of which waits alone.
func (fr *frame) selected(x *ssa.Select) []ir.Op {
	var out []ir.Op
	for _, s := range x.States {
		signal := ir.Take
		if s.Dir == types.SendOnly {
			signal = ir.Let
		}
		out = append(out, &ir.Call{Span: fr.span(s.Pos, s.Pos), Signal: signal, On: fr.expr(s.Chan)})
	}
	return out
}

// lent are channels that others get, who may do with them what they like.
func (fr *frame) lent(ins ssa.Instruction, vs ...ssa.Value) []ir.Op {
	var out []ir.Op
	for _, v := range vs {
		if _, ok := v.Type().Underlying().(*types.Chan); !ok {
			continue
		}
		at := fr.span(ins.Pos(), ins.Pos())
		out = append(out, &ir.Call{Span: at, Signal: ir.Let, On: fr.expr(v)}, &ir.Call{Span: at, Signal: ir.Take, On: fr.expr(v)})
	}
	return out
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

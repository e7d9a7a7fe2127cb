package pyread_test

import (
	"fmt"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// text writes a program as the golden files hold it: a function, its blocks,
// an operation a line.
func text(p *ir.Program) string {
	var b strings.Builder
	for _, f := range p.Funcs {
		fmt.Fprintf(&b, "func %s(%s) %s", f.ID, strings.Join(f.Params, ", "), [...]string{"inner", "init", "main", "api", "handler", "test"}[f.Entry])
		if f.Maker {
			b.WriteString(" maker")
		}
		b.WriteString("\n")
		number := map[*ir.Block]int{}
		for i, block := range f.Blocks {
			number[block] = i
		}
		for i, block := range f.Blocks {
			fmt.Fprintf(&b, "  %d:\n", i)
			for _, op := range block.Ops {
				fmt.Fprintf(&b, "    %s\n", operation(op))
			}
			b.WriteString(next(block, number))
		}
	}
	return b.String()
}

func next(block *ir.Block, number map[*ir.Block]int) string {
	var to []string
	for _, n := range block.Next {
		to = append(to, fmt.Sprint(number[n]))
	}
	switch {
	case block.If != nil:
		return fmt.Sprintf("    if %s: %s else %s\n", value(block.If), to[0], to[1])
	case len(to) > 0:
		return fmt.Sprintf("    go to %s\n", strings.Join(to, " or "))
	case block.Ends:
		return "    ends\n"
	}
	return ""
}

func operation(op ir.Op) string {
	switch o := op.(type) {
	case *ir.Assign:
		return value(o.To) + " = " + value(o.Value)
	case *ir.Acquire:
		if o.Try {
			return "try " + value(o.Lock)
		}
		return "acquire " + value(o.Lock)
	case *ir.Release:
		return "release " + value(o.Lock)
	case *ir.Hand:
		return "hand " + value(o.Lock)
	case *ir.Wait:
		return "wait " + value(o.Lock)
	case *ir.Join:
		return "join " + o.What
	case *ir.Call:
		return "call " + call(o)
	case *ir.Start:
		if o.Many {
			return "start many " + call(o.Call)
		}
		return "start " + call(o.Call)
	case *ir.Query:
		return fmt.Sprintf("query %q style %d %s %s bound %s", o.Driver, o.Style, o.Method, value(o.SQL), value(o.Args))
	case *ir.Return:
		return "return " + values(o.Values)
	}
	return fmt.Sprintf("%T", op)
}

func call(c *ir.Call) string {
	var ids []string
	for _, f := range c.Callees {
		ids = append(ids, f.ID)
	}
	sure := ""
	if len(ids) > 0 && !c.Sure {
		sure = "?"
	}
	return fmt.Sprintf("%s -> %s%s %s", c.Name, strings.Join(ids, "|"), sure, values(c.Args))
}

func values(list []ir.Expr) string {
	var out []string
	for _, e := range list {
		out = append(out, value(e))
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func value(e ir.Expr) string {
	switch x := e.(type) {
	case nil:
		return "-"
	case *ir.Const:
		if x.Str {
			return fmt.Sprintf("%q", x.Text)
		}
		return x.Text
	case *ir.Var:
		return x.Name
	case *ir.Global:
		return "@" + x.Name
	case *ir.Field:
		return value(x.X) + "." + x.Name + "<" + x.Owner + ">"
	case *ir.Index:
		return value(x.X) + "[" + value(x.Key) + "]"
	case *ir.New:
		return "new " + x.Class
	case *ir.FuncRef:
		return "&" + x.Func.ID
	case *ir.Result:
		return "result of " + x.Call.Name
	case *ir.Concat:
		return "concat" + values(x.Parts)
	case *ir.Choice:
		return "choice" + values(x.Of)
	}
	return more(e)
}

func more(e ir.Expr) string {
	switch x := e.(type) {
	case *ir.Format:
		return "format(" + value(x.Template) + ")" + values(x.Args)
	case *ir.Joined:
		return "join(" + value(x.Sep) + ", " + value(x.List) + ")"
	case *ir.List:
		return "list" + values(x.Elems)
	case *ir.Each:
		return "each(" + x.Var + " in " + value(x.Over) + ": " + value(x.Elem) + ")"
	case *ir.Safe:
		return "safe(" + x.Why + ")"
	case *ir.Source:
		return "source(" + x.What + ")"
	case *ir.Compare:
		return fmt.Sprintf("compare(%s, %s, in=%v, not=%v)", value(x.X), value(x.Y), x.In, x.Not)
	case *ir.Unknown:
		return "unknown" + values(x.Parts)
	}
	return fmt.Sprintf("%T", e)
}

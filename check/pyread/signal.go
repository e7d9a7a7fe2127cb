package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// signalled are the classes of what one thread waits at for another, and the methods of
// each that wait and that let others go on.
var signalled = map[string]map[string]ir.Signal{
	"Event": {"wait": ir.Receive, "set": ir.Let},
	"Queue": {"get": ir.Receive, "get_nowait": ir.Take, "put": ir.Let, "put_nowait": ir.Let},
}

// signals notes what a call does to an event or a queue.
func (b *builder) signals(e *syntax.Call, c *ir.Call) {
	a, ok := e.Func.(*syntax.Attribute)
	if !ok || len(c.Callees) > 0 {
		return
	}
	t := b.r.typeOf(a.Value, b.f)
	class := t[strings.LastIndexByte(t, '.')+1:]
	if class == "LifoQueue" || class == "PriorityQueue" || class == "SimpleQueue" {
		class = "Queue"
	}
	first, _, _ := strings.Cut(t, ".")
	if first != "threading" && first != "queue" && first != "multiprocessing" && first != "asyncio" {
		return
	}
	c.Signal = signalled[class][a.Attr]
	if c.Signal == ir.Receive && len(e.Args)+len(e.Keywords) > 0 {
		c.Signal = ir.Take // for a time, or not at all
	}
	if c.Signal != ir.None {
		c.On = b.value(a.Value)
	}
}

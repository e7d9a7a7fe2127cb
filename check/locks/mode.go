package locks

import (
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// modes is how sure a cycle can be, by what its places are chosen by. Where one is
// reached only if a variable of the module is set, the other only if it is not, and
// nobody sets it once the program runs, they never meet; a field may differ between two
// objects, and any other variable between two moments, but neither is seen.
func (a *analysis) modes(c cycle) finding.Level {
	level := finding.Certain
	ways := make([]map[string]way, len(c.edges))
	for i, e := range c.edges {
		ways[i] = waysTo(e)
		for name, w := range ways[i] {
			for j := range i {
				other, asked := ways[j][name]
				if !asked || other.holds == w.holds {
					continue
				}
				level = min(level, finding.Likely)
				if g, ok := w.flag.(*ir.Global); ok && !a.setLater(g) {
					level = finding.Possible
				}
			}
		}
	}
	return level
}

// A way is what a condition on a flag must say.
type way struct {
	flag  ir.Expr
	holds bool
}

// waysTo are the conditions on flags, by name, under which the function of an edge
// comes to its second lock.
func waysTo(e *edge) map[string]way {
	out := map[string]way{}
	at := blockOf(e.fn, e.toAt.entry())
	if at == nil {
		return out
	}
	for _, b := range e.fn.Blocks {
		if b.If == nil || len(b.Next) != 2 || b == at {
			continue
		}
		test := b.If
		if c, ok := test.(*ir.Compare); ok {
			test = c.X
		}
		name, not := condition(b.If)
		yes, no := leads(b.Next[0], at, b), leads(b.Next[1], at, b)
		if flag(test) != "" && name != "" && yes != no {
			out[name] = way{test, yes != not}
		}
	}
	return out
}

// setLater reports whether a variable of a module is set by anything but what runs at
// its start.
func (a *analysis) setLater(g *ir.Global) bool {
	for _, f := range a.program.Funcs {
		if f.Entry != ir.Init && f.Entry != ir.Main && assigned(f)[g.Name] {
			return true
		}
	}
	return false
}

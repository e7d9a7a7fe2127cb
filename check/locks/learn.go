package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// A wrapped lock is what a condition takes: beside it in the same object, or
// the same everywhere.
type wrapped struct {
	beside bool
	obj    object // sel is relative to the object when beside
}

// learnWrap notes which lock a condition that is kept in a place wraps.
func (o *objects) learnWrap(f *ir.Func, as *ir.Assign) {
	made, ok := as.Value.(*ir.New)
	if !ok || made.Of == nil {
		return
	}
	inner := o.resolve(f, made.Of, 0)
	outer := o.resolve(f, as.To, 0)
	if len(inner) != 1 || len(outer) != 1 || outer[0].class == "" {
		return
	}
	w := wrapped{obj: inner[0]}
	w.obj.held = ""
	if to, ok := as.To.(*ir.Field); ok && inner[0].root != globalRoot {
		base := o.resolve(f, to.X, 0)
		rest, inside := "", false
		if len(base) == 1 && base[0].root == inner[0].root && base[0].n == inner[0].n && base[0].name == inner[0].name {
			rest, inside = strings.CutPrefix(inner[0].sel, base[0].sel)
		}
		if !inside {
			return
		}
		w.beside, w.obj.place = true, place{sel: rest}
	}
	o.wraps[outer[0].class] = w
}

// learnRenewed notes a function that puts a new lock in a place that is there
// already: no module's body, no constructor, nor the only thread of a forked child.
func (o *objects) learnRenewed(f *ir.Func, as *ir.Assign) {
	made, ok := as.Value.(*ir.New)
	if !ok || made.Lock == ir.NoLock || f.Maker || f.Entry == ir.Init || f.Entry == ir.Main {
		return
	}
	switch to := as.To.(type) {
	case *ir.Global:
		o.renewed[to.Name] = append(o.renewed[to.Name], f)
	case *ir.Field:
		if base := o.resolve(f, to.X, 0); len(base) == 1 && base[0].root != newRoot {
			class := o.field(base[0], to).class
			o.renewed[class] = append(o.renewed[class], f)
		}
	}
}

func (o *objects) learn(f *ir.Func, as *ir.Assign, counts map[string]int) {
	class := ""
	switch to := as.To.(type) {
	case *ir.Var:
		in := f
		if to.In != nil {
			in = to.In
		}
		if o.locals[in] == nil {
			o.locals[in] = map[string][]ir.Expr{}
		}
		o.locals[in][to.Name] = append(o.locals[in][to.Name], as.Value)
		switch as.Value.(type) {
		case *ir.List, *ir.Each:
			o.learnValue(as.Value.At().String(), as)
		}
	case *ir.Global:
		class = to.Name
		counts[class]++
		o.values[class] = append(o.values[class], as.Value)
		if g, ok := as.Value.(*ir.Global); ok && g.Name != class {
			o.alias[class] = g
		}
	case *ir.Field:
		class = to.Owner + "." + to.Name
		if v, made := as.Value.(*ir.New); made {
			o.rendezvous[class] = v.Class == ir.Rendezvous
		} else {
			o.lent[class] = true
		}
		o.stores[f] = append(o.stores[f], as)
	case *ir.Index:
		if base := o.resolve(f, to.X, 0); len(base) == 1 {
			class = base[0].class + "[]"
		}
	}
	if class != "" {
		o.learnValue(class, as)
	}
}

// learnValue notes that a class of places holds a lock, or a collection of them.
func (o *objects) learnValue(class string, as *ir.Assign) {
	switch v := as.Value.(type) {
	case *ir.New:
		if v.Lock == ir.NoLock {
			return
		}
		o.kinds[class] = v.Lock
		o.shared[class] = strings.HasPrefix(v.Class, "multiprocessing.")
		if to, ok := as.To.(*ir.Field); ok && to.Owner != "" && !slices.Contains(o.owners[to.Name], to.Owner) {
			o.owners[to.Name] = append(o.owners[to.Name], to.Owner)
		}
	case *ir.List:
		for _, e := range v.Elems {
			if n, ok := e.(*ir.New); ok && n.Lock != ir.NoLock {
				o.kinds[class+"[]"] = n.Lock
			}
		}
	case *ir.Each:
		if n, ok := v.Elem.(*ir.New); ok && n.Lock != ir.NoLock {
			o.kinds[class+"[]"] = n.Lock
		}
	}
}

package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// leave is an object of a callee as its caller sees it: what the callee made
// is another one at each call.
func (o *objects) leave(obj object, callee *ir.Func, caller *ir.Func, args []ir.Expr) object {
	if obj.root == newRoot && madeIn(callee, strings.TrimPrefix(obj.name, "result ")) {
		obj.place, obj.made, obj.held = place{}, nil, ""
		return obj
	}
	return o.translate(obj, caller, args)
}

// translate brings a callee's object into the caller's frame.
func (o *objects) translate(obj object, caller *ir.Func, args []ir.Expr) object {
	obj.held = ""
	if obj.root != paramRoot {
		return obj
	}
	if obj.n >= len(args) || args[obj.n] == nil {
		obj.place = place{}
		return obj
	}
	bases := o.resolve(caller, args[obj.n], 0)
	if held := heldBy(bases); held != "" {
		obj.held = held + obj.sel
	}
	if len(bases) != 1 || bases[0].fn != nil {
		obj.place = place{}
		return obj
	}
	if obj.maybe {
		return o.handedLock(caller, args[obj.n], obj)
	}
	base := bases[0]
	sel := obj.sel
	base, sel = o.follow(base, sel)
	obj.place, obj.made, obj.maker = base.place, base.made, base.maker
	if sel == "" {
		obj.by, obj.next = base.by, base.next
	}
	if obj.root != unknownRoot {
		obj.sel += sel
	}
	if obj.class == "" && base.class != "" {
		obj.class = base.class + sel
	}
	obj.label = base.label + sel
	if obj.guess && o.kinds[obj.class] != ir.NoLock {
		obj.kind, obj.guess = o.kinds[obj.class], false
	}
	return obj
}

// heldBy is the local variable that leads to all of some objects.
func heldBy(all []object) string {
	if len(all) == 0 || slices.ContainsFunc(all, func(x object) bool { return x.held != all[0].held }) {
		return ""
	}
	return all[0].held
}

// handedLock is what a caller hands over for a parameter that its callee takes as a lock:
// a lock, or something that only his own caller knows, or nothing that is one.
func (o *objects) handedLock(caller *ir.Func, arg ir.Expr, obj object) object {
	if mine, ok := o.lock(caller, arg, ir.NoLock); ok && !mine.guess {
		return mine
	}
	obj.place = place{}
	return obj
}

// given is what a call returns of what was there before: a variable of the module, or a
// field of what it was handed, as in with self.lock().
func (o *objects) given(result object) (object, bool) {
	if result.made == nil || result.sel != "" || len(result.made.Callees) != 1 {
		return object{}, false
	}
	callee := result.made.Callees[0]
	if len(o.gives[callee]) != 1 || len(o.gives[callee][0].Values) != 1 {
		return object{}, false
	}
	found := o.resolve(callee, o.gives[callee][0].Values[0], 2)
	if len(found) != 1 || found[0].root != globalRoot && found[0].root != paramRoot || found[0].fn != nil {
		return object{}, false
	}
	out := o.translate(found[0], result.maker, result.made.Args)
	return out, out.root != unknownRoot
}

// filled follows a field of an object that a call has just made to what the
// maker put there: newClient(c).conn is c when newClient returns &client{conn: c}.
func (o *objects) filled(base object, name string) (object, bool) {
	if base.made == nil || base.sel != "" || len(base.made.Callees) != 1 {
		return object{}, false
	}
	maker := base.made.Callees[0]
	if len(o.gives[maker]) != 1 || len(o.gives[maker][0].Values) == 0 {
		return object{}, false
	}
	given := o.resolve(maker, o.gives[maker][0].Values[0], 2)
	if len(given) != 1 || given[0].root != newRoot {
		return object{}, false
	}
	var found *object
	for _, as := range o.stores[maker] {
		to := as.To.(*ir.Field)
		if at := o.resolve(maker, to.X, 2); to.Name != name || len(at) != 1 || at[0].place != given[0].place {
			continue
		}
		values := o.resolve(maker, as.Value, 2)
		if len(values) != 1 || found != nil {
			return object{}, false
		}
		found = &values[0]
	}
	if found == nil || found.root != paramRoot {
		return object{}, false
	}
	out := o.translate(*found, base.maker, base.made.Args)
	return out, out.root != unknownRoot
}

// follow walks a selector from a base as far as it leads through objects that
// calls have just made.
func (o *objects) follow(base object, sel string) (object, string) {
	for base.made != nil && strings.HasPrefix(sel, ".") {
		name, rest := sel[1:], ""
		if i := strings.IndexAny(name, ".["); i >= 0 {
			name, rest = name[:i], name[i:]
		}
		next, ok := o.filled(base, name)
		if !ok {
			break
		}
		base, sel = next, rest
	}
	return base, sel
}

// passing reports whether an object is part of what a call has just made and
// nobody keeps, as the Mutex of lockedfile.MutexAt(path).Lock().
func (o *objects) passing(obj object) bool {
	call := o.temps[obj.name]
	if call == nil || obj.root != newRoot || len(call.Callees) != 1 {
		return false
	}
	return o.makes(call.Callees[0])
}

// found reports whether an object is the result of a call that looks one up: it
// may be another each time, and the same as another call's.
func (o *objects) found(obj object) bool {
	return obj.made != nil && len(obj.made.Callees) == 1 && !o.makes(obj.made.Callees[0])
}

// makes reports whether all that a function returns first was made in it.
func (o *objects) makes(maker *ir.Func) bool {
	for _, r := range o.gives[maker] {
		if len(r.Values) == 0 || r.Values[0] == nil {
			return false
		}
		for _, made := range o.resolve(maker, r.Values[0], 2) {
			if made.root != newRoot || made.made != nil || !madeIn(maker, made.name) {
				return false
			}
		}
	}
	return len(o.gives[maker]) > 0
}

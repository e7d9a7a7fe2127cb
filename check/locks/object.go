package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// A rootKind is where a place begins.
type rootKind uint8

const (
	unknownRoot rootKind = iota
	globalRoot           // a variable of the module, or of a package
	paramRoot            // the nth parameter: the caller knows more
	newRoot              // what was allocated at a site
)

// A place is the path by which a function reaches an object. Equal places of
// one frame are one object.
type place struct {
	root rootKind
	n    int    // parameter
	name string // global, or allocation site
	sel  string // .field[*].field
}

// absolute reports whether the place means the same in every function.
func (p place) absolute() bool { return p.root == globalRoot || p.root == newRoot }

// An object is a place and what is known of what is there.
type object struct {
	place
	of    string   // the class of what it is a field of
	made  *ir.Call // what returned it, when it is a call's result
	maker *ir.Func // in whose frame made stands
	class string   // what all locks at such places have in common; "" when unknown
	label string   // as a person reads it
	kind  ir.LockKind
	guess bool   // taken for a lock by its name alone
	maybe bool   // a parameter of which only the caller knows whether it is a lock
	by    string // of an element: what its key is, or, when next, is counted on from
	next  bool
	held  string // the local variable that leads to it, with the path from there: one object until that is set anew
	fn    *ir.Func
	bound []ir.Expr // for a function value
	skip  int
}

// objects resolves expressions to objects, in one program.
type objects struct {
	kinds  map[string]ir.LockKind    // class -> kind, from where it is made
	wraps  map[string]wrapped        // class -> the lock a condition wraps
	stores map[*ir.Func][]*ir.Assign // fields filled, by function
	gives  map[*ir.Func][]*ir.Return
	owners map[string][]string // field name -> classes that keep a lock in it
	locals map[*ir.Func]map[string][]ir.Expr
	alias  map[string]ir.Expr  // global -> the only other global it is a name for
	temps  map[string]*ir.Call // place of a result that no variable is given -> its call

	renewed map[string][]*ir.Func // class -> functions that put a new lock there while others may use it
	lent    map[string]bool       // classes that are given what was made elsewhere
	values  map[string][]ir.Expr  // what each global is given
	shared  map[string]bool       // classes of locks that processes share
	beside  map[[2]string]bool    // classes of fields that are given neighbours of a ring

	rendezvous map[string]bool // classes of channels that keep nothing
}

const depthMax = 12 // nesting of one expression followed

func newObjects(p *ir.Program) *objects {
	o := &objects{
		kinds:  map[string]ir.LockKind{},
		wraps:  map[string]wrapped{},
		stores: map[*ir.Func][]*ir.Assign{},
		gives:  map[*ir.Func][]*ir.Return{},
		owners: map[string][]string{},
		locals: map[*ir.Func]map[string][]ir.Expr{},
		alias:  map[string]ir.Expr{},
		temps:  map[string]*ir.Call{},

		renewed: map[string][]*ir.Func{},
		lent:    map[string]bool{},
		values:  map[string][]ir.Expr{},
		shared:  map[string]bool{},
		beside:  map[[2]string]bool{},

		rendezvous: map[string]bool{},
	}
	counts := map[string]int{}
	for _, f := range p.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				switch x := op.(type) {
				case *ir.Assign:
					o.learn(f, x, counts)
				case *ir.Return:
					o.gives[f] = append(o.gives[f], x)
				}
			}
		}
	}
	for name, n := range counts {
		if n > 1 {
			delete(o.alias, name)
		}
	}
	for _, f := range p.Funcs {
		o.learnBeside(f, func(e ir.Expr) (*ir.Index, bool) { x, ok := e.(*ir.Index); return x, ok })
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				if c, ok := op.(*ir.Call); ok {
					o.learnMade(f, c)
				}
				if as, ok := op.(*ir.Assign); ok {
					o.learnWrap(f, as)
					o.learnRenewed(f, as)
				}
			}
		}
	}
	return o
}

// lock resolves the object of an Acquire or Release. ok is false when it is no
// lock, or nothing is known of it.
func (o *objects) lock(f *ir.Func, e ir.Expr, kind ir.LockKind) (object, bool) {
	found := o.resolve(f, e, 0)
	if len(found) == 0 {
		return object{}, false
	}
	obj := found[0]
	if given, ok := o.given(obj); ok && len(found) == 1 {
		obj = given
	}
	for _, other := range found[1:] {
		if other.place != obj.place {
			obj.place = place{}
		}
		if other.by != obj.by || other.next != obj.next {
			obj.by = ""
		}
		if other.held != obj.held {
			obj.held = ""
		}
		if other.class != obj.class {
			return object{}, false // one of several locks: no order can be told
		}
	}
	if kind != ir.NoLock {
		obj.kind = kind
	} else if obj.kind == ir.NoLock {
		obj.kind = o.kinds[obj.class]
	}
	if obj.kind == ir.NoLock && obj.root == paramRoot && obj.sel == "" && obj.class == "" && !looksLikeLock(obj.label) {
		obj.maybe = true
		return obj, true
	}
	if obj.kind == ir.NoLock {
		if !looksLikeLock(obj.label) || obj.class == "" && obj.root != paramRoot {
			return object{}, false
		}
		obj.kind, obj.guess = ir.Plain, true
	}
	return o.unwrap(obj), true
}

// unwrap follows a condition to the lock it wraps.
func (o *objects) unwrap(obj object) object {
	w, ok := o.wraps[obj.class]
	if !ok {
		return obj
	}
	out := w.obj
	if w.beside {
		out.place = obj.place
		if out.root != unknownRoot {
			out.sel = obj.sel[:max(strings.LastIndexByte(obj.sel, '.'), 0)] + w.obj.sel
		}
		out.label = obj.label
	}
	if out.kind == ir.NoLock {
		if out.kind = o.kinds[out.class]; out.kind == ir.NoLock {
			out.kind = obj.kind
		}
	}
	return out
}

// readSide strips the pseudo-field of a read-write lock's read side.
func readSide(obj object) (object, bool) {
	sel, ok := strings.CutSuffix(obj.sel, "."+ir.ReadSide)
	if !ok && !strings.HasSuffix(obj.class, "."+ir.ReadSide) {
		return obj, false
	}
	obj.sel = sel
	obj.held = strings.TrimSuffix(obj.held, "."+ir.ReadSide)
	obj.class = obj.of
	obj.kind = ir.ReadWrite
	obj.label = strings.TrimSuffix(obj.label, "."+ir.ReadSide)
	return obj, true
}

// looksLikeLock reports whether a name says that the thing is a lock.
func looksLikeLock(label string) bool {
	last := strings.ToLower(label[strings.LastIndexAny(label, ".")+1:])
	for _, word := range []string{"lock", "mutex", "mtx"} {
		if strings.Contains(last, word) && !strings.Contains(last, "block") && !strings.Contains(last, "clock") {
			return true
		}
	}
	return false
}

// resolve returns the objects an expression may mean, as f reaches them.
func (o *objects) resolve(f *ir.Func, e ir.Expr, depth int) []object {
	if depth > depthMax || e == nil {
		return nil
	}
	switch x := e.(type) {
	case *ir.Var:
		return o.variable(f, x, depth)
	case *ir.Global:
		if other, ok := o.alias[x.Name]; ok {
			return o.resolve(f, other, depth+1)
		}
		return []object{{place: place{root: globalRoot, name: x.Name}, class: x.Name, label: short(x.Name)}}
	case *ir.Field:
		return o.each(f, x.X, depth, func(base object) object { return o.field(base, x) })
	case *ir.Index:
		return o.each(f, x.X, depth, func(base object) object { return element(f, base, x) })
	case *ir.New:
		at := x.Span.String()
		obj := object{place: place{root: newRoot, name: at}, class: at, label: label(x.Span, x.Class), kind: x.Lock}
		if x.Class == ir.Rendezvous {
			o.rendezvous[at] = true
		}
		if x.Of != nil && x.Lock != ir.NoLock {
			if inner := o.resolve(f, x.Of, depth+1); len(inner) == 1 {
				return inner
			}
		}
		return []object{obj}
	case *ir.Result:
		at := "result " + x.Span.String()
		if x.Span == x.Call.Span {
			o.temps[at] = x.Call
		}
		return []object{{place: place{root: newRoot, name: at}, class: at, label: label(x.Span, ""), made: x.Call, maker: f}}
	case *ir.List, *ir.Each:
		at := e.At().String()
		if o.kinds[at+"[]"] == ir.NoLock {
			break
		}
		return []object{{place: place{root: newRoot, name: at}, class: at, label: label(e.At(), "")}}
	case *ir.FuncRef:
		return []object{{fn: x.Func, bound: x.Bound, skip: x.Skip}}
	case *ir.Given:
		return o.resolve(f, x.X, depth+1)
	case *ir.Choice:
		if x.By != "" && len(x.Of) == 0 {
			return []object{{held: f.ID + " " + x.By, label: label(x.Span, "")}}
		}
		var all []object
		for _, one := range x.Of {
			for _, obj := range o.resolve(f, one, depth+1) {
				if obj.held = ""; x.By != "" {
					obj.held = f.ID + " " + x.By
				}
				if x.By != "" && x.Span.Text() != "" {
					obj.label = x.Span.Text()
				}
				if len(all) < objectsMax && !slices.ContainsFunc(all, func(y object) bool {
					return y.place == obj.place && y.fn == obj.fn && y.class == obj.class && y.by == obj.by && y.next == obj.next
				}) {
					all = append(all, obj)
				}
			}
		}
		return all
	}
	return []object{{label: label(e.At(), "")}}
}

func (o *objects) each(f *ir.Func, x ir.Expr, depth int, step func(object) object) []object {
	bases := o.resolve(f, x, depth+1)
	if len(bases) == 0 {
		bases = []object{{label: "something"}}
	}
	out := make([]object, len(bases))
	for i, b := range bases {
		out[i] = step(b)
	}
	return out
}

func (o *objects) field(base object, x *ir.Field) object {
	owner := x.Owner
	if owner == "" && len(o.owners[x.Name]) == 1 {
		owner = o.owners[x.Name][0]
	}
	if filled, ok := o.filled(base, x.Name); ok {
		return filled
	}
	out := object{place: base.place, label: base.label + "." + x.Name, of: base.class}
	if out.root != unknownRoot {
		out.sel += "." + x.Name
	}
	if base.held != "" {
		out.held = base.held + "." + x.Name
	}
	switch {
	case owner != "":
		out.class = owner + "." + x.Name
	case base.class != "":
		out.class = base.class + "." + x.Name
	}
	return out
}

func element(f *ir.Func, base object, x *ir.Index) object {
	key := "*"
	if c, ok := x.Key.(*ir.Const); ok {
		key = c.Text
	}
	out := object{place: base.place, label: base.label + "[" + key + "]"}
	if base.class != "" {
		out.class = base.class + "[]"
	}
	if key == "*" {
		out.place = place{} // which element is not known
		if x.By != "" {
			out.by, out.next, out.label = f.ID+" "+x.By, x.Next, label(x.Span, "")
		}
	} else if out.root != unknownRoot {
		out.sel += "[" + key + "]"
	}
	return out
}

// objectsMax is how many objects an expression may stand for.
const objectsMax = 4

func (o *objects) variable(f *ir.Func, x *ir.Var, depth int) []object {
	in := f
	if x.In != nil {
		in = x.In
	}
	values := o.locals[in][x.Name]
	var all []object
	if i := slices.Index(in.Params, x.Name); i >= 0 {
		obj := object{label: x.Name}
		if in == f {
			obj.place = place{root: paramRoot, n: i}
		}
		all = append(all, obj)
	}
	for _, v := range values {
		if self, ok := v.(*ir.Var); ok && self.Name == x.Name && self.In == x.In {
			continue
		}
		if len(all) == objectsMax { // more would be left out, and each has values of its own
			break
		}
		for _, obj := range o.resolve(in, v, depth+1) {
			if in != f {
				obj.held = ""
			}
			if in != f && obj.root == paramRoot {
				obj.place = place{} // a parameter of another frame
			}
			if obj.root == newRoot && obj.label != x.Name {
				obj.label = x.Name
			}
			if len(all) < objectsMax {
				all = append(all, obj)
			}
		}
	}
	if len(all) == 0 {
		return []object{{place: place{root: newRoot, name: in.ID + "." + x.Name}, class: in.ID + "." + x.Name, label: x.Name}}
	}
	return all
}

// short is the last part of a full name.
func short(name string) string { return name[strings.LastIndexAny(name, "./")+1:] }

// label is how a person reads what is written at a span.
func label(at ir.Span, class string) string {
	text := at.Text()
	if text == "" || len(text) > 40 || strings.ContainsAny(text, "\n\t") {
		if class == "" {
			return "a lock"
		}
		return fmt.Sprintf("%s made on line %d", short(class), at.Line())
	}
	return text
}

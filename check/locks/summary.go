package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// A held lock is one that is not given back yet.
type held struct {
	lock object
	mode ir.Mode
	at   site
	ok   string // a Try: held only while this condition is true
	kept bool   // a callee returned with it
	only bool   // on some of its ways out
}

// An acquire is a lock that a function takes, itself or through calls.
type acquire struct {
	lock     object
	mode     ir.Mode
	try      bool
	at       site
	held     []held   // what it took itself and holds meanwhile
	released []object // what its caller held and it gave back before
	when     []string // what must be true of flags among the parameters
}

// An exit is one outcome of a function.
type exit struct {
	added    []held
	released []object
	when     []string // as for an acquire
}

// A summary is what a caller must know of a function.
type summary struct {
	acquires []acquire
	exits    []exit
	calls    []callSite // of analysed functions
	starts   []startSite
	asks     []ask // calls of its parameters
}

// A callSite is a call with what is held at least, over all ways to it.
type callSite struct {
	call   *ir.Call
	callee *ir.Func
	must   []string // classes held exclusively
	quiet  bool     // no thread was started before it, here
}

// A startSite is a thread's start.
type startSite struct {
	start  *ir.Start
	callee *ir.Func
}

// trivial reports whether a function can be left out: it neither takes nor
// gives back a lock, nor starts a thread, itself or through what it calls.
func (s *summary) trivial() bool {
	return len(s.acquires) == 0 && len(s.asks) == 0 && len(s.starts) == 0 && len(s.calls) == 0 &&
		(len(s.exits) == 0 || len(s.exits) == 1 && len(s.exits[0].added)+len(s.exits[0].released) == 0)
}

// An edge is a lock taken while another is held, at one place.
type edge struct {
	from, to         object
	fromMode, toMode ir.Mode
	fromAt, toAt     site
	fn               *ir.Func  // in whose frame from and to stand
	start            *ir.Start // the only one in which they are from and to, if not nil
	held             []held    // all that is held in that frame when to is taken
	kept             bool      // from was kept by a callee that returned
	only             bool      // and is on some of its ways out
	quiet            bool      // before fn started any thread
	unsure           bool      // rests on a guessed call
}

// summarise visits callees before callers, a recursion's functions twice.
func (a *analysis) summarise() {
	for _, group := range components(a.program.Funcs, a.callees) {
		rounds := 1
		if len(group) > 1 {
			rounds = 2
		}
		for range rounds {
			for _, f := range group {
				if a.interesting(f) {
					w := &walk{analysis: a, fn: f, sum: &summary{}}
					w.run()
					a.sums[f] = w.sum
				}
			}
		}
	}
}

// callees returns the functions f may call, through values too.
func (a *analysis) callees(f *ir.Func) []*ir.Func {
	var out []*ir.Func
	for _, b := range f.Blocks {
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Call:
				out = append(out, a.targets(f, o)...)
				out = append(out, handedOver(o)...)
			case *ir.Start:
				out = append(out, a.targets(f, o.Call)...)
			}
		}
	}
	return out
}

// targets returns what a call may reach.
func (a *analysis) targets(f *ir.Func, c *ir.Call) []*ir.Func {
	if len(c.Callees) > 0 || c.Fun == nil {
		return c.Callees
	}
	for _, obj := range a.objects.resolve(f, c.Fun, 0) {
		if obj.fn != nil && !slices.Contains(c.Callees, obj.fn) {
			c.Callees = append(c.Callees, obj.fn)
			if obj.skip == 0 && len(obj.bound) > 0 && len(obj.fn.Params) == len(c.Args)+len(obj.bound) {
				c.Args = slices.Concat(obj.bound, c.Args)
			}
		}
	}
	return c.Callees
}

func (a *analysis) interesting(f *ir.Func) bool {
	for _, b := range f.Blocks {
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Acquire, *ir.Release, *ir.Hand, *ir.Wait, *ir.Start:
				return true
			case *ir.Call:
				for _, c := range o.Callees {
					if s := a.sums[c]; s != nil && !s.trivial() {
						return true
					}
				}
			}
		}
	}
	return false
}

// A state is one way through a function so far.
type state struct {
	held     []held
	released []object
	facts    []string    // conditions known: "x" or "!x"
	live     []*ir.Start // threads started here and not joined
}

func (s *state) key() string {
	var b strings.Builder
	for _, h := range s.held {
		fmt.Fprintf(&b, "%v%s%s/%d/%p;", h.lock.place, h.lock.held, h.lock.class, h.mode, h.at.op)
	}
	for _, r := range s.released {
		fmt.Fprintf(&b, "-%v%s;", r.place, r.class)
	}
	for _, f := range s.facts {
		b.WriteString("?" + f)
	}
	for _, l := range s.live {
		fmt.Fprintf(&b, "+%p", l)
	}
	return b.String()
}

func (s *state) clone() *state {
	return &state{slices.Clone(s.held), slices.Clone(s.released), slices.Clone(s.facts), slices.Clone(s.live)}
}

// A walk follows every way through one function, up to statesMax a block.
type walk struct {
	*analysis
	fn   *ir.Func
	sum  *summary
	seen map[*ir.Block]map[string]bool
	last ir.Op           // the operation under way
	back map[place]bool  // locks given back somewhere in the function
	used map[string]bool // conditions that decide more than one branch
}

func (w *walk) run() {
	if len(w.fn.Blocks) == 0 {
		return
	}
	w.seen = map[*ir.Block]map[string]bool{}
	w.back = map[place]bool{}
	w.used = repeated(w.fn)
	type task struct {
		block *ir.Block
		state *state
	}
	work := []task{{w.fn.Blocks[0], &state{}}}
	for len(work) > 0 {
		t := work[len(work)-1]
		work = work[:len(work)-1]
		if !w.enter(t.block, t.state) {
			continue
		}
		for _, s := range w.block(t.block, t.state) {
			if len(t.block.Next) == 0 && !t.block.Ends {
				w.leave(s)
			}
			for i, next := range t.block.Next {
				if s := w.branch(t.block, i, s); s != nil {
					work = append(work, task{next, s})
				}
			}
		}
	}
}

// enter reports whether the block must be walked in this state.
func (w *walk) enter(b *ir.Block, s *state) bool {
	if w.seen[b] == nil {
		w.seen[b] = map[string]bool{}
	}
	key := s.key()
	if w.seen[b][key] || len(w.seen[b]) >= statesMax {
		return false
	}
	w.seen[b][key] = true
	return true
}

func (w *walk) leave(s *state) {
	for _, h := range s.held {
		if h.at.via == nil && h.ok == "" && h.lock.root != unknownRoot {
			w.leaks = append(w.leaks, leak{h, w.last, w.fn, w.back})
		}
	}
	e := exit{slices.Clone(s.held), slices.Clone(s.released), w.flags(s, nil)}
	for i, x := range w.sum.exits {
		if sameExit(x, e) {
			w.sum.exits[i].when = intersect(x.when, e.when)
			return
		}
	}
	if len(w.sum.exits) < exitsMax {
		w.sum.exits = append(w.sum.exits, e)
	}
}

func sameExit(x, y exit) bool {
	return slices.EqualFunc(x.added, y.added, func(a, b held) bool { return a.lock.place == b.lock.place && a.mode == b.mode }) &&
		slices.EqualFunc(x.released, y.released, func(a, b object) bool { return a.place == b.place && a.class == b.class })
}

// block carries a state through a block's operations; a call may split it.
func (w *walk) block(b *ir.Block, s *state) []*state {
	states := []*state{s.clone()}
	for _, op := range b.Ops {
		var next []*state
		for _, s := range states {
			next = append(next, w.step(op, s)...)
		}
		states = next
		if len(states) > statesMax {
			states = states[:statesMax]
		}
	}
	return states
}

func (w *walk) step(op ir.Op, s *state) []*state {
	w.last = op
	w.moments.note(w.fn, op, s)
	switch o := op.(type) {
	case *ir.Acquire:
		w.acquire(o, s)
	case *ir.Release:
		w.unknown(o.Lock)
		if lock, ok := w.objects.lock(w.fn, o.Lock, o.Kind); ok || lock.label != "" {
			w.release(s, lock, o.Mode)
		} else if objs := w.objects.resolve(w.fn, o.Lock, 0); len(objs) == 1 {
			w.release(s, objs[0], o.Mode)
		}
	case *ir.Hand:
		w.unknown(o.Lock)
		if lock, ok := w.objects.lock(w.fn, o.Lock, o.Kind); ok {
			w.given[lock.class] = true
		}
	case *ir.Wait:
		w.wait(o, s)
	case *ir.Call:
		return w.call(o, s)
	case *ir.Start:
		w.start(o, s)
	case *ir.Join:
		before := slices.Clone(s.live)
		joined(o, s)
		w.joining(o, before, s)
	case *ir.Assign:
		if name, _ := condition(o.To); name != "" {
			s.assigned(w.fn, name, o.Value)
		}
	}
	return []*state{s}
}

// assigned forgets what is known by a variable that is set anew: conditions, and which of
// several locks are held. Of those taken at one place one stands for all. What says whether
// a lock was got may be the value that it is set to.
func (s *state) assigned(fn *ir.Func, name string, value ir.Expr) {
	got, not := condition(value)
	for i, h := range s.held {
		switch {
		case h.ok != "" && h.ok == got && !not:
			s.held[i].ok = name
		case h.ok == name:
			s.held[i].ok = unsaid
		}
	}
	leads := func(path, by string) bool { return path == by || strings.HasPrefix(path, by+".") }
	s.facts = slices.DeleteFunc(s.facts, func(fact string) bool {
		return slices.ContainsFunc(strings.Fields(strings.TrimPrefix(fact, "!")), func(word string) bool { return leads(word, name) })
	})
	var still []held
	for _, h := range s.held {
		if !leads(h.lock.held, fn.ID+" "+name) {
			still = append(still, h)
			continue
		}
		h.lock.held = ""
		if !slices.ContainsFunc(still, func(x held) bool {
			return h.lock.root == unknownRoot && x.at.op == h.at.op && x.lock.class == h.lock.class
		}) {
			still = append(still, h)
		}
	}
	s.held = still
}

// unsaid stands for the condition of a lock that was tried when nothing says any more
// whether it was got.
const unsaid = "?"

func (w *walk) acquire(o *ir.Acquire, s *state) {
	lock, ok := w.objects.lock(w.fn, o.Lock, o.Kind)
	if !ok {
		return
	}
	mode := o.Mode
	if side, ok := readSide(lock); ok {
		lock, mode = side, ir.Shared
	}
	at := site{op: o, fn: w.fn}
	w.took(s, acquire{lock: lock, mode: mode, try: o.Try, at: at}, nil, false)
	h := held{lock: lock, mode: mode, at: at}
	if o.Try && o.OK != nil {
		h.ok, _ = condition(o.OK)
	}
	s.held = append(s.held, h)
}

func (w *walk) wait(o *ir.Wait, s *state) {
	lock, ok := w.objects.lock(w.fn, o.Lock, o.Kind)
	if !ok {
		return
	}
	for i, h := range s.held {
		if sameLock(h.lock, lock) {
			mine := s.held[i]
			s.held = slices.Delete(s.held, i, i+1)
			w.took(s, acquire{lock: mine.lock, mode: mine.mode, at: site{op: o, fn: w.fn}}, nil, false)
			s.held = append(s.held, mine)
			return
		}
	}
}

// took records that a lock is taken in a state, here or, by through, in a
// callee that holds inner itself.
func (w *walk) took(s *state, acq acquire, inner []held, unsure bool) {
	if acq.mode == ir.Exclusive && !acq.try && acq.at.via == nil {
		w.writes(acq, s)
	}
	still := slices.DeleteFunc(slices.Clone(s.held), func(h held) bool { return gaveBack(acq.released, h.lock) })
	all := slices.Concat(still, inner)
	unsure = unsure || guessed(acq.at.via)
	if !acq.try {
		for _, h := range still {
			w.edge(&edge{
				from: h.lock, to: acq.lock, fromMode: h.mode, toMode: acq.mode, fromAt: h.at, toAt: acq.at,
				fn: w.fn, held: all, kept: h.kept, only: h.only, quiet: len(s.live) == 0, unsure: unsure || h.only,
			})
		}
	}
	w.instantiate(acq, all, inner, s, unsure)
	mine := acquire{acq.lock, acq.mode, acq.try, acq.at, all, slices.Concat(s.released, acq.released), w.flags(s, acq.when)}
	for i, x := range w.sum.acquires {
		if sameAcquire(x, mine) {
			w.sum.acquires[i].when = intersect(x.when, mine.when)
			return
		}
	}
	if len(w.sum.acquires) < acquiresMax {
		w.sum.acquires = append(w.sum.acquires, mine)
	}
}

// instantiate draws the edges inside a callee that only the caller's arguments
// make definite: between two parameters, or two locks of one class.
func (w *walk) instantiate(acq acquire, all, inner []held, s *state, unsure bool) {
	for _, h := range inner {
		if !acq.try && (oneLock(h.lock, acq.lock) || acq.lock.absolute() && h.lock.absolute() || neighbours(h.lock, acq.lock) && strings.HasPrefix(h.lock.by, w.fn.ID+" ")) {
			w.edge(&edge{
				from: h.lock, to: acq.lock, fromMode: h.mode, toMode: acq.mode, fromAt: h.at, toAt: acq.at,
				fn: w.fn, held: all, kept: h.kept, only: h.only, quiet: len(s.live) == 0, unsure: unsure || h.only,
			})
		}
	}
}

func sameAcquire(x, y acquire) bool {
	return x.lock.place == y.lock.place && x.lock.class == y.lock.class && x.mode == y.mode && x.try == y.try &&
		len(x.released) == len(y.released) && len(x.held) == len(y.held) &&
		slices.EqualFunc(x.held, y.held, func(a, b held) bool { return a.lock.place == b.lock.place && a.lock.class == b.lock.class })
}

func gaveBack(released []object, lock object) bool {
	return slices.ContainsFunc(released, func(r object) bool { return sameLock(r, lock) })
}

// sameLock reports whether two objects of one frame may be one lock: the same
// place, or one class where a place is not known.
func sameLock(x, y object) bool {
	if x.root == unknownRoot || y.root == unknownRoot {
		return x.class != "" && x.class == y.class
	}
	return x.place == y.place
}

// oneLock reports whether two objects of one frame are known to be one: at the same place,
// or held by the same variable.
func oneLock(x, y object) bool {
	return x.place == y.place && x.root != unknownRoot || x.held != "" && x.held == y.held && x.class == y.class
}

func (w *walk) release(s *state, lock object, mode ir.Mode) {
	if side, ok := readSide(lock); ok {
		lock, mode = side, ir.Shared
	}
	for i := len(s.held) - 1; i >= 0; i-- {
		if oneLock(s.held[i].lock, lock) && s.held[i].mode == mode {
			w.gaveBack(s.held[i])
			s.held = slices.Delete(s.held, i, i+1)
			return
		}
	}
	for i := len(s.held) - 1; i >= 0; i-- {
		if sameLock(s.held[i].lock, lock) || lock.class != "" && s.held[i].lock.class == lock.class {
			w.gaveBack(s.held[i])
			s.held = slices.Delete(s.held, i, i+1)
			return
		}
	}
	w.handed[lock.class] = w.handed[lock.class] || w.fn.Span.Known() // but for wrappers, which nobody wrote
	if !gaveBack(s.released, lock) && len(s.released) < 4 {
		s.released = append(s.released, lock)
	}
}

// gaveBack notes that a lock is given back here; one that a callee took is
// handed from function to function.
func (w *walk) gaveBack(h held) {
	w.back[h.lock.place] = true
	if h.at.via != nil {
		w.handed[h.lock.class] = true
	}
}

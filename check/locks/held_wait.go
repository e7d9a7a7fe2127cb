package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// A signal is a place that waits at a channel, an event or a queue, or lets others go
// on there, and what is held over it on every way.
type signal struct {
	call  *ir.Call
	fn    *ir.Func
	held  []held
	quiet bool
}

// A joining is a wait for the end of a thread that takes a lock which is held over it.
type joining struct {
	join  *ir.Join
	fn    *ir.Func
	start *ir.Start
	held  held
	needs acquire
	by    *ir.Func
	quiet bool
}

// signal notes a signal. Of several ways to one place what is held on all of them counts.
func (w *walk) signal(o *ir.Call, s *state) {
	now := slices.DeleteFunc(slices.Clone(s.held), func(h held) bool { return h.ok != "" || h.only || h.lock.class == "" })
	old := w.sent[o]
	if old == nil {
		w.sent[o] = &signal{o, w.fn, now, len(s.live) == 0}
		return
	}
	old.held = slices.DeleteFunc(old.held, func(h held) bool { return !holds(now, h.lock.class) })
	old.quiet = old.quiet && len(s.live) == 0
}

func holds(all []held, class string) bool {
	return slices.ContainsFunc(all, func(h held) bool { return h.lock.class == class })
}

// joining notes the threads of this function that a join under a lock waits for, and that
// take that lock.
func (w *walk) joining(o *ir.Join, before []*ir.Start, s *state) {
	if o.Try || len(s.held) == 0 {
		return
	}
	for _, st := range before {
		if slices.Contains(s.live, st) || len(st.Call.Callees) != 1 {
			continue
		}
		callee := st.Call.Callees[0]
		sum := w.sums[callee]
		if sum == nil {
			continue
		}
		for _, acq := range sum.acquires {
			lock := w.objects.leave(acq.lock, callee, w.fn, st.Call.Args)
			for _, h := range s.held {
				if !acq.try && h.ok == "" && !h.only && lock.class != "" && oneLock(lock, h.lock) && len(acq.when) == 0 && conflict(h.mode, acq.mode) && w.waitedFor(o, st, acq.at) {
					w.joins = append(w.joins, &joining{o, w.fn, st, h, acq, callee, false})
				}
			}
		}
	}
}

func conflict(x, y ir.Mode) bool { return x == ir.Exclusive || y == ir.Exclusive }

// waitedFor reports whether a join waits until what a start runs has taken a lock: it names
// the start, or waits for a WaitGroup that is told so behind.
func (w *walk) waitedFor(o *ir.Join, st *ir.Start, lock site) bool {
	group, ok := strings.CutSuffix(o.What, ".Wait")
	switch {
	case o.Of.Known():
		return o.Of == st.Span
	case !ok:
		return strings.HasPrefix(st.Span.Text(), o.What+".")
	}
	if own, ok := strings.CutSuffix(st.Call.Name, ".Go"); ok {
		return group == "" || group == short(own)
	}
	return doneBehind(st.Call.Callees[0], group, lock.entry())
}

// doneBehind reports whether a function tells a WaitGroup that it is done, and not before
// an operation: what it does behind that nobody waits for.
func doneBehind(f *ir.Func, group string, op ir.Op) bool {
	at, found := blockOf(f, op), false
	for _, b := range f.Blocks {
		for i, done := range b.Ops {
			c, ok := done.(*ir.Call)
			if !ok || c.Name != group+".Done" || !c.Span.Known() {
				continue
			}
			deferred := strings.HasPrefix(string(c.Span.File.Text[c.Span.Start:]), "defer ")
			behind := b == at && slices.Index(b.Ops, op) < i || b != at && !leads(b, at, nil)
			if !deferred && (!behind || loops(f, done)) {
				return false
			}
			found = true
		}
	}
	return found
}

// waitFindings tells of threads that hold a lock while they wait for another, which needs
// that lock before it can let them go on.
func (a *analysis) waitFindings() []finding.Finding {
	var out []finding.Finding
	told := map[string]int{} // key -> its place in out
	keep := func(f finding.Finding, ok bool, twin string) {
		if _, again := told[f.Key]; !ok || again {
			return
		}
		if i, told := told[twin]; told && f.Level != out[i].Level { // the same two, told from the other's side
			if f.Level > out[i].Level {
				out[i] = f
			}
			return
		}
		told[f.Key] = len(out)
		out = append(out, f)
	}
	for _, j := range a.joins {
		f, ok := a.tellJoin(j)
		keep(f, ok, "")
	}
	for _, f := range a.program.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				if c, ok := op.(*ir.Call); ok && a.sent[c] != nil && len(a.sent[c].held) > 0 {
					keep(a.tellSignal(a.sent[c]))
				}
			}
		}
	}
	return out
}

// tellJoin tells of a join.
func (a *analysis) tellJoin(j *joining) (finding.Finding, bool) {
	if len(a.roots[j.fn]) == 0 || a.given[j.held.lock.class] {
		return finding.Finding{}, false
	}
	n := a.roots[j.fn][0]
	other := &arrival{root: &root{fn: j.by, start: j.start, from: j.fn}}
	e := &edge{fn: j.fn}
	name, what := j.held.lock.label, label(j.join.Span, "its end")
	f := finding.Finding{
		Rule: RuleWait, Level: finding.Likely, At: j.join.Span, Related: []ir.Span{j.held.at.at(), j.needs.at.at()},
		Threads: []string{thread(n), thread(other)},
		Message: fmt.Sprintf("deadlock: %s holds %s while it waits for the end of %s, which takes %s", j.fn.Name, name, j.by.Name, name),
		Key:     waitKey(j.held, j.fn, j.by),
		Why:     []string{fmt.Sprintf("Neither can go on: T1 keeps %s until T2 has ended, and T2 can't end before it gets %s.", name, name)},
		Advice:  []string{fmt.Sprintf("Give %s back before %s.", name, what)},
	}
	if j.held.lock.guess || j.held.lock.kind == ir.Semaphore {
		f.Level = finding.Possible
	}
	f.Steps = []finding.Step{
		a.step(0, n, e, j.held.at, takes(j.held.mode)+name),
		a.step(1, other, e, j.needs.at, "waits for "+name+", held by T1"),
		a.step(0, n, e, site{op: j.join, fn: j.fn}, "waits for the end of T2"),
	}
	return f, true
}

// tellSignal tells of a wait at a channel, an event or a queue, if everybody who could
// end it needs a lock that is held over it.
// twin is the key of what its other side is told by.
func (a *analysis) tellSignal(wait *signal) (f finding.Finding, ok bool, twin string) {
	on, ok := a.waitsAt(wait)
	if !ok {
		return f, false, ""
	}
	senders := a.answers(wait, on)
	if len(senders) == 0 || slices.ContainsFunc(senders, wait.chosen) {
		return f, false, ""
	}
	for _, h := range wait.held {
		if a.given[h.lock.class] || h.lock.kind == ir.Semaphore {
			continue
		}
		level, first, who, by := finding.Likely, (*signal)(nil), (*arrival)(nil), (*arrival)(nil)
		for _, s := range senders {
			x, y, seen := a.meeting(wait, s)
			if x == nil || !a.needs(s, h, y) {
				first = nil
				break
			}
			if !seen && (y.root.start == nil || y.root.from != wait.fn) {
				level = finding.Possible
			}
			if first == nil {
				first, who, by = s, x, y
			}
		}
		if first != nil {
			return a.tellWaiting(wait, first, h, level, who, by), true, waitKey(h, first.fn, wait.fn)
		}
	}
	return f, false, ""
}

// waitKey is the key of a function that waits under a lock for another.
func waitKey(h held, fn, by *ir.Func) string {
	return strings.Join([]string{RuleWait, h.lock.class, fn.ID, by.ID}, " ")
}

// chosen reports whether a function either waits or answers, by what it knows: it waits
// where the answer is there or others come without the lock (net/http's wantConn.cancel).
func (s *signal) chosen(answer *signal) bool {
	if s.fn != answer.fn {
		return false
	}
	x, y := blockOf(s.fn, s.call), blockOf(s.fn, answer.call)
	return x != nil && y != nil && x != y && !leads(x, y, nil) && !leads(y, x, nil)
}

// waitsAt is what a place waits at, if it waits and is known which.
func (a *analysis) waitsAt(s *signal) (object, bool) {
	objs := a.objects.resolve(s.fn, s.call.On, 0)
	if len(objs) != 1 || objs[0].class == "" || objs[0].root == unknownRoot || a.objects.lent[objs[0].class] {
		return object{}, false
	}
	on := objs[0]
	switch s.call.Signal {
	case ir.Receive:
		return on, true
	case ir.Send:
		return on, a.objects.rendezvous[on.class]
	}
	return on, false
}

// answers are the places that could end a wait.
func (a *analysis) answers(wait *signal, on object) []*signal {
	var out []*signal
	for _, f := range a.program.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				c, ok := op.(*ir.Call)
				if !ok || !ends(wait.call.Signal, c.Signal) {
					if ok && c.Signal == ir.None && a.passes(f, handedArgs(c), on) {
						out = append(out, &signal{call: c, fn: f})
					}
					if s, ok := op.(*ir.Start); ok && a.passes(f, s.Call.Args, on) {
						out = append(out, &signal{call: s.Call, fn: f})
					}
					continue
				}
				objs := a.objects.resolve(f, c.On, 0)
				if !slices.ContainsFunc(objs, func(o object) bool { return o.class == on.class }) {
					continue
				}
				s := a.sent[c]
				if s == nil {
					s = &signal{call: c, fn: f}
				}
				out = append(out, s)
			}
		}
	}
	return out
}

// handedArgs are the arguments of a call but for what its method is called on.
func handedArgs(c *ir.Call) []ir.Expr {
	if len(c.Callees) == 0 && len(c.Args) > 0 && c.Args[0] != nil && strings.HasPrefix(c.Name, c.Args[0].At().Text()+".") {
		return c.Args[1:]
	}
	return c.Args
}

// passes reports whether something is handed over: others may let go on there.
func (a *analysis) passes(f *ir.Func, args []ir.Expr, on object) bool {
	return slices.ContainsFunc(args, func(e ir.Expr) bool {
		switch e.(type) {
		case *ir.Global, *ir.Field, *ir.Var:
			objs := a.objects.resolve(f, e, 0)
			return len(objs) == 1 && objs[0].class == on.class
		}
		return false
	})
}

// ends reports whether one signal lets another go on.
func ends(wait, by ir.Signal) bool {
	if wait == ir.Receive {
		return by == ir.Send || by == ir.Let
	}
	return by == ir.Receive || by == ir.Take
}

// meeting are two threads that come to two signals at once.
func (a *analysis) meeting(x, y *signal) (mine, other *arrival, seen bool) {
	for _, m := range a.roots[x.fn] {
		for _, o := range a.roots[y.fn] {
			if may, s := a.overlap(m, o, x.quiet, y.quiet); may && (mine == nil || s && !seen) {
				mine, other, seen = m, o, s
			}
		}
	}
	return mine, other, seen
}

// needs reports whether a thread holds or has taken a lock on every way to a signal.
func (a *analysis) needs(s *signal, h held, n *arrival) bool {
	if slices.Contains(n.must, h.lock.class) || slices.ContainsFunc(s.held, func(x held) bool { return x.lock.class == h.lock.class && conflict(x.mode, h.mode) }) {
		return true
	}
	at := blockOf(s.fn, s.call)
	if at == nil {
		return false
	}
	for _, b := range s.fn.Blocks {
		for i, op := range b.Ops {
			acq, ok := op.(*ir.Acquire)
			if !ok || acq.Try || !conflict(acq.Mode, h.mode) {
				continue
			}
			if lock, ok := a.objects.lock(s.fn, acq.Lock, acq.Kind); !ok || lock.class != h.lock.class {
				continue
			}
			before := b == at && i < slices.Index(b.Ops, ir.Op(s.call))
			if before || b != at && (b == s.fn.Blocks[0] || !leads(s.fn.Blocks[0], at, b)) {
				return true
			}
		}
	}
	return false
}

func (a *analysis) tellWaiting(wait, answer *signal, h held, level finding.Level, who, by *arrival) finding.Finding {
	name, mine, others := h.lock.label, signalText(wait.call), signalText(answer.call)
	if h.lock.guess {
		level = finding.Possible
	}
	e := &edge{fn: wait.fn}
	f := finding.Finding{
		Rule: RuleWait, Level: level, At: wait.call.Span, Related: []ir.Span{h.at.at(), answer.call.Span},
		Threads: []string{thread(who), thread(by)},
		Message: fmt.Sprintf("deadlock: %s holds %s while it waits at %s, and %s needs %s to get to %s", wait.fn.Name, name, mine, answer.fn.Name, name, others),
		Key:     waitKey(h, wait.fn, answer.fn),
		Why:     []string{fmt.Sprintf("Neither can go on: T1 keeps %s until T2 lets it go on with %s, and T2 can't come there before it gets %s.", name, others, name)},
		Advice:  []string{fmt.Sprintf("Give %s back before %s, or let T2 go on without %s.", name, mine, name)},
	}
	f.Steps = []finding.Step{
		a.step(0, who, e, h.at, takes(h.mode)+name),
		a.step(1, by, e, site{op: answer.call, fn: answer.fn}, fmt.Sprintf("needs %s, held by T1, on its way to %s", name, others)),
		a.step(0, who, e, site{op: wait.call, fn: wait.fn}, "waits at "+mine+" for T2"),
	}
	return f
}

// signalText is how a person reads a signal.
func signalText(c *ir.Call) string {
	on, verb, _ := strings.Cut(c.Name, ".")
	if c.Span.Known() && c.Span.File.Lang == ir.Go {
		switch {
		case verb == "recv":
			return "<-" + on
		case c.Signal == ir.Let:
			return "close(" + on + ")"
		case verb == "send":
			return on + " <-"
		}
	}
	return c.Name
}

package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/dump"
	"github.com/penstock-io/penstock/check/ir"
)

// A standing is how a thread of a dump stands, as far as the source tells: what
// it holds, and what it may wait for.
type standing struct {
	thread dump.Thread
	at     ir.Span      // the innermost line that was read
	calls  []dump.Frame // those that were read, outermost first
	via    []ir.Span    // where each of them but the innermost stands
	holds  []held       // when it waits for no lock
	waits  []wish       // more than one when several locks are taken on one line, or one with and without another
	busy   string       // what else it may do on its line, of which the dump says nothing; "" for nothing
}

// A wish is a lock that a thread may wait for, and what it holds then.
type wish struct {
	lock object
	mode ir.Mode
	op   ir.Op
	held []held
}

// stand finds what a thread holds in each of its frames, and what it waits for
// in the innermost.
func (a *analysis) stand(t dump.Thread, files *finder) (standing, bool) {
	s := standing{thread: t}
	known := false
	for i, f := range t.Frames {
		l := files.spot(Spot{f.File, f.Line})
		if l.file == nil {
			continue
		}
		if !known {
			known = true
			s.at = spanOf(l)
		} else {
			s.via = slices.Insert(s.via, 0, spanOf(l))
		}
		s.calls = slices.Insert(s.calls, 0, f)
		inner := ""
		switch {
		case i > 0:
			inner = t.Frames[i-1].Function
		case t.Wait != dump.OtherWait:
			if s.waits = a.wishes(l, t.Wait); len(s.waits) > 0 {
				s.busy = a.unread(l, t.Wait)
				continue
			}
		}
		s.holds = append(s.holds, a.heldAt(l, inner)...)
	}
	for i := range s.waits {
		s.waits[i].held = slices.Concat(s.waits[i].held, s.holds)
	}
	return s, known
}

// wishes are the locks taken on a line, in the way that the thread waits if one is.
func (a *analysis) wishes(l line, w dump.Wait) []wish {
	var out []wish
	for _, m := range a.moments.at[l] {
		acq, ok := m.op.(*ir.Acquire)
		if !ok || acq.Try || acq.Span.Line() != l.n && w == dump.Unknown {
			continue
		}
		lock, ok := a.objects.lock(m.fn, acq.Lock, acq.Kind)
		if !ok || lock.class == "" {
			continue
		}
		mode := acq.Mode
		if side, read := readSide(lock); read {
			lock, mode = side, ir.Shared
		}
		out = append(out, wish{lock, mode, acq, m.held})
	}
	if w == dump.Unknown {
		return out
	}
	return some(out, func(x wish) bool { return (x.mode == ir.Shared) == (w == dump.ReadLock) })
}

// unread is what a line calls beside the locks that it takes: a thread whose dump shows
// no frame of a lock may stand there as well.
func (a *analysis) unread(l line, w dump.Wait) string {
	for _, m := range a.moments.at[l] {
		if c, ok := m.op.(*ir.Call); ok && w == dump.Unknown && len(c.Callees) == 0 {
			return c.Name
		}
	}
	return ""
}

// heldAt is what may be held while a call on a line is under way: of the function
// called inner, where the line calls one of that name.
func (a *analysis) heldAt(l line, inner string) []held {
	on := a.moments.at[l]
	if len(on) == 0 {
		return a.around(l)
	}
	on = some(on, func(m moment) bool { _, takes := m.op.(*ir.Acquire); return !takes })
	on = some(on, func(m moment) bool {
		c, ok := m.op.(*ir.Call)
		return ok && inner != "" && short(c.Name) == short(inner)
	})
	var out []held
	for _, m := range on {
		for _, h := range m.held {
			if h.lock.class != "" && !holds(out, h.lock.class) {
				h.only = slices.ContainsFunc(on, func(m moment) bool { return !holds(m.held, h.lock.class) })
				out = append(out, h)
			}
		}
	}
	return out
}

// some are the elements of which a test holds, or else all.
func some[T any](list []T, test func(T) bool) []T {
	if out := slices.DeleteFunc(slices.Clone(list), func(x T) bool { return !test(x) }); len(out) > 0 {
		return out
	}
	return list
}

// poses are the ways in which a thread may stand: what it waits for.
func (s standing) poses() []*wish {
	if len(s.waits) == 0 {
		return []*wish{nil}
	}
	var out []*wish
	for i := range s.waits {
		out = append(out, &s.waits[i])
	}
	return out
}

// has returns how a thread that stands in a way holds a lock.
func (a *analysis) has(s standing, as *wish, lock object) (held, bool) {
	all := s.holds
	if as != nil {
		all = as.held
	}
	i := slices.IndexFunc(all, func(h held) bool { return h.lock.class == lock.class && !a.objects.distinct(h.lock, lock) })
	if i < 0 {
		return held{}, false
	}
	return all[i], true
}

// names are the locks that a thread may wait for.
func (s standing) names() []string {
	var out []string
	for _, w := range s.waits {
		if !slices.Contains(out, w.lock.label) {
			out = append(out, w.lock.label)
		}
	}
	return out
}

// narrow leaves out what the addresses contradict that a dump may tell: threads that wait
// at one address wait for one lock, those at two for two.
func (a *analysis) narrow(all []standing) {
	for i := range all {
		mine := &all[i]
		for _, other := range all {
			if mine.thread.Addr == "" || other.thread.Addr == "" || len(other.waits) == 0 {
				continue
			}
			same := mine.thread.Addr == other.thread.Addr
			mine.waits = some(mine.waits, func(w wish) bool {
				return slices.ContainsFunc(other.waits, func(o wish) bool {
					if same {
						return w.lock.class == o.lock.class && !a.objects.distinct(w.lock, o.lock)
					}
					return w.lock.place != o.lock.place || !a.objects.own(w.lock)
				})
			})
		}
	}
}

// distinct reports whether two places are known to be two objects.
func (o *objects) distinct(x, y object) bool {
	return x.place != y.place && o.own(x) && o.own(y)
}

// own reports whether a place stands for one object as long as the program runs, which
// has no other place: a variable of the module, or a field of what stands there.
func (o *objects) own(x object) bool {
	if x.root != globalRoot || strings.ContainsAny(strings.TrimLeft(x.sel, ".["), ".[") || o.lent[x.class] {
		return false
	}
	for _, v := range o.values[x.name] {
		if _, made := v.(*ir.New); !made {
			return false
		}
	}
	return len(o.values[x.name]) < 2
}

package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/dump"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// A standing is how a thread of a dump stands, as far as the source tells: what
// it holds, and what it may wait for.
type standing struct {
	thread dump.Thread
	at     ir.Span      // the innermost line that was read
	calls  []dump.Frame // those that were read, outermost first
	via    []ir.Span    // where each of them but the innermost stands
	holds  []held
	waits  []wish // more than one when several locks are taken on one line
}

// A wish is a lock that a thread waits for, and what it holds already in the
// same function.
type wish struct {
	lock object
	mode ir.Mode
	op   ir.Op
	held []held
}

// Diagnose tells what the threads of a dump wait for, and who has it: each
// cycle is a deadlock that has happened; a wait outside of one is a note. known
// is how many threads stand in the source that was read.
func Diagnose(p *ir.Program, threads []dump.Thread) (found []finding.Finding, known int) {
	files := newFinder(p)
	m := &moments{lines: map[line]bool{}, at: map[line][]moment{}}
	for _, t := range threads {
		for _, f := range t.Frames {
			if l := files.spot(Spot{f.File, f.Line}); l.file != nil {
				m.lines[l] = true
			}
		}
	}
	m.choose(p)
	a := runAt(p, Options{}, m)
	var all []standing
	for _, t := range threads {
		s, ok := a.stand(t, files)
		if ok {
			known++
		}
		all = append(all, s)
	}
	return tellHang(all), known
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
		if i == 0 && t.Wait != dump.OtherWait {
			if s.waits = a.wishes(l, t.Wait); len(s.waits) > 0 {
				continue
			}
		}
		s.holds = append(s.holds, a.heldAt(l)...)
	}
	return s, known
}

// wishes are the locks taken on a line.
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
	return out
}

// heldAt is what is held while a call on a line is under way.
func (a *analysis) heldAt(l line) []held {
	var out []held
	for _, m := range a.moments.at[l] {
		for _, h := range m.held {
			if h.lock.class != "" && !slices.ContainsFunc(out, func(o held) bool { return o.lock.class == h.lock.class }) {
				out = append(out, h)
			}
		}
	}
	if len(a.moments.at[l]) > 0 {
		return out
	}
	return a.around(l)
}

// spanOf is the text of a line.
func spanOf(l line) ir.Span {
	text := strings.Split(string(l.file.Text), "\n")
	start := 0
	for i, row := range text {
		if i == l.n-1 {
			indent := len(row) - len(strings.TrimLeft(row, " \t"))
			return ir.Span{File: l.file, Start: start + indent, End: start + len(row)}
		}
		start += len(row) + 1
	}
	return ir.Span{File: l.file}
}

// has returns the holding of a class by a thread, as it waits with a wish or,
// with none, as it stands.
func (s standing) has(class string, w *wish) (held, bool) {
	all := s.holds
	if w != nil {
		all = slices.Concat(w.held, s.holds)
	}
	i := slices.IndexFunc(all, func(h held) bool { return h.lock.class == class })
	if i < 0 {
		return held{}, false
	}
	return all[i], true
}

// A link is a thread that waits, and the one that has what it waits for.
type link struct {
	who  int
	wish *wish
	by   int
	has  held // how the other holds it
}

// as says by which name its holder has the lock, when that is another.
func (l link) as() string {
	if l.has.lock.label == l.wish.lock.label {
		return ""
	}
	return " as " + l.has.lock.label
}

// links are all waits for a lock that a thread holds. That it is the waiting
// thread itself counts only when no other has one of that class.
func links(all []standing) []link {
	var out []link
	for i, s := range all {
		for w := range s.waits {
			wish := &s.waits[w]
			others := false
			for j, o := range all {
				if i == j {
					continue
				}
				if h, ok := o.has(wish.lock.class, o.like(w)); ok && (wish.mode == ir.Exclusive || h.mode == ir.Exclusive || writerWaits(all, wish.lock.class)) {
					others = true
					out = append(out, link{i, wish, j, h})
				}
			}
			if h, ok := s.has(wish.lock.class, wish); ok && !others && h.lock.kind != ir.Reentrant && wish.lock.kind != ir.Reentrant {
				out = append(out, link{i, wish, i, h})
			}
		}
	}
	return out
}

// like is the thread's own wish, the same one of several where it can.
func (s standing) like(w int) *wish {
	if len(s.waits) == 0 {
		return nil
	}
	return &s.waits[min(w, len(s.waits)-1)]
}

// writerWaits reports whether a thread waits to write a lock, and so keeps new
// readers out.
func writerWaits(all []standing, class string) bool {
	return slices.ContainsFunc(all, func(s standing) bool {
		return slices.ContainsFunc(s.waits, func(w wish) bool { return w.lock.class == class && w.mode == ir.Exclusive })
	})
}

// ring follows links from one thread back to itself, shortest first.
func ring(from int, all map[int][]link) []link {
	paths := [][]link{}
	for _, l := range all[from] {
		paths = append(paths, []link{l})
	}
	for range cycleMax {
		var longer [][]link
		for _, p := range paths {
			last := p[len(p)-1]
			if last.by == from {
				return p
			}
			for _, l := range all[last.by] {
				if !slices.ContainsFunc(p, func(x link) bool { return x.who == l.who }) && len(longer) < cyclesMax {
					longer = append(longer, append(slices.Clone(p), l))
				}
			}
		}
		paths = longer
	}
	return nil
}

// tellHang tells the cycles, then the waits outside of them.
func tellHang(all []standing) []finding.Finding {
	var out []finding.Finding
	every := links(all)
	byWho := map[int][]link{}
	for _, l := range every {
		byWho[l.who] = append(byWho[l.who], l)
	}
	stuck := map[int]bool{}
	for i := range all {
		if stuck[i] {
			continue
		}
		if r := ring(i, byWho); r != nil && !slices.ContainsFunc(r, func(l link) bool { return stuck[l.who] }) {
			for _, l := range r {
				stuck[l.who] = true
			}
			out = append(out, tellCircle(all, r))
		}
	}
	for i, s := range all {
		if !stuck[i] && len(s.waits) > 0 {
			out = append(out, tellWait(all, i, byWho[i], stuck))
		}
	}
	return out
}

func tellCircle(all []standing, r []link) finding.Finding {
	f := finding.Finding{Rule: RuleOrder, Level: finding.Certain, At: r[0].wish.op.At()}
	if slices.ContainsFunc(r, func(l link) bool { return !l.wish.lock.absolute() || !l.has.lock.absolute() }) {
		f.Level = finding.Likely // which object of the class it is, the dump does not say
	}
	var orders, waits []string
	for i, l := range r {
		s := all[l.who]
		mine := holding(r, i)
		f.Threads = append(f.Threads, head(s.thread))
		f.Related = append(f.Related, mine.at.at(), l.wish.op.At())
		f.Steps = append(f.Steps, finding.Step{Thread: i, At: mine.at.at(), Text: takes(mine.mode) + mine.lock.label})
		orders = append(orders, fmt.Sprintf("%s holds %s and waits for %s", s.thread.Name, mine.lock.label, l.wish.lock.label))
		waits = append(waits, fmt.Sprintf("T%d keeps %s until it gets %s, which T%d keeps%s", i+1, mine.lock.label, l.wish.lock.label, (i+1)%len(r)+1, l.as()))
	}
	for i, l := range r {
		f.Steps = append(f.Steps, all[l.who].step(i, l.wish.op.At(), fmt.Sprintf("waits for %s, held by T%d%s", l.wish.lock.label, (i+1)%len(r)+1, l.as())))
	}
	f.Message = "deadlocked: " + strings.Join(orders, ", ")
	f.Why = []string{"Neither can go on: " + strings.Join(waits, "; ") + ".", "Rule: every thread takes the same locks in the same order."}
	if len(r) > 2 {
		f.Why[0] = "None" + strings.TrimPrefix(f.Why[0], "Neither")
	}
	if !slices.ContainsFunc(r, func(l link) bool { return l.wish.lock.class != r[0].wish.lock.class }) {
		f.Rule, f.Why[1] = RuleSameClass, "Rule: locks of one class need an order of their own, by something that never changes, such as an id."
	}
	if len(r) == 1 {
		name := r[0].wish.lock.label
		f.Rule = RuleDouble
		f.Message = fmt.Sprintf("deadlocked with itself: %s waits for %s, which it holds", all[r[0].who].thread.Name, name)
		f.Steps[1].Text = "waits for " + name + ", which it holds itself"
		f.Why = []string{fmt.Sprintf("The thread waits for %s, and the only one who can give it back is the thread itself.", name)}
	}
	f.Key = f.Message
	return f
}

// step is where a thread stands, with the calls that led there.
func (s standing) step(column int, at ir.Span, text string) finding.Step {
	step := finding.Step{Thread: column, At: at, Text: text, Via: s.via}
	for _, c := range s.calls {
		name := c.Function[strings.LastIndexByte(c.Function, '/')+1:]
		step.Names = append(step.Names, name)
	}
	return step
}

// holding is how the i-th thread of a ring holds what the one before waits for.
func holding(r []link, i int) held { return r[(i+len(r)-1)%len(r)].has }

func head(t dump.Thread) string {
	text := t.Name
	if t.State != "" {
		text += " [" + t.State + "]"
	}
	if t.Count > 1 {
		text += fmt.Sprintf(", %d alike", t.Count)
	}
	return text
}

// tellWait tells of a thread that waits for a lock outside of any cycle.
func tellWait(all []standing, i int, mine []link, stuck map[int]bool) finding.Finding {
	s := all[i]
	w := s.waits[0]
	f := finding.Finding{Rule: RuleOrder, Level: finding.Note, At: w.op.At()}
	f.Steps = []finding.Step{{At: w.op.At(), Text: fmt.Sprintf("%s waits for %s", head(s.thread), w.lock.label)}}
	f.Message = fmt.Sprintf("%s waits for %s, and no thread in the dump is seen to hold it", s.thread.Name, w.lock.label)
	f.Why = []string{"Whoever took it has returned without giving it back, or holds it in code that was not read."}
	for _, l := range mine {
		if l.by == i {
			continue
		}
		o := all[l.by]
		f.Message = fmt.Sprintf("%s waits for %s, held by %s", s.thread.Name, l.wish.lock.label, o.thread.Name)
		f.Steps = append(f.Steps, finding.Step{At: o.at, Text: fmt.Sprintf("%s holds %s and stands here", head(o.thread), l.wish.lock.label)})
		f.Why = []string{fmt.Sprintf("It goes on as soon as %s does.", o.thread.Name)}
		if stuck[l.by] {
			f.Why = []string{fmt.Sprintf("It goes on when %s does, which is deadlocked.", o.thread.Name)}
		}
		break
	}
	f.Key = f.Message
	return f
}

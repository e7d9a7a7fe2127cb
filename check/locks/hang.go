package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/dump"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

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
	a.narrow(all)
	return a.tellHang(all), known
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

// A link is a thread that waits, and the one that has what it waits for.
type link struct {
	who  int
	wish *wish
	by   int
	as   *wish // what the other waits for when it has the lock; nil when for none
	has  held  // how it holds it
}

// name says by which name its holder has the lock, when that is another.
func (l link) name() string {
	if l.has.lock.label == l.wish.lock.label {
		return ""
	}
	return " as " + l.has.lock.label
}

// sure reports whether it is one lock, and is held: of an object that each thread has of
// its own, or under a condition, the dump does not say.
func (l link) sure() bool {
	return l.wish.lock.absolute() && l.has.lock.place == l.wish.lock.place && !l.has.only
}

// links are all waits for a lock that a thread holds. That it is the waiting
// thread itself counts only when no other has one of that class.
func (a *analysis) links(all []standing) []link {
	var out []link
	for i, s := range all {
		for w := range s.waits {
			wish := &s.waits[w]
			others := false
			for j, o := range all {
				if i == j {
					continue
				}
				for _, as := range o.poses() {
					if h, ok := a.has(o, as, wish.lock); ok && (wish.mode == ir.Exclusive || h.mode == ir.Exclusive || writerWaits(all, wish.lock.class)) {
						others = true
						out = append(out, link{i, wish, j, as, h})
					}
				}
			}
			if h, ok := a.has(s, wish, wish.lock); ok && !others && h.lock.kind != ir.Reentrant && wish.lock.kind != ir.Reentrant {
				out = append(out, link{i, wish, i, wish, h})
			}
		}
	}
	return out
}

// writerWaits reports whether a thread waits to write a lock, and so keeps new
// readers out.
func writerWaits(all []standing, class string) bool {
	return slices.ContainsFunc(all, func(s standing) bool {
		return slices.ContainsFunc(s.waits, func(w wish) bool { return w.lock.class == class && w.mode == ir.Exclusive })
	})
}

// ring follows links from one thread back to itself, shortest first. Each thread on
// it stands in one way only.
func ring(from int, all map[int][]link) []link {
	paths := [][]link{}
	for _, l := range all[from] {
		paths = append(paths, []link{l})
	}
	for range cycleMax {
		var longer [][]link
		for _, p := range paths {
			last := p[len(p)-1]
			if last.by == from && last.as == p[0].wish {
				return p
			}
			for _, l := range all[last.by] {
				if l.wish == last.as && !slices.ContainsFunc(p, func(x link) bool { return x.who == l.who }) && len(longer) < cyclesMax {
					longer = append(longer, append(slices.Clone(p), l))
				}
			}
		}
		paths = longer
	}
	return nil
}

// tellHang tells the cycles, then the waits outside of them.
func (a *analysis) tellHang(all []standing) []finding.Finding {
	var out []finding.Finding
	every := a.links(all)
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
	doubts := doubts(all, r)
	if len(doubts) > 0 || slices.ContainsFunc(r, func(l link) bool { return !l.sure() }) {
		f.Level = finding.Likely
	}
	var orders, waits []string
	for i, l := range r {
		s := all[l.who]
		mine := holding(r, i)
		f.Threads = append(f.Threads, head(s.thread))
		f.Related = append(f.Related, mine.at.at(), l.wish.op.At())
		f.Steps = append(f.Steps, finding.Step{Thread: i, At: mine.at.at(), Text: takes(mine.mode) + mine.lock.label})
		orders = append(orders, fmt.Sprintf("%s holds %s and waits for %s", s.thread.Name, mine.lock.label, l.wish.lock.label))
		waits = append(waits, fmt.Sprintf("T%d keeps %s until it gets %s, which T%d keeps%s", i+1, mine.lock.label, l.wish.lock.label, (i+1)%len(r)+1, l.name()))
	}
	for i, l := range r {
		f.Steps = append(f.Steps, all[l.who].step(i, l.wish.op.At(), fmt.Sprintf("waits for %s, held by T%d%s", l.wish.lock.label, (i+1)%len(r)+1, l.name())))
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
	f.Why = append(f.Why, doubts...)
	f.Key = f.Message
	return f
}

// doubts say what a circle takes for true of which the dump says nothing: how a thread
// stands on a line that takes several locks, or does something else as well.
func doubts(all []standing, r []link) []string {
	var out []string
	for i, l := range r {
		s, mine := all[l.who], holding(r, i)
		at, does := where(l.wish.op.At()), s.names()
		if s.busy != "" {
			does = append(does, s.busy)
		}
		if len(does) > 1 {
			out = append(out, fmt.Sprintf("%s stands at %s, at %s: at which, the dump does not say. That it waits for %s would explain the rest.",
				s.thread.Name, at, strings.Join(does, " or "), l.wish.lock.label))
		} else if mine.only || slices.ContainsFunc(s.waits, func(w wish) bool { return !holds(w.held, mine.lock.class) }) {
			out = append(out, fmt.Sprintf("Not every way to %s takes %s: whether %s holds it, the dump does not say.", at, mine.lock.label, s.thread.Name))
		}
	}
	return out
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
	at, name := s.waits[0].op.At(), strings.Join(s.names(), " or ")
	f := finding.Finding{Rule: RuleOrder, Level: finding.Note, At: at}
	f.Steps = []finding.Step{{At: at, Text: fmt.Sprintf("%s waits for %s", head(s.thread), name)}}
	f.Message = fmt.Sprintf("%s waits for %s, and no thread in the dump is seen to hold it", s.thread.Name, name)
	f.Why = []string{"Whoever took it has returned without giving it back, or holds it in code that was not read."}
	for _, l := range mine {
		if l.by == i {
			continue
		}
		o := all[l.by]
		f.Message = fmt.Sprintf("%s waits for %s, held by %s", s.thread.Name, name, o.thread.Name)
		if name != l.wish.lock.label {
			f.Message = fmt.Sprintf("%s waits for %s; %s holds %s", s.thread.Name, name, o.thread.Name, l.wish.lock.label)
		}
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

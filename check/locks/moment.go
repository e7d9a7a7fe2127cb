package locks

import (
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// momentsMax bounds what is kept of one operation.
const momentsMax = 8

// moments are what is held at the operations on some lines.
type moments struct {
	lines map[line]bool
	at    map[line][]moment
	funcs map[*ir.Func][]moment // all of the functions that have such a line
}

// choose notes the functions round the lines.
func (m *moments) choose(p *ir.Program) {
	m.funcs = map[*ir.Func][]moment{}
	for _, f := range p.Funcs {
		for l := range m.lines {
			if covers(f.Span, l) {
				m.funcs[f] = []moment{}
			}
		}
	}
}

// covers reports whether a span has text on a line.
func covers(s ir.Span, l line) bool {
	return s.File == l.file && s.Known() && s.Line() <= l.n && l.n <= s.File.Line(s.End)
}

// A moment is one way to stand at an operation.
type moment struct {
	fn   *ir.Func
	op   ir.Op
	held []held
}

// note keeps a state at an operation of interest. It is called at each step of
// each walk, on nil where there is no dump to explain.
func (m *moments) note(fn *ir.Func, op ir.Op, s *state) {
	if m == nil || !op.At().Known() {
		return
	}
	if all, ok := m.funcs[fn]; ok && len(all) < momentsMax*100 {
		m.funcs[fn] = append(all, moment{fn, op, slices.Clone(s.held)})
	}
	switch op.(type) {
	case *ir.Acquire, *ir.Call, *ir.Wait, *ir.Join:
	default:
		return
	}
	at := op.At()
	last := at.File.Line(at.End)
	for n := at.Line(); n <= last; n++ {
		l := line{at.File, n}
		if !m.lines[l] {
			continue
		}
		same := 0
		if slices.ContainsFunc(m.at[l], func(x moment) bool {
			if x.op == op {
				same++
			}
			return x.op == op && slices.EqualFunc(x.held, s.held, func(a, b held) bool { return a.lock.class == b.lock.class && a.at.op == b.at.op })
		}) || same >= momentsMax {
			continue
		}
		m.at[l] = append(m.at[l], moment{fn, op, slices.Clone(s.held)})
	}
}

// around is what is held on a line where nothing of interest is done: a call into
// a library, a channel. It is what the with statements round it hold or, with
// none, what is held behind the operation last written before it.
func (a *analysis) around(l line) []held {
	var out []held
	var last moment
	for f, all := range a.moments.funcs {
		if !covers(f.Span, l) {
			continue
		}
		for _, m := range all {
			if acq, ok := m.op.(*ir.Acquire); ok && acq.Stmt != acq.Span && covers(acq.Stmt, l) && acq.Span.Line() < l.n {
				out = append(out, a.behind(m)...)
			}
			deferred := strings.HasPrefix(strings.TrimSpace(l.file.LineText(m.op.At().Start)), "defer ")
			if n := m.op.At().Line(); n < l.n && !deferred && (last.op == nil || n >= last.op.At().Line()) {
				last = m
			}
		}
	}
	if out != nil || last.op == nil {
		return out
	}
	return a.behind(last)
}

// behind is what is held when an operation is done.
func (a *analysis) behind(m moment) []held {
	switch o := m.op.(type) {
	case *ir.Acquire:
		if lock, ok := a.objects.lock(m.fn, o.Lock, o.Kind); ok && lock.class != "" && !o.Try {
			return append(slices.Clone(m.held), held{lock: lock, mode: o.Mode, at: site{op: o, fn: m.fn}})
		}
	case *ir.Release:
		lock, _ := a.objects.lock(m.fn, o.Lock, o.Kind)
		return slices.DeleteFunc(slices.Clone(m.held), func(h held) bool { return h.lock.class == lock.class })
	}
	return m.held
}

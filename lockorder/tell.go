//go:build lockorder

package lockorder

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// handlers are who hears of violations; while there are none they go to stderr.
var handlers struct {
	sync.Mutex
	all []*func(Violation)
}

// OnViolation calls f for each violation, once for the same places in the
// source, until restore is called. It is called on the goroutine that takes the
// lock, before it waits. Without any such f violations are printed to stderr.
func OnViolation(f func(Violation)) (restore func()) {
	handlers.Lock()
	defer handlers.Unlock()
	handlers.all = append(handlers.all, &f)
	return func() {
		handlers.Lock()
		defer handlers.Unlock()
		handlers.all = slices.DeleteFunc(slices.Clone(handlers.all), func(h *func(Violation)) bool { return h == &f })
	}
}

func tell(v Violation) {
	handlers.Lock()
	all := handlers.all
	handlers.Unlock()
	if len(all) == 0 {
		fmt.Fprint(os.Stderr, v.Text)
	}
	for _, f := range all {
		(*f)(v)
	}
}

// Fail makes a violation fail the test, if it comes while the test runs.
func Fail(t TB) {
	t.Helper()
	t.Cleanup(OnViolation(func(v Violation) { t.Errorf("%s", v.Text) }))
}

// first reports whether a cycle through these places was not told before.
func first(places []uintptr) bool {
	slices.Sort(places)
	key := fmt.Sprint(places)
	if graph.told == nil {
		graph.told = map[string]bool{}
	}
	was := graph.told[key] || len(graph.told) >= toldMax
	graph.told[key] = true
	return !was
}

// A spot is a place in the source where a lock is taken.
type spot struct {
	function string
	file     string
	line     int
	lock     string // the lock as written there
}

// at finds the source of a return address. The graph is locked.
func at(pc uintptr) spot {
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	s := spot{short(frame.Function), frame.File, frame.Line, ""}
	s.lock = s.written(pc)
	return s
}

func (s spot) String() string { return fmt.Sprintf("%s:%d", filepath.Base(s.file), s.line) }

// short is a function's name without its import path: (*Store).Put.
func short(function string) string {
	function = function[strings.LastIndexByte(function, '/')+1:]
	_, name, ok := strings.Cut(function, ".")
	if !ok {
		return function
	}
	return name
}

func verb(m mode) string {
	if m == shared {
		return "takes (to read) "
	}
	return "takes "
}

// tellRing tells a cycle in the words of penstock check.
func tellRing(ring []*edge) (Violation, bool) {
	var places []uintptr
	for _, e := range ring {
		places = append(places, e.fromPC, e.stack[0])
	}
	if !first(places) {
		return Violation{}, false
	}
	ring = append(ring[1:], ring[0]) // the edge that closed it comes last
	var v Violation
	var orders, waits, stacks []string
	heads := make([]string, len(ring))
	var takes, blocks []cell
	reads := false
	named := spots(ring)
	for i, e := range ring {
		from, to := named[i][0], named[i][1]
		holder := (i+1)%len(ring) + 1
		orders = append(orders, fmt.Sprintf("%s takes %s then %s", to.function, from.lock, to.lock))
		waits = append(waits, fmt.Sprintf("T%d keeps %s until it gets %s, which T%d keeps", i+1, from.lock, to.lock, holder))
		heads[i] = fmt.Sprintf("T%d %s, goroutine %d", i+1, to.function, e.who)
		takes = append(takes, cell{i, fmt.Sprintf("%v %s%s", from, verb(e.fromMode), from.lock)})
		blocks = append(blocks, cell{i, fmt.Sprintf("%v waits for %s, held by T%d", to, to.lock, holder)})
		stacks = append(stacks, fmt.Sprintf("T%d took %s while it held %s:\n%s", i+1, to.lock, from.lock, frames(e.stack)))
		reads = reads || e.toMode == shared && ring[holder-1].fromMode == shared
	}
	v.Message = "deadlock: " + strings.Join(orders, ", ")
	why := []string{"Neither can go on: " + strings.Join(waits, "; ") + "."}
	if len(ring) > 2 {
		why[0] = "None" + strings.TrimPrefix(why[0], "Neither")
	}
	if reads {
		v.Message = "deadlock behind a waiting writer: " + strings.Join(orders, ", ")
		why = append(why, "Readers share a lock, but one that comes behind a waiting writer waits too.")
	}
	why = append(why, "Rule: every thread takes the same locks in the same order.")
	v.Text = v.Message + " [lock-order]\n" + picture(heads, append(takes, blocks...)) + "  " + strings.Join(why, "\n  ") + "\n" + strings.Join(stacks, "")
	return v, true
}

// again tells of a lock that its goroutine has already.
func again(who uint64, h holding, id uint32, pc uintptr, m mode) (Violation, bool) {
	if !first([]uintptr{h.pc, pc}) {
		return Violation{}, false
	}
	stack := make([]uintptr, stackMax)
	stack = stack[:runtime.Callers(5, stack)]
	from, to := at(h.pc), at(pc)
	var v Violation
	rule, why := "double-lock", fmt.Sprintf("The thread waits for %s, and the only one who can give it back is the thread itself.", to.lock)
	v.Message = fmt.Sprintf("deadlock with itself: %s takes %s, which it holds since line %d", to.function, to.lock, from.line)
	if h.mode == shared && m == shared {
		rule, why = "recursive-read", "A waiting writer stops new readers, so that it gets its turn. One that comes now waits for T1's first read to end, and T1 for the writer."
		v.Message = fmt.Sprintf("deadlock behind a waiting writer: %s reads %s again, which it reads since line %d", to.function, to.lock, from.line)
	}
	steps := []cell{{0, fmt.Sprintf("%v %s%s", from, verb(h.mode), from.lock)}, {0, fmt.Sprintf("%v waits for %s, which it holds itself", to, to.lock)}}
	v.Text = fmt.Sprintf("%s [%s]\n%s  %s\nT1 took %s again:\n%s", v.Message, rule,
		picture([]string{fmt.Sprintf("T1 %s, goroutine %d", to.function, who)}, steps), why, to.lock, frames(stack))
	return v, true
}

// A cell is one step of an interleaving in its thread's column.
type cell struct {
	thread int
	text   string
}

// picture is the interleaving, a column for each thread.
func picture(heads []string, steps []cell) string {
	width := 24
	for _, h := range heads {
		width = max(width, utf8.RuneCountInString(h))
	}
	for _, s := range steps {
		width = max(width, utf8.RuneCountInString(s.text))
	}
	var b strings.Builder
	row := func(number string, columns []string) {
		for i, c := range columns {
			columns[i] = c + strings.Repeat(" ", width-utf8.RuneCountInString(c))
		}
		b.WriteString(strings.TrimRight(number+strings.Join(columns, " | "), " ") + "\n")
	}
	row("     ", slices.Clone(heads))
	for i, s := range steps {
		columns := make([]string, len(heads))
		columns[s.thread] = s.text
		row(fmt.Sprintf("  %d  ", i+1), columns)
	}
	return b.String()
}

// frames is a stack as Go prints it.
func frames(stack []uintptr) string {
	var b strings.Builder
	all := runtime.CallersFrames(stack)
	for {
		f, more := all.Next()
		if f.Function != "" {
			fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

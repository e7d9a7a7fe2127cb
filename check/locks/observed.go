package locks

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// Seen is an order that a run of the program has shown: the lock taken at
// Before was held when the one at After was taken.
type Seen struct{ Before, After Spot }

// A Spot is a line of source, as a running program names it.
type Spot struct {
	File string
	Line int
}

// A Tally is how the orders that were seen fit those that were read.
type Tally struct {
	Seen     int // orders between classes of locks that a run has shown
	Added    int // of these, those that the source did not show
	Unplaced int // seen between lines on which no lock is known to be taken
	Read     int // orders that the source shows
	Unseen   int // of these, those that no run has shown
}

// A taking is an operation that takes a lock.
type taking struct {
	op   *ir.Acquire
	fn   *ir.Func
	lock object
}

// join marks the edges that a run has shown, and adds those that were not read.
func (a *analysis) join() {
	a.seen = map[[2]string]bool{}
	var t Tally
	for key := range a.edges {
		if key[0] != key[1] {
			t.Read++
		}
	}
	if len(a.options.Observed) > 0 {
		byLine := a.takings()
		files := newFinder(a.program)
		for _, o := range a.options.Observed {
			before := byLine[files.spot(o.Before)]
			after := byLine[files.spot(o.After)]
			if len(before) == 0 || len(after) == 0 {
				t.Unplaced++
			}
			t.Added += a.show(before, after)
		}
	}
	t.Seen = len(a.seen)
	t.Unseen = t.Read - (t.Seen - t.Added)
	if a.options.Tally != nil {
		*a.options.Tally = t
	}
}

// show marks the edges between what is taken on two lines. When there is none
// and no doubt which locks they are, it adds one.
func (a *analysis) show(before, after []taking) (added int) {
	marked := false
	for _, x := range before {
		for _, y := range after {
			key := [2]string{x.lock.class, y.lock.class}
			if key[0] != key[1] && len(a.edges[key]) > 0 {
				a.seen[key] = true
				marked = true
			}
		}
	}
	if marked || len(before) != 1 || len(after) != 1 || before[0].lock.class == after[0].lock.class {
		return 0
	}
	x, y := before[0], after[0]
	key := [2]string{x.lock.class, y.lock.class}
	a.edges[key] = append(a.edges[key], &edge{
		from: x.lock, to: y.lock, fromMode: x.op.Mode, toMode: y.op.Mode,
		fromAt: site{op: x.op, fn: x.fn}, toAt: site{op: y.op, fn: y.fn}, fn: y.fn,
	})
	a.seen[key] = true
	return 1
}

// shown reports whether a run has shown the edge.
func (a *analysis) shown(e *edge) bool { return a.seen[[2]string{e.from.class, e.to.class}] }

// observed reports whether a run has shown all edges of a cycle.
func (a *analysis) observed(c cycle) bool {
	for _, e := range c.edges {
		if !a.shown(e) {
			return false
		}
	}
	return true
}

// A line is one of a file that was read.
type line struct {
	file *ir.File
	n    int
}

// takings are the operations that take a lock of a known class, by line.
func (a *analysis) takings() map[line][]taking {
	out := map[line][]taking{}
	for _, f := range a.program.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				acq, ok := op.(*ir.Acquire)
				if !ok || !acq.Span.Known() {
					continue
				}
				lock, ok := a.objects.lock(f, acq.Lock, acq.Kind)
				if side, read := readSide(lock); read {
					lock = side
				}
				at := line{acq.Span.File, acq.Span.Line()}
				if ok && lock.class != "" && !takenThere(out[at], lock) {
					out[at] = append(out[at], taking{acq, f, lock})
				}
			}
		}
	}
	return out
}

// takenThere reports whether a class is among those of a line already, as it
// is in each instance of a generic function.
func takenThere(there []taking, lock object) bool {
	for _, t := range there {
		if t.lock.class == lock.class {
			return true
		}
	}
	return false
}

// A finder finds the files that were read by the names that a running
// program has for them.
type finder struct {
	byBase map[string][]*ir.File
	known  map[string]*ir.File
}

func newFinder(p *ir.Program) *finder {
	f := &finder{byBase: map[string][]*ir.File{}, known: map[string]*ir.File{}}
	for _, file := range p.Files {
		name := base(file.Path)
		f.byBase[name] = append(f.byBase[name], file)
	}
	return f
}

// spot is the line that was read, the zero line if none was.
//
// A line that the file does not have is in no file: what was read is another version.
func (f *finder) spot(s Spot) line {
	file := f.file(s.File)
	if file != nil && s.Line > file.Line(len(file.Text)) {
		file = nil
	}
	return line{file, s.Line}
}

// file is the one whose path has the longest end in common with a name: paths
// begin elsewhere on another machine, in a container, or in a trimmed build.
// It is nil when two fit equally well.
func (f *finder) file(name string) *ir.File {
	name = strings.ReplaceAll(name, "\\", "/")
	if found, ok := f.known[name]; ok {
		return found
	}
	var best *ir.File
	longest := 0
	for _, file := range f.byBase[base(name)] {
		switch n := commonEnd(strings.ReplaceAll(file.Abs, "\\", "/"), name); {
		case n > longest:
			best, longest = file, n
		case n == longest:
			best = nil
		}
	}
	f.known[name] = best
	return best
}

// commonEnd counts the last path elements that two paths share.
func commonEnd(x, y string) int {
	n := 0
	for {
		i, j := strings.LastIndexByte(x, '/'), strings.LastIndexByte(y, '/')
		if x[i+1:] != y[j+1:] {
			return n
		}
		n++
		if i < 0 || j < 0 {
			return n
		}
		x, y = x[:i], y[:j]
	}
}

// Package locks finds deadlocks by the order in which locks are taken.
//
//	findings := locks.Analyse(program, locks.Options{})
//	for _, f := range findings {
//		fmt.Println(f.At, f.Message)
//	}
//
// It works bottom up: each function gets a summary of the locks it takes,
// what it holds meanwhile and what it leaves held or given back; a call applies
// the summary of what it calls. Holding A while taking B is an edge A -> B. A cycle
// of edges whose threads can run at once, with no lock common to all of them and
// with modes that conflict, is a deadlock: see Havender's ordering rule
// (Havender 1968) and Linux's lockdep. Taking a lock that the same thread holds
// is one by itself.
package locks

import (
	"cmp"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// The rules of this package, as they are named in output.
const (
	RuleOrder     = "lock-order"      // two threads take the same locks in opposite orders
	RuleDouble    = "double-lock"     // a thread takes a lock that it holds
	RuleReread    = "recursive-read"  // a reader reads again behind a waiting writer
	RuleLeak      = "lock-kept"       // a function returns with a lock that it gives back on its other ways out
	RuleSameClass = "unordered-locks" // two locks of one class, in no fixed order
	RuleWait      = "wait-under-lock" // a thread holds a lock while it waits for one who needs it
)

// Limits on what one analysis keeps. Beyond them it loses findings, never
// invents any.
const (
	statesMax   = 12  // ways through a block
	acquiresMax = 48  // locks in one summary
	exitsMax    = 4   // outcomes of one function
	variantsMax = 6   // sites of one edge
	cycleMax    = 8   // locks in one cycle
	cyclesMax   = 256 // cycles looked at in one component
	rootsMax    = 6   // threads that reach one function
	writersMax  = 8   // places that take one class exclusively
)

// Options chooses what is analysed. The zero value is the whole program.
type Options struct {
	// Menders write fixes, by language; a language without one gets advice.
	Menders map[ir.Language]finding.Mender
	// Observed are orders seen at run time. A cycle of which all were seen is
	// certain, and one that the source did not show is added.
	Observed []Seen
	Tally    *Tally // filled in with how the seen and the read fit, unless nil
}

// An Edge is a lock order by name: Before was held when After was taken.
type Edge struct{ Before, After string }

// An analysis is one run over one program.
type analysis struct {
	program *ir.Program
	options Options
	objects *objects
	sums    map[*ir.Func]*summary
	edges   map[[2]string][]*edge // by class
	doubles map[[2]ir.Op]*edge
	rings   []*edge // a lock and its neighbour's
	sent    map[*ir.Call]*signal
	joins   []*joining
	writers map[string][]writing // class -> where it is taken exclusively
	roots   map[*ir.Func][]*arrival
	leaks   []leak
	handed  map[string]bool       // classes that one function takes and another gives back
	given   map[string]bool       // classes that another thread than the holder gives back
	loose   bool                  // somewhere a lock is given back of which nothing is known
	pairs   map[[2]*ir.Start]bool // started one while the other ran
	looped  map[*ir.Start]bool    // whether its function can come to it again
	seen    map[[2]string]bool    // edges, by class, that a run has shown
	moments *moments              // what is held at the lines of a dump, nil without one
}

// A site is an operation in a function, reached through calls.
type site struct {
	op  ir.Op
	fn  *ir.Func
	via *hop
}

// at is where the operation stands; for one that nobody wrote, as in a method
// value f := mu.Lock, where the innermost written call leads to it.
func (s site) at() ir.Span {
	at := s.op.At()
	if at.Known() {
		return at
	}
	for h := s.via; h != nil; h = h.next {
		if h.call.Span.Known() {
			at = h.call.Span
		}
	}
	return at
}

// A hop is one call on the way to a site, outermost first.
type hop struct {
	call *ir.Call
	from *ir.Func
	next *hop
	sure bool
}

// Analyse returns the deadlocks of a program, worst first, then by place.
func Analyse(p *ir.Program, o Options) []finding.Finding {
	a := run(p, o)
	found := slices.Concat(a.doubleFindings(), a.cycleFindings(), a.leakFindings(), a.classFindings(), a.ringFindings(), a.waitFindings())
	for i := range found {
		settle(&found[i])
	}
	found = slices.DeleteFunc(found, func(f finding.Finding) bool { return !f.At.Known() }) // all of it in code that nobody wrote
	slices.SortStableFunc(found, func(x, y finding.Finding) int {
		return cmp.Or(
			cmp.Compare(y.Level, x.Level),
			cmp.Compare(x.At.File.Path, y.At.File.Path),
			cmp.Compare(x.At.Start, y.At.Start),
		)
	})
	return found
}

// settle gives a finding in code that nobody wrote, as a method value's, the nearest
// place of its story that somebody did.
func settle(f *finding.Finding) {
	for _, s := range f.Steps {
		for _, at := range append([]ir.Span{s.At}, slices.Concat(s.Via, f.Related)...) {
			if !f.At.Known() && at.Known() {
				f.At = at
			}
		}
	}
}

// Edges returns every lock order that the program may follow, by class.
func Edges(p *ir.Program) []Edge {
	var out []Edge
	for key := range run(p, Options{}).edges {
		out = append(out, Edge{key[0], key[1]})
	}
	slices.SortFunc(out, func(x, y Edge) int {
		return cmp.Or(cmp.Compare(x.Before, y.Before), cmp.Compare(x.After, y.After))
	})
	return out
}

func run(p *ir.Program, o Options) *analysis { return runAt(p, o, nil) }

// runAt analyses, and keeps what is held at the lines that m asks for.
func runAt(p *ir.Program, o Options, m *moments) *analysis {
	a := &analysis{
		program: p,
		options: o,
		objects: newObjects(p),
		sums:    map[*ir.Func]*summary{},
		edges:   map[[2]string][]*edge{},
		doubles: map[[2]ir.Op]*edge{},
		sent:    map[*ir.Call]*signal{},
		writers: map[string][]writing{},
		roots:   map[*ir.Func][]*arrival{},
		handed:  map[string]bool{},
		given:   map[string]bool{},
		looped:  map[*ir.Start]bool{},
		pairs:   map[[2]*ir.Start]bool{},
		moments: m,
	}
	a.summarise()
	a.arrive()
	a.join()
	return a
}

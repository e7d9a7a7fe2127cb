package locks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// A leak is a way out of a function with a lock that the function took.
type leak struct {
	held held
	out  ir.Op // the last operation on that way
	fn   *ir.Func
	back map[place]bool // what the function gives back on other ways
}

// leakFindings tells of locks that are kept on one way out and given back on
// another, when nobody else ever gives them back.
func (a *analysis) leakFindings() []finding.Finding {
	slices.SortStableFunc(a.leaks, func(x, y leak) int { return cmp.Compare(x.out.At().Start, y.out.At().Start) })
	var out []finding.Finding
	seen := map[string]bool{}
	for _, l := range a.leaks {
		if !l.fn.Span.Known() || !l.back[l.held.lock.place] || l.held.lock.class == "" || a.handed[l.held.lock.class] || a.given[l.held.lock.class] || len(a.roots[l.fn]) == 0 {
			continue
		}
		if l.held.lock.kind == ir.Semaphore || l.held.lock.root == newRoot && madeIn(l.fn, l.held.lock.name) {
			continue // nobody else knows it
		}
		key := strings.Join([]string{RuleLeak, l.held.lock.class, l.fn.ID}, " ")
		if seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, a.tellLeak(l, key))
	}
	return out
}

// everyWay is how each language gives a lock back on every way out.
var everyWay = map[ir.Language]string{
	ir.Go:     "with defer right behind the place that takes it",
	ir.Python: "take it in a with statement (async with, if it is asyncio's), or release it in finally",
}

func (a *analysis) tellLeak(l leak, key string) finding.Finding {
	name := l.held.lock.label
	n := a.roots[l.fn][0]
	e := &edge{fn: l.fn}
	f := finding.Finding{
		Rule: RuleLeak, Level: finding.Likely, At: l.held.at.at(), Key: key,
		Message: fmt.Sprintf("lock kept: %s takes %s and returns on line %d without giving it back", l.fn.Name, name, l.out.At().Line()),
		Threads: []string{thread(n), "whoever takes it next"},
		Why:     []string{fmt.Sprintf("T1 has returned and nothing in the program gives %s back for it, so the next to take it waits forever.", name)},
		Advice:  []string{fmt.Sprintf("Give %s back on every way out: %s.", name, everyWay[l.held.at.at().File.Lang])},
		Related: []ir.Span{l.out.At()},
	}
	if l.held.lock.guess {
		f.Level = finding.Possible
	}
	f.Steps = []finding.Step{
		a.step(0, n, e, l.held.at, takes(l.held.mode)+name),
		a.step(0, n, e, site{op: l.out, fn: l.fn}, "returns and keeps "+name),
		{Thread: 1, At: l.held.at.at(), Text: "waits for " + name + ", held by T1", Names: []string{l.fn.Name}},
	}
	return f
}

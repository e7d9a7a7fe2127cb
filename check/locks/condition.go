package locks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

// repeated returns the conditions that more than one branch of f asks, or that
// its caller or a callee is asked for too: a flag among the parameters or arguments.
func repeated(f *ir.Func) map[string]bool {
	count := map[string]int{}
	for _, b := range f.Blocks {
		if k, _ := condition(b.If); k != "" {
			count[k]++
		}
		for _, op := range b.Ops {
			switch o := op.(type) {
			case *ir.Acquire:
				if k, _ := condition(o.OK); k != "" && o.Try {
					count[k] += 2
				}
			case *ir.Call:
				for _, arg := range o.Args {
					if k, _ := condition(arg); k != "" {
						count[k]++
					}
				}
			}
		}
	}
	for _, p := range f.Params {
		count[p] += count[p]
	}
	used := map[string]bool{}
	for k, n := range count {
		used[k] = n > 1
	}
	return used
}

// condition names a test, so that the same test twice gives the same name.
// not reports that it is the opposite of what the name says.
func condition(e ir.Expr) (name string, not bool) {
	switch x := e.(type) {
	case *ir.Var:
		return x.Name, false
	case *ir.Global:
		return x.Name, false
	case *ir.Field:
		if base, not := condition(x.X); base != "" && !not {
			return base + "." + x.Name, false
		}
	case *ir.Result:
		return fmt.Sprintf("%p", x.Call), false
	case *ir.Compare:
		l, _ := condition(x.X)
		r, _ := condition(x.Y)
		if c, ok := x.Y.(*ir.Const); ok {
			r = c.Text
		}
		if l != "" && (r != "" || x.Y == nil) {
			return fmt.Sprintf("%s %v %s", l, x.In, r), x.Not
		}
	}
	return "", false
}

// branch returns the state behind one way out of a block, nil when that way
// cannot be taken.
func (w *walk) branch(b *ir.Block, i int, s *state) *state {
	if b.If == nil || len(b.Next) != 2 {
		return s.clone()
	}
	if c, ok := b.If.(*ir.Const); ok {
		truth := c.Text != "" && c.Text != "0" && c.Text != "False" && c.Text != "false" && c.Text != "None"
		if truth != (i == 0) {
			return nil
		}
		return s.clone()
	}
	if w.lockItself(b.If) && i == 1 {
		return nil // `if lock:` holds
	}
	name, not := condition(b.If)
	tried := func(h held) bool { return name != "" && h.ok == name }
	if name == "" || !w.used[name] && !slices.ContainsFunc(s.held, tried) {
		return s.clone()
	}
	holds := (i == 0) != not
	fact, opposite := name, "!"+name
	if !holds {
		fact, opposite = opposite, fact
	}
	if slices.Contains(s.facts, opposite) {
		return nil
	}
	out := s.clone()
	if !slices.Contains(out.facts, fact) {
		out.facts = append(out.facts, fact)
		slices.Sort(out.facts)
	}
	if !holds {
		out.held = slices.DeleteFunc(out.held, tried)
	}
	for i := range out.held {
		if tried(out.held[i]) {
			out.held[i].ok = ""
		}
	}
	return out
}

// never reports whether a function, but no method, which another class may have of its
// own, always ends in another way than by returning.
func (w *walk) never(f *ir.Func) bool {
	if f.Class != "" || len(f.Blocks) == 0 {
		return false
	}
	raises := false
	seen := map[*ir.Block]bool{}
	work := []*ir.Block{f.Blocks[0]}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[b] {
			continue
		}
		seen[b] = true
		if len(b.Next) == 0 && !b.Ends {
			return false
		}
		raises = raises || b.Ends
		work = append(work, b.Next...)
	}
	return raises
}

// flags are the facts of a state that are about the function's own parameters.
func (w *walk) flags(s *state, more []string) []string {
	out := slices.Clone(more)
	for _, f := range s.facts {
		if slices.Contains(w.fn.Params, strings.TrimPrefix(f, "!")) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// asked brings what must be true of a callee's flags into the caller's words;
// false when it cannot be true of this call.
func (w *walk) asked(when []string, callee *ir.Func, o *ir.Call, s *state) (mine []string, may bool) {
	for _, fact := range when {
		name, no := strings.CutPrefix(fact, "!")
		i := slices.Index(callee.Params, name)
		if i < 0 || i >= len(o.Args) || o.Args[i] == nil {
			continue
		}
		if c, ok := o.Args[i].(*ir.Const); ok {
			if strings.EqualFold(c.Text, "true") == no {
				return nil, false
			}
			continue
		}
		same, not := condition(o.Args[i])
		if same == "" {
			continue
		}
		is, opposite := same, "!"+same
		if no != not {
			is, opposite = opposite, is
		}
		if slices.Contains(s.facts, opposite) {
			return nil, false
		}
		if slices.Contains(w.fn.Params, same) {
			mine = append(mine, is)
		}
	}
	return mine, true
}

// lockItself reports whether a condition is a lock, which counts as true.
func (w *walk) lockItself(e ir.Expr) bool {
	switch e.(type) {
	case *ir.Global, *ir.Field:
		lock, ok := w.objects.lock(w.fn, e, ir.NoLock)
		return ok && !lock.guess
	}
	return false
}

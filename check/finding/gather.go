package finding

import (
	"fmt"
	"strings"
)

// waysMax is how many other ways to one fault are named.
const waysMax = 4

// Gather makes one finding of those that are one fault at one place, reached in several
// ways: the surest and shortest, which counts and names the others. It is for people to
// read; a baseline, and the trial of a fix, need each.
func Gather(all []Finding) []Finding {
	type spot struct{ fault, at string }
	groups := map[spot][]Finding{}
	var order []spot
	for i, f := range all {
		s := spot{f.Fault, f.At.String()}
		if f.Fault == "" {
			s.at = fmt.Sprint(i) // alone
		}
		if groups[s] == nil {
			order = append(order, s)
		}
		groups[s] = append(groups[s], f)
	}
	var out []Finding
	for _, s := range order {
		out = append(out, gathered(groups[s]))
	}
	return out
}

func gathered(group []Finding) Finding {
	best := 0
	for i, f := range group {
		if b := group[best]; f.Level > b.Level || f.Level == b.Level && f.length() < b.length() {
			best = i
		}
	}
	f := group[best]
	var ways []string
	for i, other := range group {
		if i == best {
			continue
		}
		f.Related = append(f.Related[:len(f.Related):len(f.Related)], other.Related...)
		if at := other.Steps[0].At; len(ways) < waysMax && at.Known() {
			ways = append(ways, at.String())
		}
	}
	n := len(group) - 1
	if n == 0 {
		return f
	}
	more := ""
	if n > len(ways) {
		more = fmt.Sprintf(" and %d more", n-len(ways))
	}
	noun := "other ways"
	if n == 1 {
		noun = "other way"
	}
	f.Message += fmt.Sprintf(", and in %d %s", n, noun)
	f.Why = append(f.Why[:len(f.Why):len(f.Why)], fmt.Sprintf("The same happens here where it is taken first at %s%s.", strings.Join(ways, ", "), more))
	return f
}

// length is how many calls the story of a finding goes through.
func (f Finding) length() int {
	n := 0
	for _, s := range f.Steps {
		n += len(s.Via)
	}
	return n
}

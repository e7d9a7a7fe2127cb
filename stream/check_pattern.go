package stream

import (
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// A pattern is the keyword pattern, compiled. Most patterns in schemas are a
// few character classes with counts between ^ and $; those are matched without
// the regular expression machine, which costs tens of times as much.
type pattern struct {
	source string
	re     *regexp.Regexp
	runs   []run // nil: re decides
}

// A run is a class of ASCII characters, min to max times; max -1 is no limit.
type run struct {
	class    [256]bool
	min, max int
}

// newPattern compiles what lintSchema has let through.
func newPattern(source string) *pattern {
	return &pattern{source: source, re: regexp.MustCompile(source), runs: runsOf(source)}
}

func (p *pattern) match(text []byte) bool {
	if p.runs == nil {
		return p.re.Match(text)
	}
	for i := range p.runs {
		r := &p.runs[i]
		n := 0
		for n < len(text) && n != r.max && r.class[text[n]] {
			n++
		}
		if n < r.min {
			return false
		}
		text = text[n:]
	}
	return len(text) == 0
}

// runsOf takes a pattern apart into runs, or returns nil when it is not that
// simple. Taking as many characters as fit is right only if no character of a
// run of variable length could have begun what follows it.
func runsOf(source string) []run {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil
	}
	tree = tree.Simplify()
	if tree.Op != syntax.OpConcat || len(tree.Sub) < 3 {
		return nil
	}
	last := len(tree.Sub) - 1
	if tree.Sub[0].Op != syntax.OpBeginText || tree.Sub[last].Op != syntax.OpEndText {
		return nil
	}
	var runs []run
	for _, sub := range tree.Sub[1:last] {
		next, ok := runsOfPart(sub)
		if !ok || len(runs)+len(next) > 64 {
			return nil
		}
		runs = append(runs, next...)
	}
	runs = merge(runs)
	for i := range runs {
		if runs[i].min != runs[i].max && overlapsBehind(runs, i) {
			return nil
		}
	}
	return runs
}

// overlapsBehind reports whether a run that may follow run i, all between them
// being empty, shares a character with it.
func overlapsBehind(runs []run, i int) bool {
	for _, behind := range runs[i+1:] {
		for c := range behind.class {
			if behind.class[c] && runs[i].class[c] {
				return true
			}
		}
		if behind.min > 0 {
			return false
		}
	}
	return false
}

// merge joins neighbouring runs of the same class.
func merge(runs []run) []run {
	var out []run
	for _, r := range runs {
		if n := len(out); n > 0 && out[n-1].class == r.class {
			out[n-1].min += r.min
			if r.max < 0 || out[n-1].max < 0 {
				out[n-1].max = -1
			} else {
				out[n-1].max += r.max
			}
			continue
		}
		out = append(out, r)
	}
	return out
}

func runsOfPart(part *syntax.Regexp) ([]run, bool) {
	switch part.Op {
	case syntax.OpLiteral:
		if part.Flags&syntax.FoldCase != 0 {
			return nil, false
		}
		var runs []run
		for _, r := range part.Rune {
			if r >= utf8.RuneSelf {
				return nil, false
			}
			one := run{min: 1, max: 1}
			one.class[r] = true
			runs = append(runs, one)
		}
		return runs, true
	case syntax.OpCharClass:
		return runOfClass(part.Rune)
	case syntax.OpCapture:
		return runsOfPart(part.Sub[0])
	case syntax.OpConcat:
		var runs []run
		for _, sub := range part.Sub {
			next, ok := runsOfPart(sub)
			if !ok {
				return nil, false
			}
			runs = append(runs, next...)
		}
		return runs, true
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		return repeated(part)
	}
	return nil, false
}

// runOfClass reads a class, which is pairs of the first and last character of
// its ranges.
func runOfClass(ranges []rune) ([]run, bool) {
	one := run{min: 1, max: 1}
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1] >= utf8.RuneSelf {
			return nil, false
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			one.class[r] = true
		}
	}
	return []run{one}, true
}

// repeated reads *, + and ? of one class; counted repeats were written out as
// these by Simplify. (x(x(x)?)?)? is what {0,3} becomes.
func repeated(part *syntax.Regexp) ([]run, bool) {
	if part.Flags&syntax.NonGreedy != 0 {
		return nil, false
	}
	inner, ok := runsOfPart(part.Sub[0])
	if !ok {
		return nil, false
	}
	if inner = merge(inner); len(inner) != 1 || inner[0].min > 1 {
		return nil, false
	}
	r := run{class: inner[0].class, min: 0, max: -1}
	switch part.Op {
	case syntax.OpPlus:
		r.min = inner[0].min
	case syntax.OpQuest:
		r.max = inner[0].max
	}
	return []run{r}, true
}

package check

import (
	"context"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/ir"
)

// readsMax is how often a unit is read again to verify fixes; those that would
// need more are not offered.
const readsMax = 32

// A verifier tries fixes on copies of a unit's files.
type verifier struct {
	unit   unit
	found  []finding.Finding
	before map[string]int // findings by key
	broken int            // places that could not be read before either
	reads  int
}

// A choice is one fix of one finding.
type choice struct{ finding, fix int }

// verify keeps only the fixes that hold: with the edits made in memory, the
// source reads again, the finding is gone and none is new. The first fixes of all
// findings are tried together, which is one more read; if that fails, in halves. Other
// fixes are tried alone.
func verify(ctx context.Context, u unit, found []finding.Finding, broken int) {
	v := &verifier{unit: u, found: found, before: keys(found), broken: broken}
	var first, other []choice
	for i, f := range found {
		for k := range f.Fixes {
			if k == 0 {
				first = append(first, choice{i, k})
			} else {
				other = append(other, choice{i, k})
			}
		}
	}
	holds := map[choice]bool{}
	v.halve(ctx, first, holds)
	for _, c := range other {
		holds[c] = v.holds(ctx, []choice{c})
	}
	for i, f := range found {
		var kept []finding.Fix
		for k, fix := range found[i].Fixes {
			if holds[choice{i, k}] {
				kept = append(kept, fix)
			}
		}
		if found[i].Fixes = kept; len(kept) < len(f.Fixes) {
			found[i].NoFix = "with it the program would not read again, keep the finding or have a new one"
		}
	}
}

// halve marks which of some fixes hold.
func (v *verifier) halve(ctx context.Context, which []choice, holds map[choice]bool) {
	switch {
	case len(which) == 0:
	case v.holds(ctx, which):
		for _, c := range which {
			holds[c] = true
		}
	case len(which) > 1:
		v.halve(ctx, which[:len(which)/2], holds)
		v.halve(ctx, which[len(which)/2:], holds)
	}
}

// holds reports whether some fixes together mend just their findings.
func (v *verifier) holds(ctx context.Context, which []choice) bool {
	var edits []finding.Edit
	for _, c := range which {
		edits = append(edits, v.found[c.finding].Fixes[c.fix].Edits...)
	}
	overlay, err := Mended(edits)
	if err != nil || v.reads == readsMax || ctx.Err() != nil {
		return false
	}
	v.reads++
	r, err := v.unit.read(ctx, overlay)
	if err != nil || len(r.problems) > v.broken {
		return false
	}
	left, _ := analyse(r, nil, nil)
	after := keys(left)
	for _, c := range which {
		key := v.found[c.finding].Key
		if after[key] >= v.before[key] {
			return false
		}
	}
	for key, n := range after {
		if n > v.before[key] {
			return false
		}
	}
	return true
}

func keys(found []finding.Finding) map[string]int {
	m := map[string]int{}
	for _, f := range found {
		m[f.Key]++
	}
	return m
}

// Mended returns the texts, by absolute path, of the files that edits change.
// Equal edits count once.
func Mended(edits []finding.Edit) (map[string][]byte, error) {
	byFile := map[*ir.File][]finding.Edit{}
	seen := map[finding.Edit]bool{}
	for _, e := range edits {
		if !seen[e] {
			seen[e] = true
			byFile[e.Span.File] = append(byFile[e.Span.File], e)
		}
	}
	out := map[string][]byte{}
	for f, es := range byFile {
		text, err := finding.Apply(f.Text, es)
		if err != nil {
			return nil, err
		}
		if f.Lang == ir.Go {
			text = goread.Tidied(f.Text, text)
		}
		out[f.Abs] = text
	}
	return out, nil
}

package check

import (
	"context"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// singleMax is how many fixes are tried one by one when all together do not
// verify.
const singleMax = 24

// verify keeps only the fixes that hold: with the edits made in memory, the
// source reads again, the finding is gone and none is new. First all fixes are
// tried together, which is one more read; only if that fails, each alone.
func verify(ctx context.Context, u unit, found []finding.Finding) {
	before := keys(found)
	var all []int
	for i, f := range found {
		if len(f.Fixes) > 0 {
			all = append(all, i)
		}
	}
	if len(all) == 0 || holds(ctx, u, found, all, before) {
		return
	}
	for n, i := range all {
		if n >= singleMax || !holds(ctx, u, found, []int{i}, before) {
			found[i].Fixes = nil
		}
	}
}

// holds reports whether the first fixes of some findings mend just those.
func holds(ctx context.Context, u unit, found []finding.Finding, which []int, before map[string]int) bool {
	var edits []finding.Edit
	for _, i := range which {
		edits = append(edits, found[i].Fixes[0].Edits...)
	}
	overlay, err := Mended(edits)
	if err != nil {
		return false
	}
	r, err := u.read(ctx, overlay)
	if err != nil || len(r.problems) > 0 {
		return false
	}
	after := keys(analyse(r, nil))
	for _, i := range which {
		if after[found[i].Key] >= before[found[i].Key] {
			return false
		}
	}
	for key, n := range after {
		if n > before[key] {
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
	for _, e := range edits {
		if !slices.Contains(byFile[e.Span.File], e) {
			byFile[e.Span.File] = append(byFile[e.Span.File], e)
		}
	}
	out := map[string][]byte{}
	for f, es := range byFile {
		text, err := finding.Apply(f.Text, es)
		if err != nil {
			return nil, err
		}
		out[f.Abs] = text
	}
	return out, nil
}

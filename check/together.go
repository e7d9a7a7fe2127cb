package check

import (
	"cmp"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// Together gathers fixes that can be made at once. Its zero value has none. It
// takes time in proportion to the edits when they come in their order in the
// source, as a Report's findings do. Each fix must be sound by itself.
type Together struct {
	byFile map[*ir.File][]finding.Edit // in order, apart, each once
}

// Add takes a fix's edits, and reports whether it could: not when one of them
// touches the text of one that is there already, and is another.
func (t *Together) Add(edits []finding.Edit) bool {
	var fresh []finding.Edit
	for _, e := range edits {
		there, free := t.place(e)
		if !free {
			return false
		}
		if !there {
			fresh = append(fresh, e)
		}
	}
	if t.byFile == nil {
		t.byFile = map[*ir.File][]finding.Edit{}
	}
	for _, e := range fresh {
		all := t.byFile[e.Span.File]
		t.byFile[e.Span.File] = slices.Insert(all, after(all, e.Span.Start), e)
	}
	return true
}

// Edits are all edits that were taken.
func (t *Together) Edits() []finding.Edit {
	var all []finding.Edit
	for _, edits := range t.byFile {
		all = append(all, edits...)
	}
	return all
}

// place looks at the edits round an edit's place: whether an equal one is there,
// and whether no other is in the way.
func (t *Together) place(e finding.Edit) (there, free bool) {
	all := t.byFile[e.Span.File]
	at := after(all, e.Span.Start)
	free = at == len(all) || e.Span.End <= all[at].Span.Start
	for at--; at >= 0 && all[at].Span.Start == e.Span.Start; at-- {
		if all[at] == e {
			return true, true
		}
		free = false
	}
	return false, free && (at < 0 || all[at].Span.End <= e.Span.Start)
}

// after is the index of the first edit that starts behind an offset.
func after(all []finding.Edit, offset int) int {
	at, _ := slices.BinarySearchFunc(all, offset+1, func(x finding.Edit, start int) int { return cmp.Compare(x.Span.Start, start) })
	return at
}

package check_test

import (
	"testing"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

func TestTogether(t *testing.T) {
	f, other := &ir.File{Text: make([]byte, 100)}, &ir.File{Text: make([]byte, 100)}
	edit := func(f *ir.File, from, to int, text string) finding.Edit {
		return finding.Edit{Span: ir.Span{File: f, Start: from, End: to}, New: text}
	}
	var all check.Together
	for _, try := range []struct {
		name  string
		edits []finding.Edit
		want  bool
	}{
		{"the first", []finding.Edit{edit(f, 10, 20, "a"), edit(f, 50, 50, "b")}, true},
		{"an equal one and another", []finding.Edit{edit(f, 50, 50, "b"), edit(f, 20, 30, "c")}, true},
		{"one inside", []finding.Edit{edit(f, 60, 61, "d"), edit(f, 12, 12, "d")}, false},
		{"one round", []finding.Edit{edit(f, 5, 70, "d")}, false},
		{"one at the same place", []finding.Edit{edit(f, 50, 50, "d")}, false},
		{"another file", []finding.Edit{edit(other, 12, 12, "e")}, true},
		{"what a refused one had", []finding.Edit{edit(f, 60, 62, "f"), edit(f, 80, 80, "f"), edit(f, 80, 86, "g")}, true},
	} {
		if got := all.Add(try.edits); got != try.want {
			t.Errorf("%s: %v, want %v", try.name, got, try.want)
		}
	}
	if n := len(all.Edits()); n != 7 {
		t.Errorf("%d edits are kept, want 7: %v", n, all.Edits())
	}
	if _, err := check.Mended(all.Edits()); err != nil {
		t.Error(err)
	}
}

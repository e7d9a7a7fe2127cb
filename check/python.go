package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread"
)

// A pythonUnit is all Python files of one check.
type pythonUnit struct {
	dir   string // paths in messages are relative to it
	files []string
}

func (u *pythonUnit) mender() finding.Mender { return pyread.Mender{} }

func (u *pythonUnit) read(_ context.Context, overlay map[string][]byte) (reading, error) {
	var files []*ir.File
	slices.Sort(u.files)
	for _, name := range slices.Compact(u.files) {
		abs, err := filepath.Abs(name)
		if err != nil {
			return reading{}, err
		}
		text, ok := overlay[abs]
		if !ok {
			if text, err = os.ReadFile(name); err != nil {
				return reading{}, fmt.Errorf("read Python: %w", err)
			}
		}
		shown := name
		if rel, err := filepath.Rel(u.dir, name); err == nil {
			shown = rel
		}
		files = append(files, &ir.File{Path: filepath.ToSlash(shown), Abs: abs, Text: text, Lang: ir.Python})
	}
	p := &ir.Program{Files: files}
	out := reading{locks: p, sql: p, files: files}
	for _, problem := range pyread.Read(p, files) {
		out.problems = append(out.problems, Problem{At: problem.At, Text: problem.Text})
	}
	return out, nil
}

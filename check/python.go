package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread"
)

// A pythonUnit is all Python files of one check.
type pythonUnit struct {
	dir    string // paths in messages are relative to it
	driver string // of files that import none
	files  []string
}

func (u *pythonUnit) read(_ context.Context, overlay map[string][]byte) (reading, error) {
	var files []*ir.File
	var left []Problem
	slices.Sort(u.files)
	for _, name := range slices.Compact(u.files) {
		abs, err := filepath.Abs(name)
		if err != nil {
			return reading{}, err
		}
		text, ok := overlay[abs]
		if !ok {
			if text, err = readRegular(name); err != nil {
				left = append(left, Problem{Text: err.Error()})
				continue
			}
		}
		shown := name
		if rel, err := filepath.Rel(u.dir, name); err == nil {
			shown = rel
		}
		files = append(files, &ir.File{Path: filepath.ToSlash(shown), Abs: abs, Text: text, Lang: ir.Python})
	}
	p := &ir.Program{}
	out := reading{locks: p, sql: p, files: files, mender: &pyread.Mender{}, problems: left}
	for _, problem := range (pyread.Options{Driver: u.driver}).Read(p, files) {
		if n := len(out.problems); n > 0 && follows(problem.At, out.problems[n-1].At) {
			continue
		}
		out.problems = append(out.problems, Problem{At: problem.At, Text: problem.Text})
	}
	return out, nil
}

// follows reports whether one problem is likely what another has caused: a
// parenthesis that is never closed is missed on the next line again.
func follows(at, before ir.Span) bool {
	return at.File != nil && at.File == before.File && at.Line()-before.Line() <= 1
}

// readRegular reads a file that has an end.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file of text but %v", name, info.Mode().Type())
	}
	return os.ReadFile(name)
}

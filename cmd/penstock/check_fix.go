package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/report"
)

// wanted reports whether the flags ask for a fix of that tier.
func (c checkFlags) wanted(f finding.Finding) bool {
	return len(f.Fixes) > 0 && (f.Fixes[0].Tier == finding.Safe || c.unsafe)
}

// chosen returns the edits of the wanted fixes that can be made together, and
// the findings that stay.
func (c checkFlags) chosen(found []finding.Finding) (edits []finding.Edit, left []finding.Finding) {
	var all check.Together
	for _, f := range found {
		if !c.wanted(f) || !all.Add(f.Fixes[0].Edits) {
			left = append(left, f)
		}
	}
	return all.Edits(), left
}

// apply writes the wanted fixes to their files, and returns what is left: of
// two fixes that change the same lines, the second waits for the next check.
func (c checkFlags) apply(ctx context.Context, found []finding.Finding) (left []finding.Finding, mended int, err error) {
	edits, left := c.chosen(found)
	mended = len(found) - len(left)
	texts, err := check.Mended(edits)
	if err != nil {
		return nil, 0, err
	}
	names := slices.Sorted(maps.Keys(texts))
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, 0, fmt.Errorf("write the fixes: stopped with %d of %d files mended and the others as they were: %w; check again for the rest", i, len(names), err)
		}
		if err := replace(name, texts[name]); err != nil {
			return nil, 0, fmt.Errorf("write the fixes: %d of %d files are mended: %w", i, len(names), err)
		}
	}
	return left, mended, nil
}

// replace gives a file another text at once: whoever looks, and whatever ends this
// program, finds the old text or the new one.
func replace(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".penstock-fix-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func (c checkFlags) printDiff(w io.Writer, found []finding.Finding) error {
	edits, _ := c.chosen(found)
	files := map[string]*ir.File{}
	for _, e := range edits {
		files[e.Span.File.Abs] = e.Span.File
	}
	texts, err := check.Mended(edits)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := report.Diff(w, files[name], texts[name]); err != nil {
			return err
		}
	}
	return nil
}

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

// wanted reports whether the flags ask for a finding's fix. What is only possible may
// be no fault at all, and a program that works is not rewritten unasked.
func (c checkFlags) wanted(f finding.Finding) bool {
	return len(f.Fixes) > 0 && (f.Fixes[0].Tier == finding.Safe && f.Level.Fails() || c.unsafe)
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

// A mending is what --fix has changed so far. The zero mending is nothing.
type mending struct {
	findings int
	before   map[string]*ir.File // the files that were changed, as they were first, by their paths
	after    map[string][]byte   // and as they are now
}

// roundsMax is how often mended files are checked again: a fix can uncover what
// stood behind it, and of two that change the same lines the second waits.
const roundsMax = 10

// mend writes fixes and checks again, until no wanted fix is left. It returns what
// the last check found.
func (c checkFlags) mend(ctx context.Context, r *check.Report, again func() (*check.Report, error), done *mending) (*check.Report, error) {
	for range roundsMax {
		n, err := c.apply(ctx, r.Findings, done)
		if n == 0 || err != nil {
			return r, err
		}
		if r, err = again(); err != nil {
			return nil, fmt.Errorf("%d findings are mended, and the files could not be checked again: %w", done.findings, err)
		}
	}
	return r, nil
}

// apply writes the wanted fixes that can be made together to their files, and
// tells how many findings they mend.
func (c checkFlags) apply(ctx context.Context, found []finding.Finding, done *mending) (mended int, err error) {
	edits, left := c.chosen(found)
	texts, err := check.Mended(edits)
	if err != nil {
		return 0, err
	}
	files := filesOf(edits)
	names := slices.Sorted(maps.Keys(texts))
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("write the fixes: stopped with %d of %d files mended and the others as they were: %w; check again for the rest", i, len(names), err)
		}
		if err := replace(name, texts[name]); err != nil {
			return 0, fmt.Errorf("write the fixes: %d of %d files are mended: %w", i, len(names), err)
		}
		done.note(files[name], texts[name])
	}
	done.findings += len(found) - len(left)
	return len(found) - len(left), nil
}

func (m *mending) note(f *ir.File, text []byte) {
	if m.before == nil {
		m.before, m.after = map[string]*ir.File{}, map[string][]byte{}
	}
	if m.before[f.Abs] == nil {
		m.before[f.Abs] = f
	}
	m.after[f.Abs] = text
}

// filesOf are the files that edits change, by their paths.
func filesOf(edits []finding.Edit) map[string]*ir.File {
	files := map[string]*ir.File{}
	for _, e := range edits {
		files[e.Span.File.Abs] = e.Span.File
	}
	return files
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

// printDiff shows what was written, or, where nothing was to be, what could be.
func (c checkFlags) printDiff(w io.Writer, found []finding.Finding, done *mending) error {
	files, texts := done.before, done.after
	if !c.fix {
		edits, _ := c.chosen(found)
		files = filesOf(edits)
		var err error
		if texts, err = check.Mended(edits); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := report.Diff(w, files[name], texts[name]); err != nil {
			return err
		}
	}
	return nil
}

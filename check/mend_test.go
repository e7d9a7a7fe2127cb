package check_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checked is what a check of one path finds, with fixes.
func checked(t *testing.T, path string) *check.Report {
	t.Helper()
	r, err := check.Run(context.Background(), check.Options{Paths: []string{path}, Mend: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// edits are those of the first fixes.
func edits(found []finding.Finding) []finding.Edit {
	var out []finding.Edit
	for _, f := range found {
		if len(f.Fixes) > 0 {
			out = append(out, f.Fixes[0].Edits...)
		}
	}
	return out
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run go test -update and read the diff\n%s", name, got)
	}
}

// TestMendGo mends one Go package for each driver, and one of locks. What is
// found and what it becomes are golden files; the mended package compiles, and
// what was mended is not found again.
func TestMendGo(t *testing.T) {
	dirs, err := filepath.Glob("goread/testdata/mend/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(dir, "*.go"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			r := checked(t, dir)
			var text bytes.Buffer
			if err := report.Text(&text, r.Findings, report.Explain); err != nil {
				t.Fatal(err)
			}
			golden(t, files[0]+".found", text.Bytes())
			mended, err := check.Mended(edits(r.Findings))
			if err != nil || len(mended) != 1 {
				t.Fatal(len(mended), err)
			}
			for _, got := range mended {
				golden(t, files[0]+".mended", got)
				again(t, dir, got, r.Findings)
			}
		})
	}
}

// again checks the mended text, in a folder of this module: what has a fix is
// gone, and what has none is all that is left.
func again(t *testing.T, dir string, text []byte, before []finding.Finding) {
	t.Helper()
	into, err := os.MkdirTemp(filepath.Dir(dir), "mended-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(into) })
	if err := os.WriteFile(filepath.Join(into, "m.go"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, f := range before {
		if len(f.Fixes) == 0 {
			left++
		}
	}
	r := checked(t, into)
	if len(r.Findings) != left {
		t.Errorf("%d findings after mending, want the %d without a fix", len(r.Findings), left)
	}
	for _, f := range r.Findings {
		if len(f.Fixes) > 0 {
			t.Errorf("%v has a fix on the second round: %s", f.At, f.Message)
		}
	}
}

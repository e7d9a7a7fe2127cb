package pyread_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
)

// TestLibrary lowers the whole standard library of python3 but its tests, and
// looks for deadlocks in it: nothing panics, and every block goes on to blocks
// of its own function.
func TestLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("reads half a million lines: left out with -short")
	}
	out, err := exec.Command(python(t), "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	var files []*ir.File
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "site-packages" || d.Name() == "dist-packages" || d.Name() == "test" || d.Name() == "tests" || d.Name() == "lib2to3") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".py") && d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(root, path)
			files = append(files, &ir.File{Path: filepath.ToSlash(rel), Text: text, Lang: ir.Python})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &ir.Program{}
	for _, problem := range pyread.Read(p, files) {
		t.Errorf("%s: %s", problem.At, problem.Text)
	}
	for _, f := range p.Funcs {
		own := map[*ir.Block]bool{}
		for _, b := range f.Blocks {
			own[b] = true
		}
		for _, b := range f.Blocks {
			for _, n := range b.Next {
				if !own[n] {
					t.Fatalf("%s goes on to a block of another function", f.ID)
				}
			}
			if b.If != nil && len(b.Next) != 2 {
				t.Fatalf("%s has a choice of %d ways", f.ID, len(b.Next))
			}
		}
	}
	for _, f := range locks.Analyse(p, locks.Options{}) {
		t.Logf("%s: %s: %s", f.At, f.Level, f.Message)
	}
}

// FuzzRead lowers any text: nothing panics, and no span leaves the file.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*/*.py")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p := &ir.Program{}
		pyread.Read(p, []*ir.File{{Path: "m.py", Text: text, Lang: ir.Python}})
		for _, fn := range p.Funcs {
			for _, b := range fn.Blocks {
				for _, op := range b.Ops {
					if at := op.At(); at.Start < 0 || at.End > len(text) || at.Start > at.End {
						t.Fatalf("%T at %d to %d of %d bytes", op, at.Start, at.End, len(text))
					}
				}
			}
		}
	})
}

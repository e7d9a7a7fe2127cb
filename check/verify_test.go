package check

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
)

// TestVerifyEachFix offers three fixes for one finding: one that does not
// parse, one that leaves the finding, and one that mends it. Only the last is kept.
func TestVerifyEachFix(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.py")
	const text = "import sqlite3\nimport sys\n\ncur = sqlite3.connect(':memory:').cursor()\ncur.execute('SELECT ' + sys.argv[1])\n"
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	u := &pythonUnit{dir: filepath.Dir(name), files: []string{name}}
	r, err := u.read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := analyse(r, nil, nil)
	if len(found) != 1 {
		t.Fatal(found)
	}
	for _, change := range []string{"cur.execute(", "cur.execute('SELECT a' + sys.argv[1])", "cur.execute('SELECT 1')"} {
		found[0].Fixes = append(found[0].Fixes, finding.Fix{Title: change, Edits: []finding.Edit{{Span: found[0].At, New: change}}})
	}
	verify(context.Background(), u, found, 0)
	if n := len(found[0].Fixes); n != 1 || found[0].Fixes[0].Title != "cur.execute('SELECT 1')" {
		t.Errorf("%d fixes are kept, want the one that mends: %+v", n, found[0].Fixes)
	}
}

// TestVerifyHalves lets one of four findings have a fix that does not hold: the
// other three keep theirs.
func TestVerifyHalves(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.py")
	text := "import sqlite3\nimport sys\n\ncur = sqlite3.connect(':memory:').cursor()\n"
	for range 4 {
		text += "cur.execute('SELECT ' + sys.argv[1])\n"
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	u := &pythonUnit{dir: filepath.Dir(name), files: []string{name}}
	r, err := u.read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := analyse(r, nil, nil)
	if len(found) != 4 {
		t.Fatal(found)
	}
	for i := range found {
		change := "cur.execute('SELECT 1')"
		if i == 2 {
			change = "cur.execute("
		}
		found[i].Fixes = []finding.Fix{{Edits: []finding.Edit{{Span: found[i].At, New: change}}}}
	}
	verify(context.Background(), u, found, 0)
	for i, f := range found {
		if kept := len(f.Fixes) == 1; kept != (i != 2) {
			t.Errorf("finding %d keeps its fix: %v", i, kept)
		}
	}
}

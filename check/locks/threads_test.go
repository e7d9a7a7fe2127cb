package locks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrograms: each program of testdata/programs was run: those that are named D_ hang,
// those that are named C_ end. Just the first make a check fail.
func TestPrograms(t *testing.T) {
	files, err := filepath.Glob("testdata/programs/*.py")
	if err != nil || len(files) == 0 {
		t.Fatal("no programs: ", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		hangs := strings.HasPrefix(filepath.Base(name), "D_")
		if found := failing(t, string(text)); (len(found) > 0) != hangs {
			t.Errorf("%s: hangs is %v, found %q", name, hangs, found)
		}
	}
}

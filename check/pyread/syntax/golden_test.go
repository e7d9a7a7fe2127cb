package syntax_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrees compares the files of testdata/py, which hold what the python3 of
// a machine may be too old for, with the trees that CPython 3.14.2 made of
// them: testdata/dump.py under that version wrote the .ast files.
func TestTrees(t *testing.T) {
	files, err := filepath.Glob("testdata/py/*.ast")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		same(t, strings.TrimSuffix(name, ".ast")+".py", want, true)
	}
}

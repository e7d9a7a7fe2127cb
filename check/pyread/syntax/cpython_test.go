package syntax_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// python finds python3, or ends the test: with a reason on a machine without
// it, as a failure where CI promises one.
func python(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is not on PATH: CI compares this reader with CPython's, install it")
		}
		t.Skip("SKIP: python3 is not on PATH; install it to compare this reader with CPython's")
	}
	return path
}

// library lists the Python files of the standard library of python3.
func library(t testing.TB) []string {
	t.Helper()
	out, err := exec.Command(python(t), "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))").Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(strings.TrimSpace(string(out)), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "site-packages" || d.Name() == "dist-packages") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".py") && d.Type().IsRegular() {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// every is how many files of the library are passed over for each one that
// is compared. PENSTOCK_PYTHON=all compares them all (make check-python).
func every() int {
	if os.Getenv("PENSTOCK_PYTHON") == "all" {
		return 1
	}
	return 12
}

// TestCPython compares trees with those of python3's ast, node by node: kinds,
// operators, names, string values and exact positions. What CPython reads must
// be read without an error. Not every text that it refuses is refused here:
// rules that need more than the grammar, as "return" outside a function, are
// not this reader's.
func TestCPython(t *testing.T) {
	var files []string
	for i, name := range library(t) {
		if i%every() == 0 {
			files = append(files, name)
		}
	}
	own, err := filepath.Glob("testdata/py/*.py")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, append(files, own...))
}

func compare(t *testing.T, files []string) {
	t.Helper()
	cmd := exec.Command(python(t), "testdata/dump.py")
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n") + "\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	trees := bytes.Split(out, []byte("\n= "))
	var major, minor int
	if _, err := fmt.Sscanf(string(trees[0]), "version %d %d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	if len(trees)-1 != len(files) {
		t.Fatalf("python3 wrote %d trees for %d files", len(trees)-1, len(files))
	}
	refused := 0
	for i, tree := range trees[1:] {
		if bytes.Contains(tree, []byte("\n! ")) {
			refused++
		}
		if !same(t, files[i], tree, minor >= 12) && t.Failed() && os.Getenv("PENSTOCK_PYTHON") == "" {
			return
		}
	}
	t.Logf("CPython %d.%d: %d files compared, %d of them refused by it", major, minor, len(files), refused)
}

var positions = regexp.MustCompile(`(\d+):\d+-(\d+):\d+`)

// same compares one file with CPython's tree of it.
func same(t *testing.T, name string, want []byte, exact bool) bool {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file := syntax.Parse(name, text)
	scan := bufio.NewScanner(bytes.NewReader(want))
	scan.Buffer(nil, 1<<20)
	scan.Scan()
	encoded := !strings.Contains(scan.Text(), " utf-8") // or utf-8-sig
	got := dump(file, exact)
	i := 0
	for ; scan.Scan(); i++ {
		line := scan.Text()
		if strings.HasPrefix(line, "! ") {
			return true
		}
		if len(file.Errors) > 0 {
			at, _ := file.Position(file.Errors[0].Start)
			t.Errorf("%s:%d: %s, but CPython reads it", name, at, file.Errors[0].Message)
			return false
		}
		if i >= len(got) {
			t.Errorf("%s: the tree ends before CPython's %q", name, line)
			return false
		}
		if !equal(got[i], line, encoded) {
			t.Errorf("%s: node %d is %q, CPython's is %q", name, i, got[i], line)
			return false
		}
	}
	if i != len(got) {
		t.Errorf("%s: the tree has %d nodes, CPython's %d", name, len(got), i)
	}
	return i == len(got)
}

func equal(got, want string, encoded bool) bool {
	if before, ok := strings.CutSuffix(got, " *"); ok {
		return strings.HasPrefix(want, before)
	}
	if encoded { // CPython's columns are those of the text in UTF-8
		got, want = positions.ReplaceAllString(got, "$1-$2"), positions.ReplaceAllString(want, "$1-$2")
		return strings.Split(got+" ", " ")[1] == strings.Split(want+" ", " ")[1]
	}
	return got == want
}

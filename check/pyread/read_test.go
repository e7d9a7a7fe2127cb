package pyread_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file, or writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; with -update it would become:\n%s", name, got)
	}
}

func read(t *testing.T, names ...string) *ir.Program {
	t.Helper()
	var files []*ir.File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, &ir.File{Path: filepath.Base(name), Text: text, Lang: ir.Python})
	}
	p := &ir.Program{}
	for _, problem := range pyread.Read(p, files) {
		t.Errorf("%s: %s", problem.At, problem.Text)
	}
	return p
}

// TestLower shows what each file of testdata/lower becomes.
func TestLower(t *testing.T) {
	files, err := filepath.Glob("testdata/lower/*.py")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			golden(t, strings.TrimSuffix(name, ".py")+".ir", text(read(t, name)))
		})
	}
}

// TestPackages resolves names across modules: relative imports, a name that a
// package passes on, a class of another module.
func TestPackages(t *testing.T) {
	sources := map[string]string{
		"shop/__init__.py": "from .store import Store\nfrom . import locks\n",
		"shop/locks.py":    "import threading\nfirst = threading.Lock()\n",
		"shop/store.py":    "from .locks import first\nclass Store:\n    def put(self):\n        with first: pass\n",
		"main.py":          "import shop\nfrom shop.locks import first as mine\ndef run(s: 'shop.Store'):\n    with mine:\n        s.put()\n",
	}
	var files []*ir.File
	for _, path := range []string{"shop/__init__.py", "shop/locks.py", "shop/store.py", "main.py"} {
		files = append(files, &ir.File{Path: path, Text: []byte(sources[path]), Lang: ir.Python})
	}
	p := &ir.Program{}
	if problems := pyread.Read(p, files); problems != nil {
		t.Fatal(problems)
	}
	got := text(p)
	for _, want := range []string{
		"func shop.store.Store.put(self) api\n  0:\n    acquire @shop.locks.first\n",
		"    acquire @shop.locks.first\n    call s.put -> shop.store.Store.put (s)\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestAllow: a comment with a reason clears its line, or the next one.
func TestAllow(t *testing.T) {
	f := &ir.File{Path: "m.py", Lang: ir.Python, Text: []byte("x = 1  # penstock: allow one writer only\n# penstock:allow tested\ny = 2\nz = 3  # penstock: allow\n")}
	pyread.Read(&ir.Program{}, []*ir.File{f})
	if len(f.Clean) != 3 || f.Clean[1] != "one writer only" || f.Clean[2] != "tested" || f.Clean[3] != "tested" {
		t.Errorf("cleared lines: %v", f.Clean)
	}
}

// TestProblems: a statement that does not parse is reported, and the rest read.
func TestProblems(t *testing.T) {
	p := &ir.Program{}
	problems := pyread.Read(p, []*ir.File{{Path: "m.py", Lang: ir.Python, Text: []byte("print 'x'\ndef f(): pass\n")}})
	if len(problems) != 1 || problems[0].At.String() != "m.py:1:7" || !strings.Contains(text(p), "func m.f()") {
		t.Errorf("problems %v in\n%s", problems, text(p))
	}
}

// TestChainOnce: each call of a chain is lowered once. That it was twice, and its
// receiver thrice, made x.f().f()... take 3^n steps.
func TestChainOnce(t *testing.T) {
	const links = 12
	p := &ir.Program{}
	text := "def f(x):\n    return x" + strings.Repeat(".filter(x)", links) + "\n"
	if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
		t.Fatal(problems)
	}
	calls := 0
	for _, f := range p.Funcs {
		for _, b := range f.Blocks {
			for _, op := range b.Ops {
				if _, ok := op.(*ir.Call); ok {
					calls++
				}
			}
		}
	}
	if calls != links {
		t.Errorf("a chain of %d calls is lowered to %d", links, calls)
	}
}

package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
)

const (
	pyHead = "import threading, contextlib\nA = threading.Lock()\nB = threading.Lock()\nC = threading.Lock()\nok = []\ndef note(n): ok.append(n)\n"
	pyTail = "def g():\n    with B:\n        with A: note(2)\ndef h():\n    with B:\n        with A: note(3)\nfor t in (f, g, h):\n    threading.Thread(target=t).start()\n"
	goHead = "package main\n\nimport \"sync\"\n\ntype node struct {\n\tsync.Mutex\n\tnext *node\n}\n\nvar A, B, C node\nvar n int\n\n"
	goTail = "\nfunc g() {\n\tB.Lock()\n\tA.Lock()\n\tn++\n\tA.Unlock()\n\tB.Unlock()\n}\n\nfunc h() {\n\tB.Lock()\n\tA.Lock()\n\tn--\n\tA.Unlock()\n\tB.Unlock()\n}\n\nfunc main() {\n\tvar wg sync.WaitGroup\n\twg.Go(f)\n\twg.Go(g)\n\twg.Go(h)\n\twg.Wait()\n}\n"
)

// TestWrongSwaps: where the other order would change what a program does, or make a new
// deadlock, no fix is offered. The last ones are twins that are mended. Mending ends in
// every case.
func TestWrongSwaps(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int // fixes of the first round; -1: none, and it may not be found
	}{
		"early return.py":     {pyHead + "def f():\n    A.acquire()\n    if not ok:\n        A.release()\n        return\n    B.acquire()\n    note(1)\n    B.release()\n    A.release()\n" + pyTail, 0},
		"more on the line.py": {pyHead + "def f():\n    A.acquire()\n    note(0)\n    B.acquire(); note(1)\n    B.release()\n    A.release()\n" + pyTail, 0},
		"join between.py":     {pyHead + "def f():\n    with A:\n        t = threading.Thread(target=k)\n        t.start()\n        t.join()\n        with B: note(1)\ndef k():\n    with B: note(4)\n" + pyTail, 0},
		"third lock.py":       {pyHead + "def f():\n    with A:\n        with C: note(0)\n        with B: note(1)\ndef k():\n    with C:\n        with B: note(4)\nthreading.Thread(target=k).start()\n" + pyTail, 0},
		"named between.py":    {pyHead + "def f():\n    A.acquire()\n    b = B\n    b.acquire()\n    note(1)\n    b.release()\n    A.release()\n" + pyTail, 0},
		"field between.py":    {pyHead + "class Owner:\n    def __init__(self):\n        self.cur = B\n    def f(self):\n        with A:\n            self.cur = B\n            with self.cur: note(1)\no = Owner()\nf = o.f\n" + pyTail, -1},
		"stack, named.py":     {pyHead + "def f():\n    with contextlib.ExitStack() as s:\n        s.enter_context(A)\n        b = B\n        s.enter_context(b)\n        note(1)\n" + pyTail, 0},
		"early return.go":     {goHead + "func f() {\n\tA.Lock()\n\tif n == 0 {\n\t\tA.Unlock()\n\t\treturn\n\t}\n\tB.Lock()\n\tn++\n\tB.Unlock()\n\tA.Unlock()\n}\n" + goTail, 0},
		"more on the line.go": {goHead + "func f() {\n\tA.Lock()\n\tn++\n\tB.Lock(); n++\n\tB.Unlock()\n\tA.Unlock()\n}\n" + goTail, 0},
		"named between.go":    {goHead + "func f() {\n\tA.Lock()\n\tb := &B\n\tb.Lock()\n\tn++\n\tb.Unlock()\n\tA.Unlock()\n}\n" + goTail, 0},
		"third lock.go":       {goHead + "func f() {\n\tA.Lock()\n\tC.Lock()\n\tn++\n\tC.Unlock()\n\tB.Lock()\n\tn++\n\tB.Unlock()\n\tA.Unlock()\n}\n\nfunc k() {\n\tC.Lock()\n\tB.Lock()\n\tn++\n\tB.Unlock()\n\tC.Unlock()\n}\n\nfunc init() { go k() }\n" + goTail, 0},
		"another between.go":  {goHead + "var cur = &A\n\nfunc f() {\n\tA.Lock()\n\tcur = &B\n\tcur.Lock()\n\tn++\n\tcur.Unlock()\n\tA.Unlock()\n}\n" + goTail, -1},
		"guarded field.go":    {goHead + "func (x *node) both() {\n\tx.Lock()\n\tx.next.Lock()\n\tn++\n\tx.next.Unlock()\n\tx.Unlock()\n}\n\nfunc f() {\n\tA.Lock()\n\tA.next = &C\n\tA.next = &B\n\tA.Unlock()\n\tA.both()\n}\n" + goTail, -1},
		"twin, calls.py":      {pyHead + "def f():\n    A.acquire()\n    note(0)\n    B.acquire()\n    note(1)\n    B.release()\n    A.release()\n" + pyTail, 1},
		"twin, stack.py":      {pyHead + "def f():\n    with contextlib.ExitStack() as s:\n        s.enter_context(A)\n        s.enter_context(B)\n        note(1)\n" + pyTail, 1},
		"twin, with.py":       {pyHead + "def f():\n    with A:\n        with B: note(1)\n" + pyTail, 1},
		"twin, statements.go": {goHead + "func f() {\n\tA.Lock()\n\tn++\n\tB.Lock()\n\tn++\n\tB.Unlock()\n\tA.Unlock()\n}\n" + goTail, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "m"+filepath.Ext(name))
			if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.25\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			text := []byte(c.text)
			for round := range 4 {
				if err := os.WriteFile(file, text, 0o644); err != nil {
					t.Fatal(err)
				}
				found := checked(t, dir).Findings
				if round == 0 && (len(found) == 0 && c.want >= 0 || count(found) != max(c.want, 0)) {
					t.Fatalf("%d fixes, want %d: %s", count(found), c.want, tell(found))
				}
				if count(found) == 0 {
					if c.want > 0 && len(found) > 0 {
						t.Errorf("mended, it still has %s\n%s", tell(found), text)
					}
					return
				}
				mended, err := check.Mended(edits(found))
				if err != nil || len(mended) != 1 {
					t.Fatal(len(mended), err)
				}
				for _, m := range mended {
					text = m
				}
			}
			t.Errorf("mending does not end:\n%s", text)
		})
	}
}

func count(found []finding.Finding) (n int) {
	for _, f := range found {
		n += len(f.Fixes)
	}
	return n
}

func tell(found []finding.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%v %s: %s; ", f.Level, f.Rule, f.Message)
		for _, x := range f.Fixes {
			fmt.Fprintf(&b, "%v %q ", x.Tier, x.Edits)
		}
	}
	return b.String()
}

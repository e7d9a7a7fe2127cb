package pyread_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
)

// python finds python3; where there is none the test says so.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is not on PATH: CI runs the mended programs, install it")
		}
		t.Skip("SKIP: python3 is not on PATH; install it to run the mended programs")
	}
	return path
}

// mended applies the first fix of the first finding of a file.
func mended(t *testing.T, name string) (string, finding.Fix) {
	t.Helper()
	p := read(t, name)
	found := locks.Analyse(p, locks.Options{Menders: map[ir.Language]finding.Mender{ir.Python: &pyread.Mender{}}})
	if len(found) != 1 || len(found[0].Fixes) == 0 {
		t.Fatalf("%s: findings %+v, want one with a fix", name, found)
	}
	fix := found[0].Fixes[0]
	out, err := finding.Apply(p.Files[0].Text, fix.Edits)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), fix
}

// TestReorder mends each file of testdata/mend, and looks again.
func TestReorder(t *testing.T) {
	files, err := filepath.Glob("testdata/mend/*.py")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, fix := mended(t, name)
			safe := fix.Tier == finding.Safe
			if want := strings.HasPrefix(filepath.Base(name), "swap"); safe != want {
				t.Errorf("safe is %v: %s", safe, fix.Note)
			}
			golden(t, name+".mended", text)
			p := &ir.Program{}
			if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
				t.Error("the mended file does not parse: ", problems)
			}
			if again := locks.Analyse(p, locks.Options{}); len(again) > 0 {
				t.Errorf("the mended file still has %q", again[0].Message)
			}
		})
	}
}

// TestMendedThreads runs the mended program: two threads take both locks many
// times, and both come to an end. Unmended, the same run stands still.
func TestMendedThreads(t *testing.T) {
	exe := python(t)
	text, _ := mended(t, "testdata/mend/two_threads.py")
	text = strings.Replace(text, "def do_work(): pass", "import time\ndef do_work(): time.sleep(0.001)", 1)
	text = strings.Replace(text, "def do_other_work(): pass", "def do_other_work(): time.sleep(0.001)", 1)
	text = strings.ReplaceAll(text, "target=task1", "target=lambda: [task1() for _ in range(200)]")
	text = strings.ReplaceAll(text, "target=task2", "target=lambda: [task2() for _ in range(200)]")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-c", text+"    print('both threads are done')\n")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "both threads are done\n" {
		t.Errorf("the mended program: %v\n%s", err, out)
	}
}

// TestReorderGuarded: a swap that looks a lock up outside of the lock that may guard
// where it is kept is not safe; with nothing that replaces it, it is.
func TestReorderGuarded(t *testing.T) {
	const text = `import threading
A = threading.Lock()
class Owner:
    def __init__(self):
        self.lock = threading.Lock()
cur = Owner()
def swap():
    GLOBAL
    with A:
        cur = Owner()
def f():
    TAKE
def g():
    with cur.lock:
        with A:
            print(1)
def h():
    with cur.lock:
        with A:
            print(2)
for t in (f, g, h, swap):
    threading.Thread(target=t).start()
`
	for _, take := range []string{
		"with A:\n        with cur.lock:\n            print(0)", "with A, cur.lock:\n        print(0)",
		"A.acquire()\n    cur.lock.acquire()\n    print(0)\n    cur.lock.release()\n    A.release()",
	} {
		for global, want := range map[string]finding.Tier{"global cur": finding.Unsafe, "pass": finding.Safe} {
			p := &ir.Program{}
			mended := strings.NewReplacer("GLOBAL", global, "TAKE", take).Replace(text)
			if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(mended), Lang: ir.Python}}); problems != nil {
				t.Fatal(problems)
			}
			found := locks.Analyse(p, locks.Options{Menders: map[ir.Language]finding.Mender{ir.Python: &pyread.Mender{}}})
			if len(found) != 1 || len(found[0].Fixes) != 1 || found[0].Fixes[0].Tier != want {
				t.Errorf("%s, %s: %+v, want a fix of tier %d", take, global, found, want)
			}
		}
	}
}

// TestReorderOverWait: no lock is held over another's wait for the sake of an order;
// whoever is to end the wait may need it.
func TestReorderOverWait(t *testing.T) {
	const text = `import threading
A = threading.Condition()
B = threading.Lock()
ended = threading.Event()
ready = []
def sleep():
    A.wait()
def f():
    with B:
        with A:
            ready.append(1)
            A.notify()
def f2():
    with B:
        with A:
            ready.append(2)
            A.notify()
def g():
    BODY
for t in (f, f2, g):
    threading.Thread(target=t).start()
`
	for body, want := range map[string]int{
		"with A:\n        while not ready:\n            A.wait()\n        with B:\n            print(1)":                            0,
		"with A:\n        while not ready:\n            sleep()\n        with B:\n            print(1)":                             0,
		"with A:\n        with B:\n            print(1)\n        A.wait()":                                                          0,
		"with A:\n        ended.wait()\n        with B:\n            print(1)":                                                      0,
		"A.acquire()\n    A.wait()\n    B.acquire()\n    print(1)\n    B.release()\n    A.release()":                                0,
		"with A:\n        print(ready)\n        with B:\n            print(1)":                                                      1,
		"A.acquire()\n    print(1)\n    B.acquire()\n    print(1)\n    B.release()\n    A.release()\n    with A:\n        A.wait()": 1,
	} {
		p := &ir.Program{}
		if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(strings.Replace(text, "BODY", body, 1)), Lang: ir.Python}}); problems != nil {
			t.Fatal(problems)
		}
		found := locks.Analyse(p, locks.Options{Menders: map[ir.Language]finding.Mender{ir.Python: &pyread.Mender{}}})
		if len(found) != 1 || len(found[0].Fixes) != want {
			t.Errorf("%s: %+v, want %d fixes", body, found, want)
			continue
		}
		if advice := strings.Join(found[0].Advice, " "); want == 0 && !strings.Contains(advice, "under which it waits") {
			t.Errorf("%s: advice %q does not tell of the wait", body, advice)
		}
	}
}

package locks_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/dump"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
)

// TestDiagnose: who waits for whom, from a py-spy dump of small Python programs.
func TestDiagnose(t *testing.T) {
	for _, c := range []struct{ name, source, threads, want string }{
		{"two of one class", `import threading
class Account:
    def __init__(self): self.lock = threading.Lock()
def transfer(x, y):
    with x.lock:
        with y.lock: pass
`, "transfer:6 transfer:6", "likely unordered-locks deadlocked: A holds x.lock and waits for y.lock, B holds x.lock and waits for y.lock"},
		{"itself", `import threading
lock = threading.Lock()
def inner():
    with lock: pass
def outer():
    with lock:
        inner()
`, "inner:4,outer:7", "certain double-lock deadlocked with itself: A waits for lock, which it holds"},
		{"its own, which may be", `import threading
lock = threading.RLock()
def inner():
    with lock: pass
def outer():
    with lock:
        inner()
`, "inner:4,outer:7", "note lock-order A waits for lock, and no thread in the dump is seen to hold it"},
		{"one that waits for something else", `import threading, time
lock = threading.Lock()
def slow():
    with lock:
        time.sleep(9)
def other():
    with lock: pass
`, "slow:5 other:7", "note lock-order B waits for lock, held by A"},
		{"three in a ring", `import threading
a, b, c = threading.Lock(), threading.Lock(), threading.Lock()
def f():
    with a:
        with b: pass
def g():
    with b:
        with c: pass
def h():
    with c:
        with a: pass
`, "f:5 g:8 h:11", "certain lock-order deadlocked: A holds a and waits for b, B holds b and waits for c, C holds c and waits for a"},
		{"several on one line", `import threading
a, b = threading.Lock(), threading.Lock()
def one():
    with a:
        b.acquire(); b.release()
def two():
    b.acquire(); a.acquire(); a.release(); b.release()
`, "one:5 two:7", "likely lock-order deadlocked: A holds a and waits for b, B holds b and waits for a"},
		{"perhaps something else on the line", `import threading, socket
a, b, conn = threading.Lock(), threading.Lock(), socket.socket()
def one():
    with a:
        conn.recv(1); b.acquire(); b.release()
def two():
    with b:
        with a: pass
`, "one:5 two:8", "likely lock-order deadlocked: A holds a and waits for b, B holds b and waits for a"},
		{"perhaps without the first", `import threading
a, b = threading.Lock(), threading.Lock()
def one(x):
    if x: a.acquire()
    b.acquire()
def two():
    with b:
        with a: pass
`, "one:5 two:8", "likely lock-order deadlocked: A holds a and waits for b, B holds b and waits for a"},
		{"called before the lock is taken", `import threading
a, b = threading.Lock(), threading.Lock()
def inner():
    with b: pass
def one():
    inner(); a.acquire(); b.acquire()
`, "inner:4,one:6", "note lock-order A waits for b, and no thread in the dump is seen to hold it"},
	} {
		p := &ir.Program{}
		if problems := pyread.Read(p, []*ir.File{{Path: "case.py", Abs: "/src/case.py", Text: []byte(c.source), Lang: ir.Python}}); len(problems) > 0 {
			t.Fatal(problems)
		}
		var text strings.Builder
		for i, th := range strings.Fields(c.threads) {
			text.WriteString("Thread 1 (idle): \"" + string(rune('A'+i)) + "\"\n")
			for frame := range strings.SplitSeq(th, ",") {
				name, line, _ := strings.Cut(frame, ":")
				text.WriteString("    " + name + " (case.py:" + line + ")\n")
			}
		}
		threads, err := dump.Read(strings.NewReader(text.String()))
		if err != nil {
			t.Fatal(err)
		}
		found, known := locks.Diagnose(p, threads)
		if known != len(threads) || len(found) != 1 {
			t.Errorf("%s: %d threads known, %d findings", c.name, known, len(found))
			continue
		}
		if got := found[0].Level.String() + " " + found[0].Rule + " " + found[0].Message; got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestDiagnoseGo: what is held while a goroutine waits for a channel, where
// nothing that was read is called.
func TestDiagnoseGo(t *testing.T) {
	const source = `package main

import "sync"

var mu sync.RWMutex

func slow(c chan int) {
	mu.RLock()
	defer mu.RUnlock()
	<-c
}

func before(c chan int) {
	mu.Lock()
	mu.Unlock()
	<-c
}

func other() {
	mu.Lock()
	mu.Unlock()
}

func main() {
	go slow(nil)
	go before(nil)
	other()
}
`
	const text = `goroutine 1 [sync.RWMutex.Lock]:
sync.(*RWMutex).Lock(0x1)
	/go/src/sync/rwmutex.go:155 +0x6b
main.other()
	/src/main.go:20 +0x1
main.main()
	/src/main.go:27 +0x1

goroutine 5 [chan receive (nil chan)]:
main.before(0x0)
	/src/main.go:16 +0x1
created by main.main in goroutine 1
	/src/main.go:26 +0x1

goroutine 6 [chan receive (nil chan)]:
main.slow(0x0)
	/src/main.go:10 +0x1
created by main.main in goroutine 1
	/src/main.go:25 +0x1
`
	found, known := diagnoseGo(t, source, text)
	if known != 3 || len(found) != 1 || found[0].Message != "goroutine 1 waits for mu, held by goroutine 6" {
		t.Errorf("%d threads known: %+v", known, found)
	}
}

// TestDiagnoseLine: of several locks that are taken on one line an address tells for which
// a goroutine waits, if the dump has it; two locks of one class are two.
func TestDiagnoseLine(t *testing.T) {
	const source = `package main

import "sync"

type A struct{ mu sync.Mutex }

var a, b A

func one() { a.mu.Lock(); b.mu.Lock(); b.mu.Unlock(); a.mu.Unlock() }

func two() {
	b.mu.Lock()
	a.mu.Lock()
}

func main() {
	go one()
	two()
}
`
	thread := func(n, function, line, args string) string {
		return "goroutine " + n + " [sync.Mutex.Lock]:\ninternal/sync.(*Mutex).lockSlow(" + args + ")\n\t/go/src/internal/sync/mutex.go:149 +0x15d\n" +
			"sync.(*Mutex).Lock(...)\n\t/go/src/sync/mutex.go:46\nmain." + function + "()\n\t/src/main.go:" + line + " +0x1\n\n"
	}
	const circle = "deadlocked: goroutine 4 holds a.mu and waits for b.mu, goroutine 5 holds b.mu and waits for a.mu"
	for _, c := range []struct{ text, want string }{
		{thread("4", "one", "9", "0x6101e8") + thread("5", "two", "13", "0x6101e0"), "certain " + circle},
		{thread("4", "one", "9", "0x6101e8?") + thread("5", "two", "13", "..."), "likely " + circle},
		{thread("4", "one", "9", "0x6101e0") + thread("5", "two", "13", "0x6101e0"), "note goroutine 4 waits for a.mu, and no thread in the dump is seen to hold it"},
		{thread("5", "two", "13", "0x6101e0"), "note goroutine 5 waits for a.mu, and no thread in the dump is seen to hold it"},
		{thread("4", "one", "9", "0x6101e0"), "note goroutine 4 waits for a.mu or b.mu, and no thread in the dump is seen to hold it"},
	} {
		found, _ := diagnoseGo(t, source, c.text)
		if len(found) == 0 || found[0].Level.String()+" "+found[0].Message != c.want {
			t.Errorf("want %s, got %+v of\n%s", c.want, found, c.text)
		}
	}
}

// diagnoseGo diagnoses a dump of a program of one file.
func diagnoseGo(t *testing.T, source, text string) ([]finding.Finding, int) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := goread.Load(context.Background(), goread.Options{Dir: dir, Patterns: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	threads, err := dump.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return locks.Diagnose(r.Locks, threads)
}

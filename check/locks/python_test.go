package locks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
)

// TestPythonQuiet: what was wrongly told of Python's standard library. Each case
// comes with a twin that must be told.
func TestPythonQuiet(t *testing.T) {
	for name, c := range map[string]struct{ quiet, told string }{
		"a lock that another thread gives back": {`
import threading
def f():
    done = threading.Lock()
    def work():
        done.release()
    done.acquire()
    threading.Thread(target=work).start()
    done.acquire()
`, `
import threading
def f():
    done = threading.Lock()
    def work():
        pass
    done.acquire()
    threading.Thread(target=work).start()
    done.acquire()
`},
		"the release of a lock, handed to a thread": {`
import threading
def f():
    done = threading.Lock()
    done.acquire()
    threading.Thread(target=done.release).start()
    done.acquire()
`, `
import threading
def f():
    done = threading.Lock()
    done.acquire()
    threading.Thread(target=print).start()
    done.acquire()
`},
		"the release of a lock, handed to a timer": {`
import threading
done = threading.Lock()
def f():
    with done:
        t = threading.Timer(0.05, done.release); t.start()
        with done:
            pass
        done.acquire()
`, `
import threading
done = threading.Lock()
def f():
    with done:
        t = threading.Timer(0.05, print); t.start()
        with done:
            pass
        done.acquire()
`},
		"the release of a lock, handed to what was not read": {`
import threading
from loops import loop
done = threading.Lock()
def f():
    done.acquire()
    loop.call_later(1, lambda: done.release())
    done.acquire()
def g():
    other = threading.Lock()
    other.acquire()
    loop.call_later(1, other.release)
    other.acquire()
`, `
import threading
from loops import loop
done = threading.Lock()
def f():
    done.acquire()
    loop.call_later(1, lambda: print())
    done.acquire()
`},
		"a lock that somebody is handed": {`
import threading
pending = []
def f():
    mine = threading.Lock()
    mine.acquire()
    pending.append(mine)
    mine.acquire()
def wake():
    for l in pending: l.release()
`, `
import threading
pending = []
def f():
    mine = threading.Lock()
    mine.acquire()
    pending.append(mine)
    mine.acquire()
def wake():
    for l in pending: print(l)
`},
		"a lock that a callback hands over": {`
import threading
def f(give):
    mine = threading.Lock()
    mine.acquire()
    give(mine)
    mine.acquire()
f(lambda l: threading.Timer(0, l.release).start())
`, `
import threading
def f(give):
    mine = threading.Lock()
    mine.acquire()
    give(mine)
    mine.acquire()
f(lambda l: threading.Timer(0, l.locked).start())
`},
		"a lock that is asked whether it is taken": {`
import threading
a = threading.Lock()
def g():
    if not a.locked():
        with a: print(1)
def f():
    with a: g()
`, `
import threading
a = threading.Lock()
def g():
    if not print():
        with a: print(1)
def f():
    with a: g()
`},
		"a lock's owner": {`
import threading
class S:
    def __init__(s): s.mu = threading.Lock(); s.owner = None
    def g(s):
        if s.owner == threading.get_ident(): print(1)
        else:
            with s.mu: print(2)
    def f(s):
        with s.mu:
            s.owner = threading.get_ident(); s.g(); s.owner = None
`, `
import threading
class S:
    def __init__(s): s.mu = threading.Lock(); s.owner = None
    def g(s):
        if s.owner == threading.get_ident(): print(1)
        with s.mu: print(2)
    def f(s):
        with s.mu:
            s.owner = threading.get_ident(); s.g(); s.owner = None
`},
		"a flag that is put in a variable": {`
import threading
class S:
    def __init__(s): s.mu = threading.Lock(); s.holders = set(); s.held = False
    def g(s):
        held = s.held
        if not held:
            with s.mu: print(2)
    def f(s):
        with s.mu:
            s.held = True
            s.g()
            s.held = False
`, `
import threading
class S:
    def __init__(s): s.mu = threading.Lock(); s.held = False
    def g(s):
        held = print()
        if not held:
            with s.mu: print(2)
    def f(s):
        with s.mu:
            s.held = True
            s.g()
            s.held = False
`},
		"a depth that the holder counts": {`
import threading
class S:
    def __init__(s): s.mu = threading.Lock(); s.depth = 0
    def g(s):
        if s.depth > 0: return
        with s.mu: print(2)
    def f(s):
        with s.mu:
            s.depth += 1
            s.g()
            s.depth -= 1
`, `
import threading
class S:
    def __init__(s): s.mu = threading.Lock(); s.depth = 0
    def g(s):
        if s.depth > 0: print(1)
        with s.mu: print(2)
    def f(s):
        with s.mu:
            s.depth += 1
            s.g()
            s.depth -= 1
`},
		"a lock that is made anew while it is held": {`
import threading
mu = threading.Lock()
def f():
    global mu
    with mu:
        mu = threading.Lock()
        with mu: pass
class S:
    def __init__(s): s.mu = threading.Lock()
    def f(s):
        with s.mu:
            s.renew()
            with s.mu: pass
    def renew(s): s.mu = threading.Lock()
`, `
import threading
mu = threading.Lock()
def f():
    with mu:
        with mu: pass
`},
		"an acquire that waits is true": {`
import threading
lock = threading.Lock()
def f(x):
    if lock.acquire():
        try:
            work()
        finally:
            lock.release()
    return x
`, `
import threading
lock = threading.Lock()
def f(x):
    if lock.acquire():
        if x:
            return
        lock.release()
    return x
`},
		"an acquire that fails": {`
import threading
lock = threading.Lock()
def f():
    try:
        lock.acquire()
    except RuntimeError:
        pass
    else:
        lock.release()
`, `
import threading
lock = threading.Lock()
def f():
    lock.acquire()
    try:
        work()
    except RuntimeError:
        return
    lock.release()
`},
		"a wait that returns only what holds": {`
import asyncio
cond = asyncio.Condition()
async def f(ready):
    await cond.acquire()
    if await cond.wait_for(ready):
        cond.release()
`, `
import threading
cond = threading.Condition()
def f(ready):
    cond.acquire()
    if cond.wait_for(ready, timeout=1):
        cond.release()
`},
		"a wait without a time-out": {`
import asyncio
cond = asyncio.Condition()
async def f(result):
    await cond.acquire()
    if await cond.wait():
        cond.release()
    return True
`, `
import threading
cond = threading.Condition()
def f():
    cond.acquire()
    if cond.wait(1):
        cond.release()
    return True
`},
		"a lock that is asked whether it is": {`
import threading
lock = threading.Lock()
other = threading.Lock()
def take():
    if lock:
        lock.acquire()
def give():
    if lock:
        lock.release()
def f():
    take()
    give()
    with other:
        pass
def g():
    with other:
        with lock:
            pass
`, `
import threading
lock = threading.Lock()
other = threading.Lock()
def f():
    if lock:
        lock.acquire()
    with other:
        pass
    lock.release()
def g():
    with other:
        with lock:
            pass
`},
		"the child of a fork": {`
import os, threading
a, b = threading.Lock(), threading.Lock()
def _after():
    with a:
        with b:
            pass
os.register_at_fork(after_in_child=_after)
def f():
    with b:
        with a:
            pass
`, `
import os, threading
a, b = threading.Lock(), threading.Lock()
def _after():
    with a:
        with b:
            pass
def f():
    with b:
        with a:
            pass
`},
		"a lock that is tried": {`
import threading
l = threading.Lock()
def f(x):
    if l.acquire(timeout=1):
        if x:
            l.release()
            return 1
        l.release()
def g(x):
    ok = l.acquire(timeout=1)
    if not ok:
        return 1
    l.release()
def h(x):
    while not l.acquire(timeout=1):
        if x: return
    l.release()
def i(x):
    ok = l.acquire(timeout=1)
    if x:
        ok = False
    if ok:
        l.release()
`, `
import threading
l = threading.Lock()
def f(x):
    if l.acquire(timeout=1):
        if x:
            return 1
        l.release()
`},
		"a lock that is tried, by a variable": {`
import threading
l = threading.Lock()
def f(x):
    ok = l.acquire(timeout=1)
    if ok:
        l.release()
    return x
`, `
import threading
l = threading.Lock()
def f(x):
    ok = l.acquire(timeout=1)
    if ok:
        if x: return
        l.release()
`},
		"a lock taken last of what an except guards": {`
import threading
l = threading.Lock()
def f(x):
    try:
        n = int(x)
        l.acquire()
    except ValueError:
        return
    l.release()
def g(x):
    try:
        n = int(x)
        ok = l.acquire(timeout=1)
    except ValueError:
        return
    if ok:
        l.release()
`, `
import threading
l = threading.Lock()
def f(x):
    try:
        l.acquire()
        n = int(x)
    except ValueError:
        return
    l.release()
`},
	} {
		if got := failing(t, c.quiet); len(got) > 0 {
			t.Errorf("%s: told %q", name, got)
		}
		if got := failing(t, c.told); len(got) == 0 {
			t.Errorf("%s: the twin was not told", name)
		}
	}
}

// TestLeakAdvice: advice speaks the language of what it is about.
func TestLeakAdvice(t *testing.T) {
	p := &ir.Program{}
	text := "import threading\nlock = threading.Lock()\ndef f(x):\n    lock.acquire()\n    if x:\n        return\n    lock.release()\n"
	if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
		t.Fatal(problems)
	}
	found := locks.Analyse(p, locks.Options{})
	if len(found) != 1 || strings.Contains(found[0].Advice[0], "defer") || !strings.Contains(found[0].Advice[0], "with statement") {
		t.Errorf("%+v", found)
	}
}

func failing(t *testing.T, text string) []string {
	t.Helper()
	p := &ir.Program{}
	if problems := pyread.Read(p, []*ir.File{{Path: "case.py", Text: []byte(text), Lang: ir.Python}}); len(problems) > 0 {
		t.Fatal(problems)
	}
	var out []string
	for _, f := range locks.Analyse(p, locks.Options{}) {
		if f.Level.Fails() {
			out = append(out, f.Message)
		}
	}
	return out
}

// TestApart: threads of which each is joined before the next starts never overlap,
// and a program without threads has but one. What else may call its functions is not
// seen, but of a file that is run all calls are: where Note is wanted nothing is told.
func TestApart(t *testing.T) {
	const head = `import threading
A = threading.Lock(); B = threading.Lock()
def f():
    with A:
        with B: pass
def g():
    with B:
        with A: pass
`
	for body, want := range map[string]finding.Level{
		"t = threading.Thread(target=f); t.start(); t.join()\nt = threading.Thread(target=g); t.start(); t.join()":                                                    finding.Note,
		"def main():\n    t = threading.Thread(target=f)\n    t.start()\n    t.join()\n    t = threading.Thread(target=g)\n    t.start()\n    t.join()\nmain()":       finding.Note,
		"def main():\n    t1 = threading.Thread(target=f)\n    t1.start()\n    t1.join()\n    t2 = threading.Thread(target=g)\n    t2.start()\n    t2.join()\nmain()": finding.Note,
		"def main():\n    t = threading.Thread(target=f)\n    t.start()\n    t.join()\n    g()\nmain()":                                                               finding.Note,
		"f(); g()": finding.Possible,
		"def main():\n    g()\n    t = threading.Thread(target=f); t.start()\n    t.join()\n    g()\nif __name__ == '__main__': main()":                                           finding.Note,
		"g()\nts = [threading.Thread(target=f) for _ in range(3)]\nfor t in ts: t.start()\nfor t in ts: t.join()\ng()":                                                            finding.Note,
		"def main():\n    g()\n    ts = [threading.Thread(target=f) for _ in range(3)]\n    for t in ts:\n        t.start()\n    for u in ts:\n        u.join()\n    g()\nmain()": finding.Note,
		"ts = [threading.Thread(target=f) for _ in range(3)]\nfor t in ts: t.start()\ng()\nfor t in ts: t.join()":                                                                 finding.Likely,
		"def h(): pass\nt1 = threading.Thread(target=h); t2 = threading.Thread(target=f); t1.start(); t2.start()\nt1.join()\ng()":                                                 finding.Likely,
		"def h(): pass\nt = threading.Thread(target=h); t.start(); t = threading.Thread(target=f); t.start(); t.join()\ng()":                                                      finding.Note,
		"":    finding.Likely,
		"f()": finding.Likely,
		"t = threading.Thread(target=f); t.start()\ng()":                                                                                                              finding.Likely,
		"t = threading.Thread(target=f); t.start()\nu = threading.Thread(target=g); u.start(); t.join(); u.join()":                                                    finding.Certain,
		"def main():\n    t1 = threading.Thread(target=f)\n    t2 = threading.Thread(target=g)\n    t1.start()\n    t2.start()\n    t1.join()\n    t2.join()\nmain()": finding.Certain,
		"for fn in (f, g):\n    ts = [threading.Thread(target=f), threading.Thread(target=g)]\nfor t in ts: t.start()\nfor t in ts: t.join()":                         finding.Certain,
	} {
		p := &ir.Program{}
		if problems := pyread.Read(p, []*ir.File{{Path: "case.py", Text: []byte(head + body + "\n"), Lang: ir.Python}}); len(problems) > 0 {
			t.Fatal(problems)
		}
		if found := locks.Analyse(p, locks.Options{}); want == finding.Note && len(found) == 0 {
			continue
		} else if len(found) != 1 || found[0].Level != want {
			t.Errorf("%s: %+v, want one that is %v", body, found, want)
		}
	}
}

// TestAssigned: what is known of a variable is forgotten when it is set, and of no other
// whose name begins alike.
func TestAssigned(t *testing.T) {
	for body, want := range map[string]int{
		"    if flag: l.acquire()\n    fl = x\n    if not flag: l.acquire()":         0,
		"    if flag: l.acquire()\n    flag = x\n    if not flag: l.acquire()":       1,
		"    if x == flag: l.acquire()\n    flag = 3\n    if x != flag: l.acquire()": 1,
	} {
		p := &ir.Program{}
		text := "import threading\nl = threading.Lock()\ndef f(flag, x):\n" + body + "\n    l.release()\n"
		if problems := pyread.Read(p, []*ir.File{{Path: "case.py", Text: []byte(text), Lang: ir.Python}}); len(problems) > 0 {
			t.Fatal(problems)
		}
		if found := locks.Analyse(p, locks.Options{}); len(found) != want {
			t.Errorf("%s: %+v, want %d", body, found, want)
		}
	}
}

// TestOneFault: a lock that is taken twice at one place is told once, whoever calls, by the
// shortest way there, and another lock by itself.
func TestOneFault(t *testing.T) {
	const text = `import threading
l, m = threading.Lock(), threading.Lock()
def take(lock):
    lock.acquire()
def far():
    with l: near(l)
def near(lock):
    take(lock)
def first():
    with l: take(l)
def second():
    with l: take(l)
def other():
    with m: take(m)
`
	p := &ir.Program{}
	if problems := pyread.Read(p, []*ir.File{{Path: "case.py", Text: []byte(text), Lang: ir.Python}}); len(problems) > 0 {
		t.Fatal(problems)
	}
	found := locks.Analyse(p, locks.Options{})
	if len(found) != 4 {
		t.Fatalf("%d findings", len(found))
	}
	var got []string
	for _, f := range finding.Gather(found) {
		got = append(got, f.Message+"\n"+strings.Join(f.Why[1:], "\n"))
	}
	slices.Sort(got)
	want := []string{
		"deadlock with itself: first takes l, which it holds since line 10, and in 2 other ways\nThe same happens here where it is taken first at case.py:6:10, case.py:12:10.",
		"deadlock with itself: other takes m, which it holds since line 14\n",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestManyValues: variables that are each set many times to the one before are not
// followed along every way, of which there are 8^11 here.
func TestManyValues(t *testing.T) {
	var text strings.Builder
	text.WriteString("def f(n, v0):\n")
	for i := 1; i < 12; i++ {
		for range 8 {
			fmt.Fprintf(&text, "    if n: v%d = v%d\n", i, i-1)
		}
	}
	text.WriteString("    with v11:\n        v11.acquire()\n")
	if got := failing(t, text.String()); len(got) > 0 {
		t.Errorf("told %q", got)
	}
}

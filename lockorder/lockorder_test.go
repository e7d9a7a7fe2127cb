//go:build lockorder

package lockorder_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock/lockorder"
)

// hear collects the messages of the violations that f brings about.
func hear(t *testing.T, f func()) (messages, texts []string) {
	t.Helper()
	var mu sync.Mutex
	defer lockorder.OnViolation(func(v lockorder.Violation) {
		mu.Lock()
		defer mu.Unlock()
		messages, texts = append(messages, v.Message), append(texts, v.Text)
	})()
	lockorder.Forget()
	f()
	return messages, texts
}

// TestTwoTasks: the mission's two functions, one after the other so that
// nothing hangs, are told in the checker's words, with both stacks.
func TestTwoTasks(t *testing.T) {
	lockA, lockB = lockorder.Mutex{}, lockorder.Mutex{} // new locks, of which nothing is known
	messages, texts := hear(t, func() { task1(); task2(); task1(); task2() })
	if len(messages) != 1 || messages[0] != "deadlock: task1 takes lockA then lockB, task2 takes lockB then lockA" {
		t.Fatalf("told %q, want the one cycle, once", messages)
	}
	for _, want := range []string{
		"tasks_test.go:12 takes lockA",
		"tasks_test.go:15 waits for lockB, held by T2",
		"tasks_test.go:23 waits for lockA, held by T1",
		"Neither can go on: T1 keeps lockA until it gets lockB, which T2 keeps; T2 keeps lockB until it gets lockA, which T1 keeps.",
		"Rule: every thread takes the same locks in the same order.",
		"T1 took lockB while it held lockA:\n\tgithub.com/penstock-io/penstock/lockorder_test.task1",
		"T2 took lockA while it held lockB:\n\tgithub.com/penstock-io/penstock/lockorder_test.task2",
	} {
		if !strings.Contains(texts[0], want) {
			t.Errorf("the text lacks %q:\n%s", want, texts[0])
		}
	}
}

// TestQuiet: orders that cannot deadlock, and what a lock must not mind.
func TestQuiet(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"one order", func() {
			var a, b lockorder.Mutex
			for range 3 {
				a.Lock()
				b.Lock()
				b.Unlock()
				a.Unlock()
			}
		}},
		{"opposite orders under a gate", func() {
			var gate, a, b lockorder.Mutex
			gate.Lock()
			nest(&a, &b)
			nest(&b, &a)
			gate.Unlock()
		}},
		{"a lock that is only tried", func() {
			var a, b lockorder.Mutex
			nest(&a, &b)
			b.Lock()
			if a.TryLock() {
				a.Unlock()
			}
			b.Unlock()
		}},
		{"unlocked by another goroutine", func() {
			var a, b lockorder.Mutex
			nest(&b, &a)
			a.Lock()
			other(func() { a.Unlock() })
			b.Lock() // a is not held any more
			b.Unlock()
		}},
		{"a goroutine that ended with a lock", func() {
			var a, b lockorder.Mutex
			nest(&b, &a)
			other(func() { a.Lock() })
			a.Unlock()
			nest(&b, &a)
		}},
		{"a condition's wait", func() {
			var a, b lockorder.Mutex
			cond := sync.NewCond(&a)
			ready := make(chan bool)
			done := make(chan bool)
			go func() {
				a.Lock()
				close(ready)
				cond.Wait()
				a.Unlock()
				close(done)
			}()
			<-ready
			nest(&b, &a)
			a.Lock()
			cond.Broadcast()
			a.Unlock()
			<-done
		}},
		{"two locks of one type", func() {
			type account struct{ mu lockorder.Mutex }
			x, y := make([]account, 2), make([]account, 2)
			nest(&x[0].mu, &x[1].mu)
			nest(&y[1].mu, &y[0].mu)
		}},
	} {
		if messages, _ := hear(t, c.run); len(messages) > 0 {
			t.Errorf("%s: told %q", c.name, messages)
		}
	}
}

func nest(x, y sync.Locker) {
	x.Lock()
	y.Lock()
	y.Unlock()
	x.Unlock()
}

func other(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// TestTold: orders that can deadlock, in each of the ways.
func TestTold(t *testing.T) {
	for _, c := range []struct {
		name, want string
		run        func()
	}{
		{"a condition that is waited for with another lock held", "deadlock: ", func() {
			var a, b lockorder.Mutex
			cond := sync.NewCond(&a)
			nest(&a, &b)
			done := make(chan bool)
			ready := make(chan bool)
			go func() {
				defer close(done)
				a.Lock()
				b.Lock()
				close(ready)
				cond.Wait() // takes a again, with b
				b.Unlock()
				a.Unlock()
			}()
			<-ready
			a.Lock()
			cond.Broadcast()
			a.Unlock()
			<-done
		}},
		{"a tried lock, held", "deadlock: ", func() {
			var a, b lockorder.Mutex
			nest(&a, &b)
			b.TryLock()
			a.Lock()
			a.Unlock()
			b.Unlock()
		}},
		{"a gate that one of two lacks", "deadlock: ", func() {
			var gate, a, b lockorder.Mutex
			gate.Lock()
			nest(&a, &b)
			gate.Unlock()
			nest(&b, &a)
		}},
		{"a gate that is lacking later", "deadlock: ", func() {
			var gate, a, b lockorder.Mutex
			gate.Lock()
			nest(&a, &b)
			nest(&b, &a)
			gate.Unlock()
			nest(&a, &b)
		}},
		{"on many goroutines", "deadlock: ", func() {
			locks := make([]lockorder.Mutex, 8)
			for i := range locks {
				other(func() { nest(&locks[i], &locks[(i+1)%len(locks)]) })
			}
		}},
		{"readers behind a writer", "deadlock behind a waiting writer: ", func() {
			var a, b lockorder.RWMutex
			nest(a.RLocker(), b.RLocker())
			nest(b.RLocker(), a.RLocker())
		}},
		{"a read lock and a mutex", "deadlock: ", func() {
			var a lockorder.RWMutex
			var b lockorder.Mutex
			nest(a.RLocker(), &b)
			nest(&b, &a)
		}},
		{"a reader that reads again", "reads a again", func() {
			var a lockorder.RWMutex
			a.RLock()
			a.RLock()
			a.RUnlock()
			a.RUnlock()
		}},
	} {
		messages, _ := hear(t, c.run)
		if len(messages) != 1 || !strings.Contains(messages[0], c.want) {
			t.Errorf("%s: told %q, want one that says %q", c.name, messages, c.want)
		}
	}
}

// TestItself: a lock that its goroutine has is told before the goroutine hangs.
func TestItself(t *testing.T) {
	var a lockorder.Mutex
	told := make(chan lockorder.Violation, 1)
	defer lockorder.OnViolation(func(v lockorder.Violation) { told <- v })()
	done := make(chan bool)
	go func() {
		a.Lock()
		a.Lock()
		a.Unlock()
		close(done)
	}()
	if v := <-told; !strings.HasPrefix(v.Message, "deadlock with itself: ") || !strings.Contains(v.Text, "which it holds itself") {
		t.Errorf("told %q", v.Text)
	}
	a.Unlock() // lets it go on
	<-done
}

// A failed notes what a test is told.
type failed struct {
	text    string
	cleanup func()
}

func (f *failed) Helper()                      {}
func (f *failed) Errorf(_ string, args ...any) { f.text += args[0].(string) }
func (f *failed) Cleanup(c func())             { f.cleanup = c }

// TestFail: the hook fails the test that runs, and lets go at its end.
func TestFail(t *testing.T) {
	var f failed
	lockorder.Fail(&f)
	var a, b lockorder.Mutex
	nest(&a, &b)
	b.Lock()
	a.Lock()
	a.Unlock()
	b.Unlock()
	if !strings.Contains(f.text, "[lock-order]") {
		t.Errorf("the test was not failed: %q", f.text)
	}
	f.cleanup()
	f.text = ""
	hear(t, func() {
		var a, b lockorder.Mutex
		nest(&a, &b)
		nest(&b, &a)
	})
	if f.text != "" {
		t.Errorf("failed after its end: %s", f.text)
	}
}

type code int

func (c code) Run() int { return int(c) }

type violating struct{}

func (violating) Run() int {
	var a, b lockorder.Mutex
	nest(&a, &b)
	a.Lock()
	b.Lock()
	b.Unlock()
	a.Unlock()
	b.Lock()
	a.Lock()
	a.Unlock()
	b.Unlock()
	return 0
}

// TestRun: violations fail a package's tests, and what was seen is appended.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "observed")
	t.Setenv(lockorder.ObservedEnv, file)
	if got := lockorder.Run(code(0)); got != 0 {
		t.Errorf("clean tests gave %d", got)
	}
	if got := lockorder.Run(code(3)); got != 3 {
		t.Errorf("failing tests gave %d, want their own code", got)
	}
	if got := lockorder.Run(violating{}); got != 1 {
		t.Errorf("a violation gave %d, want 1", got)
	}
	t.Setenv(lockorder.ObservedEnv, filepath.Join(file, "nowhere"))
	if got := lockorder.Run(code(0)); got != 1 {
		t.Errorf("a file that cannot be written gave %d, want 1", got)
	}
}

// TestObserved: the places of an order, one JSON object a line.
func TestObserved(t *testing.T) {
	hear(t, task1)
	var b bytes.Buffer
	if err := lockorder.WriteObserved(&b); err != nil {
		t.Fatal(err)
	}
	type spot struct {
		File, Function string
		Line           int
	}
	var edge struct{ Before, After spot }
	for line := range strings.Lines(b.String()) {
		if err := json.Unmarshal([]byte(line), &edge); err != nil {
			t.Fatal(err)
		}
		if edge.Before.Function == "task1" && edge.Before.Line == 12 && edge.After.Line == 15 && filepath.Base(edge.After.File) == "tasks_test.go" {
			return
		}
	}
	t.Errorf("task1's order is not among\n%s", b.String())
}

// TestCrowd: more goroutines at once than there are shelves, each with a lock
// of its own and one of all. Nothing is lost, nothing is told.
func TestCrowd(t *testing.T) {
	messages, _ := hear(t, func() {
		var all lockorder.Mutex
		var wg sync.WaitGroup
		n := 0
		start := make(chan bool)
		for range 20_000 {
			wg.Go(func() {
				var own lockorder.Mutex
				own.Lock()
				<-start
				all.Lock()
				n++
				all.Unlock()
				own.Unlock()
			})
		}
		close(start)
		wg.Wait()
		if n != 20_000 {
			t.Errorf("%d of 20000 came through", n)
		}
	})
	if len(messages) > 0 {
		t.Errorf("told %q", messages)
	}
}

// TestShapes: the shapes of Linux's locking self-test, one thread after the
// other, with each kind of lock: all are told, and told once.
func TestShapes(t *testing.T) {
	for _, shape := range []string{"AA", "AB BA", "AB BC CA", "AB CA BC", "AB BC CD DA", "AB CD BD DA", "AB CD BC DA"} {
		for kind, lock := range map[string]func() sync.Locker{
			"mutex": func() sync.Locker { return &lockorder.Mutex{} },
			"write": func() sync.Locker { return &lockorder.RWMutex{} },
			"read":  func() sync.Locker { return (&lockorder.RWMutex{}).RLocker() },
		} {
			if shape == "AA" && kind != "read" {
				continue // hangs, as it says before: TestItself
			}
			messages, _ := hear(t, func() {
				locks := map[rune]sync.Locker{}
				for _, c := range "ABCD" {
					locks[c] = lock()
				}
				for thread := range strings.FieldsSeq(shape) {
					other(func() {
						for _, c := range thread {
							locks[c].Lock()
							defer locks[c].Unlock()
						}
					})
				}
			})
			if len(messages) != 1 {
				t.Errorf("%s %s: told %q", kind, shape, messages)
			}
		}
	}
}

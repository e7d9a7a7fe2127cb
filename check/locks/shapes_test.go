package locks_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
)

// A shape is a row of threads, each of which takes some locks one inside the
// other. A letter is a lock; r before it takes its read side, ? only tries it.
type shape struct {
	name    string
	threads []string
	fails   bool // Linux's verdict: lockdep must complain
}

// shapes are those of Linux's locking self-test (lib/locking-selftest.c) that are
// about the order of locks, with its verdicts for mutexes. Left out are its
// interrupt contexts, which Go and Python do not have; unlocking twice and making a lock
// anew while it is held, which are no matter of order (Go and Python stop at the first
// at once); and AA1B, two read locks of one class, which are two locks here.
var shapes = []shape{
	{"AA", []string{"AA"}, true},
	{"ABBA", []string{"AB", "BA"}, true},
	{"ABBCCA", []string{"AB", "BC", "CA"}, true},
	{"ABCABC", []string{"AB", "CA", "BC"}, true},
	{"ABBCCDDA", []string{"AB", "BC", "CD", "DA"}, true},
	{"ABCDBDDA", []string{"AB", "CD", "BD", "DA"}, true},
	{"ABCDBCDA", []string{"AB", "CD", "BC", "DA"}, true},
}

// readShapes mix the sides of read-write locks, with its verdicts for
// rw-semaphores, which stop new readers behind a waiting writer as Go's RWMutex
// does. The thread that takes A alone is the writer that a kernel
// may always have.
var readShapes = []shape{
	{"AA1", []string{"rArA", "A"}, true},
	{"AA2", []string{"rAA"}, true},
	{"AA3", []string{"ArA"}, true},
	{"ABBA1", []string{"rAB", "BA"}, true},
	{"ABBA2", []string{"rAB", "BrA", "A"}, true},
	{"ABBA3", []string{"AB", "BA"}, true},
}

// decoys are ours: what looks like a shape and cannot hang.
var decoys = []shape{
	{"OneOrder", []string{"AB", "AB", "ABC"}, false},
	{"Gate", []string{"GAB", "GBA"}, false},
	{"Gate3", []string{"GAB", "GBC", "GCA"}, false},
	{"Tried", []string{"AB", "B?A"}, false},
	{"Line", []string{"AB", "BC", "CD", "AD"}, false},
}

// readDecoys have readers without any writer. lockdep, which must think of
// writers it has not seen, complains of these; here the whole program is seen.
var readDecoys = []shape{
	{"ReadersAA", []string{"rArA"}, false},
	{"ReadersABBA", []string{"rArB", "rBrA"}, false},
}

// readOnly is the shape with all locks on their read side, and a writer for each.
func readOnly(s shape) shape {
	out := shape{name: s.name, fails: s.fails}
	letters := ""
	for _, th := range s.threads {
		text := ""
		for _, c := range th {
			text += "r" + string(c)
			if !strings.ContainsRune(letters, c) {
				letters += string(c)
			}
		}
		out.threads = append(out.threads, text)
	}
	for _, c := range letters {
		out.threads = append(out.threads, string(c))
	}
	return out
}

// A step of a thread.
type taken struct {
	lock      string
	read, try bool
}

func steps(thread string) []taken {
	var out []taken
	var next taken
	for _, c := range thread {
		switch c {
		case 'r':
			next.read = true
		case '?':
			next.try = true
		default:
			next.lock = string(c)
			out = append(out, next)
			next = taken{}
		}
	}
	return out
}

// goShape writes a shape as Go functions, its locks as package variables.
func goShape(b *strings.Builder, s shape, kind, lockType string) {
	seen := map[string]bool{}
	for i, th := range s.threads {
		var body, back []string
		for _, t := range steps(th) {
			name := "lock" + kind + s.name + t.lock
			if !seen[name] {
				seen[name] = true
				fmt.Fprintf(b, "var %s sync.%s\n", name, lockType)
			}
			side := ""
			if t.read {
				side = "R"
			}
			if t.try {
				body = append(body, fmt.Sprintf("if !%s.Try%sLock() { return }", name, side))
			} else {
				body = append(body, fmt.Sprintf("%s.%sLock()", name, side))
			}
			back = append(back, fmt.Sprintf("defer %s.%sUnlock()", name, side))
			body = append(body, back[len(back)-1])
		}
		fmt.Fprintf(b, "func %s_%s_%d() {\n\t%s\n}\n", kind, s.name, i+1, strings.Join(body, "\n\t"))
	}
}

// pyShape writes a shape as Python functions, its locks as module variables.
func pyShape(b *strings.Builder, s shape, kind, lockType string) {
	seen := map[string]bool{}
	for i, th := range s.threads {
		text, indent := "", "    "
		for _, t := range steps(th) {
			name := "lock_" + kind + s.name + t.lock
			if !seen[name] {
				seen[name] = true
				fmt.Fprintf(b, "%s = threading.%s()\n", name, lockType)
			}
			if t.try {
				text += fmt.Sprintf("%sif %s.acquire(blocking=False):\n%s    %s.release()\n", indent, name, indent, name)
				continue
			}
			text += fmt.Sprintf("%swith %s:\n", indent, name)
			indent += "    "
		}
		fmt.Fprintf(b, "def %s_%s_%d():\n%s%spass\n\n", kind, s.name, i+1, text, indent)
	}
}

// verdicts are the shapes, by KIND_NAME, on which a finding makes the check fail.
func verdicts(t *testing.T, found []finding.Finding) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, f := range found {
		line := strings.Split(string(f.At.File.Text[:f.At.Start]), "\n")
		name := ""
		for _, row := range slices.Backward(line) {
			row = strings.TrimPrefix(strings.TrimPrefix(row, "func "), "def ")
			if parts := strings.SplitN(row, "_", 3); len(parts) == 3 && strings.HasSuffix(strings.TrimRight(row, " {:"), "()") && !strings.HasPrefix(row, " ") && !strings.HasPrefix(row, "\t") {
				name = parts[0] + "_" + parts[1]
				break
			}
		}
		if f.Level.Fails() {
			out[name] = append(out[name], f.Message)
		}
	}
	return out
}

func judge(t *testing.T, lang string, found map[string][]string, kind string, list []shape) {
	t.Helper()
	for _, s := range list {
		name := kind + "_" + s.name
		if got := len(found[name]) > 0; got != s.fails {
			t.Errorf("%s %s: a finding: %v, want %v: %v", lang, name, got, s.fails, found[name])
		}
		delete(found, name)
	}
}

// TestShapesGo: Linux's shapes as Go, for Mutex and both sides of RWMutex.
func TestShapesGo(t *testing.T) {
	var b strings.Builder
	b.WriteString("package shapes\n\nimport \"sync\"\n\n")
	var readers []shape
	for _, s := range shapes {
		goShape(&b, s, "Mutex", "Mutex")
		goShape(&b, s, "Write", "RWMutex")
		readers = append(readers, readOnly(s))
		goShape(&b, readers[len(readers)-1], "Read", "RWMutex")
	}
	for _, s := range decoys {
		goShape(&b, s, "Mutex", "Mutex")
		goShape(&b, s, "Write", "RWMutex")
	}
	mixed := slices.Concat(readShapes, readDecoys)
	for _, s := range mixed {
		goShape(&b, s, "Mixed", "RWMutex")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "shapes.go")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := goread.Load(context.Background(), goread.Options{Dir: dir, Patterns: []string{file}})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	found := verdicts(t, locks.Analyse(r.Locks, locks.Options{}))
	judge(t, "Go", found, "Mutex", slices.Concat(shapes, decoys))
	judge(t, "Go", found, "Write", slices.Concat(shapes, decoys))
	judge(t, "Go", found, "Read", readers)
	judge(t, "Go", found, "Mixed", mixed)
	if len(found) > 0 {
		t.Errorf("findings on what is no shape: %v", found)
	}
}

// TestShapesPython: the same as Python, for Lock and RLock, which its own thread may
// take again.
func TestShapesPython(t *testing.T) {
	var b strings.Builder
	b.WriteString("import threading\n\n")
	reentrant := slices.Clone(shapes)
	reentrant[0].fails = false // AA
	for _, s := range slices.Concat(shapes, decoys) {
		pyShape(&b, s, "Lock", "Lock")
		pyShape(&b, s, "RLock", "RLock")
	}
	p := &ir.Program{}
	file := &ir.File{Path: "shapes.py", Text: []byte(b.String()), Lang: ir.Python}
	if problems := pyread.Read(p, []*ir.File{file}); len(problems) > 0 {
		t.Fatal(problems)
	}
	found := verdicts(t, locks.Analyse(p, locks.Options{}))
	judge(t, "Python", found, "Lock", slices.Concat(shapes, decoys))
	judge(t, "Python", found, "RLock", slices.Concat(reentrant, decoys))
	if len(found) > 0 {
		t.Errorf("findings on what is no shape: %v", found)
	}
}

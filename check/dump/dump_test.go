package dump_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/dump"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRead holds what is read of each form against its golden file.
func TestRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) != 4 {
		t.Fatalf("%d dumps, %v", len(files), err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		threads, err := dump.Read(f)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b strings.Builder
		for _, th := range threads {
			fmt.Fprintf(&b, "%s [%s] wait %s, %d alike\n", th.Name, th.State, strings.TrimSpace(fmt.Sprint(th.Wait, " ", th.Addr)), th.Count)
			for _, f := range th.Frames {
				fmt.Fprintf(&b, "\t%s %s:%d\n", f.Function, f.File, f.Line)
			}
		}
		golden := name + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || string(want) != b.String() {
			t.Errorf("%s (%v): run with -update and look at the difference\n%s", golden, err, b.String())
		}
	}
}

// TestNoDump: what is no dump says which ones there are.
func TestNoDump(t *testing.T) {
	for _, text := range []string{"", "goroutine one [running]:\n", "Traceback (most recent call last):\n  File \"x.py\", line 1, in f\n"} {
		if threads, err := dump.Read(strings.NewReader(text)); !errors.Is(err, dump.ErrForm) {
			t.Errorf("%q was read as %v, %v", text, threads, err)
		}
	}
}

// TestAlike: ten thousand goroutines at one place are a few, and counted.
func TestAlike(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "goroutine %d [sync.Mutex.Lock, %d minutes]:\nsync.(*Mutex).Lock(...)\n\t/go/src/sync/mutex.go:46\nmain.f()\n\t/src/main.go:7 +0x1\n\n", i+1, i)
	}
	threads, err := dump.Read(strings.NewReader(b.String()))
	if err != nil || len(threads) != 4 || threads[3].Count != 9_997 || threads[0].Wait != dump.Lock {
		t.Errorf("%d threads, %v", len(threads), err)
	}
}

// FuzzRead: whatever a log has round and in the dump, reading never panics and
// every thread has a name.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("goroutine 1 [select]:\r\nmain.(*T[...]).f.func1({0x1, 0x2}, ...)\r\n\t/x.go:99999999999999999999 +0x1\r\n)(\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		threads, err := dump.Read(strings.NewReader(text))
		if err == nil && len(threads) == 0 {
			t.Error("no thread and no error")
		}
		for _, th := range threads {
			if th.Name == "" {
				t.Errorf("a thread without a name in %q", text)
			}
		}
	})
}

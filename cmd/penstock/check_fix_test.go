package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check"
)

// TestFixStopped: a signal before the fixes are written leaves every file as it
// was, and one is told; without it the file is mended and keeps its mode, behind a link too.
func TestFixStopped(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "orders.py"), filepath.Join(dir, "link.py")
	text := "import sqlite3\n\ndb = sqlite3.connect('x')\n\n\ndef get(user_id):\n    return db.execute(f'SELECT * FROM orders WHERE user_id = {user_id}')\n"
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	r, err := check.Run(t.Context(), check.Options{Paths: []string{link}, Mend: true})
	if err != nil || len(r.Findings) != 1 {
		t.Fatal(r, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := (checkFlags{fix: true}).apply(stopped, r.Findings, &mending{}); err == nil || !strings.Contains(err.Error(), "0 of 1 files mended") {
		t.Errorf("error %v, want one that says what was done", err)
	}
	if got, _ := os.ReadFile(file); string(got) != text {
		t.Errorf("a stopped fix changed the file: %s", got)
	}
	if _, err := check.Run(stopped, check.Options{Paths: []string{file}, Mend: true}); err == nil {
		t.Error("a stopped check has a report")
	}
	if n, err := (checkFlags{fix: true}).apply(t.Context(), r.Findings, &mending{}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	info, err := os.Stat(file)
	if got, _ := os.ReadFile(file); err != nil || !strings.Contains(string(got), "user_id = ?") || info.Mode().Perm() != 0o640 {
		t.Errorf("mended to %s, %v, %v", got, info.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if to, _ := os.Readlink(link); err != nil || to != file || len(left) != 2 {
		t.Errorf("the folder has %v, the link leads to %q", left, to)
	}
}

// TestFixPossible: --fix leaves alone what is only possible, as two orders in one
// thread; --unsafe-fixes mends it, and so does --fix where the threads are seen.
func TestFixPossible(t *testing.T) {
	orders := "import threading\n\na = threading.Lock()\nb = threading.Lock()\n\n\ndef f():\n    with a:\n        with b:\n            print(1)\n\n\ndef g():\n    with b:\n        with a:\n            print(2)\n\n\n"
	threads := "threading.Thread(target=f).start()\nthreading.Thread(target=g).start()\n"
	for _, c := range []struct {
		flags checkFlags
		text  string
		want  int
	}{
		{checkFlags{fix: true}, orders + "f()\ng()\n", 0},
		{checkFlags{unsafe: true}, orders + "f()\ng()\n", 1},
		{checkFlags{fix: true}, orders + threads, 1},
	} {
		file := filepath.Join(t.TempDir(), "orders.py")
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := check.Run(t.Context(), check.Options{Paths: []string{file}, Mend: true})
		if err != nil || len(r.Findings) != 1 || len(r.Findings[0].Fixes) == 0 {
			t.Fatal(r, err)
		}
		if said := strings.Contains(summary(r, 0), "does not fail"); said == r.Fails() {
			t.Errorf("fails is %v: %s", r.Fails(), summary(r, 0))
		}
		n, err := c.flags.apply(t.Context(), r.Findings, &mending{})
		if got, _ := os.ReadFile(file); err != nil || n != c.want || (string(got) == c.text) != (c.want == 0) {
			t.Errorf("fix %v, unsafe %v mended %d, want %d, %v:\n%s", c.flags.fix, c.flags.unsafe, n, c.want, err, got)
		}
	}
}

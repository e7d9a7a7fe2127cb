//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-io/penstock/internal/orders"
)

// TestLoadSeesChange: a file that changes while it is read does not end in
// success. The change is made when the load has read the file and waits for the
// next one, a pipe.
func TestLoadSeesChange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(file string) error
		code   int
		want   string
	}{
		"as it was": {func(string) error { return nil }, exitFindings, ""},
		"longer": {func(file string) error {
			f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("\n")
			return err
		}, exitFailed, "was changed while it was read"},
		"shorter": {func(file string) error { return os.Truncate(file, 100) }, exitFailed, "was changed while it was read"},
		"another": {func(file string) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.WriteFile(file, bytes.ToUpper(text), 0o600)
		}, exitFailed, "was changed while it was read"},
		"gone": {os.Remove, exitFailed, "was moved or removed while it was read"},
	} {
		for _, mode := range []string{"append", "replace", "dry run"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				l := newLoadCase(t, 100, "sqlite:"+filepath.Join(t.TempDir(), "orders.db"))
				args := []string{"--mode", mode}
				if mode == "dry run" {
					args = []string{"--dry-run"}
				}
				errs, code := l.changing(t, c.change, args...)
				if code != c.code || !strings.Contains(errs, c.want) {
					t.Errorf("exit code %d and %q, want %d and %q", code, errs, c.code, c.want)
				}
				if mode == "replace" && c.code == exitFailed && !strings.HasPrefix(tableHash(t, l.to), "0 rows") {
					t.Error("the table holds what was read")
				}
			})
		}
	}
}

// changing loads the case's file and behind it one order from a pipe, and
// changes the file between.
func (c *loadCase) changing(t *testing.T, change func(string) error, args ...string) (errs string, code int) {
	t.Helper()
	pipe := filepath.Join(c.dir, "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := c.command(append(args, pipe)...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	opened := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until the load opens it, too
		if err == nil {
			if err = change(c.file); err == nil {
				err = (orders.Generator{Seed: 4, Bad: 1}).Write(w, orders.CSV, 0, 1)
			}
			w.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Fatal(err)
		}
		<-ended
	case <-ended:
		t.Fatalf("the load has ended without reading the pipe: %s", out.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

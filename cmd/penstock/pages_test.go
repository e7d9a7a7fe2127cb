package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pageFile    = regexp.MustCompile("(?s)`([a-z_]+\\.(?:py|go))`[^`\n]*:\n\n```[a-z]+\n(.*?)\n```\n")
	pageConsole = regexp.MustCompile("(?s)```console\n(.*?)\n```\n")
)

// TestPages runs the commands of the pages on deadlocks and on SQL injection, one
// after the other in one folder with the page's files, and holds what comes out
// against what the page shows. -update writes it into the page.
func TestPages(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("SKIP: no python3 to run the pages' programs: install it")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"../../docs/deadlock.md", "../../docs/sql-injection.md"} {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			dir, bin := t.TempDir(), t.TempDir()
			files := pageFile.FindAllStringSubmatch(string(text), -1)
			for _, f := range files {
				write(t, filepath.Join(dir, f[1]), f[2]+"\n", 0o644)
			}
			write(t, filepath.Join(bin, "penstock"), fmt.Sprintf("#!/bin/sh\n%s=1 exec %s \"$@\"\n", asPenstock, self), 0o755)
			ran := 0
			got := pageConsole.ReplaceAllStringFunc(string(text), func(block string) string {
				var out strings.Builder
				for line := range strings.Lines(pageConsole.FindStringSubmatch(block)[1] + "\n") {
					command, ok := strings.CutPrefix(line, "$ ")
					if !ok {
						continue
					}
					ran++
					cmd := exec.Command("bash", "-c", "exec 2>&1; "+command)
					cmd.Dir = dir
					cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
					said, _ := cmd.CombinedOutput() // a finding is exit code 1
					out.WriteString(line)
					out.Write(said)
				}
				return "```console\n" + strings.TrimRight(out.String(), "\n") + "\n```\n"
			})
			if ran == 0 || len(files) == 0 {
				t.Fatalf("%d commands and %d files in the page; has the form changed?", ran, len(files))
			}
			if *update {
				write(t, page, got, 0o644)
			} else if got != string(text) {
				t.Errorf("the page does not show what comes out now; run with -update and look at the difference:\n%s", got)
			}
		})
	}
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPackageTwice makes the package of the same program and streams in two
// folders, whose files are of different days: the digest is the same.
func TestPackageTwice(t *testing.T) {
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for i := range 2 {
		dir := t.TempDir()
		program := filepath.Join(dir, "program")
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-buildid=", "-o", program, source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64", "GOFLAGS=")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		streams := filepath.Join(dir, "streams")
		if err := writeExample(streams); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(streams, ".hidden"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		day := time.Date(2001+i, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(streams, "orders.yaml"), day, day); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "dist", "penstock.zip")
		said, err := asProgram(t, "lambda", "package", "--bootstrap", program, "--streams", streams, "--out", out).Output()
		if err != nil {
			t.Fatal(err)
		}
		digest, name, _ := strings.Cut(strings.TrimSpace(string(said)), "  ")
		if name != out || len(digest) != 64 {
			t.Fatalf("it printed %q, want a line as sha256sum reads it", said)
		}
		digests = append(digests, digest)
		if _, err := os.Stat(filepath.Join(dir, "dist", "penstock.cdx.json")); err != nil {
			t.Error(err)
		}
		if i == 0 {
			checkPackage(t, out)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("the digests are %v", digests)
	}
}

func checkPackage(t *testing.T, name string) {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "bootstrap streams/customers.csv streams/orders.yaml" {
		t.Errorf("the package has %s", got)
	}
}

// asProgram is the program, called with the arguments.
func asProgram(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), asPenstock+"=1"), os.Stderr
	return cmd
}

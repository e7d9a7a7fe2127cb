package stream

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

// TestBrokenFiles keeps the text of every mistake: file and line, what is
// wrong, and what to write instead.
func TestBrokenFiles(t *testing.T) {
	t.Chdir("testdata/broken")
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d broken files (%v), want at least 40", len(files), err)
	}
	var got strings.Builder
	for _, file := range files {
		streams, err := Load(file)
		if err == nil {
			t.Errorf("%s: loaded as %s, want an error", file, streams[0].Name)
			continue
		}
		var mistake *FileError
		if !errors.As(err, &mistake) || mistake.File == "" || mistake.Line < 1 {
			t.Errorf("%s: %v, want a FileError with file and line", file, err)
		}
		got.WriteString(err.Error() + "\n")
	}
	golden(t, "../broken.golden", got.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Errorf("line %d of %s:\n got %s\nwant %s", i+1, file, g, w)
		}
	}
}

package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
)

// TestBaseline keeps two of one finding: a third is news, and so is another.
func TestBaseline(t *testing.T) {
	name := filepath.Join(t.TempDir(), "known.json")
	old := []finding.Finding{{Key: "a"}, {Key: "a"}, {Key: "b"}}
	if err := WriteBaseline(name, old); err != nil {
		t.Fatal(err)
	}
	known, err := ReadBaseline(name)
	if err != nil {
		t.Fatal(err)
	}
	if news := known.News(old); len(news) != 0 {
		t.Errorf("what was kept is news: %v", news)
	}
	news := known.News(append(old, finding.Finding{Key: "a", Message: "third"}, finding.Finding{Key: "c"}))
	if len(news) != 2 || news[0].Message != "third" || news[1].Key != "c" {
		t.Errorf("news %v, want the third a, and c", news)
	}
}

// TestBaselineMissing: a file that is not there is a mistake, as in its name, and no
// empty baseline; the error says what to do, as for a file that is none.
func TestBaselineMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadBaseline(filepath.Join(dir, "none.json")); err == nil || !strings.Contains(err.Error(), "--write-baseline") {
		t.Errorf("error %v, want one that says how to write it", err)
	}
	name := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(name, []byte("[1, 2"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBaseline(name); err == nil || !strings.Contains(err.Error(), "--write-baseline") {
		t.Errorf("error %v, want one that says how to write it anew", err)
	}
}

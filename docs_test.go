package penstock_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsNameRealTests holds each claim in docs/ that names a test, as
// `journal: TestSimulation`, against the code: the test must exist.
func TestDocsNameRealTests(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	claim := regexp.MustCompile("`([a-z/]+): ((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`")
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range claim.FindAllStringSubmatch(string(text), -1) {
			found++
			if room, name := m[1], m[2]; !testExists(t, room, name) {
				t.Errorf("%s names `%s: %s`, and there is no such test", page, room, name)
			}
		}
	}
	if found == 0 {
		t.Error("no page names a test; has the form of the claims changed?")
	}
}

func testExists(t *testing.T, room, name string) bool {
	t.Helper()
	if room == "penstock" {
		room = "."
	}
	files, err := filepath.Glob(filepath.Join(room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

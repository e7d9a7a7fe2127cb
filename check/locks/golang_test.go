package locks_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/goread"
	"github.com/penstock-io/penstock/check/locks"
)

var want = regexp.MustCompile(`// want (.*)`)

// TestGo: in each program of testdata/go, and of testdata/programs, each of which was run
// (see TestPrograms), a comment `// want LEVEL RULE: TEXT` is a finding on its line whose
// message has the text, and there is no other.
func TestGo(t *testing.T) {
	var files []string
	for _, folder := range []string{"go", "programs"} {
		found, err := filepath.Glob("testdata/" + folder + "/*.go")
		if err != nil || len(found) == 0 {
			t.Fatalf("no programs in %s: %v", folder, err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".go"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var wanted []string
			for i, line := range strings.Split(string(text), "\n") {
				if m := want.FindStringSubmatch(line); m != nil {
					wanted = append(wanted, fmt.Sprintf("%d: %s", i+1, m[1]))
				}
			}
			r, err := goread.Load(context.Background(), goread.Options{Patterns: []string{name}})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range locks.Analyse(r.Locks, locks.Options{}) {
				got := fmt.Sprintf("%d: %v %s: %s", f.At.Line(), f.Level, f.Rule, f.Message)
				i := slices.IndexFunc(wanted, func(w string) bool {
					head, part, _ := strings.Cut(w, "...")
					return strings.HasPrefix(got, head) && strings.Contains(got, part)
				})
				if i < 0 {
					t.Error("not wanted: ", got)
				} else {
					wanted = slices.Delete(wanted, i, i+1)
				}
			}
			if len(wanted) > 0 {
				t.Error("not found: ", wanted)
			}
		})
	}
}

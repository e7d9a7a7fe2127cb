package check_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
)

// TestObserved: neither the source nor the run shows the cycle, both together do.
func TestObserved(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: runs a package's tests with -tags lockorder; run without -short")
	}
	alone, err := check.Run(context.Background(), check.Options{Paths: []string{"testdata/observed"}})
	if err != nil || len(alone.Findings) != 0 {
		t.Fatalf("without the run: %v, %v", alone.Findings, err)
	}
	file := filepath.Join(t.TempDir(), "observed")
	cmd := exec.Command("go", "test", "-count=1", "-tags", "lockorder", "./testdata/observed")
	cmd.Env = append(os.Environ(), "LOCKORDER_OBSERVED="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the run alone must show nothing: %v\n%s", err, out)
	}
	seen, err := check.ReadObserved(file)
	if err != nil || len(seen) != 2 {
		t.Fatalf("observed %v, %v", seen, err)
	}
	both, err := check.Run(context.Background(), check.Options{Paths: []string{"testdata/observed"}, Observed: seen})
	if err != nil {
		t.Fatal(err)
	}
	if len(both.Findings) != 1 || both.Findings[0].Level != finding.Certain || both.Findings[0].Rule != "lock-order" ||
		!strings.Contains(strings.Join(both.Findings[0].Why, " "), "A run of the program has shown each of these orders.") {
		t.Errorf("found %+v", both.Findings)
	}
	if got := both.Tally; got.Seen != 2 || got.Added != 1 || got.Read != 1 || got.Unseen != 0 || got.Unplaced != 0 {
		t.Errorf("tally %+v", got)
	}
}

// TestReadObserved: what is no such file says so, with its line.
func TestReadObserved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "observed")
	for text, want := range map[string]string{
		"{\"before\":{\"file\":\"a.go\",\"line\":1},\"after\":{\"file\":\"a.go\",\"line\":2}}\n\nmore\n": "observed:3 is not an order",
		"{}\n": "observed:1 is not an order",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := check.ReadObserved(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

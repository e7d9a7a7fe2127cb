package check_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock/check"
)

// BenchmarkGoVet reads Go's standard library, and with the go command more than a
// million lines, beside go vet, which reads the same files: neither reads tests. Both
// find what was compiled in the cache, and vet nothing of its own. Filling the cache
// takes minutes, so it stays in the user's cache folder, and a run that was stopped
// goes on where it was; PENSTOCK_GOCACHE names another one.
func BenchmarkGoVet(b *testing.B) {
	cache := os.Getenv("PENSTOCK_GOCACHE")
	if cache == "" {
		home, err := os.UserCacheDir()
		if err != nil {
			b.Fatal(err)
		}
		cache = filepath.Join(home, "penstock-bench", "go-build")
	}
	b.Run("std", func(b *testing.B) { besideVet(b, cache, "std") })
	b.Run("million", func(b *testing.B) { besideVet(b, cache, "std", "cmd/...") })
}

func besideVet(b *testing.B, cache string, patterns ...string) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		b.Fatal(err)
	}
	root := strings.TrimSpace(goCommand(b, "env", "GOROOT"))
	b.Setenv("GOCACHE", cache)
	b.Setenv("GOFLAGS", "-pgo=off") // else vet compiles what cmd/compile needs once more, for its profile, and takes three times as long
	goCommand(b, append([]string{"list", "-C", filepath.Join(root, "src"), "-export", "-deps"}, patterns...)...)
	overlay := withoutTests(b, filepath.Join(root, "src"))
	var vet, ours []time.Duration
	lines := 0
	for b.Loop() {
		b.Setenv("GOCACHE", linked(b, cache))
		start := time.Now()
		cmd := exec.Command("go", append([]string{"vet", "-C", filepath.Join(root, "src"), "-overlay", overlay}, patterns...)...)
		if out, err := cmd.CombinedOutput(); err != nil && len(out) == 0 {
			b.Fatal(err) // findings are its business, a failure is ours
		}
		vet = append(vet, time.Since(start))
		b.Setenv("GOCACHE", cache)
		start = time.Now()
		r, err := check.Run(context.Background(), check.Options{Dir: filepath.Join(root, "src"), Paths: patterns, Mend: true})
		if err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(start))
		lines = r.Lines
	}
	slices.Sort(vet)
	slices.Sort(ours)
	v, o := vet[len(vet)/2].Seconds(), ours[len(ours)/2].Seconds()
	b.ReportMetric(o/v, "times-go-vet")
	b.ReportMetric(v, "vet-s")
	b.ReportMetric(o, "check-s")
	b.ReportMetric(float64(lines)/o, "lines/s")
}

func goCommand(b *testing.B, args ...string) string {
	b.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		b.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// withoutTests is an overlay in which there are no test files.
func withoutTests(b *testing.B, src string) string {
	gone := map[string]string{}
	err := filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, "_test.go") {
			gone[name] = ""
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"Replace": gone})
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Join(b.TempDir(), "overlay.json")
	if err := os.WriteFile(name, text, 0o644); err != nil {
		b.Fatal(err)
	}
	return name
}

// linked is a cache with the same files, in which vet may write.
func linked(b *testing.B, cache string) string {
	to, err := os.MkdirTemp(filepath.Dir(cache), "vet-") // links need the same disk
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(to) })
	err = filepath.WalkDir(cache, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(cache, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return os.Link(name, filepath.Join(to, rel))
	})
	if err != nil {
		b.Fatal(err)
	}
	return to
}

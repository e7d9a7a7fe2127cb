package check_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
)

// safe are the edits of the fixes that change nothing but the fault.
func safe(found []finding.Finding) []finding.Edit {
	var out []finding.Edit
	for _, f := range found {
		if len(f.Fixes) > 0 && f.Fixes[0].Tier == finding.Safe {
			out = append(out, f.Fixes[0].Edits...)
		}
	}
	return out
}

// TestWorkingGo runs a Go program on a real database, as it is and mended: both
// find the same.
func TestWorkingGo(t *testing.T) {
	r := checked(t, "testdata/golang")
	mended, err := check.Mended(safe(r.Findings))
	if err != nil || len(mended) != 2 {
		t.Fatal(len(mended), err)
	}
	dir := t.TempDir()
	replaced := map[string]string{}
	for name, text := range mended {
		golden(t, "testdata/golang/"+filepath.Base(name)+".mended", text)
		replaced[name] = filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(replaced[name], text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.Command("go", append(append([]string{"run"}, args...), "./testdata/golang")...)
		cmd.Env = append(os.Environ(), "NOTE=o'neil", "NUM=2", "LIST=1,3")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	before, after := strings.Split(run(), "\n"), strings.Split(run("-overlay", file), "\n")
	for i, line := range before {
		if strings.HasSuffix(line, "[]") {
			t.Errorf("%s: finds nothing, and shows nothing", line)
		}
		if i >= len(after) || after[i] != line {
			t.Errorf("%s, and mended %s", line, after[i])
		}
	}
}

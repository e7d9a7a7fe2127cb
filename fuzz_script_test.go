package penstock_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFuzzScript: the only failure that `make fuzz` forgives is the fuzzer's own
// (golang.org/issue/75804), and only if it left no input and the known ones pass.
func TestFuzzScript(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("SKIP: no bash")
	}
	const deadline = "echo '--- FAIL: FuzzX (30.04s)'; echo '    context deadline exceeded'; echo FAIL; exit 1"
	const write = `mkdir -p "$DIR/testdata/fuzz/FuzzX"; echo x > "$DIR/testdata/fuzz/FuzzX/1234";`
	for _, c := range []struct {
		what, fuzz, again string
		passes            bool
	}{
		{"nothing is found", "exit 0", "exit 1", true},
		{"the fuzzer's own end", deadline, "exit 0", true},
		{"its own end, and a known input fails", deadline, "exit 1", false},
		{"its own end, with an input", write + deadline, "exit 0", false},
		{"an input", write + "echo '--- FAIL: FuzzX (1s)'; echo '    --- FAIL: FuzzX (0.00s)'; echo '        x_test.go:9: no'; echo FAIL; exit 1", "exit 0", false},
		{"a test that ran into a deadline", "echo '--- FAIL: FuzzX (1s)'; echo '    x_test.go:9: context deadline exceeded'; echo FAIL; exit 1", "exit 0", false},
		{"a worker that died", "echo '--- FAIL: FuzzX (1s)'; echo '    fuzzing process hung or terminated unexpectedly: exit status 2'; echo FAIL; exit 1", "exit 0", false},
		{"both", "echo '--- FAIL: FuzzX (1s)'; echo '    x_test.go:9: no'; echo '    context deadline exceeded'; echo FAIL; exit 1", "exit 0", false},
		{"it does not build", "echo 'FAIL x [build failed]'; exit 1", "exit 0", false},
	} {
		dir := t.TempDir()
		stub := "#!/usr/bin/env bash\ncase \"$*\" in\nlist*) echo \"$DIR\";;\n*-fuzz*) " + c.fuzz + ";;\n*) " + c.again + ";;\nesac\n"
		goProgram := filepath.Join(dir, "go")
		if err := os.WriteFile(goProgram, []byte(stub), 0o700); err != nil {
			t.Fatal(err)
		}
		run := exec.CommandContext(t.Context(), "tools/fuzz", "./x", "FuzzX", "1s")
		run.Env = append(os.Environ(), "GO="+goProgram, "DIR="+dir)
		out, err := run.CombinedOutput()
		if (err == nil) != c.passes || c.passes && c.fuzz == deadline && !strings.Contains(string(out), "issue/75804") {
			t.Errorf("%s: %v\n%s", c.what, err, out)
		}
	}
}

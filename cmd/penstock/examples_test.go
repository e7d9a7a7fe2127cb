package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestExamples runs each example's run.sh as its README says, but for ports and
// data, and holds its closing line against the conservation law: everything
// that was sent was stored, was known already or was refused.
func TestExamples(t *testing.T) {
	scripts, err := filepath.Glob("../../examples/*/run.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no examples/*/run.sh: %v", err)
	}
	for _, script := range scripts {
		name := filepath.Base(filepath.Dir(script))
		t.Run(name, func(t *testing.T) {
			out := runExample(t, script)
			readme, err := os.ReadFile(filepath.Join(filepath.Dir(script), "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			closing := lines[len(lines)-1]
			if !conserved(t, closing) || !strings.Contains(string(readme), closing) {
				t.Errorf("the closing line is %q; the README shows another, or it does not add up:\n%s", closing, out)
			}
		})
	}
}

// runExample runs the script on free ports and returns what it printed.
func runExample(t *testing.T, script string) string {
	t.Helper()
	needsCurl(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", filepath.Base(script))
	cmd.Dir = filepath.Dir(script)
	cmd.Env = append(os.Environ(), "PENSTOCK_LISTEN="+realtest.Addr(t), "PENSTOCK_ADMIN="+realtest.Addr(t),
		"PENSTOCK_DEV_KAFKA="+realtest.Addr(t), "PENSTOCK_DATA="+t.TempDir(),
		"PENSTOCK_REQUEST_TIMEOUT=1m", "PENSTOCK_READS_TIMEOUT=1m") // a busy machine takes its time
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	kill := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel, cmd.WaitDelay = kill, 5*time.Second
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	if err != nil {
		kill() // what it may have left running
		t.Fatalf("%s: %v\n%s%s", script, err, out.String(), log.String())
	}
	return out.String()
}

var law = regexp.MustCompile(`^read (\d+) = delivered (\d+) \+ dropped (\d+) \+ rejected (\d+)$`)

// conserved reports whether the line states the conservation law and it holds.
func conserved(t *testing.T, line string) bool {
	t.Helper()
	found := law.FindStringSubmatch(line)
	if found == nil {
		return false
	}
	var n [4]int64
	for i := range n {
		n[i], _ = strconv.ParseInt(found[i+1], 10, 64)
	}
	return n[0] > 0 && n[1] > 0 && n[0] == n[1]+n[2]+n[3]
}

func needsCurl(t *testing.T) {
	t.Helper()
	realtest.Program(t, "curl", "curl")
}

// varying is what differs from one run of docs/http.md's examples to the next.
var varying = regexp.MustCompile(`"offset":\d+|"instance":"[^"]*"`)

// TestHTTPDoc runs each shell block of docs/http.md and wants what the block
// below it shows.
func TestHTTPDoc(t *testing.T) {
	needsCurl(t)
	text, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t))
	blocks := strings.Split(string(text), "```sh\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("docs/http.md has %d shell blocks", len(blocks))
	}
	for _, block := range blocks {
		script, rest, _ := strings.Cut(block, "```\n")
		want, _, shown := strings.Cut(strings.TrimPrefix(rest, "```json\n"), "```\n")
		if !shown {
			t.Fatalf("no answer is shown behind %s", script)
		}
		out, err := exec.Command("bash", "-ec", strings.ReplaceAll(script, "localhost:8080", p.door)).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if got := varying.ReplaceAllString(string(out), ""); got != varying.ReplaceAllString(want, "") {
			t.Errorf("%s\ngave\n%sand docs/http.md shows\n%s", script, out, want)
		}
	}
}

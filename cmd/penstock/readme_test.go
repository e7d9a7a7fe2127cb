package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestReadme runs the README's first shell block as it stands, but for the
// ports, and holds the README's other claim against what comes out of Kafka.
func TestReadme(t *testing.T) {
	realtest.Program(t, "kcat", "kcat")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	door, admin, kafka := realtest.Addr(t), realtest.Addr(t), realtest.Addr(t)
	script := fenced(t, string(readme), "sh")
	script = strings.NewReplacer("localhost:8080", door, "localhost:9092", kafka).Replace(script)
	cmd := exec.Command("bash", "-e", "-c", script)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PENSTOCK_LISTEN="+door, "PENSTOCK_ADMIN="+admin, "PENSTOCK_DEV_KAFKA="+kafka, "PENSTOCK_DATA="+t.TempDir(),
		"PENSTOCK_REQUEST_TIMEOUT=1m", "PENSTOCK_READS_TIMEOUT=1m") // a busy machine takes its time
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := os.Create(filepath.Join(t.TempDir(), "said")) // a file, since the server left behind would hold a pipe open
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(3*patience, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	err = cmd.Wait()
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the server it left running
	out, readErr := os.ReadFile(said.Name())
	if err != nil || readErr != nil {
		t.Fatalf("the README's commands failed: %v %v\n%s", err, readErr, out)
	}
	record := strings.TrimSpace(fenced(t, string(readme), "json"))
	if !json.Valid([]byte(record)) {
		t.Errorf("the README's record is not JSON: %s", record)
	}
	if !strings.Contains(string(out), record+"\n") {
		t.Errorf("kcat did not print the README's record\n%s\nbut all this came out:\n%s", record, out)
	}
	if !strings.Contains(string(out), `"order_id":"1"`) {
		t.Errorf("the user's orders were not read back:\n%s", out)
	}
	if !strings.Contains(string(out), `"status":"invalid"`) {
		t.Errorf("the second order was not refused:\n%s", out)
	}
}

// fenced returns the first block of the language in a Markdown text.
func fenced(t *testing.T, text, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		t.Fatalf("no %s block in the README", language)
	}
	return block
}

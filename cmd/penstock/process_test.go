package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/realtest"
)

// asPenstock makes the test binary, run again, behave as the program itself.
const asPenstock = "PENSTOCK_TEST_RUN_MAIN"

// A process is one penstock serve that a test starts, kills and starts again
// on the same ports and data.
type process struct {
	args        []string
	door, admin string // base URLs
	kafka       string
	data        string
	cmd         *exec.Cmd
	ledger      *ledger

	mu  sync.Mutex
	log bytes.Buffer
}

// startPenstock starts `penstock serve` with data in a temporary folder. One
// of args names the broker.
func startPenstock(t *testing.T, args ...string) *process {
	t.Helper()
	door, admin, data := realtest.Addr(t), realtest.Addr(t), t.TempDir()
	p := &process{
		door: "http://" + door, admin: "http://" + admin, data: data,
		args: append([]string{"serve", "--listen", door, "--admin", admin, "--data", data,
			"--request-timeout", "1m", "--reads-timeout", "1m"}, args...), // a busy machine takes its time
		ledger: newLedger(),
	}
	for i, a := range args {
		if a == "--kafka" || a == "--dev-kafka" {
			p.kafka = args[i+1]
		}
	}
	p.start(t)
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		if t.Failed() {
			t.Logf("penstock said:\n%s", p.output())
		}
	})
	return p
}

// start starts the program and returns once its door answers.
func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), asPenstock+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal("start penstock:", err)
	}
	eventually(t, "penstock answers at its door", func() bool {
		res, err := http.Get(p.door + "/v1/streams")
		if err != nil {
			return false
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return res.StatusCode == http.StatusOK || res.StatusCode == http.StatusUnauthorized
	})
}

// Write keeps the tail of what the program says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log.Len() > 1<<20 {
		p.log.Reset()
	}
	return p.log.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// metric reads one sample from the admin listener, -1 when it is not there.
func (p *process) metric(t *testing.T, name string) float64 {
	t.Helper()
	res, err := http.Get(p.admin + "/metrics")
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			var v float64
			fmt.Sscan(rest, &v)
			return v
		}
	}
	return -1
}

// patience is how long a test waits for what takes seconds at most: it only
// ends what hangs, on however busy a machine.
const patience = 3 * time.Minute

// eventually polls cond until it holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

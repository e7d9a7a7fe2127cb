package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/realtest"
)

// The crash tests hold the delivery contract against the real program: clients
// post through kill -9 after kill -9, an oracle keeps every acknowledged id,
// and at the end a read_committed consumer must find each exactly once, in the
// order of acknowledgement by key.

// cycles is how often a crash test kills; PENSTOCK_CRASH_CYCLES sets another
// number for a longer search.
func cycles(t *testing.T, usual int) int {
	if s := os.Getenv("PENSTOCK_CRASH_CYCLES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("PENSTOCK_CRASH_CYCLES=%q: not a number", s)
		}
		return n
	}
	if testing.Short() {
		return 3
	}
	return usual
}

func TestKillPenstockDevelopmentBroker(t *testing.T) {
	t.Parallel()
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t))
	killThrough(t, p, cycles(t, 10), func() { p.kill(t); p.start(t) })
	p.checkOracle(t)
}

func TestKillPenstockRealKafka(t *testing.T) {
	t.Parallel()
	k := realtest.StartKafka(t)
	p := startPenstock(t, "--kafka", k.Addr())
	killThrough(t, p, cycles(t, 20), func() { p.kill(t); p.start(t) })
	p.checkOracle(t)
}

func TestKillRealKafka(t *testing.T) {
	t.Parallel()
	k := realtest.StartKafka(t)
	p := startPenstock(t, "--kafka", k.Addr())
	killThrough(t, p, cycles(t, 5), func() { k.Kill9(t); k.Restart(t) })
	p.checkOracle(t)
}

// TestTerminate ends penstock with SIGTERM under load: it drains and exits 0,
// and the senders who got no answer find out by sending again.
func TestTerminate(t *testing.T) {
	t.Parallel()
	k := realtest.StartKafka(t)
	p := startPenstock(t, "--kafka", k.Addr())
	killThrough(t, p, 2, func() { p.terminate(t); p.start(t) })
	p.checkOracle(t)
}

// killThrough runs clients while kill is called n times, each time only after
// the clients have had fresh acknowledgements: the writer was at work.
func killThrough(t *testing.T, p *process, n int, kill func()) {
	clients := p.startClients(t, 8)
	for i := range n {
		clients.awaitAcks(t, 50+rand.IntN(400))
		kill()
		t.Logf("cycle %d: %d acknowledged so far", i+1, clients.acked())
	}
	clients.awaitAcks(t, 100)
	clients.stop(t)
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal("kill penstock:", err)
	}
	p.cmd.Wait()
}

// terminate asks penstock to drain and waits for it.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal("terminate penstock:", err)
	}
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("penstock ended with %v\n%s", err, p.output())
		}
	case <-time.After(patience):
		p.cmd.Process.Kill()
		t.Fatalf("penstock did not end within %v of SIGTERM\n%s", patience, p.output())
	}
}

// TestHangupWhileEnding sends SIGHUP while SIGTERM's drain waits for Kafka: it
// must not kill the program before it has closed its journals. Probes are
// answered meanwhile: not ready, alive, and how much is left.
func TestHangupWhileEnding(t *testing.T) {
	t.Parallel()
	p := startPenstock(t, "--kafka", realtest.Addr(t), "--drain-timeout", "5s") // nobody is there
	if status, _, body := p.postOrder(t, 1, 1, "disk", ""); status != http.StatusAccepted {
		t.Fatalf("status %d: %s", status, body)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	eventually(t, "the probe sees that it drains", func() bool { return p.probe(t, "/readyz") == http.StatusServiceUnavailable })
	if status := p.probe(t, "/healthz"); status != http.StatusOK {
		t.Errorf("healthz of a penstock that drains: %d", status)
	}
	if left := p.metric(t, `penstock_journal_backlog_events{stream="orders"}`); left != 1 {
		t.Errorf("%v events left by the metrics, not 1", left)
	}
	eventually(t, "penstock ends", func() bool {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("penstock ended with %v", err)
			}
			return true
		default:
			p.cmd.Process.Signal(syscall.SIGHUP)
			return false
		}
	})
}

// probe asks the admin listener.
func (p *process) probe(t *testing.T, path string) int {
	t.Helper()
	res, err := http.Get(p.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

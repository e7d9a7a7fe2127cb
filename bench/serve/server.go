package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// floorCommand makes this program the server of the single-event rows.
const floorCommand = "serve-floor"

// serveFloor is the least an HTTP server can do: read the body, answer 202.
func serveFloor(addr string) {
	err := http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A server is one side of a comparison, in a process of its own.
type server struct {
	addr, admin, broker string
	dir                 string
	cmd                 *exec.Cmd
}

// startRival makes this program a rival's server, in a process of its own.
func startRival(ctx context.Context, command string, args ...string) (*server, error) {
	s := &server{addr: freeAddr()}
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return nil, err
	}
	s.dir = dir
	if s.cmd, err = build(ctx, dir, "./bench/serve", append([]string{command, s.addr}, args...)...); err != nil {
		return nil, err
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, s.awaitPort(ctx)
}

// startPenstock builds the program and serves the shipped orders stream with
// data in a temporary folder.
func startPenstock(ctx context.Context, o options) (*server, error) {
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{addr: freeAddr(), admin: freeAddr(), broker: o.kafka, dir: dir}
	args := []string{"serve", "--log-level", "error", "--listen", s.addr, "--admin", s.admin, "--data", filepath.Join(dir, "data"), "--to", "none"}
	if o.kafka != "" {
		args = append(args, "--kafka", o.kafka)
	} else {
		s.broker = freeAddr()
		args = append(args, "--dev-kafka", s.broker, "--to", "none")
	}
	if s.cmd, err = build(ctx, dir, "./cmd/penstock", args...); err != nil {
		return nil, err
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, s.awaitPort(ctx)
}

// build builds a program of this module into dir and returns it ready to run.
func build(ctx context.Context, dir, pkg string, args ...string) (*exec.Cmd, error) {
	program := filepath.Join(dir, filepath.Base(pkg))
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, pkg).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return exec.CommandContext(ctx, program, args...), nil
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

func (s *server) awaitPort(ctx context.Context) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w", s.addr, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// awaitDrained returns once the broker has all that is in the journal.
func (s *server) awaitDrained(ctx context.Context) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		left, err := s.metric(`penstock_journal_backlog_events{stream="orders"}`)
		if err != nil || left == 0 {
			return err
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("%v events are still in the journal", left)
		}
		time.Sleep(5 * time.Millisecond) // each question costs the server about one
	}
}

// plain does not ask the server to compress what it answers on the same two cores.
var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}}

func (s *server) metric(name string) (float64, error) {
	res, err := plain.Get("http://" + s.admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(v, 64)
		}
	}
	return 0, errors.New("no metric " + name)
}

// printMemory prints what the process holds after the load.
func (s *server) printMemory(out io.Writer) error {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") || strings.HasPrefix(line, "VmRSS:") {
			fmt.Fprintln(out, " ", strings.Join(strings.Fields(line), " "))
		}
	}
	return nil
}

func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

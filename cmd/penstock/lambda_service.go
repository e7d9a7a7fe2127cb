package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A lambdaService is Lambda on this machine, as far as a function sees it: the
// Runtime API that the bootstrap asks for its next invocation, and the API by
// which a function invokes another. It runs one execution environment, kills
// it when an invocation is over its time, and tries an asynchronous event
// again, twice, as Lambda does.
type lambdaService struct {
	program string
	env     []string
	timeout time.Duration
	stderr  io.Writer

	// strike, if set, says after how much of its time an invocation is killed;
	// 0 is not at all.
	strike func(attempt int) time.Duration

	listener net.Listener
	server   *http.Server
	offers   chan *invocation // to the bootstrap that asks next

	mu    sync.Mutex // guards what follows
	queue []*invocation
	now   *invocation
}

// An invocation is one event on its way through the function.
type invocation struct {
	id       string
	payload  []byte
	attempts int
	deadline time.Time
	answer   chan invocationAnswer
}

type invocationAnswer struct {
	body  []byte
	error bool
}

// attemptsMax is how often Lambda tries an asynchronous event.
const attemptsMax = 3

// errKilled is what becomes of an invocation whose process ended before it answered.
var errKilled = errors.New("the function ended before it answered")

func startLambdaService(l *lambdaService) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.listener, l.offers = listener, make(chan *invocation)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", l.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", l.answered)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", l.initError)
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", l.invoked)
	l.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.server.Serve(listener) }() // it ends with close
	return nil
}

func (l *lambdaService) close() error { return l.server.Close() }

// next gives the bootstrap an invocation, once there is one.
func (l *lambdaService) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case in := <-l.offers:
		in.deadline = time.Now().Add(l.timeout)
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local:000000000000:function:penstock:live")
		_, _ = w.Write(in.payload) // a bootstrap that is gone is seen by its end
	}
}

func (l *lambdaService) answered(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	l.mu.Lock()
	in := l.now
	l.mu.Unlock()
	if err == nil && in != nil && in.id == r.PathValue("id") {
		select {
		case in.answer <- invocationAnswer{body, r.PathValue("what") == "error"}:
		default: // it was given one
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

func (l *lambdaService) initError(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(l.stderr, io.LimitReader(r.Body, 64<<10))
	w.WriteHeader(http.StatusAccepted)
}

// invoked puts an event of the function itself into the queue.
func (l *lambdaService) invoked(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, 256<<10))
	if err != nil || r.Header.Get("X-Amz-Invocation-Type") != "Event" {
		http.Error(w, `{"message":"only Event invocations"}`, http.StatusBadRequest)
		return
	}
	l.add(payload)
	w.WriteHeader(http.StatusAccepted)
}

// add puts an event into the queue.
func (l *lambdaService) add(payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, &invocation{id: rand.Text(), payload: payload})
}

func (l *lambdaService) take() *invocation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	in := l.queue[0]
	l.queue = l.queue[1:]
	return in
}

// An environmentRun is a bootstrap process.
type environmentRun struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (l *lambdaService) spawn() (*environmentRun, error) {
	cmd := exec.Command(l.program)
	cmd.Env = append(append(os.Environ(), l.env...),
		"AWS_LAMBDA_RUNTIME_API="+l.listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=penstock", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=ERROR",
		"AWS_ENDPOINT_URL_LAMBDA=http://"+l.listener.Addr().String())
	cmd.Stdout, cmd.Stderr = l.stderr, l.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	run := &environmentRun{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(run.ended)
		_ = cmd.Wait() // that it was killed is no news
	}()
	return run, nil
}

// kill ends the process as Lambda does: without a word.
func (e *environmentRun) kill() {
	_ = e.cmd.Process.Kill()
	<-e.ended
}

// drain carries out all events in the queue, and those they make, and returns
// the ones that failed for good.
func (l *lambdaService) drain(ctx context.Context) (failed []string, err error) {
	var run *environmentRun
	defer func() {
		if run != nil {
			run.kill()
		}
	}()
	for in := l.take(); in != nil && ctx.Err() == nil; in = l.take() {
		if run == nil {
			if run, err = l.spawn(); err != nil {
				return failed, err
			}
		}
		answer, alive := l.carry(ctx, run, in)
		if !alive {
			run = nil
		}
		if !answer.error {
			continue
		}
		if in.attempts < attemptsMax {
			l.mu.Lock()
			l.queue = append(l.queue, in)
			l.mu.Unlock()
			continue
		}
		failed = append(failed, fmt.Sprintf("%.300s: %.1000s", in.payload, answer.body))
	}
	return failed, ctx.Err()
}

// carry has the process work on one event. alive is false when it ended.
func (l *lambdaService) carry(ctx context.Context, run *environmentRun, in *invocation) (answer invocationAnswer, alive bool) {
	in.attempts++
	in.id, in.answer = rand.Text(), make(chan invocationAnswer, 1)
	l.mu.Lock()
	l.now = in
	l.mu.Unlock()
	killed := invocationAnswer{body: []byte(errKilled.Error()), error: true}
	select {
	case l.offers <- in:
	case <-run.ended:
		return killed, false
	case <-ctx.Done():
		run.kill()
		return killed, false
	}
	end := time.NewTimer(l.patience(in.attempts))
	defer end.Stop()
	select {
	case answer := <-in.answer:
		return answer, true
	case <-run.ended:
	case <-end.C:
		run.kill()
	case <-ctx.Done():
		run.kill()
	}
	return killed, false
}

func (l *lambdaService) patience(attempt int) time.Duration {
	if l.strike != nil {
		if after := l.strike(attempt); after > 0 {
			return min(after, l.timeout)
		}
	}
	return l.timeout
}

// splitEvents are the payloads in a text: one JSON value, or one a line.
func splitEvents(text string) [][]byte {
	var all [][]byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, []byte(line))
		}
	}
	return all
}

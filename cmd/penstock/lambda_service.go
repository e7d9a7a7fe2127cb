package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
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
	atOnce  int // invocations that the environment serves at once; 0 means 1

	// strike, if set, says after how much of its time an invocation is killed;
	// 0 is not at all.
	strike func(attempt int) time.Duration

	listener net.Listener
	server   *http.Server

	mu     sync.Mutex // guards what follows
	queue  []*invocation
	now    map[string]*invocation // under way, by id
	run    *environmentRun        // nil when there is none
	failed []string
	peak   int64 // most memory that an environment was seen to have, in bytes
	kills  int

	carried int // invocations, whatever became of them
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
	l.listener, l.now = listener, map[string]*invocation{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{run}/2018-06-01/runtime/invocation/next", l.next)
	mux.HandleFunc("POST /{run}/2018-06-01/runtime/invocation/{id}/{what}", l.answered)
	mux.HandleFunc("POST /{run}/2018-06-01/runtime/init/error", l.initError)
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", l.invoked)
	l.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.server.Serve(listener) }() // it ends with close
	return nil
}

func (l *lambdaService) close() error { return l.server.Close() }

// next gives the bootstrap an invocation, once there is one.
func (l *lambdaService) next(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	run := l.run
	l.mu.Unlock()
	if run == nil || run.id != r.PathValue("run") { // a question of one that was killed, which came late
		http.Error(w, "no such environment", http.StatusGone)
		return
	}
	select {
	case <-r.Context().Done():
	case in := <-run.offers:
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
	in := l.now[r.PathValue("id")]
	l.mu.Unlock()
	if err == nil && in != nil {
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

// An environmentRun is a bootstrap process.
type environmentRun struct {
	id     string // in its address of the Runtime API
	cmd    *exec.Cmd
	offers chan *invocation // to whoever asks next
	ended  chan struct{}
}

// environment returns the process that runs, or starts one.
func (l *lambdaService) environment() (*environmentRun, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.run != nil {
		select {
		case <-l.run.ended:
		default:
			return l.run, nil
		}
	}
	id, cmd := rand.Text(), exec.Command(l.program)
	cmd.Env = append(append(os.Environ(),
		"AWS_LAMBDA_RUNTIME_API="+l.listener.Addr().String()+"/"+id,
		"AWS_LAMBDA_FUNCTION_NAME=penstock", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=ERROR",
		"AWS_ENDPOINT_URL_LAMBDA=http://"+l.listener.Addr().String()), l.env...)
	if l.atOnce > 1 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("AWS_LAMBDA_MAX_CONCURRENCY=%d", l.atOnce))
	}
	cmd.Stdout, cmd.Stderr = l.stderr, l.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	run := &environmentRun{id: id, cmd: cmd, offers: make(chan *invocation), ended: make(chan struct{})}
	go func() {
		defer close(run.ended)
		_ = cmd.Wait() // that it was killed is no news
	}()
	l.run = run
	return run, nil
}

// measure notes the most memory that a process has had so far, where the system
// tells it.
func (l *lambdaService) measure(run *environmentRun) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", run.cmd.Process.Pid))
	if err != nil {
		return
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscan(text, &kB); err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.peak = max(l.peak, kB<<10)
	}
}

// kill ends the process as Lambda does: without a word.
func (e *environmentRun) kill() {
	_ = e.cmd.Process.Kill()
	<-e.ended
}

// drain carries out all events in the queue, and those they make, and returns
// the ones that failed for good.
func (l *lambdaService) drain(ctx context.Context) (failed []string, err error) {
	defer func() {
		l.mu.Lock()
		run := l.run
		l.run = nil
		l.mu.Unlock()
		if run != nil {
			run.kill()
		}
	}()
	var workers sync.WaitGroup
	errs := make([]error, max(1, l.atOnce))
	for i := range errs {
		workers.Go(func() { errs[i] = l.work(ctx) })
	}
	workers.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	failed, l.failed = l.failed, nil
	return failed, errors.Join(append(errs, ctx.Err())...)
}

// work carries out one event after the other until there is none, nor any under
// way that could make one.
func (l *lambdaService) work(ctx context.Context) error {
	for ctx.Err() == nil {
		in, more := l.take()
		if in == nil && !more {
			return nil
		}
		if in == nil {
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
			continue
		}
		run, err := l.environment()
		if err != nil {
			return err
		}
		answer := l.carry(ctx, run, in)
		l.settle(in, answer)
	}
	return nil
}

// take is the next event, and whether others are under way.
func (l *lambdaService) take() (in *invocation, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil, len(l.now) > 0
	}
	in = l.queue[0]
	l.queue = l.queue[1:]
	in.attempts++
	in.id, in.answer = rand.Text(), make(chan invocationAnswer, 1)
	l.now[in.id] = in
	return in, true
}

// settle puts an event that failed into the queue again, or gives it up.
func (l *lambdaService) settle(in *invocation, answer invocationAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.now, in.id)
	l.carried++
	if !answer.error {
		if in.payload = givenBack(in.payload, answer.body); in.payload == nil {
			return
		}
	}
	if in.attempts < attemptsMax {
		l.queue = append(l.queue, in)
		return
	}
	l.failed = append(l.failed, fmt.Sprintf("%.300s: %.1000s", in.payload, answer.body))
}

// givenBack is an event of SQS with the messages that the answer gives back, which
// SQS delivers again; nil when it gives back none.
func givenBack(payload, answer []byte) []byte {
	var failures struct {
		Items []map[string]string `json:"batchItemFailures"`
	}
	var event struct {
		Records []map[string]json.RawMessage
	}
	if json.Unmarshal(answer, &failures) != nil || len(failures.Items) == 0 || json.Unmarshal(payload, &event) != nil {
		return nil
	}
	event.Records = slices.DeleteFunc(event.Records, func(message map[string]json.RawMessage) bool {
		return !slices.ContainsFunc(failures.Items, func(item map[string]string) bool {
			return strconv.Quote(item["itemIdentifier"]) == string(message["messageId"])
		})
	})
	rest, err := json.Marshal(event)
	if err != nil {
		return payload
	}
	return rest
}

// carry has the process work on one event.
func (l *lambdaService) carry(ctx context.Context, run *environmentRun, in *invocation) invocationAnswer {
	killed := invocationAnswer{body: []byte(errKilled.Error()), error: true}
	select {
	case run.offers <- in:
	case <-run.ended:
		return killed
	case <-ctx.Done():
		run.kill()
		return killed
	}
	end := time.NewTimer(l.patience(in.attempts))
	defer end.Stop()
	select {
	case answer := <-in.answer:
		l.measure(run)
		return answer
	case <-run.ended:
	case <-end.C:
		l.mu.Lock()
		l.kills++
		l.mu.Unlock()
		run.kill()
	case <-ctx.Done():
		run.kill()
	}
	return killed
}

func (l *lambdaService) patience(attempt int) time.Duration {
	if l.strike != nil {
		if after := l.strike(attempt); after > 0 {
			return min(after, l.timeout)
		}
	}
	return l.timeout
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/penstock-io/penstock/s3"
)

// invokeConfig is what `penstock lambda invoke` is told.
type invokeConfig struct {
	event     string
	duplicate int
	shuffle   bool
	killAfter time.Duration
	throttle  string
	timeout   time.Duration
	seed      uint64
}

func (c *invokeConfig) define(flags *flag.FlagSet) {
	flags.StringVar(&c.event, "event", "", "`file` of one event, or of one a line")
	flags.IntVar(&c.duplicate, "duplicate", 1, "how often each event is delivered")
	flags.BoolVar(&c.shuffle, "shuffle", false, "deliver the events in another order")
	flags.DurationVar(&c.killAfter, "kill-after", 0, "SIGKILL the function this long into each event's first attempt")
	flags.StringVar(&c.throttle, "throttle", "", "`share` of DynamoDB's requests that are throttled, as 30%")
	flags.DurationVar(&c.timeout, "timeout", 5*time.Minute, "what Lambda would give an invocation")
	flags.Uint64Var(&c.seed, "seed", 1, "chooses the other order")
}

// run has the bootstrap, which is this program, work on the events as in Lambda.
func (c *invokeConfig) run(ctx context.Context, sh shell, l *lambdaConfig, args []string) error {
	if c.event == "" || l.env == "" || len(args) > 0 {
		return usagef("lambda invoke needs --event FILE and --env ENVIRONMENT, and no arguments")
	}
	if _, err := share(c.throttle); err != nil {
		return err
	}
	if c.duplicate < 1 || c.killAfter < 0 || c.timeout <= 0 {
		return usagef("--duplicate is at least 1, --kill-after not below 0, --timeout above 0")
	}
	events, err := readEvents(c.event)
	if err != nil {
		return err
	}
	if err := c.tryFunction(ctx, sh, l); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	service := &lambdaService{
		program: program, timeout: c.timeout, stderr: &functionOutput{reports: sh.stdout, log: sh.stderr},
		env: []string{"PENSTOCK_ENV=" + l.env, throttleVariable + "=" + c.throttle, "PENSTOCK_STREAMS=" + l.streams},
		strike: func(attempt int) time.Duration {
			if attempt > 1 {
				return 0
			}
			return c.killAfter
		},
	}
	if err := startLambdaService(service); err != nil {
		return err
	}
	defer service.close()
	deliveries := c.deliveries(events)
	for _, event := range deliveries {
		service.add(event)
	}
	failed, err := service.drain(ctx)
	for _, f := range failed {
		fmt.Fprintln(sh.stdout, "failed for good, and would go to the on-failure destination:", readable(f))
	}
	fmt.Fprintf(sh.stdout, "%d events delivered: %d invocations, %d killed, %d events failed for good\n",
		len(deliveries), service.carried, service.kills, len(failed))
	if err == nil && len(failed) > 0 {
		return errFindings
	}
	return err
}

// tryFunction opens what the bootstrap will, which would say what is wrong with
// it three times an event.
func (c *invokeConfig) tryFunction(ctx context.Context, sh shell, l *lambdaConfig) error {
	f, err := openFunction(ctx, l.env, l.streams, sh)
	if err != nil {
		return err
	}
	if margin := f.config.Function.Margin(); c.timeout <= margin {
		err = usagef("--timeout %v leaves no time for work: the last %v of it, margin_seconds, are for handing over", c.timeout, margin)
	}
	return errors.Join(err, f.close())
}

// readEvents are the payloads in a file: one JSON value, or one a line.
func readEvents(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if whole := bytes.TrimSpace(text); json.Valid(whole) {
		return [][]byte{whole}, nil
	}
	var events [][]byte
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return nil, fmt.Errorf("%s: %.60q is no JSON: write one event, or one a line", file, line)
		}
		events = append(events, line)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("%s has no event: write one, or one a line", file)
	}
	return events, nil
}

// deliveries are the events as often, and in the order, as they are to come.
func (c *invokeConfig) deliveries(events [][]byte) [][]byte {
	var all [][]byte
	for range c.duplicate {
		all = append(all, events...)
	}
	if c.shuffle {
		random := rand.New(rand.NewPCG(c.seed, c.seed))
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	return all
}

// throttleVariable tells the function that invoke starts which share of its
// requests to DynamoDB to throttle.
const throttleVariable = "PENSTOCK_THROTTLE"

func share(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	percent, is := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(percent, 64)
	if is {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) { // nor NaN
		return 0, usagef("--throttle %q: write a share, as 0.3 or 30%%", text)
	}
	return v, nil
}

// throttling answers a share of requests as DynamoDB does when a table's
// capacity is used up.
type throttling struct {
	share float64
	to    interface {
		Do(*http.Request) (*http.Response, error)
	}
}

// Do sends the request, or does not.
func (t throttling) Do(r *http.Request) (*http.Response, error) {
	if rand.Float64() >= t.share {
		return t.to.Do(r)
	}
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"made by --throttle"}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Status: "400 Bad Request", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// A functionOutput takes what the function prints: of an object's metrics it
// makes a line to read, all else goes to the log as it is.
type functionOutput struct {
	reports, log io.Writer

	mu   sync.Mutex // guards what follows
	rest []byte     // of a line that has not ended
}

// Write takes what comes; what a kill has cut off is never told.
func (o *functionOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		line, rest, whole := bytes.Cut(o.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		if err := o.line(line); err != nil {
			return 0, err
		}
		o.rest = rest
	}
}

func (o *functionOutput) line(line []byte) error {
	var r struct {
		Metrics     json.RawMessage `json:"_aws"`
		Object      string          `json:"object"`
		Outcome     s3.Outcome      `json:"outcome"`
		In          int64           `json:"rows_in"`
		Written     int64           `json:"rows_written"`
		Dropped     int64           `json:"rows_dropped"`
		Rejected    int64           `json:"rows_rejected"`
		Unaccounted int64           `json:"rows_unaccounted"`
	}
	if json.Unmarshal(line, &r) != nil || r.Metrics == nil {
		_, err := fmt.Fprintf(o.log, "%s\n", line)
		return err
	}
	_, err := fmt.Fprintf(o.reports, "%s: %s, %d rows in, %d written, %d dropped, %d rejected, %d unaccounted\n",
		printable(r.Object), r.Outcome, r.In, r.Written, r.Dropped, r.Rejected, r.Unaccounted)
	return err
}

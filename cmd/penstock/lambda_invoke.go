package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
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
	flags.StringVar(&c.event, "event", "", "invoke, replay: `file` of one event, or of one a line")
	flags.IntVar(&c.duplicate, "duplicate", 1, "invoke: how often each event is delivered")
	flags.BoolVar(&c.shuffle, "shuffle", false, "invoke: deliver the events in another order")
	flags.DurationVar(&c.killAfter, "kill-after", 0, "invoke: SIGKILL the function this long into each event's first attempt")
	flags.StringVar(&c.throttle, "throttle", "", "invoke: `share` of DynamoDB's requests that are throttled, as 30%")
	flags.DurationVar(&c.timeout, "timeout", 5*time.Minute, "invoke: what Lambda would give an invocation")
	flags.Uint64Var(&c.seed, "seed", 1, "invoke: chooses the other order")
}

// run has the bootstrap, which is this program, work on the events as in Lambda.
func (c *invokeConfig) run(ctx context.Context, sh shell, l *lambdaConfig) error {
	if c.event == "" || l.env == "" {
		return usagef("lambda invoke needs --event FILE and --env ENVIRONMENT")
	}
	if _, err := share(c.throttle); err != nil {
		return err
	}
	text, err := os.ReadFile(c.event)
	if err != nil {
		return err
	}
	events := splitEvents(string(text))
	if whole := bytes.TrimSpace(text); json.Valid(whole) {
		events = [][]byte{whole}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	service := &lambdaService{
		program: program, timeout: c.timeout, stderr: sh.stderr,
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
	for _, event := range c.deliveries(events) {
		service.add(event)
	}
	failed, err := service.drain(ctx)
	for _, f := range failed {
		fmt.Fprintln(sh.stdout, "failed for good, and would go to the on-failure destination:", f)
	}
	if err == nil && len(failed) > 0 {
		return errFindings
	}
	return err
}

// deliveries are the events as often, and in the order, as they are to come.
func (c *invokeConfig) deliveries(events [][]byte) [][]byte {
	var all [][]byte
	for range max(1, c.duplicate) {
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
	if err != nil || v < 0 || v > 1 {
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

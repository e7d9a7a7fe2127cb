package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/kafka"
)

// replayConfig is what `penstock replay` is told.
type replayConfig struct {
	readerConfig
	to    string
	key   string
	group string
}

func defineReplay(flags *flag.FlagSet) runner {
	c := &replayConfig{}
	c.define(flags)
	flags.StringVar(&c.to, "to", "http://127.0.0.1:8080", "`URL` of the door")
	flags.StringVar(&c.key, "key", "", "API key; better in the environment than on the command line")
	flags.StringVar(&c.group, "group", "penstock-replay", "consumer `group` that remembers what was replayed; another name begins anew")
	return c.run
}

// run sends each reject's bytes, as they were received, to the door, where
// today's rules judge them. What is refused again is a reject again.
func (c *replayConfig) run(ctx context.Context, sh shell, args []string) error {
	topic, err := c.of(args)
	if err != nil {
		return err
	}
	if u, err := url.Parse(c.to); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return usagef("--to %s is no door; write http://HOST:PORT or https://HOST", redacted(c.to))
	}
	client, err := c.kafka.client(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	source, err := kafka.NewSource(client, kafka.SourceOptions{Topic: topic + ".rejects", Group: c.group + "-" + args[0]})
	if err != nil {
		return err
	}
	door := &replayDoor{
		url: c.to + "/v1/streams/" + url.PathEscape(args[0]) + "/events", key: c.key,
		client: &http.Client{Timeout: 30 * time.Second},
	}
	var total penstock.Total
	// The door writes what it refuses to the very topic that is read here; the
	// source stops at the end that the topic had when it began.
	err = source.Run(ctx, penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		defer func() { total.Add(b.Tally()) }()
		return door.Write(ctx, b)
	}))
	tally := total.Tally()
	fmt.Fprintln(sh.stdout, tally)
	switch {
	case err != nil:
		return fmt.Errorf("%w (run it again: it goes on where it stopped, and what was taken already is a duplicate)", err)
	case tally.Rejected > 0:
		return errFindings
	}
	return nil
}

// replayDoor is the HTTP door seen as a sink: one request an event, so that
// each keeps the exact bytes it came in.
type replayDoor struct {
	url, key string
	client   *http.Client
}

// Write posts each pending event and settles it by the door's answer.
func (d *replayDoor) Write(ctx context.Context, b *penstock.Batch) error {
	for _, e := range b.Pending().Events {
		if err := d.post(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// doorAnswer is what replay reads of an answer, be it results or a problem.
type doorAnswer struct {
	Results []struct {
		Status string
		Error  struct{ Pointer, Code, Detail string }
	}
	Title, Detail, Code string
}

func (d *replayDoor) post(ctx context.Context, e *penstock.Event) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(e.Raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	// For streams whose events have no identity of their own: the reject's
	// place in its topic makes replaying it twice harmless.
	req.Header.Set("Idempotency-Key", fmt.Sprintf("replay-%s-%d", e.Origin.Door, e.Origin.Position))
	if d.key != "" {
		req.Header.Set("Authorization", "Bearer "+d.key)
	}
	res, err := d.do(req, e.Raw)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	var a doorAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		return fmt.Errorf("%s answered %s with no JSON", d.url, res.Status)
	}
	return a.settle(e, res.StatusCode)
}

// do sends the request, and again for as long as the door is busy and says
// when to come back.
func (d *replayDoor) do(req *http.Request, body []byte) (*http.Response, error) {
	for {
		req.Body = io.NopCloser(bytes.NewReader(body))
		res, err := d.client.Do(req)
		if err != nil {
			return nil, fmt.Errorf("%w (is penstock serve running there?)", err)
		}
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		busy := res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable
		if !busy || seconds == 0 {
			return res, nil
		}
		res.Body.Close()
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-time.After(time.Duration(seconds) * time.Second):
		}
	}
}

// settle gives the event the door's verdict.
func (a doorAnswer) settle(e *penstock.Event, status int) error {
	switch {
	case len(a.Results) == 1 && a.Results[0].Status == "ok":
		e.Deliver(penstock.Place{})
	case len(a.Results) == 1 && a.Results[0].Status == "duplicate":
		e.Drop(penstock.Place{})
	case len(a.Results) == 1 && a.Results[0].Status == "invalid":
		why := a.Results[0].Error
		e.Reject(penstock.NewReject(why.Code, why.Pointer, "%s", why.Detail))
	case status == http.StatusBadRequest:
		e.Reject(penstock.NewReject(a.Code, "", "%s", a.Detail))
	default:
		return fmt.Errorf("the door answered %d: %s", status, a.Detail)
	}
	return nil
}

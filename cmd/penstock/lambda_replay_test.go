package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// An object is replayed by its key, and an event by what the on-failure
// destination has of it.
func TestReplay(t *testing.T) {
	c := newCloud(t, faults.DynamoDBShares{}, 1)
	service := &lambdaService{program: os.Args[0], env: c.env, timeout: time.Minute, stderr: &metricLines{t: t}}
	if err := startLambdaService(service); err != nil {
		t.Fatal(err)
	}
	defer service.close()
	g := orders.Generator{Seed: 1, Bad: .1}
	want := newReference(c)
	for i, key := range []string{"orders/a.jsonl", "orders/b.jsonl"} {
		want.add(key, g, orders.NDJSON, uint64(i)*100, 100)
	}
	event := c.put("orders/a.jsonl", g, orders.NDJSON, 0, 100)
	failed := filepath.Join(t.TempDir(), "failed.json")
	c.put("orders/b.jsonl", g, orders.NDJSON, 100, 100)
	hop, err := s3.Notice{Object: s3.Object{Bucket: c.in, Key: "orders/b.jsonl"}, Size: -1, Hop: 3}.Payload() // which only goes on, until it is replayed
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Appendf(nil, `{"requestContext":{"condition":"RetriesExhausted"},"requestPayload":%s}`, hop)
	if err := os.WriteFile(failed, text, 0o600); err != nil {
		t.Fatal(err)
	}
	drain := func() {
		t.Helper()
		if failed, err := service.drain(t.Context()); err != nil || len(failed) > 0 {
			t.Fatal(failed, err)
		}
	}
	replay := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"lambda", "replay", "--env", c.files, "--streams", "../../examples/orders"}, args...), shell{
			stdout: &out, stderr: &out, getenv: func(name string) string {
				if name == "AWS_ENDPOINT_URL_LAMBDA" {
					return "http://" + service.listener.Addr().String()
				}
				return c.settings.getenv(name)
			},
		})
		return code, out.String()
	}

	service.add(event)
	drain()
	if code, out := replay("s3://" + c.in + "/orders/a.jsonl"); code != exitFindings || !strings.Contains(out, "it is done") {
		t.Errorf("a done object: exit %d, %s", code, out)
	}
	if code, out := replay("orders/a.jsonl", "--again", "--event", failed); code != exitDone || strings.Count(out, "queued for penstock:live") != 2 {
		t.Errorf("again, and an event that failed: exit %d, %s", code, out)
	}
	if p := c.progress("orders/a.jsonl"); p.State != s3.Failed {
		t.Errorf("the ledger has it as %s", p.State)
	}
	drain()
	for _, key := range []string{"orders/a.jsonl", "orders/b.jsonl"} {
		if p := c.progress(key); p.State != s3.Done || p.Tally.Read != 100 || p.Unaccounted() != 0 {
			t.Errorf("%s: %s %v", key, p.State, p.Tally)
		}
	}
	want.compare(c)

	ledger := dynamo.Register{Client: c.settings.dynamodb(), Table: c.ledger}
	_, version, err := ledger.Load(t.Context(), "s3://"+c.in+"/orders/a.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := ledger.Store(t.Context(), "s3://"+c.in+"/orders/a.jsonl", []byte("{"), version); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if code, out := replay("orders/a.jsonl"); code != exitFailed || !strings.Contains(out, "it is damaged") || !strings.Contains(out, "--again") {
		t.Errorf("a damaged entry: exit %d, %s", code, out)
	}
	if code, out := replay("orders/a.jsonl", "--again"); code != exitDone {
		t.Errorf("a damaged entry, again: exit %d, %s", code, out)
	}
	drain()
	if p := c.progress("orders/a.jsonl"); p.State != s3.Done || p.Tally.Read != 100 {
		t.Errorf("then it is %s %v", p.State, p.Tally)
	}
	want.compare(c)

	if code, out := replay("elsewhere/a"); code != exitFailed || !strings.Contains(out, "no stream is read") {
		t.Errorf("a key that nobody reads: exit %d, %s", code, out)
	}
	if code, out := replay("orders/none"); code != exitFailed || !strings.Contains(out, "is gone") {
		t.Errorf("a key that is not there: exit %d, %s", code, out)
	}
}

// What replay sends is what the function understands; anything else would only
// be buried by it.
func TestReplayedEvents(t *testing.T) {
	const notice = `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"orders/a"}}}]}`
	const failed = `{"requestContext":{"condition":"RetriesExhausted"},"requestPayload":` + notice + `}`
	message := func(body string) string { return fmt.Sprintf(`{"MessageId":"m","ReceiptHandle":"r","Body":%q}`, body) }
	for _, c := range []struct {
		name, text string
		events     int // 0 is refused
	}{
		{"S3", notice, 1},
		{"the destination's record", failed, 1},
		{"aws sqs receive-message", `{"Messages":[` + message(failed) + "," + message(notice) + `]}`, 2},
		{"SQS", fmt.Sprintf(`{"Records":[{"messageId":"m","body":%q}]}`, notice), 1},
		{"SNS", fmt.Sprintf(`{"Records":[{"Sns":{"Message":%q}}]}`, notice), 1},
		{"EventBridge", `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, 1},
		{"one bad key beside a good one", strings.Replace(notice, `"Records":[`, `"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}},`, 1), 1},
		{"only a bad key", strings.Replace(notice, "orders/a", "%zz", 1), 0},
		{"an empty object", `{}`, 0},
		{"no records", `{"Records":[]}`, 0},
		{"no messages", `{"Messages":[]}`, 0},
		{"a message that is no event", `{"Messages":[` + message(failed) + "," + message("hello") + `]}`, 0},
		{"a message without body", `{"Messages":[{"MessageId":"m"}]}`, 0},
		{"messages that are no array", `{"Messages":"x"}`, 0},
		{"a record of nothing", `{"requestPayload":{}}`, 0},
		{"a record of null", `{"requestPayload":null}`, 0},
		{"an array", `[1]`, 0},
		{"text", "hello, world\n", 0},
		{"nothing", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "events")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			events, err := failedEvents(file)
			if c.events == 0 && (err == nil || !strings.Contains(err.Error(), "on-failure destination")) || c.events > 0 && err != nil || len(events) != c.events {
				t.Fatalf("%d events, want %d: %v", len(events), c.events, err)
			}
			for _, event := range events {
				for i, n := range s3.Decode(event).Notices {
					if n.Fault != nil && n.Fault.Code != s3.CodeKey {
						t.Errorf("notice %d is bad: %v", i+1, n.Fault)
					}
				}
			}
		})
	}
}

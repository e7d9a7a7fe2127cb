package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// The command runs this program as the bootstrap: each event as often as it is
// told, in another order, killed and throttled, and still each row is there once.
func TestInvoke(t *testing.T) {
	c := newCloud(t, faults.DynamoDBShares{}, 1)
	g := orders.Generator{Seed: 1, Bad: .1}
	want := newReference(c)
	var events bytes.Buffer
	for i, key := range []string{"orders/a.jsonl", "orders/b.jsonl"} {
		events.Write(append(c.put(key, g, orders.NDJSON, uint64(i)*200, 200), '\n'))
		want.add(key, g, orders.NDJSON, uint64(i)*200, 200)
	}
	if err := (s3.Client{S3: c.settings.s3()}).Put(t.Context(), c.in, "orders/broken", []byte{0, 1}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	queued := filepath.Join(dir, "queued")
	file, broken, unread, empty := filepath.Join(dir, "events"), filepath.Join(dir, "broken"), filepath.Join(dir, "unread"), filepath.Join(dir, "empty")
	for name, text := range map[string]string{file: events.String(), broken: string(c.event("orders/broken")), unread: string(c.event("elsewhere/x")), empty: "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, variable := range c.env { // the bootstrap has them from this process
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	invoke := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"lambda", "invoke", "--env", c.files, "--streams", "../../examples/orders"}, args...),
			shell{stdout: &out, stderr: &metricLines{t: t}, getenv: os.Getenv})
		return code, out.String()
	}

	code, out := invoke("--event", file, "--duplicate", "3", "--shuffle", "--seed", "7", "--kill-after", "60ms", "--throttle", "30%")
	if code != exitDone || !strings.Contains(out, "6 events delivered") || !strings.Contains(out, " 0 events failed for good") ||
		!strings.Contains(out, "/orders/a.jsonl: ") || strings.Contains(out, "_aws") {
		t.Errorf("exit %d: %s", code, out)
	}
	want.compare(c)
	if code, out := invoke("--event", broken); code != exitFindings || !strings.Contains(out, "1 events delivered: 3 invocations, 0 killed, 1 events failed for good") {
		t.Errorf("an object that is no records: exit %d: %s", code, out)
	}
	if err := os.WriteFile(queued, fmt.Appendf(nil, `{"Records":[{"messageId":"good","body":%q},{"messageId":"bad","body":%q}]}`, c.event("orders/a.jsonl"), c.event("orders/broken")), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := invoke("--event", queued); code != exitFindings || !strings.Contains(out, `{"Records":[{"body":`) ||
		strings.Count(out, "orders/a.jsonl: already_done") != 1 || !strings.Contains(out, "3 invocations, 0 killed, 1 events failed for good") {
		t.Errorf("a message of SQS that is given back: exit %d: %s", code, out)
	}
	for _, args := range [][]string{{"--event", file, "--duplicate", "0"}, {"--event", file, "--throttle", "130%"}, {"--event", file, "--throttle", "NaN"},
		{"--event", file, "--kill-after", "-1s"}, {"--event", file, "--timeout", "2s"}, {"--event", file, "x"}, {}} {
		if code, _ := invoke(args...); code != exitUsage {
			t.Errorf("%v: exit %d, want %d", args, code, exitUsage)
		}
	}
	if code, _ := invoke("--event", empty); code != exitFailed {
		t.Errorf("a file without events: exit %d", code)
	}
	if code, out := invoke("--event", unread); code != exitDone || !strings.Contains(out, "1 events delivered: 1 invocations, 0 killed") {
		t.Errorf("an object that no stream reads: exit %d: %s", code, out)
	}
}

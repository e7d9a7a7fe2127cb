package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestReloadDuringLookup reloads twice while a request waits for a look-up: the
// look-ups that it began with answer it.
func TestReloadDuringLookup(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	regions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
		fmt.Fprint(w, `{"name":"north"}`)
	}))
	defer regions.Close()
	rules := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(rules, fmt.Appendf(nil, `stream: orders
schema:
  type: object
  properties:
    order_id: {type: integer}
    user_id: {type: integer}
    country: {type: string}
id: order_id
key: user_id
enrich:
  region:
    http: {url: %q}
    timeout: 1m
    match: country
    add: {region: name}
    on_error: reject
topic: orders
`, regions.URL+"/{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t), "--streams", rules)
	status := make(chan int, 1)
	go func() {
		res, err := http.Post(p.door+"/v1/streams/orders/events", "application/json", strings.NewReader(`{"order_id":1,"user_id":1,"country":"DE"}`))
		if err != nil {
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	<-asked
	for n := range 2 {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the reload is taken", func() bool {
			return p.metric(t, `penstock_reloads_total{result="taken"}`) == float64(n+1) || len(status) > 0
		})
	}
	close(answer)
	if got := <-status; got != http.StatusAccepted {
		t.Errorf("status %d, want %d", got, http.StatusAccepted)
	}
}

// TestStopWhileStarting: who stops serve does not wait for a database that its
// start waits for, and no door is opened any more.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	rules := filepath.Join(t.TempDir(), "visits.yaml")
	if err := os.WriteFile(rules, fmt.Appendf(nil, `stream: visits
schema: {type: object, properties: {user: {type: integer}}}
enrich:
  tier:
    sql: {dsn: "postgres://u@%s/db", query: "select tier from users where id = $1"}
    timeout: 1m
    match: user
    add: [tier]
`, silent.Addr()), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		silent.Accept() // which is all that the start ever hears
		stop()
	}()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--admin=", "--dev-kafka", "127.0.0.1:0", "--data", t.TempDir(), "--streams", rules}
	code := run(ctx, args, shell{stdout: &said, stderr: &said, getenv: func(string) string { return "" }})
	if code != exitDone || strings.Contains(said.String(), "door") || !strings.Contains(said.String(), "stopped before") {
		t.Errorf("exit code %d, and it said\n%s", code, said.String())
	}
}

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/internal/realtest"
)

// A keyring is the files of secrets that a serve reads again on SIGHUP.
type keyring struct {
	keys, cursors string
}

func (k keyring) write(t *testing.T, file string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cursorKey is a line of the cursor keys' file.
func cursorKey(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

// hangup has the program read its files again.
func (p *process) hangup(t *testing.T, result string) {
	t.Helper()
	name := fmt.Sprintf("penstock_reloads_total{result=%q}", result)
	before := max(0, p.metric(t, name))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reload is "+result, func() bool { return p.metric(t, name) == before+1 })
}

// ask sends a request with a key and returns its status and body.
func (p *process) ask(t *testing.T, method, path, secret, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, p.door+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// nextPage asks for a page of one and returns where the next begins.
func (p *process) nextPage(t *testing.T, secret string) string {
	t.Helper()
	status, text := p.ask(t, "GET", "/v1/me/orders?limit=1", secret, "")
	var page struct {
		Next string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(text), &page); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, text, err)
	}
	return page.Next
}

// TestSecretsRotate changes every secret of reading while the program runs: two
// keys of one user, and two cursor keys, are good side by side; what is taken
// away is refused from the next SIGHUP on; a broken file changes nothing.
func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	ring := keyring{filepath.Join(t.TempDir(), "keys.yaml"), filepath.Join(t.TempDir(), "cursor.keys")}
	secrets, lines := map[string]string{}, map[string]string{}
	for name, right := range map[string]string{"shop": "streams: [orders]", "old": `user: "7"`, "new": `user: "7"`} {
		secret, hash := ingest.NewKey()
		secrets[name], lines[name] = secret, fmt.Sprintf("  - {name: %s, hash: %q, %s}", name, hash, right)
	}
	ring.write(t, ring.keys, "keys:", lines["shop"], lines["old"])
	ring.write(t, ring.cursors, cursorKey("o"))
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t), "--keys", ring.keys, "--cursor-keys", ring.cursors, "--log-level", "error")
	for id := 1; id <= 3; id++ {
		order := fmt.Sprintf(`{"order_id":%d,"user_id":7,"created_at":"2026-11-23T09:00:00Z","amount":1,"currency":"EUR","status":"new","note":"canary-note"}`, id)
		if status, text := p.ask(t, "POST", "/v1/streams/orders/events", secrets["shop"], order); status != http.StatusAccepted {
			t.Fatal(status, text)
		}
	}
	eventually(t, "the orders are in the table", func() bool {
		return p.metric(t, `penstock_table_events_total{fate="delivered",stream="orders"}`) == 3
	})
	want := func(what string, status int, secret, cursor string) {
		t.Helper()
		path := "/v1/me/orders?limit=1"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		if got, text := p.ask(t, "GET", path, secrets[secret], ""); got != status {
			t.Errorf("%s: %d %s, want %d", what, got, text, status)
		}
	}
	first := p.nextPage(t, secrets["old"])
	want("a key that is not there yet", 401, "new", "")

	ring.write(t, ring.keys, "keys:", lines["shop"], lines["old"], lines["new"])
	ring.write(t, ring.cursors, cursorKey("n"), cursorKey("o"))
	p.hangup(t, "taken")
	want("the old key beside the new", 200, "old", "")
	want("the new key beside the old, with a cursor of before", 200, "new", first)
	second := p.nextPage(t, secrets["new"])
	if first == second {
		t.Error("the new cursor key does not sign")
	}

	ring.write(t, ring.cursors, "not base64!")
	p.hangup(t, "refused")
	want("after a broken file", 200, "new", first)

	ring.write(t, ring.keys, "keys:", lines["shop"], lines["new"])
	ring.write(t, ring.cursors, cursorKey("n"))
	p.hangup(t, "taken")
	want("a key that was taken away", 401, "old", "")
	want("a cursor whose key was taken away", 400, "new", first)
	want("a cursor of the new key", 200, "new", second)

	if p.metric(t, `penstock_reads_requests_total{code="200",path="/v1/me/orders"}`) < 5 || p.metric(t, `penstock_reads_page_seconds_count`) < 5 ||
		p.metric(t, `penstock_reads_rows_total`) < 5 || p.metric(t, `penstock_table_stalled{stream="orders"}`) != 0 {
		t.Error("the metrics of reading are not as it was")
	}
	if !strings.Contains(p.output(), "audit=true") {
		t.Error("--log-level has silenced the audit log")
	}
	for name, secret := range map[string]string{"new": secrets["new"], "old": secrets["old"], "note": "canary-note", "cursor key": cursorKey("n")} {
		if strings.Contains(p.output(), secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
}

package ingest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock/ingest"
)

// still checks that the door serves the next request, and that requests gave
// back all they held.
func (h *house) still() {
	h.Helper()
	h.post(order("1000")).want(h, 202, "ok")
	if stored, letters := h.shelf.counts(); stored != 1 || letters != 0 {
		h.Fatalf("%d stored, %d letters: something of a refused request was stored", stored, letters)
	}
}

func TestBodyLimits(t *testing.T) {
	o := ingest.Options{BodyBytesMax: 4096, EventsMax: 3, EventBytesMax: 2048}
	big := strings.Repeat(" ", 5000)
	tests := []struct {
		name, body string
		headers    []string
		status     int
		code       string
	}{
		{"length", big, nil, 413, "body_too_large"},
		{"inflated", string(gzipped([]byte(big))), []string{"Content-Encoding", "gzip"}, 413, "inflated_too_large"},
		{"inflated zstd", string(zstded([]byte(big))), []string{"Content-Encoding", "zstd"}, 413, "inflated_too_large"},
		{"events", batch("1", "2", "3", "4"), nil, 413, "too_many_events"},
		{"lines", strings.Repeat("x\n", 4), []string{"Content-Type", "application/x-ndjson"}, 413, "too_many_events"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := open(t, settings{options: o})
			h.post(test.body, test.headers...).refused(t, test.status, test.code)
			h.still()
		})
	}
	t.Run("chunked", func(t *testing.T) {
		h := open(t, settings{options: o})
		a := h.do("POST", "/v1/streams/orders/events", io.MultiReader(strings.NewReader(big)))
		a.refused(t, 413, "body_too_large")
		a = h.do("POST", "/v1/streams/orders/events", io.MultiReader(strings.NewReader(order("1000"))))
		a.want(t, 202, "ok")
	})
	t.Run("event", func(t *testing.T) {
		h := open(t, settings{options: o})
		large := strings.Replace(order("1"), `"new"`, `"new","note":"`+strings.Repeat("x", 2048)+`"`, 1)
		a := h.post("[" + large + "," + order("2") + "]")
		a.want(t, 207, "invalid ok")
		if a.body.Results[0].Error.Code != "too_large" {
			t.Errorf("%s", a.text)
		}
	})
}

// 100 MB of body, sent by a client that does not look whether it is wanted.
func TestHugeBody(t *testing.T) {
	h := open(t, settings{})
	zeros := io.LimitReader(zero{}, 100<<20)
	r, err := http.NewRequest("POST", h.url+"/v1/streams/orders/events", zeros)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 100 << 20
	response, err := h.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	h.read(response).refused(t, 413, "body_too_large")
	h.still()
}

// A client that writes all of its body before it reads gets its answer, if the
// body is not far over the limit.
func TestRefusedBodyIsReadToItsEnd(t *testing.T) {
	h := open(t, settings{options: ingest.Options{BodyBytesMax: 8 << 20, MemoryBytesMax: 32 << 20}})
	body := strings.Repeat(" ", 15<<20)
	for range 3 {
		c := h.dial()
		if _, err := fmt.Fprintf(c, head, len(body), body); err != nil {
			t.Fatalf("while writing: %v", err)
		}
		h.answerOn(c).refused(t, 413, "body_too_large")
		small := order("1000") // and the connection lives on
		fmt.Fprintf(c, head, len(small), small)
		if a := h.answerOn(c); a.status != 202 {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
	// Who sends no more of it is not waited for long.
	c := h.dial()
	fmt.Fprintf(c, head, len(body), "{")
	h.answerOn(c).refused(t, 413, "body_too_large")
}

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Bodies that inflate to 128 MB, many at once: each is refused, and all
// together take no more memory than the budget allows.
func TestBombs(t *testing.T) {
	for name, compress := range compressors {
		t.Run(name, func(t *testing.T) {
			var bomb bytes.Buffer
			w := compress(&bomb)
			if _, err := io.Copy(w, io.LimitReader(zero{}, 128<<20)); err != nil {
				t.Fatal(err)
			}
			w.Close()
			h := open(t, settings{options: ingest.Options{MemoryBytesMax: 64 << 20}})
			before := held()
			// The collector keeps up, so that what shows is in use, not garbage.
			unlimited := debug.SetMemoryLimit(before + 96<<20)
			defer debug.SetMemoryLimit(unlimited)
			var wait sync.WaitGroup
			for range 16 {
				wait.Go(func() {
					a := h.post(bomb.String(), "Content-Encoding", name)
					if a.status != 413 && a.status != 503 {
						t.Errorf("%d %s", a.status, a.text)
					}
				})
			}
			wait.Wait()
			// The budget, and what each decoder needs before it knows what comes.
			if grown := held() - before; grown > 160<<20 {
				t.Errorf("16 bombs of %d bytes took %d MiB", bomb.Len(), grown>>20)
			}
			h.post(bomb.String(), "Content-Encoding", name).refused(t, 413, "inflated_too_large")
			h.still()
		})
	}
}

// held is how much memory the heap has taken from the system.
func held() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys)
}

func TestDepth(t *testing.T) {
	h := open(t, settings{})
	for _, open := range []string{"[", `{"a":`} {
		deep := strings.Repeat(open, 100_000)
		if a := h.post(deep); a.status != 400 {
			t.Fatalf("%d %s", a.status, a.text)
		}
		closed := `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"
		if a := h.post(closed); a.status != 422 && a.status != 400 {
			t.Fatalf("%d %s", a.status, a.text)
		}
		if a := h.post(`{"specversion":"1.0","data":`+deep, "Content-Type", "application/cloudevents+json"); a.status != 400 {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
	h.post(order("1000")).want(t, 202, "ok")
}

func TestHeaderFlood(t *testing.T) {
	h := open(t, settings{server: ingest.ServerOptions{HeaderBytesMax: 8 << 10}})
	c := h.dial()
	fmt.Fprintf(c, "POST /v1/streams/orders/events HTTP/1.1\r\nHost: localhost\r\n")
	for i := range 10_000 {
		if _, err := fmt.Fprintf(c, "X-%d: flood flood flood flood\r\n", i); err != nil {
			break // the server has had enough
		}
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	if !strings.Contains(line, " 431 ") && line != "" { // "" when the reset overtook the answer
		t.Fatalf("got %q", line)
	}
	h.still()
}

func (h *house) dial() net.Conn {
	h.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	h.Cleanup(func() { c.Close() })
	return c
}

const head = "POST /v1/streams/orders/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"

func (h *house) answerOn(c net.Conn) answer {
	h.Helper()
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		h.Fatal(err)
	}
	return h.read(response)
}

// A client that sends its body too slowly is told so, and does not hold up
// the end of the server.
func TestSlowBody(t *testing.T) {
	h := open(t, settings{})
	patient := h.url
	h.url = serve(t, h.handler, ingest.ServerOptions{Log: quiet, BodyTimeout: 50 * time.Millisecond})
	c := h.dial()
	fmt.Fprintf(c, head, 100, "{")
	h.answerOn(c).refused(t, 408, "body_timeout")
	h.url = patient
	h.still()
}

// A client that goes away in the middle of its body leaves nothing behind.
func TestCutBody(t *testing.T) {
	h := open(t, settings{})
	c := h.dial()
	fmt.Fprintf(c, head, 100, order("1")[:50])
	c.(*net.TCPConn).CloseWrite()
	h.answerOn(c).refused(t, 400, "body_incomplete")
	h.still()
}

// A client that has closed its half still gets its answer.
func TestHalfClosed(t *testing.T) {
	h := open(t, settings{})
	for _, ack := range []string{"disk", "kafka"} {
		c := h.dial()
		body := order("1000")
		fmt.Fprintf(c, strings.Replace(head, "Host: localhost", "Host: localhost\r\nPenstock-Ack: "+ack, 1), len(body), body)
		c.(*net.TCPConn).CloseWrite()
		if ack == "kafka" {
			close(h.shelf.drained)
		}
		if a := h.answerOn(c); a.status != 202 && a.status != 200 {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
}

// Waiting for Kafka may take longer than a body may: the connection must not
// be cut, nor the wait, when the body's time is over.
func TestWaitOutlivesBodyTimeout(t *testing.T) {
	for limit := 30 * time.Millisecond; limit < time.Minute; limit *= 2 {
		h := open(t, settings{server: ingest.ServerOptions{BodyTimeout: limit}, options: ingest.Options{Timeout: time.Hour}})
		timer := time.AfterFunc(5*limit, func() { close(h.shelf.drained) })
		defer timer.Stop()
		a := h.post(order("1"), "Penstock-Ack", "kafka")
		if a.status == 408 {
			continue // a busy machine needs more than that for the body itself
		}
		a.want(t, 200, "ok")
		return
	}
	t.Fatal("no body came in time")
}

// Beyond the memory that all requests may hold, 503; and all of it comes back.
func TestMemoryBudget(t *testing.T) {
	h := open(t, settings{options: ingest.Options{MemoryBytesMax: 40 << 10}})
	large := "[" + order("1") + "," + strings.Repeat(" ", 15<<10) + order("2") + "]"
	a := h.post(large)
	a.refused(t, 503, "overloaded")
	if a.header.Get("Retry-After") == "" {
		t.Error(a.header)
	}
	many := make([]string, 30)
	for i := range many {
		many[i] = "{}"
	}
	h.post("["+strings.Join(many, ",")+"]").refused(t, 503, "overloaded")
	for range 20 {
		h.post(large).refused(t, 503, "overloaded")
	}
	h.still()
}

// A body that is announced and does not come holds what has come, not what was
// announced: a few idle connections must not use up the memory of all.
func TestAnnouncedBodies(t *testing.T) {
	h := open(t, settings{options: ingest.Options{MemoryBytesMax: 4 << 20, BodyBytesMax: 1 << 20}})
	const silent = 8
	for range silent {
		fmt.Fprintf(h.dial(), head, 1<<20, "{")
	}
	awaitTrue(t, func() bool { return h.handler.InWork() == silent })
	h.post(order("999")).want(t, 202, "ok")
	c := h.dial() // and a large body that does come is taken, however it is cut
	body := order("1") + strings.Repeat(" ", 1<<20-len(order("1")))
	fmt.Fprintf(c, head, len(body), body)
	h.answerOn(c).want(t, 202, "ok")
}

// Connections beyond the limit wait, and are served when others end.
func TestConnectionLimit(t *testing.T) {
	h := open(t, settings{server: ingest.ServerOptions{ConnectionsMax: 2}})
	first, second := h.dial(), h.dial()
	body := order("1000")
	for _, c := range []net.Conn{first, second} {
		fmt.Fprintf(c, head, len(body), body)
		h.answerOn(c)
	}
	third := h.dial()
	fmt.Fprintf(third, head, len(body), body)
	third.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Fatalf("read %d bytes over the limit", n)
	}
	third.SetReadDeadline(time.Now().Add(time.Minute))
	first.Close()
	h.answerOn(third).want(t, 202, "duplicate")
}

// Routes and methods that are not there, and pages of other sites.
func TestRoutes(t *testing.T) {
	h := open(t, settings{})
	events := "/v1/streams/orders/events"
	tests := []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/", 404, "not_found", ""},
		{"GET", "/v1/streams/", 404, "not_found", ""},
		{"GET", "/v1/streams/nonesuch", 404, "not_found", ""},
		{"POST", "/v1/streams/nonesuch/events", 404, "not_found", ""},
		{"POST", "/v1/streams/orders/event", 404, "not_found", ""},
		{"POST", "/v1/streams//events", 404, "not_found", ""},
		{"POST", "/v1/streams/orders%2Fevents", 404, "not_found", ""},
		{"GET", events + "/", 404, "not_found", ""},
		{"GET", events, 405, "method_not_allowed", "POST"},
		{"PUT", events, 405, "method_not_allowed", "POST"},
		{"OPTIONS", events, 405, "method_not_allowed", "POST"},
		{"TRACE", events, 405, "method_not_allowed", "POST"},
		{"DELETE", events + "/1", 405, "method_not_allowed", "GET, HEAD"},
		{"POST", "/v1/streams", 405, "method_not_allowed", "GET, HEAD"},
		{"POST", "/v1/streams/orders", 405, "method_not_allowed", "GET, HEAD"},
		{"GET", "/v1/streams?x=1", 400, "invalid_parameter", ""},
		{"GET", "/v1/streams/orders?x=1", 400, "invalid_parameter", ""},
	}
	for _, test := range tests {
		a := h.do(test.method, test.path, nil)
		a.refused(t, test.status, test.code)
		if a.header.Get("Allow") != test.allow || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %v", test.method, test.path, a.header)
		}
	}
	h.post(order("1"), "Origin", "https://evil.example").refused(t, 403, "cross_origin")
	h.post(order("1"), "Sec-Fetch-Site", "cross-site").refused(t, 403, "cross_origin")
	for _, path := range []string{"/v1/streams", "/v1/streams/orders", "/openapi.json"} {
		if a := h.do("GET", path, nil); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
		if a := h.do("HEAD", path, nil); a.status != 200 || a.text != "" {
			t.Errorf("HEAD %s: %d %s", path, a.status, a.text)
		}
	}
	a := h.post(order("1"), "X-Request-Id", "mine-1")
	if a.header.Get("X-Request-Id") != "mine-1" {
		t.Error(a.header)
	}
	a = h.post(order("1"), "X-Request-Id", "not mine")
	if got := a.header.Get("X-Request-Id"); got == "" || got == "not mine" {
		t.Error(a.header)
	}
}

// Many senders at once, good and bad, while streams and keys are replaced:
// each answer is about its own request, and each event is stored once.
func TestTogether(t *testing.T) {
	h := open(t, settings{})
	close(h.shelf.drained)
	var wait sync.WaitGroup
	for sender := range 8 {
		wait.Go(func() {
			for i := range 50 {
				a, b := fmt.Sprint(1+sender*1000+i), fmt.Sprint(1+sender*1000+i+500)
				ack := []string{"disk", "kafka"}[i%2]
				answer := h.post("["+order(a)+","+badOrder+","+order(b)+"]", "Penstock-Ack", ack)
				answer.want(t, 207, "ok invalid ok")
				if answer.body.Results[0].ID != a || answer.body.Results[2].ID != b {
					t.Errorf("asked for %s and %s, got %s", a, b, answer.text)
				}
			}
		})
	}
	wait.Go(func() {
		for range 20 {
			if err := h.handler.Replace([]ingest.Stream{served(loadStream(t, nil), h.shelf)}, nil); err != nil {
				t.Error(err)
			}
		}
	})
	wait.Wait()
	stored, letters := h.shelf.counts()
	if stored != 800 || letters != 400 {
		t.Errorf("%d stored, %d letters", stored, letters)
	}
	checkTally(h)
}

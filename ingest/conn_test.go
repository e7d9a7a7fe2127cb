package ingest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// send writes a request out.
func send(t *testing.T, c net.Conn, method, path, body string, headers ...string) {
	t.Helper()
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, path, len(body))
	if _, err := io.WriteString(c, text+strings.Join(append(headers, "\r\n"), "\r\n")+body); err != nil {
		t.Fatal(err)
	}
}

// listeners is how many goroutines wait for a sender to hang up.
func listeners() int {
	stacks := make([]byte, 16<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "net/http.(*connReader).backgroundRead(")
}

// While a request is being stored nothing waits for its sender to hang up; what
// he has sent behind it is served in its turn, also when he sends no more.
func TestDeafWhileStoring(t *testing.T) {
	h := open(t, settings{})
	c := h.dial()
	send(t, c, "POST", "/v1/streams/orders/events", order("1"), "Penstock-Ack: kafka")
	awaitTrue(t, func() bool { return h.handler.InWork() == 1 })
	awaitTrue(t, func() bool { return listeners() == 0 })
	send(t, c, "POST", "/v1/streams/orders/events", order("2"), "Penstock-Ack: kafka")
	send(t, c, "GET", "/v1/streams", "")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(h.shelf.drained)
	answers := bufio.NewReader(c)
	for range 3 {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := h.read(response); a.status != 200 {
			t.Errorf("%d %s", a.status, a.text)
		}
	}
}

// A lounge is a room whose guests stay until they hang up.
type lounge struct{ entered, left chan struct{} }

func (lounge) Serves(path string) bool                 { return path == "/lounge" }
func (lounge) Describe(openAPI []byte) ([]byte, error) { return openAPI, nil }

func (l lounge) Serve(w http.ResponseWriter, r *http.Request, requestID string) int {
	l.entered <- struct{}{}
	<-r.Context().Done()
	l.left <- struct{}{}
	return http.StatusOK
}

// Other requests of the same connection still end when their sender hangs up.
func TestHangingUpIsHeard(t *testing.T) {
	h := open(t, settings{})
	l := lounge{make(chan struct{}), make(chan struct{})}
	h.handler.Mount(l)
	c := h.dial()
	send(t, c, "POST", "/v1/streams/orders/events", order("1"))
	h.answerOn(c).want(t, 202, "ok")
	send(t, c, "GET", "/lounge", "")
	<-l.entered
	c.Close()
	<-l.left
}

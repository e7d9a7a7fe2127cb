package ingest_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/ingest"
)

// Every answer that openapi.json has is got from a live server and held
// against it, and the server gives no other.
func TestOpenAPI(t *testing.T) {
	c := newContract(t)
	paths, _ := c.at("paths")
	c.examples(paths, "paths")
	c.openDoor()
	c.guardedDoor()
	c.failingDoor()
	c.impatientDoor()
	want := []string{}
	for _, path := range []string{"/openapi.json", "/v1/streams", "/v1/streams/{stream}", "/v1/streams/{stream}/events/{id}", "/v1/streams/{stream}/stats"} {
		want = append(want, "GET "+path+" 500") // a defect, which nothing here has
	}
	if got := c.unseen(); !slices.Equal(got, want) {
		t.Errorf("documented answers that were not seen:\n%s", strings.Join(got, "\n"))
	}
}

func (c *contract) open(s settings) *house {
	h := open(c.t, s)
	h.client = &http.Client{Transport: c}
	return h
}

const (
	streamsPath = "/v1/streams"
	ordersPath  = "/v1/streams/orders"
	eventsPath  = "/v1/streams/orders/events"
)

func (c *contract) openDoor() {
	h := c.open(settings{options: ingest.Options{BodyBytesMax: 8192}})
	for _, path := range []string{streamsPath, ordersPath, "/openapi.json", eventsPath + "/nonesuch", statsPath} {
		h.do("GET", path, nil)
		h.do("GET", path+"?x=1", nil)
		h.do("PUT", path, nil)
		h.do("GET", path, nil, "Host", "evil.example")
	}
	h.do("GET", eventsPath, nil)
	h.do("GET", streamsPath+"/nonesuch", nil)
	h.do("GET", streamsPath+"/nonesuch/stats", nil)
	h.do("GET", statsPath+"?field=amount", nil)
	h.post(order("1"))
	h.do("GET", eventsPath+"/1", nil)
	h.post(batch("1", "2"))
	h.post("["+order("3")+","+badOrder+"]", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h.post(badOrder)
	h.post(badOrder, "Query", "mode=atomic")
	h.post("{")
	h.post("")
	h.post("[1,")
	h.post(order("1"), "Query", "mode=x")
	h.post(order("1"), "Content-Type", "text/plain")
	h.post(order("1"), "Sec-Fetch-Site", "cross-site")
	h.post(strings.Repeat(" ", 9000))
	h.post(order("4")+"\n\n"+order("5"), "Content-Type", "application/x-ndjson")
	event := `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":` + order("6") + `}`
	h.post(event, "Content-Type", "application/cloudevents+json")
	h.post("["+event+",{}]", "Content-Type", "application/cloudevents-batch+json")
	h.do("POST", streamsPath+"/nonesuch/events", nil)
	close(h.shelf.drained)
	h.post(batch("1", "7"), "Penstock-Ack", "kafka")
	h.shelf.refused = "8"
	h.post(batch("8", "7"), "Penstock-Ack", "kafka")
	h.do("GET", eventsPath+"/8", nil)
	h.do("GET", eventsPath+"/7", nil)
}

func (c *contract) guardedDoor() {
	secret, hash := ingest.NewKey()
	other, otherHash := ingest.NewKey()
	h := c.open(settings{keys: parseKeys(c.t,
		"keys:\n  - {name: shop, hash: %q, streams: [orders], rate: 1/h, burst: 2}\n  - {name: bank, hash: %q, streams: [payments]}\n", hash, otherHash)})
	for _, path := range []string{streamsPath, ordersPath, eventsPath + "/1", statsPath} {
		h.do("GET", path, nil)
		h.do("GET", path, nil, "X-API-Key", other)
	}
	h.post(order("1"))
	h.post(order("1"), "X-API-Key", other)
	h.post(batch("1", "2", "3"), "X-API-Key", secret, "Query", "mode=atomic")
	h.post(batch("1", "2", "3"), "X-API-Key", secret)
	h.post(batch("3"), "X-API-Key", secret)
}

// impatientDoor has no time for what the others have all the time of a busy
// machine for.
func (c *contract) impatientDoor() {
	h := c.open(settings{server: ingest.ServerOptions{BodyTimeout: 50 * time.Millisecond}})
	body, slow := io.Pipe() // a body of which nothing comes
	defer slow.Close()
	h.do("POST", eventsPath, body)
	h = c.open(settings{options: ingest.Options{Timeout: 10 * time.Millisecond}})
	h.post(order("1"), "Penstock-Ack", "kafka")
}

func (c *contract) failingDoor() {
	h := c.open(settings{options: ingest.Options{MemoryBytesMax: 24 << 10}})
	h.post("[" + order("1") + strings.Repeat(" ", 8<<10) + "]")
	h.shelf.setFail(errFull)
	h.post("[" + order("1") + "," + order("2") + "]")
	h.post(order("1"), "Query", "mode=atomic")
	h.shelf.setFail(errCut)
	h.post(order("1"))
	in := served(loadStream(c.t, nil), h.shelf)
	in.Into = penstock.SinkFunc(func(context.Context, *penstock.Batch) error { panic("a defect") })
	if err := h.handler.Replace([]ingest.Stream{in}, nil); err != nil {
		c.t.Fatal(err)
	}
	h.post(order("1"))
}

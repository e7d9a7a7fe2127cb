package ingest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/ingest"
)

func TestAckKafka(t *testing.T) {
	h := open(t, settings{})
	close(h.shelf.drained)
	a := h.post("["+order("1")+","+order("1")+"]", "Penstock-Ack", "kafka")
	a.want(t, http.StatusOK, "ok duplicate")
	for _, r := range a.body.Results {
		if r.Ack != "kafka" || r.Topic != "orders" || r.Partition != 2 || r.Offset == nil || *r.Offset != 101 {
			t.Fatalf("%s", a.text)
		}
	}
	if a.header.Get("Penstock-Ack") != "kafka" {
		t.Errorf("%v", a.header)
	}
	h.post("["+order("2")+","+badOrder+"]", "Penstock-Ack", "kafka").want(t, 207, "ok invalid")
	h.post(order("1"), "Penstock-Ack", "tape").refused(t, 400, "invalid_header")

	h.shelf.refused = "3"
	a = h.post("["+order("2")+","+order("3")+"]", "Penstock-Ack", "kafka")
	a.want(t, 207, "duplicate invalid")
	if r := a.body.Results[1]; r.Topic != "orders.rejects" || r.Error.Code != "refused_by_kafka" {
		t.Errorf("%s", a.text)
	}
	if a := h.do("GET", "/v1/streams/orders/events/3", nil); a.status != 200 || !strings.Contains(a.text, `"invalid"`) {
		t.Errorf("%s", a.text)
	}
}

func TestStreamsUsualAck(t *testing.T) {
	h := open(t, settings{edit: func(file string) string { return strings.Replace(file, "ack: disk", "ack: kafka", 1) }})
	close(h.shelf.drained)
	h.post(order("1")).want(t, 200, "ok")
	h.post(order("2"), "Penstock-Ack", "disk").want(t, 202, "ok")
}

// Kafka does not take the events in time: they are on disk, and so they say.
func TestKafkaPending(t *testing.T) {
	synctest.Test(t, kafkaPending)
}

func kafkaPending(t *testing.T) {
	h := openInside(t, settings{})
	a := h.post("["+order("1")+","+badOrder+"]", "Penstock-Ack", "kafka")
	a.refused(t, 503, "kafka_pending")
	a.want(t, 503, "ok invalid")
	if a.body.Results[0].Ack != "disk" || a.header.Get("Penstock-Ack") != "disk" {
		t.Errorf("%s", a.text)
	}
	if wait := a.header.Get("Retry-After"); a.body.RetryAfter < 7000 || wait != "7" && wait != "8" && wait != "9" && wait != "10" && wait != "11" {
		t.Errorf("Retry-After %q, %d ms", wait, a.body.RetryAfter)
	}
	if a := h.do("GET", "/v1/streams/orders/events/1", nil); a.status != 200 || !strings.Contains(a.text, `"ack":"disk"`) {
		t.Errorf("%s", a.text)
	}
	close(h.shelf.drained)
	h.post(order("1"), "Penstock-Ack", "kafka").want(t, 200, "duplicate")
}

func TestEventsFate(t *testing.T) {
	h := open(t, settings{edit: withoutID})
	h.do("GET", "/v1/streams/orders/events/nobody", nil).refused(t, 404, "event_unknown")
	h.post(order("1"), "Ce-Specversion", "1.0", "Ce-Id", "a/b?", "Ce-Source", "https://shop/x", "Ce-Type", "order").want(t, 202, "ok")
	for _, path := range []string{"https:%2F%2Fshop%2Fx%20a%2Fb%3F", "https://shop/x%20a/b%3F"} {
		if a := h.do("GET", "/v1/streams/orders/events/"+path, nil); a.status != 200 || !strings.Contains(a.text, `"id":"https://shop/x a/b?"`) {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
}

func TestAtomic(t *testing.T) {
	h := open(t, settings{})
	mixed := "[" + order("1") + "," + badOrder + "," + order("2") + "]"
	a := h.post(mixed, "Query", "mode=atomic")
	a.want(t, 422, "retry invalid retry")
	if a.body.Results[0].Error.Code != "atomic" {
		t.Errorf("%s", a.text)
	}
	undecodable := "[" + order("1") + `,{"order_id":1,"order_id":1}]`
	h.post(undecodable, "Query", "mode=atomic").want(t, 422, "retry invalid")
	if stored, letters := h.shelf.counts(); stored+letters != 0 {
		t.Fatalf("%d stored, %d letters", stored, letters)
	}
	h.post("["+order("1")+","+order("2")+"]", "Query", "mode=atomic").want(t, 202, "ok ok")
	// What is stored from before is never told "not stored".
	a = h.post("["+order("1")+","+badOrder+","+order("3")+"]", "Query", "mode=atomic")
	a.want(t, 422, "duplicate invalid retry")
	if a.body.Results[0].Ack != "disk" {
		t.Errorf("%s", a.text)
	}
	h.post(mixed, "Query", "mode=partial").want(t, 207, "duplicate invalid duplicate")
	for _, query := range []string{"mode=both", "mode=atomic&mode=atomic", "node=atomic", "mode=%zz", "mode"} {
		h.post(mixed, "Query", query).refused(t, 400, "invalid_parameter")
	}
}

// What a failing journal means for the sender: not stored is only said when it
// is certain.
func TestFailures(t *testing.T) {
	h := open(t, settings{})
	h.shelf.setFail(errFull)
	a := h.post(order("1"))
	a.refused(t, 503, "journal_full")
	a.want(t, 503, "retry")
	if a.body.RetryAfter < 7000 || a.header.Get("Retry-After") == "" {
		t.Errorf("%v %s", a.header, a.text)
	}
	if strings.Contains(a.text, errFull.Error()) {
		t.Errorf("the inside shows: %s", a.text)
	}
	a = h.post("["+order("1")+","+order("2")+"]", "Query", "mode=atomic")
	a.refused(t, 503, "journal_full")

	h.shelf.setFail(errCut)
	a = h.post(order("1"))
	a.refused(t, 504, "unknown")
	a.want(t, 504, "retry")
	if a.body.Results[0].ID != "1" || a.body.Results[0].Error.Code != "unknown" {
		t.Errorf("%s", a.text)
	}
	// A letter that cannot be kept leaves the event to be sent again.
	h.post(badOrder).refused(t, 503, "unavailable")

	h.shelf.setFail(nil)
	h.post(order("1")).want(t, 202, "ok")
	// What stands beside such a letter was not even judged, and may be stored all the same.
	h.shelf.setFail(errFull)
	h.post(`["no order",`+order("1")+","+order("2")+"]").want(t, 207, "retry duplicate retry")
	checkTally(h)
}

// A bad event whose letter cannot be kept is sent again, though it has the
// identity of one that is stored.
func TestLetterOfAStoredIdentity(t *testing.T) {
	h := open(t, settings{edit: withoutID})
	cloud := []string{"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "shop", "Ce-Type", "order"}
	h.post(order("1"), cloud...).want(t, 202, "ok")
	h.shelf.setFail(errFull)
	h.post(badOrder, cloud...).refused(t, 503, "unavailable")
}

// A step that the world fails holds the event back, and nothing was stored.
func TestFailingStep(t *testing.T) {
	h := open(t, settings{})
	s := loadStream(t, nil)
	in := served(s, h.shelf)
	down := errors.New("the look-up is down")
	in.Steps = append([]penstock.Step{s.Check, s.Identify, func(_ context.Context, e *penstock.Event) error {
		if string(e.ID) == "2" {
			return down
		}
		return nil
	}}, s.Encode)
	if err := h.handler.Replace([]ingest.Stream{in}, nil); err != nil {
		t.Fatal(err)
	}
	h.post(order("2")).refused(t, 503, "unavailable")
	other := strings.Replace(order("3"), `"user_id":7`, `"user_id":8`, 1)
	// 4 is of the key that waits, and waits with it.
	a := h.post("[" + badOrder + "," + order("1") + "," + order("2") + "," + order("4") + "]")
	a.want(t, 207, "invalid ok retry retry")
	if a.header.Get("Retry-After") == "" || a.body.RetryAfter < 1000 {
		t.Errorf("%v %s", a.header, a.text)
	}
	h.post(other).want(t, 202, "ok")
	h.post("["+order("5")+","+order("2")+"]", "Query", "mode=atomic").want(t, 503, "retry retry")
	if stored, _ := h.shelf.counts(); stored != 2 {
		t.Errorf("%d stored", stored)
	}
}

// The time is up while the journal works: nobody knows, and 504 says so.
func TestDeadlineWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInside(t, settings{})
		in := served(loadStream(t, nil), h.shelf)
		in.Into = penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if err := h.handler.Replace([]ingest.Stream{in}, nil); err != nil {
			t.Fatal(err)
		}
		h.post(order("1")).refused(t, 504, "unknown")
	})
}

// A panic behind the door answers 500 and the next request is served.
func TestPanic(t *testing.T) {
	h := open(t, settings{})
	in := served(loadStream(t, nil), h.shelf)
	in.Into = penstock.SinkFunc(func(context.Context, *penstock.Batch) error { panic("a defect") })
	if err := h.handler.Replace([]ingest.Stream{in}, nil); err != nil {
		t.Fatal(err)
	}
	h.post(order("1")).refused(t, 500, "internal")
	if n := h.handler.InWork(); n > 1 {
		t.Errorf("%d requests in work", n)
	}
	if err := h.handler.Replace([]ingest.Stream{served(loadStream(t, nil), h.shelf)}, nil); err != nil {
		t.Fatal(err)
	}
	h.post(order("1")).want(t, 202, "ok")
}

package ingest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/internal/orders"
)

// Any body in any form: no panic, an answer that is JSON, an account of every
// event, and nothing stored where the answer says so.
func FuzzBody(f *testing.F) {
	media := []string{"application/json", "application/x-ndjson", "application/cloudevents+json", "application/cloudevents-batch+json"}
	for form, kind := range map[orders.Form]uint8{orders.NDJSON: 1, orders.Array: 0, orders.CloudEventBatch: 3} {
		var body bytes.Buffer
		if err := (orders.Generator{Seed: 1, Bad: 0.5}).Write(&body, form, 0, 5); err != nil {
			f.Fatal(err)
		}
		f.Add(kind, uint8(0), body.Bytes())
		f.Add(kind, uint8(1), gzipped(body.Bytes()))
		f.Add(kind, uint8(2), zstded(body.Bytes()))
	}
	f.Add(uint8(2), uint8(0), []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"e30gMQ=="}`))
	f.Add(uint8(0), uint8(4), []byte(" [ "+order("1")+" , "+badOrder+" ] "))
	s := loadStream(f, nil)
	f.Fuzz(func(t *testing.T, kind, how uint8, body []byte) {
		shelf := newShelf()
		h := ingest.New(ingest.Options{Log: quiet, Failure: failure, BodyBytesMax: 64 << 10, EventsMax: 100})
		if err := h.Replace([]ingest.Stream{served(s, shelf)}, nil); err != nil {
			t.Fatal(err)
		}
		c := newCall(body)
		c.request.Header.Set("Content-Type", media[int(kind)%len(media)])
		if coding := []string{"", "gzip", "zstd", ""}[how%4]; coding != "" {
			c.request.Header.Set("Content-Encoding", coding)
		}
		if how&4 != 0 {
			c.request.URL.RawQuery = "mode=atomic"
		}
		c.serve(h)
		if !json.Valid(c.answer) {
			t.Fatalf("%d %q", c.status, c.answer)
		}
		stored, letters := shelf.counts()
		tally := h.Tally()
		if !tally.Conserved() || tally.Delivered != int64(stored) || how&4 == 0 && tally.Rejected != int64(letters) {
			t.Fatalf("%v; %d stored, %d letters\n%s", tally, stored, letters, c.answer)
		}
		switch c.status {
		case http.StatusAccepted, http.StatusMultiStatus:
			if stored == 0 {
				t.Fatalf("%d and nothing is stored\n%s", c.status, c.answer)
			}
		case http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if stored > 0 {
				t.Fatalf("%d and %d stored\n%s", c.status, stored, c.answer)
			}
		default:
			t.Fatalf("%d %s", c.status, c.answer)
		}
	})
}

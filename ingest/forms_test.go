package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/penstock-io/penstock"
)

func TestSingle(t *testing.T) {
	h := open(t, settings{})
	a := h.post(order("1"))
	a.want(t, http.StatusAccepted, "ok")
	if r := a.body.Results[0]; r.ID != "1" || r.Ack != "disk" || r.Topic != "" || a.header.Get("Penstock-Ack") != "disk" {
		t.Fatalf("%s", a.text)
	}
	if a.header.Get("X-Request-Id") == "" || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("headers %v", a.header)
	}
	h.post(order("1")).want(t, http.StatusAccepted, "duplicate")
	a = h.post(badOrder)
	a.want(t, http.StatusUnprocessableEntity, "invalid")
	if e := a.body.Results[0].Error; e.Pointer != "/amount" || e.Code == "" || e.Detail == "" || a.body.Code != "invalid" {
		t.Fatalf("%s", a.text)
	}
	if stored, letters := h.shelf.counts(); stored != 1 || letters != 1 {
		t.Fatalf("%d stored, %d letters", stored, letters)
	}
}

// Each form of a body, and what becomes of it. Nothing is stored of a body
// that is refused as a whole.
func TestForms(t *testing.T) {
	two := order("1") + "," + order("2")
	cloud := func(id, data string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"/shop","type":"order","data":` + data + `}`
	}
	const (
		lines   = "application/x-ndjson"
		event   = "application/cloudevents+json"
		events  = "application/cloudevents-batch+json"
		invalid = http.StatusUnprocessableEntity
	)
	tests := []struct {
		name, media, body string
		status            int
		want              string // statuses of events, or code and offset of the problem
	}{
		{"array", "", "[" + two + "]", 202, "ok ok"},
		{"array with space", "", " \r\n[ " + two + " ]\n", 202, "ok ok"},
		{"array with a bad one", "", "[" + order("1") + "," + badOrder + "," + order("2") + "]", 207, "ok invalid ok"},
		{"array of bad ones", "", "[" + badOrder + "," + badOrder + "]", invalid, "invalid invalid"},
		{"array twice the same", "", "[" + order("1") + "," + order("1") + "]", 202, "ok duplicate"},
		{"array of no objects", "", `[1,"x",null]`, invalid, "invalid invalid invalid"},
		{"array with a name twice", "", `[{"order_id":1,"order_id":2},` + order("2") + `]`, 207, "invalid ok"},
		{"charset", "application/json; charset=UTF-8", order("1"), 202, "ok"},
		{"curl -d", "application/x-www-form-urlencoded", order("1"), 202, "ok"},
		{"no object", "", `7`, invalid, "invalid"},
		{"empty", "", "", 400, "empty"},
		{"only space", "", " \n", 400, "empty"},
		{"empty array", "", " [ ] ", 400, "empty"},
		{"no JSON", "", "hello", 400, "malformed 0"},
		{"a byte order mark", "", "\ufeff" + order("1"), 400, "malformed 0"},
		{"cut off", "", order("1")[:20], 400, "malformed 20"},
		{"two objects", "", order("1") + order("2"), 400, fmt.Sprint("malformed ", len(order("1")))},
		{"array cut off", "", "[" + order("1"), 400, fmt.Sprint("malformed ", 1+len(order("1")))},
		{"array without a comma", "", "[" + order("1") + " " + order("2") + "]", 400, fmt.Sprint("malformed ", 2+len(order("1")))},
		{"array with a comma too many", "", "[" + order("1") + ",]", 400, fmt.Sprint("malformed ", 2+len(order("1")))},
		{"behind the array", "", "[" + order("1") + "]x", 400, fmt.Sprint("malformed ", 2+len(order("1")))},
		{"syntax in an array", "", "[" + order("1") + `,{"order_id":}]`, 400, fmt.Sprint("malformed ", 14+len(order("1")))},
		{"lines", lines, order("1") + "\n\r\n" + order("2") + "\r\n", 202, "ok ok"},
		{"lines, some bad", lines, order("1") + "\nhello\n" + order("2") + order("3") + "\n[]\n" + order("4"), 207, "ok invalid invalid invalid ok"},
		{"lines of nothing", lines, "\n\n", 400, "empty"},
		{"cloudevent", event, cloud("a", order("1")), 202, "ok"},
		{"cloudevent, bad data", event, cloud("a", badOrder), invalid, "invalid"},
		{"cloudevent without id", event, `{"specversion":"1.0","source":"/shop","type":"order","data":{}}`, invalid, "invalid"},
		{"cloudevent of another version", event, `{"specversion":"0.3","id":"1","source":"/shop","type":"order","data":{}}`, invalid, "invalid"},
		{"cloudevent in base64", event, `{"specversion":"1.0","id":"1","source":"/shop","type":"order","data_base64":"e30="}`, invalid, "invalid"},
		{"cloudevent twice", event, cloud("a", order("1")) + cloud("b", order("2")), 400, fmt.Sprint("malformed ", len(cloud("a", order("1"))))},
		{"cloudevent, name twice", event, `{"id":"1","id":"2"}`, 400, "malformed 10"},
		{"cloudevents", events, "[" + cloud("a", order("1")) + "," + cloud("b", badOrder) + ",7," + cloud("c", order("3")) + "]", 207, "ok invalid invalid ok"},
		{"cloudevents that are none", events, cloud("a", order("1")), 400, "malformed 0"},
		{"cloudevents, none", events, "[]", 400, "empty"},
		{"cloudevents cut off", events, "[" + cloud("a", order("1")), 400, fmt.Sprint("malformed ", 1+len(cloud("a", order("1"))))},
		{"text", "text/plain", order("1"), 415, "unsupported_media_type"},
		{"latin-1", "application/json; charset=latin1", order("1"), 415, "unsupported_media_type"},
		{"no type", "/;", order("1"), 415, "unsupported_media_type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := open(t, settings{})
			if test.media == "" {
				test.media = "application/json"
			}
			a := h.post(test.body, "Content-Type", test.media)
			stored, letters := h.shelf.counts()
			if a.status == 400 || a.status == 415 {
				code, offset, _ := strings.Cut(test.want, " ")
				a.refused(t, test.status, code)
				if offset != "" && (len(a.body.Errors) != 1 || fmt.Sprint(a.body.Errors[0].Offset) != offset) {
					t.Fatalf("want offset %s\n%s", offset, a.text)
				}
				if stored+letters > 0 {
					t.Fatalf("stored %d and %d letters", stored, letters)
				}
				return
			}
			a.want(t, test.status, test.want)
			if good := strings.Count(test.want, "ok"); stored != good || letters != strings.Count(test.want, "invalid") {
				t.Fatalf("%d stored, %d letters", stored, letters)
			}
			checkTally(h)
		})
	}
}

// checkTally checks that every event of the answers is accounted for.
func checkTally(h *house) {
	h.Helper()
	if tally := h.handler.Tally(); !tally.Conserved() || tally.Read == 0 {
		h.Fatal(tally)
	}
}

func TestPointers(t *testing.T) {
	h := open(t, settings{})
	a := h.post(`[`+order("1")+`,{"order_id":tru}]`, "Content-Type", "application/json")
	a.refused(t, 400, "malformed")
	if a.body.Errors[0].Pointer != "/1/order_id" {
		t.Errorf("%s", a.text)
	}
	a = h.post(`{"order_id":1,"order_id":2}`, "Content-Type", "application/x-ndjson")
	if !strings.Contains(a.text, `"code":"duplicate_name"`) || !strings.Contains(a.text, `"offset":14}`) {
		t.Errorf("the second order_id stands at byte 14: %s", a.text)
	}
	a = h.post(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":`+badOrder+`}`, "Content-Type", "application/cloudevents+json")
	if a.body.Results[0].Error.Pointer != "/data/amount" {
		t.Errorf("%s", a.text)
	}
	a = h.post(`{"specversion":"1.0","id":"1","source":"a b","type":"t","data":`+badOrder+`}`, "Content-Type", "application/cloudevents+json")
	if a.body.Results[0].Error.Pointer != "/source" {
		t.Errorf("%s", a.text)
	}
}

func TestCodings(t *testing.T) {
	body := "[" + order("1") + "," + order("2") + "]"
	zipped := gzipped([]byte(body))
	tests := []struct {
		coding string
		body   []byte
		status int
		want   string
	}{
		{"gzip", zipped, 202, "ok ok"},
		{"GZIP", zipped, 202, "ok ok"},
		{"zstd", zstded([]byte(body)), 202, "ok ok"},
		{"identity", []byte(body), 202, "ok ok"},
		{"gzip", []byte(body), 400, "not_inflated"},
		{"zstd", []byte(body), 400, "not_inflated"},
		{"gzip", zipped[:len(zipped)-9], 400, "not_inflated"},
		{"gzip", append(slices.Clone(zipped), "junk"...), 400, "not_inflated"},
		{"zstd", zstded([]byte(body))[:40], 400, "not_inflated"},
		{"gzip, gzip", gzipped(zipped), 415, "unsupported_media_type"},
		{"br", []byte(body), 415, "unsupported_media_type"},
		{"gzip", gzipped(nil), 400, "empty"},
	}
	for _, test := range tests {
		t.Run(test.coding+" "+test.want, func(t *testing.T) {
			h := open(t, settings{})
			// Twice, as the second time the decompressor is a used one.
			for range 2 {
				a := h.post(string(test.body), "Content-Encoding", test.coding)
				if test.status != 202 {
					a.refused(t, test.status, test.want)
					continue
				}
				a.want(t, 202, test.want)
				test.want = "duplicate duplicate"
			}
		})
	}
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

var compressors = map[string]func(io.Writer) io.WriteCloser{
	"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		if err != nil {
			panic(err)
		}
		return z
	},
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

func TestIdentities(t *testing.T) {
	h := open(t, settings{edit: withoutID})
	a := h.post(order("1"))
	a.want(t, 202, "ok")
	if id := a.body.Results[0].ID; len(id) != 36 || id[14] != '7' {
		t.Errorf("want a UUIDv7, got %q", id)
	}
	h.post(order("1")).want(t, 202, "ok")

	two := "[" + order("1") + "," + order("1") + "]"
	a = h.post(two, "Idempotency-Key", "k:1")
	a.want(t, 202, "ok ok")
	again := h.post(two, "Idempotency-Key", "k:1")
	again.want(t, 202, "duplicate duplicate")
	if a.body.Results[1].ID != again.body.Results[1].ID {
		t.Errorf("%s\n%s", a.text, again.text)
	}
	h.post(two, "Idempotency-Key", "k:2").want(t, 202, "ok ok")
	// The left-overs of a batch, sent with the batch's key: the places have
	// shifted, and nothing may be taken for what stood there before.
	h.post("["+order("5")+","+order("6")+"]", "Idempotency-Key", "k:3").want(t, 202, "ok ok")
	h.post(order("6"), "Idempotency-Key", "k:3").want(t, 202, "ok")
	h.post(two, "Idempotency-Key", "a b").refused(t, 400, "invalid_header")
	h.post(two, "Idempotency-Key", strings.Repeat("x", 256)).refused(t, 400, "invalid_header")

	event := []string{"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/shop", "Ce-Type", "order", "Ce-Subject", "Gr%C3%BC%C3%9Fe"}
	a = h.post(order("1"), event...)
	a.want(t, 202, "ok")
	if a.body.Results[0].ID != "/shop 1" {
		t.Errorf("%s", a.text)
	}
	h.post(`{"specversion":"1.0","id":"1","source":"/shop","type":"order","data":`+order("2")+`}`,
		"Content-Type", "application/cloudevents+json").want(t, 202, "duplicate")
	last := h.shelf.stored[len(h.shelf.stored)-1]
	if got := header(last, "ce_subject"); got != "Grüße" {
		t.Errorf("ce_subject is %q", got)
	}
	// An identity that is sent and not heeded would make every retry a new event.
	h.post(order("1"), "Ce-Specversion", "1.0").refused(t, 400, "invalid_header")
	h.post(order("1"), "Ce-Id", "1", "Ce-Source", "/shop", "Ce-Type", "order").refused(t, 400, "invalid_header")
	h.post(order("1"), append(event, "Content-Type", "application/x-ndjson")...).refused(t, 400, "invalid_header")
}

// What a sender wrote is said back in part only.
func TestLongNamesAreClipped(t *testing.T) {
	h := open(t, settings{})
	name := strings.Repeat("n", 100_000)
	a := h.post(`{"`+name+`":tru}`, "Content-Type", "application/cloudevents+json")
	if a.refused(t, 400, "malformed"); len(a.text) > 4096 {
		t.Errorf("an answer of %d bytes", len(a.text))
	}
	a = h.post(`{"`+name+`":`, "Content-Type", "application/json")
	if a.refused(t, 400, "malformed"); len(a.text) > 4096 {
		t.Errorf("an answer of %d bytes", len(a.text))
	}
}

// A stream's own identity wins over a CloudEvent's, which travels on as headers.
func TestDeclaredIdentityWins(t *testing.T) {
	h := open(t, settings{})
	parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	a := h.post(order("1"), "Ce-Specversion", "1.0", "Ce-Id", "x", "Ce-Source", "/shop", "Ce-Type", "order",
		"Idempotency-Key", "k", "Traceparent", parent, "Tracestate", "a=b")
	a.want(t, 202, "ok")
	if a.body.Results[0].ID != "1" {
		t.Errorf("%s", a.text)
	}
	e := h.shelf.stored[0]
	for name, want := range map[string]string{"ce_id": "x", "ce_source": "/shop", "traceparent": parent, "tracestate": "a=b"} {
		if got := header(e, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(header(e, "penstock-stream"), "orders@") {
		t.Errorf("penstock-stream is %q", header(e, "penstock-stream"))
	}
	h.post(order("2"), "Traceparent", "00-nonsense", "Tracestate", "a=b").want(t, 202, "ok")
	if e := h.shelf.stored[1]; header(e, "traceparent")+header(e, "tracestate")+header(e, "ce_id") != "" {
		t.Errorf("headers %v", e.Headers)
	}
}

func header(e penstock.Event, name string) string {
	for _, h := range e.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

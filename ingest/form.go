package ingest

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/penstock-io/penstock"
)

// A form is how the events stand in a body.
type form uint8

const (
	formJSON      form = iota // one object, or an array of them
	formLines                 // NDJSON: one object a line
	formEvent                 // a CloudEvent, binary: attributes in headers
	formEnvelope              // a CloudEvent, structured
	formEnvelopes             // CloudEvents, batched
)

// enveloped reports whether events stand under /data of what was sent.
func (f form) enveloped() bool { return f == formEnvelope || f == formEnvelopes }

// A coding is how a body was compressed.
type coding uint8

const (
	codingNone coding = iota
	codingGzip
	codingZstd
)

// terms are what a request says about itself, before its body is read.
type terms struct {
	form        form
	coding      coding
	ack         penstock.Ack
	atomic      bool
	idempotency string
}

func readTerms(r *http.Request, usual penstock.Ack) (t terms, p *problem) {
	t.ack = usual
	if t.form, p = readForm(r.Header); p != nil {
		return t, p
	}
	if t.coding, p = readCoding(r.Header["Content-Encoding"]); p != nil {
		return t, p
	}
	if t.atomic, p = readMode(r.URL.RawQuery); p != nil {
		return t, p
	}
	if t.ack, p = readAck(r.Header["Penstock-Ack"], usual); p != nil {
		return t, p
	}
	t.idempotency, p = readIdempotency(r.Header["Idempotency-Key"])
	return t, p
}

const formHint = "send application/json (one object or an array), application/x-ndjson, " +
	"application/cloudevents+json or application/cloudevents-batch+json, in UTF-8"

func readForm(h http.Header) (form, *problem) {
	types := h["Content-Type"]
	name := ""
	switch len(types) {
	case 0:
	case 1:
		name = types[0]
	default:
		return 0, unsupported("Content-Type is there more than once: " + formHint)
	}
	f, known := formNamed(name)
	if !known {
		base, params, err := mime.ParseMediaType(name)
		if err != nil {
			return 0, unsupported("Content-Type cannot be read: " + formHint)
		}
		if f, known = formNamed(base); !known {
			return 0, unsupported("Content-Type " + clip(base) + " is not known: " + formHint)
		}
		if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
			return 0, unsupported("charset " + clip(cs) + " is not known: " + formHint)
		}
	}
	if len(h["Ce-Specversion"])+len(h["Ce-Id"]) > 0 { // its id must not be passed over
		switch f {
		case formJSON:
			return formEvent, nil
		case formLines:
			return 0, badRequest("invalid_header", "ce- headers describe one CloudEvent, not lines: send its data alone as application/json")
		}
	}
	return f, nil
}

func formNamed(name string) (form, bool) {
	switch name {
	case "application/json", "":
		return formJSON, true
	case "application/x-www-form-urlencoded":
		// What curl -d says unless told otherwise. A page in a browser may say
		// it too without asking first, which is why cross-origin requests are
		// refused (see Handler.receive).
		return formJSON, true
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return formLines, true
	case "application/cloudevents+json":
		return formEnvelope, true
	case "application/cloudevents-batch+json":
		return formEnvelopes, true
	}
	return 0, false
}

func readCoding(values []string) (coding, *problem) {
	if len(values) == 0 {
		return codingNone, nil
	}
	if len(values) > 1 {
		return 0, unsupported("Content-Encoding more than once: compress the body once, with gzip or zstd")
	}
	switch strings.ToLower(strings.TrimSpace(values[0])) {
	case "", "identity":
		return codingNone, nil
	case "gzip", "x-gzip":
		return codingGzip, nil
	case "zstd":
		return codingZstd, nil
	}
	return 0, unsupported("Content-Encoding " + clip(values[0]) + " is not known: compress the body once, with gzip or zstd")
}

func readMode(query string) (atomic bool, p *problem) {
	if query == "" {
		return false, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return false, badRequest("invalid_parameter", "the query cannot be read: the only parameter is mode=partial or mode=atomic")
	}
	for name, all := range values {
		if name != "mode" {
			return false, badRequest("invalid_parameter", "parameter "+clip(name)+" is not known: the only one is mode")
		}
		if len(all) > 1 {
			return false, badRequest("invalid_parameter", "parameter mode more than once: send it once")
		}
	}
	switch values.Get("mode") {
	case "partial":
		return false, nil
	case "atomic":
		return true, nil
	}
	return false, badRequest("invalid_parameter", "mode "+clip(values.Get("mode"))+" is not known: use partial or atomic")
}

func readAck(values []string, usual penstock.Ack) (penstock.Ack, *problem) {
	if len(values) == 0 {
		return usual, nil
	}
	if len(values) == 1 {
		switch values[0] {
		case "disk":
			return penstock.AckDisk, nil
		case "kafka":
			return penstock.AckKafka, nil
		}
	}
	return 0, badRequest("invalid_header", "Penstock-Ack must be disk or kafka, once")
}

const idempotencyMax = 255 // bytes

func readIdempotency(values []string) (string, *problem) {
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) == 1 && len(key) > 0 && len(key) <= idempotencyMax && visible(key) {
		return key, nil
	}
	return "", badRequest("invalid_header", "Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, once")
}

// visible reports whether s is ASCII without spaces and control characters.
func visible(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// clip shortens what a sender wrote before it is said back.
func clip(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return `"` + s + `"`
}

package ingest

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// codeEnvelope is the code of all that can be wrong with a CloudEvent itself;
// the pointer then leads into the envelope, not into its data.
const codeEnvelope = "cloudevent"

// What a CloudEvent may have besides its data.
const (
	attributesMax     = 64
	attributeBytesMax = 4096
)

// An envelope is a CloudEvent without its data. Its attributes travel on as
// ce_ headers, as CloudEvents' Kafka binding has it.
type envelope struct {
	attributes []penstock.Header
	id, source string
	data       []byte // nil when there is none
}

// binaryEnvelope reads the attributes of a CloudEvent in binary mode.
func binaryEnvelope(h http.Header) (envelope, *penstock.Reject) {
	var v envelope
	for name, values := range h {
		attribute, ok := strings.CutPrefix(name, "Ce-")
		if !ok {
			continue
		}
		attribute = strings.ToLower(attribute)
		if len(values) > 1 {
			return v, envelopeReject(attribute, "the attribute is there more than once")
		}
		// The binding percent-encodes what is not visible ASCII.
		text, err := url.PathUnescape(values[0])
		if err != nil {
			return v, envelopeReject(attribute, "the header is not percent-encoded as CloudEvents over HTTP asks")
		}
		if r := v.set(attribute, text); r != nil {
			return v, r
		}
	}
	slices.SortFunc(v.attributes, func(a, b penstock.Header) int { return strings.Compare(a.Name, b.Name) })
	return v, v.check()
}

// structuredEnvelope reads a CloudEvent whose text jsontext has found valid.
func structuredEnvelope(text []byte) (envelope, *penstock.Reject) {
	var v envelope
	if len(text) == 0 || text[0] != '{' {
		return v, penstock.NewReject(codeEnvelope, "", "a CloudEvent is an object")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	d.ReadToken() // {
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return v, penstock.NewReject(codeEnvelope, "", "the CloudEvent is not JSON")
		}
		name := token.String()
		value, err := d.ReadValue()
		if err != nil {
			return v, penstock.NewReject(codeEnvelope, "", "the CloudEvent is not JSON")
		}
		end := int(d.InputOffset())
		if r := v.member(name, text[end-len(value):end]); r != nil {
			return v, r
		}
	}
	return v, v.check()
}

// member takes one member of a structured CloudEvent.
func (v *envelope) member(name string, value jsontext.Value) *penstock.Reject {
	if name == "data" || name == "data_base64" {
		if v.data != nil {
			return envelopeReject(name, "data and data_base64 exclude each other")
		}
		return v.setData(name, value)
	}
	switch value.Kind() {
	case 'n': // as if it were not there
		return nil
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return envelopeReject(name, "the attribute is not a JSON string")
		}
		return v.set(name, string(text))
	case 't', 'f', '0':
		return v.set(name, string(value))
	}
	return envelopeReject(name, "an attribute is a string, a number or a boolean")
}

func (v *envelope) setData(name string, value jsontext.Value) *penstock.Reject {
	if name == "data" {
		v.data = value
		return nil
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err == nil {
		v.data = make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		var n int
		n, err = base64.StdEncoding.Decode(v.data, text)
		v.data = v.data[:n]
	}
	if err != nil {
		return envelopeReject(name, "want a string of base64")
	}
	return nil
}

// set keeps one attribute.
func (v *envelope) set(name, text string) *penstock.Reject {
	if !attributeName(name) {
		return envelopeReject(name, "the name of an attribute is 1 to 64 lower-case letters and digits")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\uFFFD' }) {
		return envelopeReject(name, "an attribute is text without control characters")
	}
	if len(v.attributes) == attributesMax || len(text) > attributeBytesMax {
		return envelopeReject(name, "a CloudEvent may have 64 attributes of 4096 bytes each here")
	}
	switch name {
	case "id":
		v.id = text
	case "source":
		v.source = text
	case "specversion":
		if text != "1.0" {
			return envelopeReject(name, "this is CloudEvents 1.0: want \"1.0\"")
		}
	case "time":
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return envelopeReject(name, "want an RFC 3339 time")
		}
	case "datacontenttype":
		if base, _, _ := strings.Cut(text, ";"); !strings.HasSuffix(strings.ToLower(strings.TrimSpace(base)), "json") {
			return envelopeReject(name, "data must be JSON")
		}
	}
	v.attributes = append(v.attributes, penstock.Header{Name: "ce_" + name, Value: []byte(text)})
	return nil
}

func attributeName(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 64
}

// check looks for what every CloudEvent must have.
func (v *envelope) check() *penstock.Reject {
	for _, name := range [...]string{"specversion", "id", "source", "type"} {
		at := slices.IndexFunc(v.attributes, func(h penstock.Header) bool { return h.Name == "ce_"+name })
		if at < 0 || len(v.attributes[at].Value) == 0 {
			return envelopeReject(name, "a CloudEvent must have "+name)
		}
	}
	// A URI reference has no spaces, so source, space, id is one identity
	// however the two are cut.
	if strings.ContainsAny(v.source, " \u00a0") {
		return envelopeReject("source", "want a URI reference, which has no spaces")
	}
	if len(v.source)+1+len(v.id) > stream.IDBytesMax {
		return envelopeReject("id", "source and id may have 1023 bytes together")
	}
	return nil
}

func envelopeReject(name, detail string) *penstock.Reject {
	return penstock.NewReject(codeEnvelope, "/"+pointerEscape.Replace(clipName(name)), "%s", detail)
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func clipName(name string) string {
	if len(name) > 80 {
		return name[:80]
	}
	return name
}

package ingest

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/penstock-io/penstock"
)

// decode finds the events in the text. A problem means that the text cannot be
// trusted as a whole; an event that is bad by itself is rejected by itself.
func (q *request) decode(binary *envelope) *problem {
	start := skipSpace(q.text, 0)
	if start == len(q.text) {
		return emptyBody()
	}
	switch q.form {
	case formLines:
		return q.decodeLines()
	case formEvent:
		return q.decodeOne(start, binary)
	case formEnvelope, formEnvelopes:
		return q.decodeEnvelopes()
	}
	if q.text[start] == '[' {
		return q.decodeArray(start)
	}
	return q.decodeOne(start, nil)
}

// decodeOne takes the text from start on as one event.
func (q *request) decodeOne(start int, v *envelope) *problem {
	end, p := q.decodeAt(start, v)
	if p != nil {
		return p
	}
	if rest := skipSpace(q.text, end); rest < len(q.text) {
		return malformed("", "there is more behind the event: send several as an array, or one a line as application/x-ndjson", rest)
	}
	return nil
}

// decodeArray takes the text from start on as an array of events.
func (q *request) decodeArray(start int) *problem {
	at := skipSpace(q.text, start+1)
	if at < len(q.text) && q.text[at] == ']' {
		if rest := skipSpace(q.text, at+1); rest < len(q.text) {
			return malformed("", "there is more behind the array", rest)
		}
		return emptyBody()
	}
	for {
		index := q.used
		end, p := q.decodeAt(at, nil)
		if p != nil {
			p.pointer = elementPointer(index) + p.pointer
			return p
		}
		at = skipSpace(q.text, end)
		if at == len(q.text) {
			return malformed(elementPointer(index), "the array does not end: want , or ]", at)
		}
		switch q.text[at] {
		case ',':
			at = skipSpace(q.text, at+1)
		case ']':
			if rest := skipSpace(q.text, at+1); rest < len(q.text) {
				return malformed("", "there is more behind the array", rest)
			}
			return nil
		default:
			return malformed(elementPointer(index), "want , or ] behind an element of the array", at)
		}
	}
}

func elementPointer(index int) string { return "/" + strconv.Itoa(index) }

// decodeAt decodes the event that begins at start and returns where it ends.
func (q *request) decodeAt(start int, v *envelope) (end int, p *problem) {
	index := q.used
	e, p := q.event()
	if p != nil {
		return 0, p
	}
	n, err := q.decoder.Decode(q.text[start:], e)
	if n == 0 {
		why := asReject(err)
		return 0, malformed(why.Pointer, why.Detail, start+max(0, int(why.Offset)))
	}
	q.received(e, q.text[start:start+n], err, v, index)
	return start + n, nil
}

// received takes note of how an event was decoded from raw.
func (q *request) received(e *penstock.Event, raw []byte, err error, v *envelope, index int) {
	e.Raw = raw
	if v != nil {
		e.Headers = append(v.attributes[:len(v.attributes):len(v.attributes)], e.Headers...)
	}
	if err == nil || v != nil {
		q.identify(e, v, index)
	}
	if err != nil {
		e.Reject(asReject(err))
	}
}

// decodeLines takes each line as one event. A line that is no JSON is an
// invalid event and no more: the next line begins anew.
func (q *request) decodeLines() *problem {
	rest := q.text
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, newline)
		line = trimSpace(line)
		if len(line) == 0 {
			continue
		}
		index := q.used
		e, p := q.event()
		if p != nil {
			return p
		}
		n, err := q.decoder.Decode(line, e)
		if err == nil && n < len(line) {
			err = &penstock.Reject{Code: "syntax", Detail: "there is more behind the event on its line: send one event a line", Offset: int64(n)}
		}
		q.received(e, line, err, nil, index)
	}
	return nil
}

var newline = []byte{'\n'}

// decodeEnvelopes takes the text as a CloudEvent, or an array of them.
func (q *request) decodeEnvelopes() *problem {
	d := jsontext.NewDecoder(bytes.NewBuffer(q.text))
	batched := q.form == formEnvelopes
	if batched {
		if d.PeekKind() != '[' {
			return malformed("", "want an array of CloudEvents", skipSpace(q.text, 0))
		}
		d.ReadToken()
	}
	for !batched || d.PeekKind() != ']' {
		value, err := d.ReadValue()
		if err != nil {
			return q.malformedEnvelope(err)
		}
		end := int(d.InputOffset())
		if p := q.decodeEnvelope(q.text[end-len(value) : end]); p != nil {
			return p
		}
		if !batched {
			break
		}
	}
	if batched {
		if _, err := d.ReadToken(); err != nil {
			return q.malformedEnvelope(err)
		}
	}
	if rest := skipSpace(q.text, int(d.InputOffset())); rest < len(q.text) {
		return malformed("", "there is more behind the end of the JSON", rest)
	}
	if q.used == 0 {
		return emptyBody()
	}
	return nil
}

func (q *request) decodeEnvelope(text []byte) *problem {
	index := q.used
	e, p := q.event()
	if p != nil {
		return p
	}
	v, why := structuredEnvelope(text)
	if why == nil && v.data == nil {
		why = envelopeReject("data", "the CloudEvent has no data")
	}
	if why != nil {
		e.Raw = text
		e.Reject(why)
		return nil
	}
	n, err := q.decoder.Decode(v.data, e)
	if err == nil && skipSpace(v.data, n) < len(v.data) {
		err = penstock.NewReject("syntax", "", "there is more behind the event in data_base64")
	}
	q.received(e, v.data, err, &v, index)
	return nil
}

func (q *request) malformedEnvelope(err error) *problem {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return malformed(string(syntax.JSONPointer), "not JSON as RFC 8259 and I-JSON have it: "+syntax.Err.Error(), int(syntax.ByteOffset))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("", "the JSON does not end", len(q.text))
	}
	return malformed("", "the JSON cannot be read", 0)
}

// malformed is the answer when the text is no JSON from the offset on.
func malformed(pointer, detail string, offset int) *problem {
	p := badRequest("malformed", detail+" (byte "+strconv.Itoa(offset)+"); nothing was stored")
	p.pointer, p.offset = pointer, int64(offset)
	return p
}

// asReject is the reject that err is. A decoder has no other errors.
func asReject(err error) *penstock.Reject {
	if r := penstock.AsReject(err); r != nil {
		return r
	}
	return penstock.NewReject("syntax", "", "the event cannot be read")
}

// skipSpace returns where in text, from at on, something other than JSON's
// white space stands.
func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

func trimSpace(line []byte) []byte {
	line = line[skipSpace(line, 0):]
	for len(line) > 0 && isSpace(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return line
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

package ingest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/penstock-io/penstock"
)

// answer writes the fate of every event and returns the answer's status.
func (q *request) answer(w http.ResponseWriter, requestID string) int {
	q.count = tallies{}
	out := append(q.out[:0], `{"results":[`...)
	q.outcomes(func(e *penstock.Event, o outcome) {
		q.count.add(o, e.Verdict())
		out = q.appendResult(out, e, o)
		out = append(out, ',')
	})
	out[len(out)-1] = ']'

	status, p := q.verdict()
	h := w.Header()
	h["Content-Type"] = plainJSON
	wait := time.Duration(0)
	if p != nil {
		if status != http.StatusUnprocessableEntity {
			h["Content-Type"] = problemJSON
		}
		if p.wait > 0 {
			p.wait = jitter(p.wait)
			wait = p.wait
		}
		out = p.appendMembers(append(out, ','), requestID)
	} else if status == http.StatusMultiStatus && q.count.by[statusRetry]+q.count.by[statusLimited] > 0 {
		wait = jitter(q.wait())
		out = appendRetryAfter(out, wait)
	}
	if wait > 0 {
		h["Retry-After"] = []string{retryAfterSeconds(wait)}
	}
	if stored := q.count.stored(); stored > 0 {
		h["Penstock-Ack"] = ackNames[penstock.AckDisk]
		if q.count.kafka == stored {
			h["Penstock-Ack"] = ackNames[penstock.AckKafka]
		}
	}
	q.out = append(out, '}', '\n')
	if len(q.out) > 2000 { // beyond what net/http would count itself
		h["Content-Length"] = []string{strconv.Itoa(len(q.out))}
	}
	w.WriteHeader(status)
	w.Write(q.out)
	return status
}

// ackNames are header values that all answers share.
var ackNames = [...][]string{penstock.AckDisk: {"disk"}, penstock.AckKafka: {"kafka"}}

// wait is when to send again what is to be sent again of a mixed batch.
func (q *request) wait() time.Duration {
	switch {
	case q.count.full > 0:
		return q.door.retryAfter()
	case q.count.by[statusLimited] > 0:
		return q.holder.wait(q.count.by[statusLimited])
	}
	return time.Second
}

// appendResult appends one event's line.
func (q *request) appendResult(dst []byte, e *penstock.Event, o outcome) []byte {
	dst = append(dst, '{')
	if len(e.ID) > 0 {
		dst = append(dst, `"id":`...)
		dst = appendQuoted(dst, e.ID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"status":"`...)
	dst = append(dst, statusNames[o.status]...)
	dst = append(dst, '"')
	if o.status <= statusDuplicate || o.code == codeRefused {
		dst = appendPlace(dst, o.place)
	}
	switch {
	case o.why != nil:
		pointer := o.why.Pointer
		if q.form.enveloped() && o.why.Code != codeEnvelope {
			pointer = "/data" + pointer
		}
		dst = appendError(dst, pointer, o.why.Code, o.why.Detail, o.why.Offset)
	case o.code != "":
		dst = appendError(dst, "", o.code, codeDetails[o.code], -1)
	}
	return append(dst, '}')
}

// appendPlace appends how far an event has come and where it is.
func appendPlace(dst []byte, p penstock.Place) []byte {
	dst = append(dst, `,"ack":"`...)
	dst = append(dst, p.Ack.String()...)
	dst = append(dst, '"')
	if p.Ack != penstock.AckKafka || p.Topic == "" {
		return dst
	}
	dst = append(dst, `,"topic":`...)
	dst = appendQuoted(dst, p.Topic)
	if p.Offset < 0 {
		return dst
	}
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(p.Partition), 10)
	dst = append(dst, `,"offset":`...)
	return strconv.AppendInt(dst, p.Offset, 10)
}

// appendError appends what is wrong with an event; offset is -1 where the
// fault is at no byte.
func appendError(dst []byte, pointer, code, detail string, offset int64) []byte {
	dst = append(dst, `,"error":{"pointer":`...)
	dst = appendQuoted(dst, clipPointer(pointer))
	dst = append(dst, `,"code":`...)
	dst = appendQuoted(dst, code)
	dst = append(dst, `,"detail":`...)
	dst = appendQuoted(dst, detail)
	if offset >= 0 {
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendInt(dst, offset, 10)
	}
	return append(dst, '}')
}

package ingest

import (
	"errors"
	"net/http"
	"time"

	"github.com/penstock-io/penstock"
)

// A status is what a sender is told of one event.
type status uint8

const (
	statusOK        status = iota
	statusDuplicate        // one of the same identity is stored
	statusInvalid          // never to be sent again as it is
	statusRetry            // to be sent again as it is
	statusLimited          // to be sent again once the key's rate allows
	statuses               // how many there are
)

var statusNames = [statuses]string{"ok", "duplicate", "invalid", "retry", "limited"}

// Codes of events that are to be sent again, and of the problems that say the
// same of a whole request.
const (
	codeUnknown     = "unknown"
	codeUnavailable = "unavailable"
	codeFull        = "journal_full"
	codeOverQuota   = "batch_over_quota"
	codeBatchLarge  = "batch_too_large"
	codeAtomic      = "atomic"
	codeLimited     = "rate_limited"
	codePending     = "kafka_pending"
	codeRefused     = "refused_by_kafka"
)

var codeDetails = map[string]string{
	codeUnknown:     "the server was stopped in the act of storing it: it may be stored or not; ask for its id, or send it again, which is harmless with the same id",
	codeUnavailable: "not stored: something that the server needs does not work at the moment; send it again later",
	codeFull:        "not stored: the journal has no room until Kafka has taken some of it; send it again later",
	codeOverQuota:   "not stored: what is new in this request takes more than the journal may ever hold; send fewer events at a time, or smaller ones, or have the server's --journal-quota-bytes raised",
	codeBatchLarge:  "not stored: with all that look-ups and derivations add, the request takes more than the journal writes at a time; send fewer events at a time",
	codeAtomic:      "not stored: the batch is atomic and another of its events did not pass",
	codeLimited:     "not stored: the key is over its rate; send it again later",
	codeRefused:     "Kafka refused it for good: it was put with the stream's rejects",
}

// An outcome is an event's line in the answer.
type outcome struct {
	status status
	code   string           // why it is to be sent again, or refused later
	why    *penstock.Reject // why it is invalid
	place  penstock.Place   // of stored events
}

// tallies count the outcomes of a request.
type tallies struct {
	by      [statuses]int
	all     int
	unknown int
	full    int
	kafka   int    // stored ones that are in Kafka
	over    string // the code of what the journal never takes
	tally   penstock.Tally
}

func (t *tallies) stored() int { return t.by[statusOK] + t.by[statusDuplicate] }

func (t *tallies) add(o outcome, v penstock.Verdict) {
	t.by[o.status]++
	t.all++
	t.tally.Read++
	switch v {
	case penstock.Delivered:
		t.tally.Delivered++
	case penstock.Dropped:
		t.tally.Dropped++
	case penstock.Rejected:
		t.tally.Rejected++
	default:
		t.tally.Pending++
	}
	switch {
	case o.status <= statusDuplicate && o.place.Ack == penstock.AckKafka:
		t.kafka++
	case o.code == codeUnknown:
		t.unknown++
	case o.code == codeFull:
		t.full++
	case never(o.code):
		t.over = o.code
	}
}

// never reports whether the code says that a request is too large for the journal,
// today and tomorrow.
func never(code string) bool { return code == codeOverQuota || code == codeBatchLarge }

// outcomes visits the outcome of each event in the order of the request.
func (q *request) outcomes(visit func(e *penstock.Event, o outcome)) {
	reached := q.attempt.reached
	for i, e := range q.slab[:q.used] {
		wasReached := len(reached) > 0 && reached[0] == e
		if wasReached {
			reached = reached[1:]
		}
		var o outcome
		if i >= len(q.batch.Events) {
			o = outcome{status: statusLimited, code: codeLimited}
		} else {
			o = q.outcome(e, wasReached)
		}
		visit(e, o)
	}
}

func (q *request) outcome(e *penstock.Event, reached bool) outcome {
	switch e.Verdict() {
	case penstock.Delivered, penstock.Dropped:
		place := e.Place()
		if place.Topic != "" && place.Topic == q.door.rejects {
			return outcome{status: statusInvalid, code: codeRefused, place: place}
		}
		if e.Verdict() == penstock.Dropped {
			return outcome{status: statusDuplicate, place: place}
		}
		return outcome{status: statusOK, place: place}
	case penstock.Rejected:
		return outcome{status: statusInvalid, why: e.Reason()}
	}
	code := q.blame(reached)
	if never(code) {
		return outcome{status: statusInvalid, code: code}
	}
	return outcome{status: statusRetry, code: code}
}

// blame says why an event still pends. Only what reached the journal can be
// stored without the journal having said so.
func (q *request) blame(reached bool) string {
	if !reached {
		if errors.Is(q.err, errIncomplete) {
			return codeAtomic
		}
		if q.attempt.err == nil && q.limits.failure(q.err) == OverQuota { // its letter, or another's
			return codeOverQuota
		}
		return codeUnavailable
	}
	switch q.limits.failure(q.attempt.err) {
	case Full:
		return codeFull
	case OverQuota:
		return codeOverQuota
	case TooLarge:
		return codeBatchLarge
	case NotStored:
		return codeUnavailable
	}
	return codeUnknown
}

func (o *Options) failure(err error) Failure {
	if err == nil || o.Failure == nil {
		return Unknown
	}
	return o.Failure(err)
}

// verdict is the status of the whole answer, and the problem it is told as
// where it is one. 429 and 503 are only said when nothing was stored, but for
// kafka_pending, which says that everything was and where.
func (q *request) verdict() (code int, p *problem) {
	c := &q.count
	switch stored := c.stored(); {
	case errors.Is(q.err, errIncomplete) && c.by[statusInvalid] > 0:
		return http.StatusUnprocessableEntity, q.nothingValid()
	case errors.Is(q.err, errIncomplete) && stored < c.all:
		return http.StatusServiceUnavailable, q.unavailable()
	case stored > 0 && q.ack == penstock.AckKafka && c.kafka < stored:
		return http.StatusServiceUnavailable, q.kafkaPending()
	case stored == c.all && c.kafka == stored:
		return http.StatusOK, nil
	case stored == c.all:
		return http.StatusAccepted, nil
	case stored > 0:
		return http.StatusMultiStatus, nil
	case c.over != "":
		return http.StatusRequestEntityTooLarge, tooLarge(c.over, codeDetails[c.over])
	case c.by[statusInvalid] == c.all, q.atomic && c.by[statusInvalid] > 0:
		return http.StatusUnprocessableEntity, q.nothingValid()
	case c.by[statusInvalid] > 0:
		return http.StatusMultiStatus, nil
	case c.unknown > 0:
		return http.StatusGatewayTimeout, q.outcomeUnknown()
	}
	return http.StatusServiceUnavailable, q.unavailable()
}

func (q *request) kafkaPending() *problem {
	p := newProblem(http.StatusServiceUnavailable, codePending, "not in Kafka yet",
		"the events whose status is ok or duplicate are safely on disk and will go on to Kafka by themselves, but did not get there in time; "+
			"ask for their ids later; sending them again with the same ids is harmless")
	p.wait = q.door.retryAfter()
	return p
}

func (q *request) nothingValid() *problem {
	detail := "no event of the request is valid, so none was stored: see results"
	if q.atomic {
		detail = "the batch is atomic and not all of its events are valid, so none was stored by this request: see results"
	}
	return newProblem(http.StatusUnprocessableEntity, "invalid", "the events are invalid", detail)
}

func (q *request) outcomeUnknown() *problem {
	p := newProblem(http.StatusGatewayTimeout, codeUnknown, "it is not known whether the events are stored", codeDetails[codeUnknown])
	p.wait = time.Second
	return p
}

func (q *request) unavailable() *problem {
	code, title := codeUnavailable, "the events cannot be stored at the moment"
	if q.count.full > 0 {
		code, title = codeFull, "the journal is full"
	}
	p := newProblem(http.StatusServiceUnavailable, code, title, "nothing of this request was stored; send it again later")
	p.wait = time.Second
	if q.count.full > 0 {
		p.wait = q.door.retryAfter()
	}
	return p
}

package reads

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/penstock-io/penstock/auth"
)

// A problem is the answer to a request that is refused, as RFC 9457 has it. It
// never says anything of the inside: the log does, under the request's id.
type problem struct {
	status    int
	code      string // also the end of the problem's type
	title     string
	detail    string
	parameter string // that is at fault
	wait      time.Duration
	header    [2]string // one more header that the status asks for
}

func invalid(parameter, detail string) *problem {
	return &problem{status: http.StatusBadRequest, code: "invalid_parameter", title: "a parameter is not valid", detail: detail, parameter: parameter}
}

// invalidCursor is the one text for whatever is wrong with a cursor.
func invalidCursor() *problem {
	return &problem{status: http.StatusBadRequest, code: "invalid_cursor", title: "the cursor is not valid",
		detail: "take next_cursor as it came, with the same parameters, or begin again without", parameter: "cursor"}
}

func unauthenticated(err error) *problem {
	p := &problem{status: http.StatusUnauthorized, code: "unauthenticated", title: "a key or token is needed",
		detail: "send it as Authorization: Bearer …", header: [2]string{"WWW-Authenticate", `Bearer realm="penstock"`}}
	var denied *auth.Denied
	if errors.As(err, &denied) {
		p.detail = denied.Detail
	}
	return p
}

// notFound is the answer for a path that is not served and for a user that is
// not the asker's, be there such a user or not.
func notFound() *problem {
	return &problem{status: http.StatusNotFound, code: "not_found", title: "there is nothing here", detail: "nothing that this key or token may see has this path"}
}

func methodNotAllowed() *problem {
	return &problem{status: http.StatusMethodNotAllowed, code: "method_not_allowed", title: "the method does not fit", detail: "use GET, HEAD",
		header: [2]string{"Allow", "GET, HEAD"}}
}

func rateLimited(wait time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, code: "rate_limited", title: "too many requests", detail: "wait as long as Retry-After says", wait: wait}
}

func unavailable() *problem {
	return &problem{status: http.StatusServiceUnavailable, code: "unavailable", title: "the rows cannot be read now", detail: "try again later", wait: time.Second}
}

// defect is the answer where the program itself failed.
func defect() *problem {
	return &problem{status: http.StatusInternalServerError, code: "internal", title: "the server has a defect", detail: "the log knows this request's id"}
}

// badRow is the answer where a row holds what no answer can show.
func badRow() *problem {
	return &problem{status: http.StatusInternalServerError, code: "internal", title: "a row of this page cannot be shown",
		detail: "asking again does not help; the log says under this request's id which column it is"}
}

// refuse writes the problem as the whole answer.
func (a *answer) refuse(p *problem) int {
	h := a.w.Header()
	h.Set("Content-Type", "application/problem+json; charset=utf-8")
	if p.header[0] != "" {
		h.Set(p.header[0], p.header[1])
	}
	body := append(make([]byte, 0, 400), `{"type":`...)
	body = appendText(body, "/problems/"+p.code)
	body = appendText(append(body, `,"title":`...), p.title)
	body = strconv.AppendInt(append(body, `,"status":`...), int64(p.status), 10)
	body = appendText(append(body, `,"detail":`...), p.detail)
	body = appendText(append(body, `,"instance":`...), "urn:penstock:request:"+a.id)
	body = appendText(append(body, `,"code":`...), p.code)
	if plainName.MatchString(p.parameter) {
		body = appendText(append(body, `,"errors":[{"parameter":`...), p.parameter)
		body = appendText(append(body, `,"code":`...), p.code)
		body = appendText(append(body, `,"detail":`...), p.detail)
		body = append(body, `}]`...)
	}
	if p.wait > 0 {
		seconds := int64(math.Ceil(max(p.wait, time.Second).Seconds()))
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
		body = strconv.AppendInt(append(body, `,"retry_after_ms":`...), seconds*1000, 10)
	}
	a.w.WriteHeader(p.status)
	a.w.Write(append(body, '}', '\n'))
	return p.status
}

// plainName is a parameter's name that is worth repeating; what a sender makes
// up beyond that is not sent back.
var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

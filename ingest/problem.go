package ingest

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A problem is the answer to a request that was refused as a whole, as RFC 9457
// has it. Its detail is for the sender and never says anything of the inside.
type problem struct {
	status  int
	code    string // stable, also the end of the problem's type
	title   string
	detail  string
	pointer string        // JSON pointer into the body, with offset
	offset  int64         // byte in the (decompressed) body, -1 for none
	wait    time.Duration // when to try again; 0 is never
	header  [2]string     // one more header that the status asks for
}

func newProblem(status int, code, title, detail string) *problem {
	return &problem{status: status, code: code, title: title, detail: detail, offset: -1}
}

func badRequest(code, detail string) *problem {
	return newProblem(http.StatusBadRequest, code, "the request is malformed", detail)
}

func unauthenticated(detail string) *problem {
	p := newProblem(http.StatusUnauthorized, "unauthenticated", "a key is needed", detail)
	p.header = [2]string{"WWW-Authenticate", `Bearer realm="penstock"`}
	return p
}

// forbidden is the answer for every stream that a key does not name, be there
// such a stream or not: who may not use it does not learn that it exists.
func forbidden(stream string) *problem {
	return newProblem(http.StatusForbidden, "forbidden", "the key may not use this stream",
		"the key is not for stream "+strconv.Quote(stream)+"; GET /v1/streams lists those it is for")
}

func notFound(detail string) *problem {
	return newProblem(http.StatusNotFound, "not_found", "there is nothing here", detail)
}

func methodNotAllowed(allow string) *problem {
	p := newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "the method does not fit", "use "+allow)
	p.header = [2]string{"Allow", allow}
	return p
}

func tooLarge(code, detail string) *problem {
	return newProblem(http.StatusRequestEntityTooLarge, code, "the request is too large", detail)
}

func unsupported(detail string) *problem {
	p := newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "the form of the body is not known", detail)
	p.header = [2]string{"Accept-Encoding", "gzip, zstd"}
	return p
}

func rateLimited(key string, wait time.Duration) *problem {
	p := newProblem(http.StatusTooManyRequests, "rate_limited", "the key is over its rate",
		"key "+strconv.Quote(key)+" has used up its events for now; nothing of this request was stored")
	p.wait = wait
	return p
}

func overloaded() *problem {
	p := newProblem(http.StatusServiceUnavailable, "overloaded", "the server has all the work it can hold",
		"nothing of this request was stored; try again later")
	p.wait = time.Second
	return p
}

// jitter spreads out those who were told to come back, by up to half as long
// again, and never lets anybody come back at once.
func jitter(d time.Duration) time.Duration {
	d = max(d, time.Second)
	return d + rand.N(d/2)
}

func retryAfterSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

const problemTypes = "/problems/"

// appendMembers appends the problem's members without braces.
func (p *problem) appendMembers(dst []byte, requestID string) []byte {
	dst = append(dst, `"type":`...)
	dst = appendQuoted(dst, problemTypes+p.code)
	dst = append(dst, `,"title":`...)
	dst = appendQuoted(dst, p.title)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(p.status), 10)
	dst = append(dst, `,"detail":`...)
	dst = appendQuoted(dst, p.detail)
	dst = append(dst, `,"instance":`...)
	dst = appendQuoted(dst, "urn:penstock:request:"+requestID)
	dst = append(dst, `,"code":`...)
	dst = appendQuoted(dst, p.code)
	if p.offset >= 0 {
		dst = append(dst, `,"errors":[{"pointer":`...)
		dst = appendQuoted(dst, clipPointer(p.pointer))
		dst = append(dst, `,"code":`...)
		dst = appendQuoted(dst, p.code)
		dst = append(dst, `,"detail":`...)
		dst = appendQuoted(dst, p.detail)
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendInt(dst, p.offset, 10)
		dst = append(dst, `}]`...)
	}
	if p.wait > 0 {
		dst = appendRetryAfter(dst, p.wait)
	}
	return dst
}

func appendRetryAfter(dst []byte, wait time.Duration) []byte {
	dst = append(dst, `,"retry_after_ms":`...)
	return strconv.AppendInt(dst, wait.Milliseconds(), 10)
}

const pointerMax = 1024 // bytes

// clipPointer cuts a pointer that is longer than anybody reads off behind the
// last name that fits, where it still points to what holds the mistake: an
// answer must not grow with the names that a sender makes up.
func clipPointer(pointer string) string {
	if len(pointer) <= pointerMax {
		return pointer
	}
	return pointer[:max(0, strings.LastIndexByte(pointer[:pointerMax], '/'))]
}

// appendQuoted appends s as a JSON string. What is not UTF-8 becomes U+FFFD,
// which is all that the error would say.
func appendQuoted[B ~string | ~[]byte](dst []byte, s B) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// answer writes the problem as the whole answer.
func (p *problem) answer(w http.ResponseWriter, requestID string) int {
	h := w.Header()
	h["Content-Type"] = problemJSON
	if p.header[0] != "" {
		h.Set(p.header[0], p.header[1])
	}
	if p.wait > 0 {
		p.wait = jitter(p.wait)
		h.Set("Retry-After", retryAfterSeconds(p.wait))
	}
	body := append(make([]byte, 0, 512), '{')
	body = append(p.appendMembers(body, requestID), '}', '\n')
	w.WriteHeader(p.status)
	w.Write(body)
	return p.status
}

// Header values that all answers share. Nobody may write to them.
var (
	problemJSON = []string{"application/problem+json"}
	plainJSON   = []string{"application/json"}
	noStore     = []string{"no-store"}
	noSniff     = []string{"nosniff"}
)

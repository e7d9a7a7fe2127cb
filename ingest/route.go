package ingest

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/penstock-io/penstock"
)

const (
	streamsPath = "/v1/streams"
	eventsWord  = "events"
)

// route answers the request and returns the status. The few routes are told
// apart by hand, which is faster than a mux and answers problems throughout.
func (h *Handler) route(w http.ResponseWriter, r *http.Request, c *call) int {
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, streamsPath+"/"); ok {
		return h.routeStream(w, r, c, rest)
	}
	var serve func(http.ResponseWriter, *http.Request, *call) int
	switch path {
	case streamsPath:
		serve = h.listStreams
	case "/openapi.json":
		serve = h.showOpenAPI
	default:
		if room := h.room.Load(); room != nil && (*room).Serves(path) {
			return (*room).Serve(w, r, c.id)
		}
		return notFound("no such path; the paths are in /openapi.json").answer(w, c.id)
	}
	if !reads(r) {
		return methodNotAllowed("GET, HEAD").answer(w, c.id)
	}
	if r.URL.RawQuery != "" {
		return badRequest("invalid_parameter", "this path takes no parameters").answer(w, c.id)
	}
	return serve(w, r, c)
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// routeStream serves /v1/streams/{stream} and what is below it. Who is asking
// is settled before anything is said of the stream.
func (h *Handler) routeStream(w http.ResponseWriter, r *http.Request, c *call, rest string) int {
	if r.URL.RawPath != "" { // something is escaped that could be mistaken, as / in an id
		rest = strings.TrimPrefix(r.URL.RawPath, streamsPath+"/")
	}
	name, rest, below := strings.Cut(rest, "/")
	word, id, single := strings.Cut(rest, "/")
	asked := below && rest == statsWord
	if name == "" || below && word != eventsWord && !asked || single && id == "" {
		return notFound("no such path; the paths are in /openapi.json").answer(w, c.id)
	}
	now := h.served.Load()
	holder, p := now.keys.holder(r)
	if p != nil {
		return p.answer(w, c.id)
	}
	if holder != nil && !holder.May(name) {
		return forbidden(name).answer(w, c.id)
	}
	d := now.doors[name]
	if d == nil {
		return notFound("no stream has this name; GET /v1/streams lists them").answer(w, c.id)
	}
	if below && !single && !asked {
		if r.Method != http.MethodPost {
			return methodNotAllowed("POST").answer(w, c.id)
		}
		return h.accept(w, r, c, d, holder)
	}
	if !reads(r) {
		return methodNotAllowed("GET, HEAD").answer(w, c.id)
	}
	if asked {
		if !h.mayWatch(holder) {
			return watchForbidden().answer(w, c.id)
		}
		return d.showStats(w, r, c)
	}
	if r.URL.RawQuery != "" {
		return badRequest("invalid_parameter", "this path takes no parameters").answer(w, c.id)
	}
	if single {
		return d.showEvent(w, r, c, id)
	}
	return show(w, d.description)
}

// listStreams answers with the streams that the sender may use.
func (h *Handler) listStreams(w http.ResponseWriter, r *http.Request, c *call) int {
	now := h.served.Load()
	holder, p := now.keys.holder(r)
	if p != nil {
		return p.answer(w, c.id)
	}
	body := []byte(`{"streams":[`)
	first := true
	for _, d := range now.order {
		if holder != nil && !holder.May(d.Name) {
			continue
		}
		if !first {
			body = append(body, ',')
		}
		first = false
		body = append(body, d.description...)
	}
	return show(w, append(body, `]}`...))
}

// showEvent answers with the fate of the event of an identity.
func (d *door) showEvent(w http.ResponseWriter, r *http.Request, c *call, id string) int {
	if r.URL.RawPath != "" {
		var err error
		if id, err = url.PathUnescape(id); err != nil {
			return notFound("the id is not percent-encoded as in a path").answer(w, c.id)
		}
	}
	place, known := d.Ledger.Find([]byte(id))
	if !known {
		return newProblem(http.StatusNotFound, "event_unknown", "no such event",
			"no event of this id is stored, or it was so long ago that its id is forgotten").answer(w, c.id)
	}
	o := outcome{status: statusOK, place: place}
	if place.Topic != "" && place.Topic == d.rejects {
		o = outcome{status: statusInvalid, code: codeRefused, place: place}
	}
	q := request{door: d}
	return show(w, q.appendResult(nil, &penstock.Event{ID: []byte(id)}, o))
}

func show(w http.ResponseWriter, body []byte) int {
	h := w.Header()
	h["Content-Type"] = plainJSON
	w.WriteHeader(http.StatusOK)
	w.Write(append(body[:len(body):len(body)], '\n'))
	return http.StatusOK
}

// requestIDs gives each request a name for logs and answers: the sender's own
// X-Request-Id if it is fit to be printed, else one that no other process gives.
type requestIDs struct {
	process string
	last    atomic.Uint64
}

func (g *requestIDs) begin() {
	var b [6]byte
	rand.Read(b[:])
	g.process = hex.EncodeToString(b[:]) + "-"
}

const requestIDMax = 64 // bytes

func (g *requestIDs) of(r *http.Request) string {
	if sent := r.Header["X-Request-Id"]; len(sent) == 1 && len(sent[0]) > 0 && len(sent[0]) <= requestIDMax && visible(sent[0]) {
		return sent[0]
	}
	var room [40]byte
	return string(strconv.AppendUint(append(room[:0], g.process...), g.last.Add(1), 36))
}

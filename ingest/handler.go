// Package ingest is the HTTP door: it takes events in, has them judged and
// written to their stream's journal, and tells the sender the truth about each.
//
//	h := ingest.New(ingest.Options{Metrics: registry, Failure: failure})
//	err := h.Replace(streams, keys)         // again on SIGHUP
//	server, err := ingest.Listen("127.0.0.1:8080", h, ingest.ServerOptions{})
//	err = server.Serve(ctx)                 // until ctx ends and all are answered
//	admin, err := ingest.Listen("127.0.0.1:8081", ingest.NewAdmin(registry, ready), ingest.ServerOptions{})
//
// The routes are in openapi.json, which the handler serves too. What an answer
// promises is in docs of the status codes there: 200 all in Kafka, 202 all
// durable, 207 mixed, 422 none valid, and any other status that nothing was
// stored, but for 503 with code kafka_pending and 504, which say what they mean.
package ingest

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock"
)

// Options are the limits of a Handler and what it reports to. The zero Options
// are good.
type Options struct {
	// BodyBytesMax is the largest body, as sent and as decompressed. 0 is 16 MiB.
	BodyBytesMax int64

	// RatioMax is how many times its size a body beyond 1 MiB may inflate to.
	// 0 is 200.
	RatioMax int64

	// EventsMax is how many events one request may hold. 0 is 10,000.
	EventsMax int

	// EventBytesMax is the largest event. 0 is 1 MiB.
	EventBytesMax int

	// MemoryBytesMax is how much all requests in work may hold together,
	// estimated high; beyond it requests are refused with 503. 0 is 256 MiB.
	MemoryBytesMax int64

	// Timeout is how long the work on a request may take once its body is
	// there, and so how long ack=kafka waits. 0 is 10 s.
	Timeout time.Duration

	// SendOnly tells nobody without a key what others have sent, not even in
	// statistics. For a server that anybody may send to.
	SendOnly bool

	// Failure tells what an error of a Stream's Into means for the events
	// that pend. Nil promises nothing: all of them may be stored.
	Failure func(error) Failure

	// Metrics is where the metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	// Log gets errors and slow requests, at most one of a kind each second.
	// Nil is slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.BodyBytesMax <= 0 {
		o.BodyBytesMax = 16 << 20
	}
	if o.RatioMax <= 0 {
		o.RatioMax = 200
	}
	if o.EventsMax <= 0 {
		o.EventsMax = 10_000
	}
	if o.MemoryBytesMax <= 0 {
		o.MemoryBytesMax = 256 << 20
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Handler serves the streams. It is ready after the first Replace.
type Handler struct {
	limits    Options
	budget    budget
	metrics   *metrics
	log       complaints
	ids       requestIDs
	deadlines deadlines
	origins   http.CrossOriginProtection
	total     penstock.Total

	replacing sync.Mutex // held while served is being replaced
	served    atomic.Pointer[served]
	room      atomic.Pointer[Room]
}

// served is what one request sees from its beginning to its end, whatever is
// replaced meanwhile.
type served struct {
	doors map[string]*door
	order []*door
	keys  *Keys
}

// New returns a Handler that serves no streams yet. It panics when its metrics
// are registered already.
func New(o Options) *Handler {
	h := &Handler{limits: o.withDefaults()}
	h.budget.max = h.limits.MemoryBytesMax
	h.deadlines.timeout = h.limits.Timeout
	h.log.to = h.limits.Log
	h.ids.begin()
	h.metrics = newMetrics(h)
	h.served.Store(&served{})
	return h
}

// Replace serves these streams to the holders of these keys from the next
// request on; keys is nil when everybody may send. Requests in work are not
// touched, so the journals of streams that are no longer served must stay open
// until those are done. Keys cannot be taken away from a running server: it
// may be listening where that would open it to everybody.
func (h *Handler) Replace(streams []Stream, keys *Keys) error {
	h.replacing.Lock()
	defer h.replacing.Unlock()
	old := h.served.Load()
	if old.keys != nil && keys == nil {
		return errors.New("replace the keys: a running server cannot be opened to everybody: start it again without keys")
	}
	next := &served{doors: make(map[string]*door, len(streams)), keys: keys}
	for _, s := range streams {
		d := newDoor(s, h)
		if next.doors[s.Name] != nil {
			return errors.New("replace the streams: stream " + s.Name + " is there twice: give each its own name")
		}
		next.doors[s.Name] = d
		next.order = append(next.order, d)
	}
	keys.inherit(old.keys)
	h.served.Store(next)
	return nil
}

// A Room serves paths of its own behind this handler's request ids, headers,
// recovery and metrics. It finds out itself who asks, see Holder.
type Room interface {
	// Serves reports whether the path is the room's.
	Serves(path string) bool

	// Serve answers the request and returns the status.
	Serve(w http.ResponseWriter, r *http.Request, requestID string) int

	// Describe adds the room's paths to an OpenAPI document.
	Describe(openAPI []byte) ([]byte, error)
}

// Mount has the room serve its paths from the next request on.
func (h *Handler) Mount(r Room) { h.room.Store(&r) }

// Guarded reports whether senders need a key.
func (h *Handler) Guarded() bool { return h.served.Load().keys != nil }

// Tally is the sum of all events so far. Pending are those whose senders were
// told to send them again.
func (h *Handler) Tally() penstock.Tally { return h.total.Tally() }

// InWork is how many requests are being worked on.
func (h *Handler) InWork() int64 { return h.metrics.inWork.Load() }

// slow requests are logged.
const slow = time.Second

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call{start: time.Now(), id: h.ids.of(r), ack: ackNone}
	h.metrics.inWork.Add(1)
	defer h.finish(w, r, &c)
	header := w.Header()
	header["X-Request-Id"] = []string{c.id}
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	c.status = h.route(w, r, &c)
}

// A call is what is reported of a request.
type call struct {
	start  time.Time
	id     string
	ack    ackLabel
	status int
}

// finish reports the request. A panic is a defect of the program; what it has
// stored until then nobody knows, which 500 does not promise either way.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, c *call) {
	if cause := recover(); cause != nil {
		if cause == http.ErrAbortHandler {
			h.metrics.inWork.Add(-1)
			panic(cause)
		}
		h.limits.Log.Error("panic while serving a request", "request", c.id, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
		p := newProblem(http.StatusInternalServerError, "internal", "the server has a defect",
			"whether the events are stored is not known; sending them again with the same ids is harmless")
		c.status = p.answer(w, c.id)
	}
	took := time.Since(c.start)
	h.metrics.observe(c, took)
	h.metrics.inWork.Add(-1)
	if took > slow {
		h.log.warn("slow request", "request", c.id, "path", r.URL.Path, "status", c.status, "took", took)
	}
}

// accept is the whole work on POST /v1/streams/{stream}/events.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, c *call, d *door, holder *Key) int {
	q := d.requests.Get().(*request)
	q.holder = holder
	settled := false
	from := deafen(r.Context())
	defer func() {
		from.hear()
		if settled {
			q.release()
			return
		}
		q.budget.give(q.charged) // a panic: the request may be in any state
	}()
	p := h.receive(q, r, c)
	status := 0
	if p != nil {
		if p.status != http.StatusRequestTimeout {
			q.discard(w, r)
		}
		status = p.answer(w, c.id)
	} else {
		h.settle(q, w, c)
		c.ack = ackLabel(q.ack)
		status = q.answer(w, c.id)
		h.account(q)
	}
	h.metrics.body.Add(float64(q.wire))
	settled = true
	return status
}

// receive reads and decodes the request. Until it is done nothing is written.
func (h *Handler) receive(q *request, r *http.Request, c *call) (p *problem) {
	if err := h.origins.Check(r); err != nil {
		return newProblem(http.StatusForbidden, "cross_origin", "no pages of other sites",
			"a browser says that this request was made by another site's page; events are taken from programs only")
	}
	if q.terms, p = readTerms(r, q.door.Ack); p != nil {
		return p
	}
	// An atomic batch is read in any case: one over the burst is never told to wait.
	if wait, ok := q.holder.ready(c.start); !ok && !q.atomic {
		return rateLimited(q.holder.Name, wait)
	}
	if !q.charge(requestCost) {
		return overloaded()
	}
	if p := q.readBody(r); p != nil {
		return p
	}
	q.setHeaders(r.Header)
	var binary *envelope
	if q.form == formEvent {
		v, why := binaryEnvelope(r.Header)
		if why != nil {
			return badRequest("invalid_header", "CloudEvent header ce-"+why.Pointer[1:]+": "+why.Detail)
		}
		binary = &v
	}
	if p := q.decode(binary); p != nil {
		return p
	}
	return q.admit()
}

// admit takes the events from the key's rate.
func (q *request) admit() *problem {
	now := time.Now()
	n := q.used
	if q.atomic {
		switch {
		case !q.holder.fits(n):
			return tooLarge("batch_over_burst", "an atomic batch may hold "+itoa(q.holder.Burst)+" events with this key, its burst")
		case !q.holder.admitAll(now, n):
			return rateLimited(q.holder.Name, q.holder.wait(n))
		}
	} else if n = q.holder.admit(now, n); n == 0 {
		return rateLimited(q.holder.Name, q.holder.wait(1))
	}
	q.batch.Events = append(q.batch.Events[:0], q.slab[:n]...)
	return nil
}

// settle writes the events and, if the sender asked for it, waits for Kafka.
// It does not end when the sender hangs up: what is half stored is worth
// finishing, and a sender that has only closed its half still listens.
func (h *Handler) settle(q *request, w http.ResponseWriter, c *call) {
	if q.ack == penstock.AckKafka || time.Since(c.start) > slow {
		// The time for the body is over; the connection must outlive the wait.
		http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	ctx := h.deadlines.from(time.Now())
	q.write(ctx)
	if q.err != nil && !errors.Is(q.err, errIncomplete) {
		h.log.error("write events", "request", c.id, "stream", q.door.Name, "error", q.err)
	}
	if q.ack == penstock.AckKafka && q.stored() {
		if err := q.door.Ledger.Await(ctx, &q.batch); err != nil {
			h.log.warn("events are not in Kafka yet", "request", c.id, "stream", q.door.Name, "error", err)
		}
	}
	q.recall(ctx)
}

// account counts the request's events.
func (h *Handler) account(q *request) {
	for s, n := range q.count.by {
		if n > 0 {
			q.door.events[s].Add(float64(n))
		}
	}
	h.total.Add(q.count.tally)
	q.door.watches.observe(q.batch.Events)
}

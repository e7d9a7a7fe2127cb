// Package reads answers GET /v1/users/{user_id}/orders and GET /v1/me/orders,
// and whatever else a stream file declares to be read: a user's own rows, newest
// first, page by page.
//
//	h, err := reads.New(reads.Options{Auth: authenticator, Keys: cursorKeys})
//	err = h.Replace([]reads.Table{{Stream: s, Rows: reader.Rows(s)}})
//	if h.Serves(r.URL.Path) {
//		status := h.Serve(w, r, requestID)
//	}
//
// Every request passes the same stations in the same order: rate of its
// address, who asks, rate of who asks, whose rows, parameters, cursor, the page.
// There is no way to the rows without an auth.Principal, and no text of a
// request ever becomes part of SQL.
package reads

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/auth"
	"github.com/penstock-io/penstock/stream"
)

// Options are what a Handler needs. Auth and Keys are required.
type Options struct {
	Auth *auth.Authenticator
	Keys CursorKeys // of the cursors

	// Rate is requests a second for one principal, and twice that for one
	// address; 0 means 50. Up to four seconds' worth may come at once.
	Rate float64

	// Proxies are the addresses of load balancers and proxies in front, whose
	// X-Forwarded-For is believed. Without them they count as one address.
	Proxies []netip.Prefix

	// Metrics is where the metrics are registered. Nil: nowhere.
	Metrics prometheus.Registerer

	// Audit gets one record a request: who, whose rows, the decision, how many
	// rows; never what is in them. Log gets what went wrong. Nil is slog.Default.
	Audit, Log *slog.Logger
}

// A Table is a stream whose reads are served, and where its rows come from.
type Table struct {
	Stream *stream.Stream
	Rows   stream.Rows
}

// A Handler serves the reads of its tables.
type Handler struct {
	o          Options
	addresses  rates
	principals rates
	metrics    *metrics
	keys       atomic.Pointer[CursorKeys]
	served     atomic.Pointer[[]*endpoint]
}

// New returns a Handler that serves nothing yet.
func New(o Options) (*Handler, error) {
	if o.Auth == nil || len(o.Keys.keys) == 0 {
		return nil, errors.New("reads: neither who asks nor where a page ends could be proved: give an Authenticator and cursor keys")
	}
	if o.Rate <= 0 {
		o.Rate = 50
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Audit == nil {
		o.Audit = slog.Default()
	}
	h := &Handler{o: o, metrics: newMetrics(o.Metrics)}
	h.keys.Store(&o.Keys)
	h.addresses.begin(2 * o.Rate)
	h.principals.begin(o.Rate)
	h.served.Store(&[]*endpoint{})
	return h, nil
}

// An endpoint is a Read as it is served.
type endpoint struct {
	Table
	read          *stream.Read
	before, after string // of the user in the path
	afterName     string // parameters
	beforeName    string
}

// Replace serves the reads of these tables from the next request on.
func (h *Handler) Replace(tables []Table) error {
	var next []*endpoint
	for _, t := range tables {
		for _, r := range t.Stream.Reads {
			e := &endpoint{Table: t, read: r}
			brace := strings.IndexByte(r.Path, '{')
			e.before, e.after = r.Path[:brace], r.Path[strings.IndexByte(r.Path, '}')+1:]
			e.afterName, e.beforeName = t.Stream.ReadParameters(r)
			for _, other := range next {
				if other.read.Me == r.Me {
					return fmt.Errorf("reads: streams %s and %s both declare %s: give one another path", other.Stream.Name, t.Stream.Name, r.Path)
				}
			}
			next = append(next, e)
		}
	}
	h.served.Store(&next)
	return nil
}

// ReplaceKeys signs cursors with the first of these keys from the next request
// on, and takes those of all of them.
func (h *Handler) ReplaceKeys(keys CursorKeys) error {
	if len(keys.keys) == 0 {
		return errors.New("reads: there must be a cursor key")
	}
	h.keys.Store(&keys)
	return nil
}

// Close stops remembering rates.
func (h *Handler) Close() error { return errors.Join(h.addresses.close(), h.principals.close()) }

// Serves reports whether the path is one of a user's rows, declared or not.
func (h *Handler) Serves(path string) bool {
	return strings.HasPrefix(path, "/v1/users/") || strings.HasPrefix(path, "/v1/me/")
}

// Serve answers a request whose path Serves has taken, and returns the status.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, requestID string) (status int) {
	a := &answer{handler: h, w: w, r: r, id: requestID, from: h.sender(r)}
	defer func() {
		cause := recover()
		if cause != nil && cause != http.ErrAbortHandler {
			h.o.Log.Error("panic while reading a page", "request", a.id, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			status = a.refuse(defect())
		}
		h.o.Audit.Info("read", "request", requestID, "principal", a.principal.Name(), "address", a.from.text, "method", r.Method,
			"path", r.URL.Path, "user", a.user.String(), "status", status, "rows", a.rows)
		h.metrics.count(a.path, status, a.rows)
		if cause == http.ErrAbortHandler {
			panic(cause)
		}
	}()
	return a.serve()
}

// An answer is the work on one request.
type answer struct {
	handler   *Handler
	w         http.ResponseWriter
	r         *http.Request
	id        string
	from      address
	path      string // as declared; "" until it is found
	principal auth.Principal
	user      penstock.Value
	rows      int
}

func (a *answer) serve() int {
	if wait, ok := a.handler.addresses.take(a.from.rate); !ok {
		return a.refuse(rateLimited(wait))
	}
	var err error
	if a.principal, err = a.handler.o.Auth.Principal(a.r); err != nil {
		return a.refuse(unauthenticated(err))
	}
	if wait, ok := a.handler.principals.take(a.principal.Name()); !ok {
		return a.refuse(rateLimited(wait))
	}
	e, asked, me := a.find()
	if e == nil {
		return a.refuse(notFound())
	}
	a.path = e.read.Path
	if me {
		a.path = e.read.Me
	}
	if a.r.Method != http.MethodGet && a.r.Method != http.MethodHead {
		return a.refuse(methodNotAllowed())
	}
	if me {
		asked = a.principal.User()
	}
	if p := a.authorize(e, asked, me); p != nil {
		return a.refuse(p)
	}
	page, p := a.page(e)
	if p != nil {
		return a.refuse(p)
	}
	return a.show(e, page)
}

// find finds the endpoint of the path, and the user that it names.
func (a *answer) find() (e *endpoint, user string, me bool) {
	path := a.r.URL.Path
	if a.r.URL.RawPath != "" { // an escape that could be mistaken for a part of the path
		path = a.r.URL.RawPath
	}
	for _, e := range *a.handler.served.Load() {
		if path == e.read.Me {
			return e, "", true
		}
		user, ok := strings.CutPrefix(path, e.before)
		if ok {
			user, ok = strings.CutSuffix(user, e.after)
		}
		if ok && user != "" && !strings.Contains(user, "/") {
			return e, user, false
		}
	}
	return nil, "", false
}

// authorize decides whether the principal may see the user's rows. A user that
// is not his and one that does not exist get the same answer, before any
// database is asked.
func (a *answer) authorize(e *endpoint, asked string, me bool) *problem {
	if me && asked == "" {
		return notFound() // the key of a service is no user
	}
	user, ok := e.userID(asked)
	if !ok && me {
		return notFound()
	}
	if !ok {
		return invalid(e.Stream.Fields[e.read.By].Name, "is no user's id; write it as the answer of this API does")
	}
	if !a.principal.May(asked) {
		return notFound()
	}
	a.user = user
	return nil
}

const userBytesMax = 128

// userID reads an id in its one canonical form: one user has one spelling, so
// what was compared is what is bound.
func (e *endpoint) userID(text string) (penstock.Value, bool) {
	if len(text) > userBytesMax || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '%' || r > '~' }) {
		return penstock.Value{}, false
	}
	v, ok := e.Stream.ReadCell(e.read.By, text)
	return v, ok && v.String() == text
}

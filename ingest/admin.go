package ingest

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin is what those who run the server look at: /metrics, /healthz, /readyz
// and, from the same machine only, /debug/pprof/. It is a Handler for a
// listener of its own.
type Admin struct {
	mux      http.ServeMux
	checks   []Check
	draining atomic.Bool
}

// A Check is one thing that must be well for the server to be ready. Ready
// returns what is wrong; it must be quick and heed its context.
type Check struct {
	Name  string
	Ready func(ctx context.Context) error
}

// NewAdmin returns the admin handler. With no checks it is ready until Drain.
func NewAdmin(metrics prometheus.Gatherer, checks ...Check) *Admin {
	a := &Admin{checks: slices.Clone(checks)}
	a.mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	a.mux.HandleFunc("GET /healthz", a.health)
	a.mux.HandleFunc("GET /readyz", a.ready)
	for path, serve := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		a.mux.HandleFunc("GET "+path, fromHere(serve))
	}
	return a
}

// Drain makes /readyz answer 503 from now on, so that load balancers send
// their requests elsewhere. It is meant for ServerOptions.Draining.
func (a *Admin) Drain() { a.draining.Store(true) }

// ServeHTTP serves one request.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
	a.mux.ServeHTTP(w, r)
}

// health says that the process lives, whatever else is the matter: restarting
// it would not help.
func (a *Admin) health(w http.ResponseWriter, r *http.Request) {
	show(w, []byte(`{"status":"ok"}`))
}

// readyTimeout is how long all checks may take together.
const readyTimeout = 2 * time.Second

func (a *Admin) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	status := http.StatusOK
	body := []byte(`{"checks":{`)
	for i, check := range a.checks {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(appendQuoted(body, check.Name), ':')
		said := "ok"
		if err := check.Ready(ctx); err != nil {
			said, status = err.Error(), http.StatusServiceUnavailable
		}
		body = appendQuoted(body, said)
	}
	body = append(body, `},"status":`...)
	said := "ready"
	switch {
	case a.draining.Load():
		said, status = "draining", http.StatusServiceUnavailable
	case status != http.StatusOK:
		said = "not ready"
	}
	body = append(appendQuoted(body, said), '}', '\n')
	w.Header()["Content-Type"] = plainJSON
	w.WriteHeader(status)
	w.Write(body)
}

// fromHere serves requests from this machine only: a profile holds memory, and
// memory holds events.
func fromHere(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			http.Error(w, "profiles are for this machine only: use a tunnel, as ssh -L", http.StatusForbidden)
			return
		}
		serve(w, r)
	}
}

// Draining reports whether Drain was called.
func (a *Admin) Draining() bool { return a.draining.Load() }

package ingest

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// A localDoor serves, without asking for a key, whoever is on this machine. A
// web page is too, in the browser: with a name of its own that it has point to
// 127.0.0.1 all at once (DNS rebinding) it passes for this very server, and no
// check of origins sees it. Its requests still bear that name, so none but the
// machine's own is served.
type localDoor struct {
	http.Handler
	ids requestIDs
}

func newLocalDoor(handler http.Handler) *localDoor {
	d := &localDoor{Handler: handler}
	d.ids.begin()
	return d
}

func (d *localDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !guarded(d.Handler) && !localHost(r.Host) {
		id := d.ids.of(r)
		w.Header()["X-Request-Id"] = []string{id}
		newProblem(http.StatusForbidden, "wrong_host", "this server has no such name",
			"without keys, only requests to localhost or an IP address are served; nothing was stored: "+
				"use such an address, have the server ask for keys, or, behind a proxy of your own, say --open").answer(w, id)
		return
	}
	d.Handler.ServeHTTP(w, r)
}

// localHost reports whether a Host header is an IP address or localhost, with
// or without a port. A request without one, as HTTP/1.0 allows, is no browser's.
func localHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" || strings.EqualFold(host, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// guarded reports whether a handler asks everybody for a key.
func guarded(handler http.Handler) bool {
	h, ok := handler.(interface{ Guarded() bool })
	return ok && h.Guarded()
}

package reads

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// An address is where a request came from: as text for the audit log, and as
// what its rate is counted by.
type address struct {
	text string
	rate string
}

// sender is the address of the connection. Where that is a proxy of ours, it is
// what the proxy says: each one appends whom it was asked by to
// X-Forwarded-For, so the last that is none of ours is who asks. What anybody
// else writes into that header nobody can prove, and it is not looked at.
func (h *Handler) sender(r *http.Request) address {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	from, err := netip.ParseAddr(host)
	if err != nil {
		return address{host, host}
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !h.ours(from) {
			break
		}
		next, ok := hopAddress(strings.TrimSpace(hop))
		if !ok {
			break
		}
		from = next
	}
	return address{from.String(), counted(from)}
}

// ours reports whether the address is a proxy of those who run this server.
func (h *Handler) ours(a netip.Addr) bool {
	return slices.ContainsFunc(h.o.Proxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// hopAddress reads an address as proxies write it, some with a port.
func hopAddress(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a, true
	}
	a, err := netip.ParseAddrPort(text)
	return a.Addr(), err == nil
}

// counted is what the address's rate is counted by: of IPv6 the first 64 bits,
// below which everybody has as many addresses as he likes.
func counted(a netip.Addr) string {
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

package ingest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock/ingest"
)

// An authority signs certificates for tests.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	dir  string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{T: t, pool: x509.NewCertPool(), dir: t.TempDir()}
	a.cert, a.key = a.make("authority", nil)
	a.pool.AddCert(a.cert)
	a.write("authority.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

func (a *authority) make(name string, signer *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: signer == nil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, parentKey := template, key
	if signer != nil {
		parent, parentKey = signer.cert, signer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		a.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return cert, key
}

// issue writes NAME.pem and NAME.key and returns the certificate's bytes.
func (a *authority) issue(name string) []byte {
	a.Helper()
	cert, key := a.make(name, a)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", cert.Raw)
	a.write(name+".key", "PRIVATE KEY", der)
	return cert.Raw
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name, kind string, der []byte) {
	a.Helper()
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.Fatal(err)
	}
}

func (a *authority) client(cert string) *http.Client {
	a.Helper()
	config := &tls.Config{RootCAs: a.pool}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(a.path(cert+".pem"), a.path(cert+".key"))
		if err != nil {
			a.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	a.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	a.issue("server")
	h := open(t, settings{server: ingest.ServerOptions{TLS: &ingest.TLSFiles{Certificate: a.path("server.pem"), Key: a.path("server.key")}}})
	h.client = a.client("")
	h.post(order("1")).want(t, 202, "ok")
	response, err := h.client.Get(h.url + "/v1/streams")
	if err != nil || response.ProtoMajor != 2 {
		t.Fatalf("%v, %v", response, err)
	}
	response.Body.Close()
}

// Old versions of TLS and no TLS at all get nowhere, and no redirect either.
func TestOldTLSIsRefused(t *testing.T) {
	a := newAuthority(t)
	a.issue("server")
	h := open(t, settings{server: ingest.ServerOptions{TLS: &ingest.TLSFiles{Certificate: a.path("server.pem"), Key: a.path("server.key")}}})
	address := strings.TrimPrefix(h.url, "https://")
	for version, taken := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool, MinVersion: version, MaxVersion: version})
		if (err == nil) != taken {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		}
	}
	if response, err := h.client.Get("http://" + address + "/v1/streams"); err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest || response.Header.Get("Location") != "" {
			t.Errorf("plain HTTP: %s", response.Status)
		}
	}
}

// A client certificate is both what opens the connection and, in the keys
// file, who is asking.
func TestMutualTLS(t *testing.T) {
	a := newAuthority(t)
	a.issue("server")
	shop := a.issue("shop")
	a.issue("stranger")
	keys := parseKeys(t, "keys:\n  - {name: shop, certificate: \"sha256:%x\", streams: [orders]}\n", sha256.Sum256(shop))
	h := open(t, settings{keys: keys, server: ingest.ServerOptions{TLS: &ingest.TLSFiles{
		Certificate: a.path("server.pem"), Key: a.path("server.key"), ClientCA: a.path("authority.pem"),
	}}})
	h.client = a.client("shop")
	h.post(order("1")).want(t, 202, "ok")
	h.client = a.client("stranger")
	h.post(order("1")).refused(t, 401, "unauthenticated")
	if response, err := a.client("").Get(h.url + "/v1/streams"); err == nil {
		response.Body.Close()
		t.Fatal("a client without a certificate was let in")
	}
}

func TestReloadCertificates(t *testing.T) {
	a := newAuthority(t)
	a.issue("server")
	h := open(t, settings{})
	server, err := ingest.Listen("127.0.0.1:0", h.handler, ingest.ServerOptions{Log: quiet, TLS: &ingest.TLSFiles{Certificate: a.path("server.pem"), Key: a.path("server.key")}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	serial := func() string {
		c, err := tls.Dial("tcp", server.Addr().String(), &tls.Config{RootCAs: a.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	a.issue("server")
	others := 0
	take := func() error { others++; return nil }
	if err := server.Reload(take); err != nil || others != 1 || serial() == before {
		t.Errorf("%v, or the same certificate still; others taken: %d", err, others)
	}
	after := serial()
	a.issue("server")
	if err := server.Reload(func() error { return io.ErrNoProgress }); err != io.ErrNoProgress || serial() != after {
		t.Errorf("%v, or the certificate was taken although the others were refused", err)
	}
	a.write("server.pem", "CERTIFICATE", []byte("junk"))
	if err := server.Reload(take); err == nil || others != 1 || serial() != after {
		t.Errorf("%v, or a broken certificate, or the others were taken beside it", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestUnencryptedHTTP2(t *testing.T) {
	h := open(t, settings{})
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	h.client = &http.Client{Transport: transport}
	h.post(order("1")).want(t, 202, "ok")
	close(h.shelf.drained)
	h.post(order("1"), "Penstock-Ack", "kafka").want(t, 200, "duplicate")
	h.post(strings.Repeat(" ", 17<<20)).refused(t, 413, "body_too_large")
	h.post(order("1")).want(t, 202, "duplicate")
}

// Without keys nobody else's machine is served by mistake.
func TestListenRefusesOpenDoor(t *testing.T) {
	h := open(t, settings{})
	_, hash := ingest.NewKey()
	guarded := open(t, settings{keys: parseKeys(t, "keys:\n  - {name: a, hash: %q, streams: [\"*\"]}\n", hash)})
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		if s, err := ingest.Listen(address, h.handler, ingest.ServerOptions{}); err == nil {
			s.Close()
			t.Errorf("%s was served without keys", address)
		} else if !strings.Contains(err.Error(), "keys file") {
			t.Error(err)
		}
	}
	for i, o := range []ingest.ServerOptions{{Open: true}, {}} {
		handler := []*ingest.Handler{h.handler, guarded.handler}[i]
		// On loopback all the same, so that the test opens nothing.
		s, err := ingest.Listen("127.0.0.1:0", handler, o)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if _, err := ingest.Listen("127.0.0.1:0", h.handler, ingest.ServerOptions{TLS: &ingest.TLSFiles{Certificate: "none", Key: "none"}}); err == nil {
		t.Error("want an error for a certificate that is not there")
	}
}

// A page that has its own name point to this machine gets nowhere, and whoever
// names the machine or shows a key does.
func TestOtherNamesAreRefused(t *testing.T) {
	h := open(t, settings{})
	key, hash := ingest.NewKey()
	keys := parseKeys(t, "keys:\n  - {name: a, hash: %q, streams: [\"*\"]}\n", hash)
	guarded := open(t, settings{keys: keys})
	said := open(t, settings{server: ingest.ServerOptions{Open: true}})
	for _, c := range []struct {
		house  *house
		host   string
		status int
	}{
		{h, "evil.example:8080", 403}, {h, "127.0.0.1.evil.example", 403}, {h, "localhost.evil.example", 403}, {h, "[evil]", 403},
		{h, "localhost:8080", 200}, {h, "LOCALHOST", 200}, {h, "127.0.0.1:8080", 200}, {h, "[::1]:8080", 200}, {h, "192.168.0.7", 200},
		{guarded, "events.example", 200}, {said, "events.example", 200},
	} {
		a := c.house.do("GET", "/v1/streams", nil, "Host", c.host, "X-API-Key", key)
		if a.status != c.status || a.status == 403 && a.body.Code != "wrong_host" {
			t.Errorf("%s: %d %s, want %d", c.host, a.status, a.text, c.status)
		}
	}
}

// When the server is stopped, requests in work get their answers, and Serve
// returns only then.
func TestDrain(t *testing.T) {
	h := open(t, settings{})
	admin := ingest.NewAdmin(prometheus.NewRegistry())
	server, err := ingest.Listen("127.0.0.1:0", h.handler, ingest.ServerOptions{Log: quiet, Draining: admin.Drain})
	if err != nil {
		t.Fatal(err)
	}
	h.url = server.URL()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	h.post(order("1")).want(t, 202, "ok")
	answers := make(chan answer, 1)
	go func() { answers <- h.post(order("1"), "Penstock-Ack", "kafka") }()
	awaitTrue(t, func() bool { return h.handler.InWork() == 1 })
	cancel()
	awaitTrue(t, func() bool { return admin.Draining() })
	select {
	case err := <-done:
		t.Fatalf("the server stopped with a request in work: %v", err)
	default:
	}
	close(h.shelf.drained)
	(<-answers).want(t, 200, "duplicate")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// awaitTrue asks until the answer is yes.
func awaitTrue(t *testing.T, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !ask() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it did not come to pass")
		}
	}
}

func TestAdmin(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := open(t, settings{options: ingest.Options{Metrics: registry}})
	var wrong error
	admin := ingest.NewAdmin(registry, ingest.Check{Name: "kafka", Ready: func(context.Context) error { return wrong }})
	door := h.url
	h.url = serve(t, admin, ingest.ServerOptions{Log: quiet})
	get := func(path string, status int, want string) {
		t.Helper()
		if a := h.do("GET", path, nil); a.status != status || !strings.Contains(a.text, want) {
			t.Errorf("%s: %d, want %d with %s\n%s", path, a.status, status, want, a.text)
		}
	}
	get("/healthz", 200, `"ok"`)
	get("/readyz", 200, `{"checks":{"kafka":"ok"},"status":"ready"}`)
	wrong = errors.New("no broker answers")
	get("/readyz", 503, `{"checks":{"kafka":"no broker answers"},"status":"not ready"}`)
	wrong = nil
	get("/debug/pprof/heap?debug=1", 200, "heap profile")
	get("/nowhere", 404, "")

	admin2 := h.url
	h.url = door
	h.post("["+order("1")+","+order("1")+","+badOrder+"]").want(t, 207, "ok duplicate invalid")
	h.post("x").refused(t, 400, "malformed")
	h.url = admin2
	for _, line := range []string{
		`penstock_http_events_total{status="ok",stream="orders"} 1`,
		`penstock_http_events_total{status="duplicate",stream="orders"} 1`,
		`penstock_http_events_total{status="invalid",stream="orders"} 1`,
		`penstock_http_events_total{status="retry",stream="orders"} 0`,
		`penstock_http_requests_total{code="207"} 1`,
		`penstock_http_requests_total{code="400"} 1`,
		`penstock_http_request_seconds_count{ack="disk"} 1`,
		fmt.Sprintf("penstock_http_body_bytes_total %d", 1+len("[,,]")+2*len(order("1"))+len(badOrder)),
		"penstock_http_requests_in_work 0",
		"penstock_http_memory_bytes 0",
	} {
		get("/metrics", 200, line+"\n")
	}
	admin.Drain()
	get("/readyz", 503, `"draining"`)
	get("/healthz", 200, "ok")
}

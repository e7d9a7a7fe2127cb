package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
	"github.com/penstock-io/penstock/stream"
)

// selfSigned makes a certificate that is its own authority, for one host.
func selfSigned(t *testing.T, host string) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

const readFile = `
stream: orders
schema:
  type: object
  required: [order_id, user_id, created_at]
  additionalProperties: false
  properties:
    order_id:   {type: integer}
    user_id:    {type: integer}
    created_at: {type: string, format: date-time}
id: order_id
time: created_at
reads: [{path: "/v1/users/{user_id}/orders", by: user_id, newest_first: created_at, columns: [order_id, created_at]}]
`

// With sslmode=verify-full neither reading nor writing talks to a database whose
// certificate another authority has signed or that has another name. Without it
// both do: the same server passes for the database, which is what the test finds.
func TestTLSIsVerified(t *testing.T) {
	s := sinktest.Stream(t, readFile)
	server := realtest.StartPostgres(t)
	dsn := server.Database(t)
	ours, key := selfSigned(t, "127.0.0.1")
	others, _ := selfSigned(t, "127.0.0.1")
	elsewhere, elsewhereKey := selfSigned(t, "db.example")
	authority := func(certificate []byte) string {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	connects := func(query string) bool {
		t.Helper()
		table, writeErr := postgres.Open(t.Context(), dsn+query, postgres.Options{Stream: s})
		if writeErr == nil {
			table.Close()
		}
		reader, err := postgres.OpenReader(dsn+query, postgres.ReaderOptions{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		_, readErr := reader.Rows(s)(t.Context(), s.Reads[0], stream.Page{User: penstock.IntValue(7), Limit: 1})
		if (writeErr == nil) != (readErr == nil) {
			t.Errorf("%s: writing says %v, reading says %v", query, writeErr, readErr)
		}
		return readErr == nil
	}
	want := func(what string, taken bool, query string) {
		t.Helper()
		if connects(query) != taken {
			t.Errorf("%s: connects is %v", what, !taken)
		}
	}
	want("no TLS", false, "?sslmode=verify-full&sslrootcert="+authority(ours))
	server.TLS(t, ours, key)
	want("the right authority", true, "?sslmode=verify-full&sslrootcert="+authority(ours))
	want("another authority", false, "?sslmode=verify-full&sslrootcert="+authority(others))
	want("the machine's authorities", false, "?sslmode=verify-full")
	want("another authority, and nobody looks", true, "?sslmode=require")
	server.TLS(t, elsewhere, elsewhereKey)
	want("another name", false, "?sslmode=verify-full&sslrootcert="+authority(elsewhere))
	want("another name, and nobody looks", true, "?sslmode=require")
}

func TestUnverified(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://me@db.example/shop":                                "db.example",
		"postgres://me@db.example/shop?sslmode=disable":                "db.example",
		"postgres://me@db.example/shop?sslmode=require":                "db.example",
		"postgres://me@db.example/shop?sslmode=verify-full":            "",
		"postgres://me@127.0.0.1,db.example/shop":                      "db.example",
		"postgres://me@127.0.0.1/shop":                                 "",
		"postgres://me@localhost/shop":                                 "",
		"postgres://me@[::1]/shop":                                     "",
		"postgres:///shop?host=/run/postgresql":                        "",
		"postgres://me@10.0.0.1,db.example/shop?sslmode=verify-full":   "",
		"postgres://me@10.0.0.1:1,db.example:2/shop?sslmode=verify-ca": "10.0.0.1",
		"mysql://x": "",
	} {
		if got := postgres.Unverified(dsn); got != want {
			t.Errorf("%s: %q, want %q", dsn, got, want)
		}
	}
}

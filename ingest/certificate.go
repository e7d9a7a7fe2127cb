package ingest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"
)

// TLSFiles are PEM files. Server.Reload reads them again.
type TLSFiles struct {
	Certificate string // the server's, with those between it and its root
	Key         string

	// ClientCA, if set, makes every client show a certificate that one of
	// these authorities has signed.
	ClientCA string
}

// certificates are the files' contents of the moment.
type certificates struct {
	files   TLSFiles
	current atomic.Pointer[tls.Config]
}

func loadCertificates(files TLSFiles) (*certificates, error) {
	c := &certificates{files: files}
	config, err := c.load()
	c.current.Store(config)
	return c, err
}

func (c *certificates) wantClients() bool { return c != nil && c.files.ClientCA != "" }

// load reads the files, whose contents are then for current.
func (c *certificates) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate %s with key %s: %w", c.files.Certificate, c.files.Key, err)
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if c.wantClients() {
		text, err := os.ReadFile(c.files.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("load the client authorities: %w", err)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("load the client authorities: %s holds no PEM certificate", c.files.ClientCA)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

// config hands each new connection what was loaded last.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.current.Load(), nil
		},
	}
}

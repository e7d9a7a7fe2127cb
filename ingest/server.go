package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServerOptions are the limits of a Server's connections. The zero
// ServerOptions are good for the machine's own use.
type ServerOptions struct {
	// TLS, if set, encrypts the connections.
	TLS *TLSFiles

	// Open serves other machines without asking for a key or a certificate.
	Open bool

	// HeaderTimeout is how long a request's header may take. 0 is 10 s.
	HeaderTimeout time.Duration

	// BodyTimeout is how long header and body may take together. 0 is 30 s.
	BodyTimeout time.Duration

	// AnswerTimeout is how long a request may take beyond its body, until the
	// last byte of the answer is taken. It must be longer than the handler's
	// Timeout. 0 is 30 s.
	AnswerTimeout time.Duration

	// IdleTimeout is how long a connection may wait for its next request.
	// 0 is 2 min.
	IdleTimeout time.Duration

	// HeaderBytesMax is the largest header. 0 is 32 KiB.
	HeaderBytesMax int

	// ConnectionsMax is how many connections there may be; the next ones wait
	// for one to end. Idle ones hold about 20 kB each. 0 is 4096.
	ConnectionsMax int

	// ReadyLag is how long new requests are still taken after Draining has
	// been called, for load balancers to notice. 0 is not at all.
	ReadyLag time.Duration

	// DrainTimeout is how long requests in work may take to end once no new
	// ones are taken. 0 is 30 s.
	DrainTimeout time.Duration

	// Draining, if set, is called once when Serve begins to stop.
	Draining func()

	// Log gets what net/http complains of. Nil is slog.Default.
	Log *slog.Logger
}

func (o ServerOptions) withDefaults() ServerOptions {
	lasting := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	lasting(&o.HeaderTimeout, 10*time.Second)
	lasting(&o.BodyTimeout, 30*time.Second)
	lasting(&o.AnswerTimeout, 30*time.Second)
	lasting(&o.IdleTimeout, 2*time.Minute)
	lasting(&o.DrainTimeout, 30*time.Second)
	if o.HeaderBytesMax <= 0 {
		o.HeaderBytesMax = 32 << 10
	}
	if o.ConnectionsMax <= 0 {
		o.ConnectionsMax = 4096
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Server is a handler on a listening address.
type Server struct {
	listener net.Listener
	http     http.Server
	options  ServerOptions
	certs    *certificates // nil without TLS
}

// Listen begins to listen on the address, as 127.0.0.1:8080 or :8443. It
// refuses to where other machines could send to a handler that asks for no key:
// load keys, ask for client certificates, or say Open.
func Listen(address string, handler http.Handler, o ServerOptions) (*Server, error) {
	s, at, err := newServer(address, guarded(handler), o)
	if err != nil {
		return nil, err
	}
	plain, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	s.listener = newCapped(plain, s.options.ConnectionsMax)
	if at.IP.IsLoopback() && !s.options.Open && !s.certs.wantClients() {
		handler = newLocalDoor(handler)
	}
	s.prepare(handler)
	return s, nil
}

// CheckListen finds what would hinder Listen, but for who listens there
// already: a start can ask it before it makes anything.
func CheckListen(address string, guarded bool, o ServerOptions) error {
	_, _, err := newServer(address, guarded, o)
	return err
}

// newServer returns the server and the very address that it may listen on: no
// spelling of another gets past.
func newServer(address string, guarded bool, o ServerOptions) (*Server, *net.TCPAddr, error) {
	s := &Server{options: o.withDefaults()}
	if o.TLS != nil {
		certs, err := loadCertificates(*o.TLS)
		if err != nil {
			return nil, nil, err
		}
		s.certs = certs
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	if !at.IP.IsLoopback() && !s.options.Open && !s.certs.wantClients() && !guarded {
		return nil, nil, fmt.Errorf("listen on %s: other machines could send there without a key: "+
			"give a keys file (--keys; penstock key makes its lines), ask for client certificates (--tls-client-ca), listen on 127.0.0.1, or say --open", address)
	}
	return s, at, nil
}

func (s *Server) prepare(handler http.Handler) {
	o := &s.options
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = http.Server{
		Handler:           handler,
		Protocols:         &protocols,
		ReadHeaderTimeout: o.HeaderTimeout,
		ReadTimeout:       o.BodyTimeout,
		WriteTimeout:      o.BodyTimeout + o.AnswerTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.HeaderBytesMax,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 128, SendPingTimeout: o.IdleTimeout / 2, PingTimeout: 15 * time.Second},
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	if s.certs != nil {
		s.http.TLSConfig = s.certs.config()
	}
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL is where the server listens, as a client writes it.
func (s *Server) URL() string {
	if s.certs != nil {
		return "https://" + s.Addr().String()
	}
	return "http://" + s.Addr().String()
}

// Reload reads the certificate files again and puts them into force together
// with what others does: when the files are broken others is not called, and
// when others fails the old certificates stay.
func (s *Server) Reload(others func() error) error {
	if s.certs == nil {
		return others()
	}
	config, err := s.certs.load()
	if err != nil {
		return err
	}
	if err := others(); err != nil {
		return err
	}
	s.certs.current.Store(config)
	return nil
}

// Close stops listening at once, for a server that Serve was never called on.
func (s *Server) Close() error { return s.listener.Close() }

// Serve serves until ctx ends, then lets the requests in work end: it tells
// Draining, takes requests for the ReadyLag still, and then no more. It
// returns nil when all were answered.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() {
		if s.certs != nil {
			failed <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		failed <- s.http.Serve(s.listener)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	if s.options.Draining != nil {
		s.options.Draining()
	}
	if s.options.ReadyLag > 0 {
		select {
		case err := <-failed:
			return fmt.Errorf("serve on %s while draining: %w", s.Addr(), err)
		case <-time.After(s.options.ReadyLag):
		}
	}
	err := s.drain()
	<-failed // Shutdown has ended the goroutine above
	return err
}

func (s *Server) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.options.DrainTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err == nil {
		return nil
	}
	s.http.Close()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("drain %s: some requests were not answered within %v: their senders do not know and will send again", s.Addr(), s.options.DrainTimeout)
	}
	return fmt.Errorf("drain %s: %w", s.Addr(), err)
}

package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Config says how to reach a Kafka cluster. It is the same for sinks and
// sources.
type Config struct {
	Brokers  []string     // some of the cluster's brokers, as host:port; required
	ClientID string       // as brokers log it; "" means penstock
	TLS      *TLS         // nil means no TLS
	SASL     *SASL        // nil means no authentication
	Log      *slog.Logger // nil means no log
}

// TLS says how a client checks the brokers and, if they ask, proves itself.
// The zero TLS uses the machine's own certificate authorities.
type TLS struct {
	CAFile     string // PEM of the authorities to trust instead of the machine's
	CertFile   string // PEM of the client's certificate; needs KeyFile
	KeyFile    string // PEM of the client's key; needs CertFile
	ServerName string // the name in the brokers' certificates, if not their host
}

// SASL says who the client is.
type SASL struct {
	Mechanism string // plain, scram-sha-256 or scram-sha-512; "" means scram-sha-512
	User      string // required
	Password  string // required
}

// Validate reports everything in the configuration that is wrong, without
// reaching for the cluster.
func (c Config) Validate() error {
	_, err := c.options()
	return err
}

// options turns the configuration into the driver's.
func (c Config) options() ([]kgo.Opt, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("kafka: no brokers: give at least one as host:port")
	}
	for _, b := range c.Brokers {
		if err := checkAddress(b); err != nil {
			return nil, err
		}
	}
	id := c.ClientID
	if id == "" {
		id = "penstock"
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		kgo.WithLogger(driverLog{c.logger()}),
		kgo.DisableClientMetrics(), // nobody asked us to send the brokers our figures
		kgo.DialTimeout(5 * time.Second),
		kgo.MetadataMinAge(20 * time.Millisecond), // else a topic just made is unknown for 5 s
	}
	if c.TLS != nil {
		t, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	if c.SASL != nil {
		m, err := c.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

// reach asks any broker for an answer, so that what is wrong with the way there
// is told at once and plainly.
func (c Config) reach(ctx context.Context, client *kgo.Client) error {
	err := client.Ping(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("reach a broker of %v: it hung up (%w): check the TLS and SASL settings", c.Brokers, err)
	}
	return fmt.Errorf("reach a broker of %v: %w", c.Brokers, err)
}

// Away reports whether an error is that of brokers that are not there for now:
// nobody answers, or one says that it is not ready. Who waits and asks again can
// get another answer, which a wrong password or certificate, a missing right or
// a missing topic will not give.
func Away(err error) bool {
	var network net.Error
	return isDialErr(err) || errors.As(err, &network) && network.Timeout() ||
		kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicOrPartition)
}

func checkAddress(broker string) error {
	host, port := broker, ""
	if strings.Contains(broker, ":") && !strings.HasSuffix(broker, "]") {
		var err error
		if host, port, err = net.SplitHostPort(broker); err != nil {
			return fmt.Errorf("kafka: broker %q: write it as host:port: %w", broker, err)
		}
		if _, err := net.LookupPort("tcp", port); err != nil {
			return fmt.Errorf("kafka: broker %q: %q is not a port", broker, port)
		}
	}
	if host == "" || strings.ContainsAny(host, "/ ,") {
		return fmt.Errorf("kafka: broker %q: write it as host:port, one entry a broker", broker)
	}
	return nil
}

func (t *TLS) config() (*tls.Config, error) {
	out := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: read the certificate authorities: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: %s holds no PEM certificate", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("kafka: a client certificate needs both its certificate file and its key file")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: load the client certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s.User == "" || s.Password == "" {
		return nil, errors.New("kafka: sasl needs a user and a password")
	}
	switch strings.ToLower(s.Mechanism) {
	case "plain":
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism(), nil
	case "scram-sha-256":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism(), nil
	case "scram-sha-512", "":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("kafka: sasl mechanism %q is not known: use plain, scram-sha-256 or scram-sha-512", s.Mechanism)
}

func (c Config) logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log.With("component", "kafka")
}

// driverLog passes the driver's warnings on. Its informational lines, several
// a transaction, are not.
type driverLog struct{ to *slog.Logger }

func (l driverLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (l driverLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	at := slog.LevelWarn
	if level == kgo.LogLevelError {
		at = slog.LevelError
	}
	l.to.Log(context.Background(), at, msg, slices.Clone(keyvals)...)
}

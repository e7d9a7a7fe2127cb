package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/journal"
)

// serveConfig is what `penstock serve` is told.
type serveConfig struct {
	listen, admin string
	data, streams string
	keys          string
	open          bool
	tls           ingest.TLSFiles
	drain         time.Duration
	log           logConfig
	kafka         kafkaConfig
	devKafka      string
	to            string
	reads         readsConfig
	line          lineConfig
	limits        limitsConfig
}

func defineServe(flags *flag.FlagSet) runner {
	c := &serveConfig{}
	flags.StringVar(&c.listen, "listen", "127.0.0.1:8080", "`HOST:PORT` of the door")
	flags.StringVar(&c.admin, "admin", "127.0.0.1:8081", "`HOST:PORT` of metrics, health and profiles (these from this machine only); empty for none")
	flags.StringVar(&c.data, "data", "penstock-data", "`folder` of the journals and the development broker; it must survive a restart")
	flags.StringVar(&c.streams, "streams", "", "stream `file or folder` of them; empty: the orders example, written to streams/ in the data folder")
	flags.StringVar(&c.keys, "keys", "", "`file` of API keys (penstock key makes them); needed to listen anywhere but on loopback")
	flags.BoolVar(&c.open, "open", false, "listen beyond loopback without keys: anybody who reaches the port may write")
	flags.StringVar(&c.tls.Certificate, "tls-cert", "", "PEM `file` of the door's certificate; with --tls-key, the door speaks TLS and HTTP/2")
	flags.StringVar(&c.tls.Key, "tls-key", "", "PEM `file` of the certificate's key")
	flags.StringVar(&c.tls.ClientCA, "tls-client-ca", "", "PEM `file` of the authorities whose client certificates are let in; others are refused")
	flags.DurationVar(&c.drain, "drain-timeout", 30*time.Second, "how long SIGTERM waits for Kafka to take what is in the journals; the rest is kept for the next start")
	flags.StringVar(&c.devKafka, "dev-kafka", "127.0.0.1:9092", "`HOST:PORT` of the development broker, used without --kafka")
	flags.StringVar(&c.to, "to", "", "`database` that each stream's topic is put into as well, as penstock sink does: postgres://… or sqlite:FILE, or none; "+
		"empty: penstock.db in the data folder with the development broker, none with --kafka")
	c.log.define(flags)
	c.kafka.define(flags, "`HOST:PORT[,…]` of the brokers; empty: a development broker in this process")
	c.line.define(flags)
	c.limits.define(flags)
	c.reads.define(flags)
	return c.run
}

// limitsConfig bounds what one sender can ask of the door.
type limitsConfig struct {
	bodyBytes   int64
	events      int
	memoryBytes int64
	connections int
	timeout     time.Duration
}

func (c *limitsConfig) define(flags *flag.FlagSet) {
	flags.Int64Var(&c.bodyBytes, "body-bytes-max", 16<<20, "largest request body, as sent and as decompressed")
	flags.IntVar(&c.events, "batch-events-max", 10_000, "most events in one request")
	flags.Int64Var(&c.memoryBytes, "memory-bytes-max", 256<<20, "most memory that all requests in work may hold; beyond it 503")
	flags.IntVar(&c.connections, "connections-max", 4096, "most open connections")
	flags.DurationVar(&c.timeout, "request-timeout", 10*time.Second, "longest work on a request, and so how long ack=kafka waits")
}

func (c *limitsConfig) check() error {
	if c.bodyBytes <= 0 || c.events <= 0 || c.connections <= 0 || c.timeout <= 0 {
		return usagef("--body-bytes-max, --batch-events-max, --connections-max and --request-timeout must be more than 0")
	}
	if c.memoryBytes < 4*c.bodyBytes {
		return usagef("--memory-bytes-max must be at least four times --body-bytes-max (%d), or no body of that size is ever taken", c.bodyBytes)
	}
	return nil
}

func (c *serveConfig) run(ctx context.Context, sh shell, args []string) error {
	if len(args) > 0 {
		return usagef("serve takes no arguments, but got %q", args)
	}
	if err := c.check(); err != nil {
		return err
	}
	log, err := c.log.logger(sh.stderr)
	if err != nil {
		return err
	}
	audit, err := c.log.audit(sh.stderr)
	if err != nil {
		return err
	}
	// From here to the end of the process SIGHUP must not kill: before there is a
	// door it waits, and behind it there is nothing to reload.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	h, err := openHouse(ctx, c, log, audit)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
			log.Info("stopped before anything was opened")
			return nil
		}
		return err
	}
	defer startPacing(sh.getenv, h.heapBudget())()
	drain := sync.OnceValue(func() error { return h.close(c.drain) })
	err = c.serve(ctx, h, log, hangup, drain, sh.stdout)
	return errors.Join(err, drain())
}

// check finds flags that cannot be, before anything is made for them.
func (c *serveConfig) check() error {
	if (c.tls.Certificate == "") != (c.tls.Key == "") || c.tls.ClientCA != "" && c.tls.Certificate == "" {
		return usagef("--tls-cert and --tls-key go together, and --tls-client-ca goes with both")
	}
	if c.line.quota <= 0 || c.line.identities <= 0 || c.line.identities > journal.IdentitiesMax {
		return usagef("--journal-quota-bytes and --identities must be more than 0, and --identities at most %d", journal.IdentitiesMax)
	}
	if err := errors.Join(c.limits.check(), c.line.topic.check(), c.reads.check()); err != nil {
		return err
	}
	if c.to != "" && c.to != noDatabase {
		if err := checkDatabase(c.to); err != nil {
			return err
		}
	}
	for _, address := range []struct{ flag, value string }{{"listen", c.listen}, {"admin", c.admin}, {"dev-kafka", c.devKafka}} {
		if _, _, err := net.SplitHostPort(address.value); err != nil && (address.value != "" || address.flag != "admin") {
			return usagef("--%s %q: write HOST:PORT, as 127.0.0.1:8080", address.flag, address.value)
		}
	}
	if _, err := c.kafka.client(slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if c.keys != "" {
		if _, err := ingest.LoadKeys(c.keys); err != nil {
			return err
		}
	}
	return ingest.CheckListen(c.listen, c.keys != "", c.listening(nil))
}

// listening is how the door listens.
func (c *serveConfig) listening(log *slog.Logger) ingest.ServerOptions {
	o := ingest.ServerOptions{
		Open: c.open, ConnectionsMax: c.limits.connections, Log: log,
		AnswerTimeout: c.limits.timeout + 10*time.Second,
	}
	if c.tls != (ingest.TLSFiles{}) {
		o.TLS = &c.tls
	}
	return o
}

// serve runs the door until ctx ends. When it could be started at all, the
// house is drained, once, before the admin listener goes.
func (c *serveConfig) serve(ctx context.Context, h *house, log *slog.Logger, hangup <-chan os.Signal, drain func() error, out io.Writer) error {
	admin := ingest.NewAdmin(h.metrics, h.checks()...)
	o := c.listening(log)
	o.Draining = admin.Drain
	door, err := ingest.Listen(c.listen, h.door, o)
	if err != nil {
		return err
	}
	servers := []*ingest.Server{door}
	if c.admin != "" {
		// Who names an address for the admin listener means it to be reached there.
		s, err := ingest.Listen(c.admin, admin, ingest.ServerOptions{Open: true, Log: log})
		if err != nil {
			return errors.Join(err, door.Close())
		}
		servers = append(servers, s)
	}
	c.greet(out, h, servers)
	if err := dropStartPages(); err != nil {
		log.Debug("pages are kept", "error", err)
	}
	return serveAll(ctx, servers, hangup, func() { h.reload(ctx, door) }, func() {
		log.Info("stopping: the door is closed, the journals drain")
		drain() // whose error is told by who made it
	})
}

const sampleOrder = `{"order_id":1,"user_id":7,"created_at":"2026-11-23T09:00:00Z","amount":12.5,"currency":"EUR","status":"new","email":" Ada@Example.org "}`

// serveAll serves until ctx ends or one of the servers fails, and reloads on
// each hangup. The first server, the door, stops then; after drain the others
// stop too, so that a probe sees what goes on. All have stopped when it returns.
func serveAll(ctx context.Context, servers []*ingest.Server, hangup <-chan os.Signal, reload, drain func()) error {
	door, stopDoor := context.WithCancel(ctx)
	defer stopDoor()
	others, stopOthers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOthers()
	closed, done := make(chan error, 1), make(chan error, len(servers)-1)
	go func() { closed <- servers[0].Serve(door) }()
	for _, s := range servers[1:] {
		go func() {
			defer stopDoor()
			done <- s.Serve(others)
		}()
	}
	var errs []error
	for len(errs) == 0 {
		select {
		case <-hangup:
			reload()
		case err := <-closed:
			errs = append(errs, err)
		}
	}
	drain()
	stopOthers()
	for range servers[1:] {
		errs = append(errs, <-done)
	}
	return errors.Join(errs...)
}

// greet prints where everything is and a line to try.
func (c *serveConfig) greet(out io.Writer, h *house, servers []*ingest.Server) {
	fmt.Fprintf(out, "penstock %s\n", currentVersion())
	for i, s := range servers {
		fmt.Fprintf(out, "  %-7s %s\n", [...]string{"door", "admin"}[i], s.URL())
	}
	fmt.Fprintf(out, "  kafka   %s\n  data    %s\n", h.kafkaNote(), c.data)
	if to := h.database(); to != "" {
		fmt.Fprintf(out, "  tables  %s\n", redacted(to))
	}
	for _, s := range h.streams() {
		fmt.Fprintf(out, "  stream  %s: topic %s, ack %s, rules %s\n", s.Name, s.Topic, s.Ack, s.File)
	}
	if c.streams == "" {
		fmt.Fprintf(out, "\ntry:\n  curl -s %s/v1/streams/orders/events -d '%s'\n  kcat -b %s -t orders -C -e -q\n",
			servers[0].URL(), sampleOrder, h.kafka.Brokers[0])
		if h.reading != nil && c.keys == "" {
			fmt.Fprintf(out, "  curl -s %s/v1/users/7/orders\n", servers[0].URL())
		}
	}
}

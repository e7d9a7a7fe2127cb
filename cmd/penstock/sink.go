package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// sinkConfig is what `penstock sink` is told.
type sinkConfig struct {
	kafka   kafkaConfig
	log     logConfig
	stream  string
	streams string
	to      string
	group   string
	topic   string
	once    bool
	foreign bool
	admin   string
}

func defineSink(flags *flag.FlagSet) runner {
	c := &sinkConfig{}
	c.kafka.define(flags, "`HOST:PORT[,…]` of the brokers")
	flags.Lookup("kafka").DefValue = "127.0.0.1:9092"
	flags.Set("kafka", "127.0.0.1:9092")
	flags.StringVar(&c.stream, "stream", "", "`NAME` of the stream whose rules judge the events and whose table takes them")
	flags.StringVar(&c.streams, "streams", "", "stream `file or folder` of them; empty: the orders example that serve writes, in penstock-data/streams")
	flags.StringVar(&c.to, "to", "", "`database`: postgres://USER@HOST/DATABASE or sqlite:FILE; a password belongs into PGPASSWORD or the environment")
	flags.StringVar(&c.group, "group", "", "`name` to begin anew under, at the topic's start: the consumer group in Kafka and the offsets in the database are named for it, the stream and the database; empty: penstock-sink")
	flags.StringVar(&c.topic, "topic", "", "the topic, where it is not the stream's")
	flags.BoolVar(&c.once, "once", false, "stop at the end that the topic has now, instead of going on with what comes")
	flags.BoolVar(&c.foreign, "foreign", false, "no door of Penstock writes to the topic: believe no event that says it comes from one, and derive and look up for every event anew")
	flags.StringVar(&c.admin, "admin", "", "`HOST:PORT` of metrics and health; empty for none")
	c.log.define(flags)
	return c.run
}

func (c *sinkConfig) run(ctx context.Context, sh shell, args []string) error {
	if len(args) > 0 {
		return usagef("sink takes no arguments, but got %q", args)
	}
	if err := checkDatabase(c.to); err != nil {
		return err
	}
	s, err := c.rules()
	if err != nil {
		return err
	}
	log, err := c.log.logger(sh.stderr)
	if err != nil {
		return err
	}
	from, err := c.kafka.client(log)
	if err != nil {
		return err
	}
	if c.topic == "" {
		c.topic = s.Topic
	}
	f, err := c.open(ctx, s, from, log)
	if err != nil {
		if ctx.Err() != nil && !c.once {
			return nil // told to stop, as it is meant to end
		}
		return err
	}
	if c.foreign {
		f.mark = nil
	}
	warnUnverified(c.to, log)
	log.Info("following", "topic", c.topic, "table", s.Table.Name, "group", f.group)
	err = errors.Join(c.follow(ctx, f, from, log), f.close())
	tally := f.state.total.Tally()
	fmt.Fprintln(sh.stdout, tally)
	if err == nil && tally.Rejected > 0 {
		fmt.Fprintf(sh.stdout, "the rejects are in the database's table penstock_rejects, with their reasons, as those of consumer %s\n", f.consumer)
		return errFindings
	}
	return err
}

// open opens the follower once the topic is known to be there, so that no table
// is made for nothing. It waits for Kafka and for the database, but with --once,
// where somebody waits for it.
func (c *sinkConfig) open(ctx context.Context, s *stream.Stream, from kafka.Config, log *slog.Logger) (*follower, error) {
	check := func() (string, error) { return c.topic, kafka.CheckTopic(ctx, from, c.topic) }
	open := func() (*follower, error) { return openFollower(ctx, c.to, c.group, s, log) }
	if c.once {
		if _, err := check(); err != nil {
			return nil, err
		}
		return open()
	}
	if _, err := await(ctx, log, "Kafka", kafka.Away, check); err != nil {
		return nil, err
	}
	return awaitDatabase(ctx, log, open)
}

// follow runs the follower, and the admin listener beside it if there is one.
func (c *sinkConfig) follow(ctx context.Context, f *follower, from kafka.Config, log *slog.Logger) error {
	if c.admin == "" {
		return f.run(ctx, from, c.topic, !c.once)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		tableGauges{func() map[string]*followed { return map[string]*followed{f.rules.Name: f.state} }})
	writing := ingest.Check{Name: "table", Ready: func(context.Context) error {
		if f.state.stalled.Load() {
			return errors.New("nothing can be written to it; the log says why")
		}
		return nil
	}}
	admin, err := ingest.Listen(c.admin, ingest.NewAdmin(metrics, writing), ingest.ServerOptions{Open: true, Log: log})
	if err != nil {
		return err
	}
	log.Info("admin", "url", admin.URL())
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		err := admin.Serve(serving)
		if serving.Err() == nil {
			log.Error("metrics and health are served no longer; the table is written on", "err", err)
		}
		served <- err
	}()
	err = f.run(ctx, from, c.topic, !c.once)
	stop()
	return errors.Join(err, <-served)
}

// rules loads the stream that --stream names; the only one needs no name.
func (c *sinkConfig) rules() (*stream.Stream, error) {
	path := c.streams
	if path == "" {
		path = filepath.Join("penstock-data", "streams")
		if _, err := os.Stat(path); err != nil {
			return nil, usagef("--streams names no stream files, and there are none in %s", path)
		}
	}
	all, err := stream.Load(path)
	if err != nil {
		return nil, err
	}
	if c.stream == "" && len(all) == 1 {
		return all[0], nil
	}
	for _, s := range all {
		if s.Name == c.stream {
			return s, nil
		}
	}
	return nil, usagef("%s has no stream %q; give --stream the name of one that it has", path, c.stream)
}

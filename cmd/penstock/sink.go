package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

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
}

func defineSink(flags *flag.FlagSet) runner {
	c := &sinkConfig{}
	c.kafka.define(flags, "`HOST:PORT[,…]` of the brokers")
	flags.Lookup("kafka").DefValue = "127.0.0.1:9092"
	flags.Set("kafka", "127.0.0.1:9092")
	flags.StringVar(&c.stream, "stream", "", "`name` of the stream whose rules judge the events and whose table takes them")
	flags.StringVar(&c.streams, "streams", "", "stream `file or folder` of them; empty: the orders example that serve writes, in penstock-data/streams")
	flags.StringVar(&c.to, "to", "", "`database`: postgres://USER@HOST/DATABASE or sqlite:FILE; a password is better in PGPASSWORD")
	flags.StringVar(&c.group, "group", "", "consumer `group` that shares the work, and under whose name the database keeps the offsets: another name begins at the topic's start; empty: one for the stream and the database")
	flags.StringVar(&c.topic, "topic", "", "the topic, where it is not the stream's")
	flags.BoolVar(&c.once, "once", false, "stop at the end that the topic has now, instead of going on with what comes")
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
	f, err := openFollower(ctx, c.to, c.group, s, log)
	if err != nil {
		return err
	}
	log.Info("following", "topic", c.topic, "table", s.Table.Name, "group", f.group)
	err = errors.Join(f.run(ctx, from, c.topic, !c.once), f.close())
	tally := f.total.Tally()
	fmt.Fprintln(sh.stdout, tally)
	if err == nil && tally.Rejected > 0 {
		fmt.Fprintf(sh.stdout, "the rejects are in the database's table penstock_rejects, with their reasons\n")
		return errFindings
	}
	return err
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

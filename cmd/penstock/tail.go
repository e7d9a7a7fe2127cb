package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/kafka"
)

// readerConfig is what the subcommands share that read a stream's topic.
type readerConfig struct {
	kafka kafkaConfig
	topic string
}

func (c *readerConfig) define(flags *flag.FlagSet) {
	c.kafka.define(flags, "`HOST:PORT[,…]` of the brokers")
	flags.Lookup("kafka").DefValue = "127.0.0.1:9092"
	flags.Set("kafka", "127.0.0.1:9092")
	flags.StringVar(&c.topic, "topic", "", "the stream's topic, where it is not named like the stream")
}

// of returns the topic of the stream that args name.
func (c *readerConfig) of(args []string) (string, error) {
	if len(args) != 1 {
		return "", usagef("which stream? give its name, as orders")
	}
	if c.topic != "" {
		return c.topic, nil
	}
	return args[0], nil
}

// tailConfig is what `penstock tail` is told.
type tailConfig struct {
	readerConfig
	follow  bool
	rejects bool
	keys    bool
}

func defineTail(flags *flag.FlagSet) runner {
	c := &tailConfig{}
	c.define(flags)
	flags.BoolVar(&c.follow, "f", false, "go on with what comes, until interrupted")
	flags.BoolVar(&c.rejects, "rejects", false, "print the stream's rejects instead, each behind its reason")
	flags.BoolVar(&c.keys, "with-keys", false, "print each event's key and a tab before it")
	return c.run
}

func (c *tailConfig) run(ctx context.Context, sh shell, args []string) error {
	topic, err := c.of(args)
	if err != nil {
		return err
	}
	if c.rejects {
		topic += ".rejects"
	}
	client, err := c.kafka.client(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	source, err := kafka.NewSource(client, kafka.SourceOptions{Topic: topic, Follow: c.follow})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(sh.stdout)
	err = source.Run(ctx, penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
		for _, e := range b.Pending().Events {
			c.print(out, e)
			e.Deliver(penstock.Place{})
		}
		return out.Flush()
	}))
	if c.follow && errors.Is(err, context.Canceled) {
		return nil // interrupted, as it is meant to end
	}
	return err
}

func (c *tailConfig) print(out io.Writer, e *penstock.Event) {
	if c.rejects {
		fmt.Fprintf(out, "%s %s: %s\t", header(e, penstock.HeaderCode), header(e, penstock.HeaderPointer), header(e, penstock.HeaderDetail))
	}
	if c.keys {
		fmt.Fprintf(out, "%s\t", e.Key)
	}
	fmt.Fprintf(out, "%s\n", e.Body)
}

func header(e *penstock.Event, name string) string {
	for _, h := range e.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

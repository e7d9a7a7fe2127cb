package main

import (
	"flag"
	"log/slog"
	"math"
	"strings"

	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// kafkaConfig says which cluster, and how to get in.
type kafkaConfig struct {
	brokers string
	tls     bool
	trust   kafka.TLS
	sasl    kafka.SASL
}

func (c *kafkaConfig) define(flags *flag.FlagSet, usage string) {
	flags.StringVar(&c.brokers, "kafka", "", usage)
	c.defineAccess(flags)
}

// defineAccess declares the flags that say how to get into a cluster.
func (c *kafkaConfig) defineAccess(flags *flag.FlagSet) {
	flags.BoolVar(&c.tls, "kafka-tls", false, "speak TLS with the brokers; the other --kafka-tls flags imply it")
	flags.StringVar(&c.trust.CAFile, "kafka-tls-ca", "", "PEM `file` of the authorities to trust instead of the machine's")
	flags.StringVar(&c.trust.CertFile, "kafka-tls-cert", "", "PEM `file` of the client's certificate")
	flags.StringVar(&c.trust.KeyFile, "kafka-tls-key", "", "PEM `file` of its key")
	flags.StringVar(&c.trust.ServerName, "kafka-tls-name", "", "`name` in the brokers' certificates, if not their host")
	flags.StringVar(&c.sasl.Mechanism, "kafka-sasl", "", "plain, scram-sha-256 or scram-sha-512; needs --kafka-user")
	flags.StringVar(&c.sasl.User, "kafka-user", "", "SASL user")
	flags.StringVar(&c.sasl.Password, "kafka-password", "", "SASL password; in the environment only: on the command line it is refused")
}

// client is the configuration of a client of the cluster; without --kafka it
// names no brokers.
func (c *kafkaConfig) client(log *slog.Logger) (kafka.Config, error) {
	to := kafka.Config{ClientID: "penstock", Log: log}
	if c.brokers != "" {
		to.Brokers = strings.Split(c.brokers, ",")
	}
	if c.tls || c.trust != (kafka.TLS{}) {
		to.TLS = &c.trust
	}
	if c.sasl != (kafka.SASL{}) {
		to.SASL = &c.sasl
	}
	if c.brokers == "" {
		if to.TLS != nil || to.SASL != nil {
			return to, usagef("the --kafka-tls flags, --kafka-sasl, --kafka-user and --kafka-password are for the brokers that --kafka names")
		}
		return to, nil
	}
	if err := to.Validate(); err != nil {
		return to, usagef("%v", err)
	}
	return to, nil
}

// topicConfig says how serve's topics are made and written.
type topicConfig struct {
	partitions  int
	replication int
	atLeastOnce bool
}

func (c *topicConfig) define(flags *flag.FlagSet) {
	flags.IntVar(&c.partitions, "kafka-partitions", 6, "partitions of a topic that penstock creates")
	flags.IntVar(&c.replication, "kafka-replication", 0, "replication factor of a topic that penstock creates; 0 is the brokers' default")
	flags.BoolVar(&c.atLeastOnce, "kafka-at-least-once", false, "do without transactions, for clusters that don't grant them; after a crash events may be there twice")
}

func (c *topicConfig) check() error {
	switch {
	case c.partitions < 1 || c.partitions > 10_000:
		return usagef("--kafka-partitions %d: write 1 to 10000", c.partitions)
	case c.replication < 0 || c.replication > math.MaxInt16:
		return usagef("--kafka-replication %d: write 0 to %d", c.replication, math.MaxInt16)
	}
	return nil
}

func (c *topicConfig) sink(s *stream.Stream, door string) kafka.SinkOptions {
	return kafka.SinkOptions{
		Topic: s.Topic, Door: door, AtLeastOnce: c.atLeastOnce,
		Partitions: int32(c.partitions), ReplicationFactor: int16(c.replication),
	}
}

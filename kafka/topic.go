package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock"
)

// messageBytesDefault is what a topic takes when the brokers do not let us
// read its settings: Kafka's own default for producers.
const messageBytesDefault = 1000012

// topics is what a session knows of the topics it writes to.
type topics struct {
	mu     sync.RWMutex
	limits map[string]int32 // max.message.bytes, by topic
}

// limit is the largest batch the topic takes, in bytes. The driver asks from
// goroutines of its own.
func (t *topics) limit(topic string) int32 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n := t.limits[topic]; n > 0 {
		return n
	}
	return messageBytesDefault
}

func (t *topics) setLimit(topic string, n int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limits == nil {
		t.limits = map[string]int32{}
	}
	t.limits[topic] = n
}

// A topicPlan is how a topic is created when it is missing.
type topicPlan struct {
	name       string
	partitions int32
	replicas   int16
	configs    map[string]*string
}

// ensure makes sure the topic is there. The *penstock.Reject says that the
// brokers refuse it for good; any other error may pass.
func (p topicPlan) ensure(ctx context.Context, client *kgo.Client, log *slog.Logger) error {
	admin := kadm.NewClient(client)
	for attempt := 0; ; attempt++ {
		meta, err := admin.Metadata(ctx, p.name)
		if err == nil {
			err = readiness(meta.Topics[p.name])
		} else if !refusedForGood(err) {
			return fmt.Errorf("look up topic %s: %w", p.name, err)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kerr.UnknownTopicOrPartition) && attempt == 0:
			if err := p.create(ctx, admin, log); err != nil {
				return err
			}
		case refusedForGood(err):
			return topicReject(p.name, err)
		case attempt >= 200: // the brokers' metadata follows a creation within milliseconds
			return fmt.Errorf("topic %s is not ready: %w", p.name, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for topic %s: %w", p.name, context.Cause(ctx))
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// readiness is why the topic cannot be written to yet, or nil.
func readiness(t kadm.TopicDetail) error {
	if t.Err != nil {
		return t.Err
	}
	for _, p := range t.Partitions {
		if p.Err != nil {
			return p.Err
		}
	}
	return nil
}

func (p topicPlan) create(ctx context.Context, admin *kadm.Client, log *slog.Logger) error {
	made, err := admin.CreateTopic(ctx, p.partitions, p.replicas, p.configs, p.name)
	if made.Err != nil {
		err = made.Err
	}
	switch {
	case err == nil:
		log.Info("created topic", "name", p.name, "partitions", p.partitions)
		return nil
	case errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case refusedForGood(err):
		return topicReject(p.name, fmt.Errorf("it does not exist, and creating it was refused: %w", err))
	}
	return fmt.Errorf("create topic %s: %w", p.name, err)
}

// examine reads the topic's settings, keeps its message limit and warns of
// those that make an acknowledgement worth less than it says.
func (t *topics) examine(ctx context.Context, client *kgo.Client, log *slog.Logger, names ...string) {
	admin := kadm.NewClient(client)
	found, err := admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		log.Warn("cannot read the topics' settings; taking Kafka's defaults", "topics", names, "err", err)
		return
	}
	meta, err := admin.Metadata(ctx, names...)
	if err != nil {
		log.Warn("cannot read the topics' replicas", "topics", names, "err", err)
	}
	for _, rc := range found {
		if rc.Err != nil {
			log.Warn("cannot read the topic's settings; taking Kafka's defaults", "topic", rc.Name, "err", rc.Err)
			continue
		}
		settings := map[string]string{}
		for _, c := range rc.Configs {
			settings[c.Key] = c.MaybeValue()
		}
		if n, err := strconv.ParseInt(settings["max.message.bytes"], 10, 32); err == nil && n > 0 {
			t.setLimit(rc.Name, int32(n))
		}
		// A cluster too small for any topic is said once, not of each.
		if len(meta.Brokers) >= 3 || rc.Name == ProgressTopic {
			warnReplicas(log, rc.Name, replicas(meta, rc.Name), settings)
		}
		warnWeak(log, rc.Name, settings)
	}
}

func replicas(meta kadm.Metadata, topic string) int {
	for _, p := range meta.Topics[topic].Partitions {
		return len(p.Replicas)
	}
	return 0
}

func warnReplicas(log *slog.Logger, topic string, replicas int, settings map[string]string) {
	insync, _ := strconv.Atoi(settings["min.insync.replicas"])
	if replicas < 3 || insync < 2 {
		log.Warn("the loss of one broker can lose acknowledged events: use replication factor 3 and min.insync.replicas 2",
			"in", topic, "replication", replicas, "min.insync.replicas", insync)
	}
}

func warnWeak(log *slog.Logger, topic string, settings map[string]string) {
	if settings["unclean.leader.election.enable"] == "true" {
		log.Warn("an unclean leader election can lose acknowledged events: turn it off", "topic", topic)
	}
	if topic != ProgressTopic && settings["cleanup.policy"] != "" && settings["cleanup.policy"] != "delete" {
		log.Warn("the topic is compacted: Kafka keeps only the latest event of each key",
			"topic", topic, "cleanup.policy", settings["cleanup.policy"])
	}
}

// refusedForGood reports whether the brokers' answer about a topic is one that
// trying again does not change.
func refusedForGood(err error) bool {
	for _, e := range []error{
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.PolicyViolation,
		kerr.InvalidTopicException, kerr.InvalidReplicationFactor, kerr.InvalidPartitions, kerr.InvalidConfig,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// The codes of rejects that the brokers' refusals become.
const (
	CodeTopic    = "kafka_topic"     // the topic is missing and must not be created, or must not be written to
	CodeTooLarge = "kafka_too_large" // the event is larger than the topic takes
	CodeRecord   = "kafka_record"    // the brokers refuse the record for another lasting reason
)

func topicReject(topic string, err error) *penstock.Reject {
	return penstock.NewReject(CodeTopic, "", "topic %s: %v; create it or grant the right, then replay the dead letters", topic, err)
}

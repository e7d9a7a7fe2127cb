package kafka_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/kafka"
)

func TestConfigSaysWhatIsWrong(t *testing.T) {
	good := []string{"127.0.0.1:9092"}
	for _, c := range []struct {
		cfg  kafka.Config
		says string // "" means it is fine
	}{
		{kafka.Config{Brokers: good}, ""},
		{kafka.Config{Brokers: []string{"broker-1", "[::1]:9092"}}, ""},
		{kafka.Config{}, "no brokers"},
		{kafka.Config{Brokers: []string{"a:9092,b:9092"}}, "host:port"},
		{kafka.Config{Brokers: []string{"kafka://a:9092"}}, "host:port"},
		{kafka.Config{Brokers: []string{"a:99999"}}, "not a port"},
		{kafka.Config{Brokers: []string{":9092"}}, "host:port"},
		{kafka.Config{Brokers: good, TLS: &kafka.TLS{}}, ""},
		{kafka.Config{Brokers: good, TLS: &kafka.TLS{CAFile: "config_test.go"}}, "no PEM"},
		{kafka.Config{Brokers: good, TLS: &kafka.TLS{CAFile: "nowhere.pem"}}, "nowhere.pem"},
		{kafka.Config{Brokers: good, TLS: &kafka.TLS{CertFile: "a.pem"}}, "key file"},
		{kafka.Config{Brokers: good, SASL: &kafka.SASL{User: "u", Password: "p"}}, ""},
		{kafka.Config{Brokers: good, SASL: &kafka.SASL{User: "u"}}, "password"},
		{kafka.Config{Brokers: good, SASL: &kafka.SASL{Mechanism: "gssapi", User: "u", Password: "p"}}, "scram-sha-512"},
	} {
		err := c.cfg.Validate()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.says)
		}
		if err != nil && c.cfg.SASL != nil && c.cfg.SASL.Password != "" && strings.Contains(err.Error(), "\""+c.cfg.SASL.Password+"\"") {
			t.Errorf("the password stands in the error: %v", err)
		}
	}
}

func TestSinkOptionsSayWhatIsWrong(t *testing.T) {
	cfg := kafka.Config{Brokers: []string{"127.0.0.1:9092"}}
	for says, o := range map[string]kafka.SinkOptions{
		"no topic":         {Door: door},
		"door":             {Topic: "orders"},
		"progress":         {Topic: kafka.ProgressTopic, Door: door},
		"must not share":   {Topic: "orders", RejectsTopic: "orders", Door: door},
		"must not be nega": {Topic: "orders", Door: door, Partitions: -1},
		"32 MiB":           {Topic: "orders", Door: door, MessageBytesMax: 1 << 30},
	} {
		if _, err := kafka.NewSink(cfg, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", o, err, says)
		}
	}
}

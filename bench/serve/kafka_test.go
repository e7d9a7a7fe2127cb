//go:build bench

package main

import (
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestRealKafka prints the same rows with a real Kafka behind penstock and the
// rival: `make bench-kafka`. It is a test only to get at a real Kafka.
func TestRealKafka(t *testing.T) {
	k := realtest.StartKafka(t, "auto.create.topics.enable=true", "num.partitions=6")
	t.Chdir("../..")
	if err := run(t.Context(), options{rounds: 3, window: 3 * time.Second, kafka: k.Addr()}); err != nil {
		t.Fatal(err)
	}
}

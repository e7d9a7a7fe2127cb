package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

// TestOlderCopyOfJournal brings back a copy of the journal from before the
// last events. What is accepted then gets numbers that Kafka has already seen
// on other events, and must not pass for published: not in this life, and not
// in one that begins when the journal is beyond what Kafka has.
func TestOlderCopyOfJournal(t *testing.T) {
	t.Parallel()
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t), "--drain-timeout", "1s")
	p.acked(t, 1, 3, "kafka")
	p.terminate(t)
	dir, older := filepath.Join(p.data, "journal"), filepath.Join(t.TempDir(), "older")
	if err := os.CopyFS(older, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	p.start(t)
	p.acked(t, 4, 9, "kafka")
	p.terminate(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
	for life, last := range []int64{105, 120, 121} {
		p.start(t)
		eventually(t, "publishing stands still", func() bool {
			return p.metric(t, `penstock_kafka_stalled{stream="orders"}`) == 1
		})
		p.acked(t, 100, last, "disk")
		if backlog := p.metric(t, `penstock_journal_backlog_events{stream="orders"}`); int64(backlog) != last-99 {
			t.Errorf("life %d: %v events wait for Kafka, want the %d that came since", life, backlog, last-99)
		}
		if said := p.output(); !strings.Contains(said, "older copy") || !strings.Contains(said, "penstock journal export --first 4 ") {
			t.Errorf("life %d: it does not say what to do", life)
		}
		p.terminate(t)
	}
}

// TestLostProgress deletes the topic in which Kafka keeps how far it has come:
// nothing is published until that is accepted.
func TestLostProgress(t *testing.T) {
	t.Parallel()
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t), "--drain-timeout", "1s")
	p.acked(t, 1, 3, "kafka")
	client, err := kgo.NewClient(kgo.SeedBrokers(p.kafka))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopic(t.Context(), kafka.ProgressTopic); err != nil {
		t.Fatal(err)
	}
	p.terminate(t)
	p.start(t)
	p.acked(t, 4, 6, "disk")
	eventually(t, "publishing stands still", func() bool {
		return p.metric(t, `penstock_kafka_stalled{stream="orders"}`) == 1
	})
	if backlog := p.metric(t, `penstock_journal_backlog_events{stream="orders"}`); backlog != 3 {
		t.Errorf("%v events wait for Kafka, want 3", backlog)
	}
	p.terminate(t)
	p.args = append(p.args, "--accept-lost-progress")
	p.start(t)
	p.checkOracle(t)
}

// TestAtLeastOnce publishes to brokers that grant no transactions, through a
// restart: there is no progress to compare.
func TestAtLeastOnce(t *testing.T) {
	t.Parallel()
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t), "--kafka-at-least-once")
	p.acked(t, 1, 3, "kafka")
	p.terminate(t)
	p.start(t)
	p.acked(t, 4, 6, "kafka")
	p.checkOracle(t)
}

// acked posts orders of one user, which must be acknowledged or known.
func (p *process) acked(t *testing.T, first, last int64, ack string) {
	t.Helper()
	for id := first; id <= last; id++ {
		p.ledger.send([]int64{id})
		status, _, body := p.postOrder(t, id, 1, ack, "")
		if status != http.StatusOK && status != http.StatusAccepted {
			t.Fatalf("order %d with ack=%s: status %d: %s", id, ack, status, body)
		}
		p.ledger.ack(1, []int64{id})
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/realtest"
)

// outage is how long Kafka stays away.
func outage(t *testing.T) time.Duration {
	if s := os.Getenv("PENSTOCK_OUTAGE"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if testing.Short() {
		return 5 * time.Second
	}
	return 60 * time.Second
}

// TestKafkaAway takes Kafka away under load: with ack=disk every event is
// acknowledged all the while, with ack=kafka the answer is 503 at the deadline
// and the retry with the same id is answered once; afterwards everything is in
// the topic, once and in order.
func TestKafkaAway(t *testing.T) {
	t.Parallel()
	k := realtest.StartKafka(t)
	p := startPenstock(t, "--kafka", k.Addr(), "--request-timeout", "10s")
	normal := p.pace(t, 1, 5*time.Second)

	k.Kill9(t)
	const patient = 1 << 40 // an order id that no paced order has
	status, header, body := p.order(t, patient, "kafka")
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(body, `"code":"kafka_pending"`) {
		t.Errorf("ack=kafka without Kafka: status %d, Retry-After %q: %s", status, header.Get("Retry-After"), body)
	}
	away := p.pace(t, 2, outage(t))
	t.Logf("p99 with Kafka %v, without %v (%.1f times)", normal, away, float64(away)/float64(normal))

	k.Restart(t)
	eventually(t, "the order sent with ack=kafka is acknowledged as a duplicate in Kafka", func() bool {
		status, _, body := p.order(t, patient, "kafka")
		return status == http.StatusOK && strings.Contains(body, `"status":"duplicate","ack":"kafka"`)
	})
	p.ledger.send([]int64{patient})
	p.ledger.ack(patientUser, []int64{patient})
	p.checkOracle(t)
}

const patientUser = 1 << 41

// order posts one order and returns the answer.
func (p *process) order(t *testing.T, id int64, ack string) (status int, header http.Header, body string) {
	t.Helper()
	return p.postOrder(t, id, patientUser, ack, "")
}

func (p *process) postOrder(t *testing.T, id, user int64, ack, note string) (int, http.Header, string) {
	t.Helper()
	text := fmt.Sprintf(`{"order_id":%d,"user_id":%d,"created_at":"2026-11-23T09:00:00Z","amount":1,"currency":"EUR","status":"new","note":%q}`, id, user, note)
	req, err := http.NewRequest("POST", p.door+"/v1/streams/orders/events", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Penstock-Ack", ack)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(answer)
}

// pace posts 200 orders a second with ack=disk for a while; each must be
// acknowledged at the first try. It returns the 99th percentile of the times.
func (p *process) pace(t *testing.T, run int64, length time.Duration) time.Duration {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var took []time.Duration
	next := run << 32
	for end := time.Now().Add(length); time.Now().Before(end); next++ {
		<-tick.C
		user := next%16 + 1
		p.ledger.send([]int64{next})
		begin := time.Now()
		status, _, body := p.postOrder(t, next, user, "disk", "")
		took = append(took, time.Since(begin))
		if status != http.StatusAccepted {
			t.Fatalf("order %d with ack=disk: status %d: %s", next, status, body)
		}
		p.ledger.ack(user, []int64{next})
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// TestJournalFull fills the journal to its quota while Kafka is away: then 503
// with Retry-After and nothing stored, and once Kafka is back everything that
// was acknowledged is there.
func TestJournalFull(t *testing.T) {
	t.Parallel()
	k := realtest.StartKafka(t)
	p := startPenstock(t, "--kafka", k.Addr(), "--journal-quota-bytes", "2000000")
	k.Kill9(t)
	note := strings.Repeat("x", 1900)
	full := int64(0)
	for id := int64(1); full == 0; id++ {
		p.ledger.send([]int64{id})
		status, header, body := p.postOrder(t, id, 1, "disk", note)
		switch status {
		case http.StatusAccepted:
			p.ledger.ack(1, []int64{id})
		case http.StatusServiceUnavailable:
			full = id
			if seconds, err := strconv.Atoi(header.Get("Retry-After")); err != nil || seconds < 1 {
				t.Errorf("Retry-After %q is not a number of seconds", header.Get("Retry-After"))
			}
			if !strings.Contains(body, `"code":"journal_full"`) {
				t.Errorf("the answer does not say why: %s", body)
			}
		default:
			t.Fatalf("order %d: status %d: %s", id, status, body)
		}
		if id > 2000 {
			t.Fatal("2000 orders of 2 kB fit into a quota of 2 MB")
		}
	}
	if res, err := http.Get(fmt.Sprintf("%s/v1/streams/orders/events/%d", p.door, full)); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("the refused order %d is known all the same: %v %v", full, res, err)
	}
	k.Restart(t)
	eventually(t, "there is room again", func() bool {
		status, _, _ := p.postOrder(t, full, 1, "disk", note)
		return status == http.StatusAccepted
	})
	p.ledger.ack(1, []int64{full})
	p.checkOracle(t)
}

// TestSameIDAtOnce sends one order from 64 senders at the same moment: one
// record, and every sender is told that it is there.
func TestSameIDAtOnce(t *testing.T) {
	t.Parallel()
	p := startPenstock(t, "--dev-kafka", realtest.Addr(t))
	statuses := make(chan string, 64)
	for range cap(statuses) {
		go func() {
			res, err := http.Post(p.door+"/v1/streams/orders/events", "application/json", bytes.NewReader([]byte(
				`{"order_id":77,"user_id":1,"created_at":"2026-11-23T09:00:00Z","amount":1,"currency":"EUR","status":"new"}`)))
			if err != nil {
				statuses <- err.Error()
				return
			}
			defer res.Body.Close()
			var a struct{ Results []struct{ ID, Status string } }
			if err := json.NewDecoder(res.Body).Decode(&a); err != nil || len(a.Results) != 1 {
				statuses <- fmt.Sprintf("status %d, %v", res.StatusCode, err)
				return
			}
			statuses <- a.Results[0].ID + " " + a.Results[0].Status
		}()
	}
	count := map[string]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	if count["77 ok"] != 1 || count["77 duplicate"] != cap(statuses)-1 {
		t.Errorf("answers: %v, want one ok and the rest duplicates", count)
	}
	p.ledger.send([]int64{77})
	p.ledger.ack(1, []int64{77})
	p.checkOracle(t)
}

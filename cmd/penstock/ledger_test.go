package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A ledger is the oracle of the crash tests: it stands outside the program and
// holds what each client sent and which ids were acknowledged, in order.
type ledger struct {
	mu    sync.Mutex
	acked map[int64][]int64 // by user: the acknowledged order ids, in order of acknowledgement
	sent  map[int64]bool    // every order id that was ever sent
	count atomic.Int64
}

func newLedger() *ledger { return &ledger{acked: map[int64][]int64{}, sent: map[int64]bool{}} }

func (l *ledger) ack(user int64, ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[user] = append(l.acked[user], ids...)
	l.count.Add(int64(len(ids)))
}

func (l *ledger) send(ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.sent[id] = true
	}
}

// clients post orders concurrently, each for a user of its own, and repeat a
// request with the same ids until it is acknowledged.
type clients struct {
	p      *process
	cancel context.CancelFunc
	wait   sync.WaitGroup
	failed atomic.Pointer[string]
}

func (p *process) startClients(t *testing.T, n int) *clients {
	ctx, cancel := context.WithCancel(context.Background())
	c := &clients{p: p, cancel: cancel}
	for i := range n {
		c.wait.Go(func() { c.run(ctx, int64(i+1)) })
	}
	t.Cleanup(func() { cancel(); c.wait.Wait() })
	return c
}

func (c *clients) acked() int64 { return c.p.ledger.count.Load() }

// awaitAcks returns after n further acknowledgements.
func (c *clients) awaitAcks(t *testing.T, n int) {
	t.Helper()
	goal := c.acked() + int64(n)
	eventually(t, fmt.Sprintf("%d acknowledgements (there are %d)", goal, c.acked()), func() bool {
		if why := c.failed.Load(); why != nil {
			t.Fatal(*why)
		}
		return c.acked() >= goal
	})
}

// stop lets each client finish the request it is repeating.
func (c *clients) stop(t *testing.T) {
	t.Helper()
	c.cancel()
	c.wait.Wait()
	if why := c.failed.Load(); why != nil {
		t.Fatal(*why)
	}
}

func (c *clients) run(ctx context.Context, user int64) {
	rng := rand.New(rand.NewPCG(uint64(user), 1))
	http := &http.Client{Timeout: patience}
	for next := user << 32; ctx.Err() == nil; {
		n := int64(1)
		if rng.IntN(4) == 0 {
			n += rng.Int64N(50)
		}
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = next + int64(i)
		}
		next += n
		ack := "disk"
		if rng.IntN(4) == 0 {
			ack = "kafka"
		}
		c.p.ledger.send(ids)
		if !c.post(ctx, http, user, ids, ack) {
			return
		}
		c.p.ledger.ack(user, ids)
	}
}

// post repeats one request until every event of it is acknowledged.
func (c *clients) post(ctx context.Context, client *http.Client, user int64, ids []int64, ack string) bool {
	var body bytes.Buffer
	for _, id := range ids {
		fmt.Fprintf(&body, `{"order_id":%d,"user_id":%d,"created_at":"2026-11-23T09:00:00Z","amount":12.5,"currency":"EUR","status":"new"}`+"\n", id, user)
	}
	for {
		req, _ := http.NewRequest("POST", c.p.door+"/v1/streams/orders/events", bytes.NewReader(body.Bytes()))
		req.Header.Set("Content-Type", "application/x-ndjson")
		req.Header.Set("Penstock-Ack", ack)
		res, err := client.Do(req)
		if err == nil {
			answer, readErr := io.ReadAll(res.Body)
			res.Body.Close()
			if readErr == nil {
				done, wrong := judge(res.StatusCode, answer, ids)
				if wrong != "" {
					c.failed.CompareAndSwap(nil, &wrong)
					return false
				}
				if done {
					return true
				}
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// judge reads an answer: done when every event is acknowledged, wrong when it
// says what can't be.
func judge(status int, answer []byte, ids []int64) (done bool, wrong string) {
	switch status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return false, ""
	case http.StatusOK, http.StatusAccepted, http.StatusMultiStatus:
	default:
		return false, fmt.Sprintf("status %d for good orders: %s", status, answer)
	}
	var a struct {
		Results []struct{ ID, Status string }
	}
	if err := json.Unmarshal(answer, &a); err != nil || len(a.Results) != len(ids) {
		return false, fmt.Sprintf("%d results for %d orders (%v): %s", len(a.Results), len(ids), err, answer)
	}
	for i, r := range a.Results {
		if r.ID != fmt.Sprint(ids[i]) {
			return false, fmt.Sprintf("result %d is of id %s, not %d", i, r.ID, ids[i])
		}
		if r.Status == "retry" || r.Status == "limited" {
			return false, ""
		}
		if r.Status != "ok" && r.Status != "duplicate" {
			return false, fmt.Sprintf("order %d: status %q: %s", ids[i], r.Status, answer)
		}
	}
	return true, ""
}

// checkOracle waits for the drain and holds the topic against the ledger.
func (p *process) checkOracle(t *testing.T) {
	t.Helper()
	eventually(t, "the journal is drained", func() bool {
		return p.metric(t, `penstock_journal_backlog_events{stream="orders"}`) == 0
	})
	seen := map[int64]int{}
	byUser := map[int64][]int64{}
	for _, r := range readTopic(t, p.kafka, "orders") {
		var o struct {
			OrderID int64 `json:"order_id"`
			UserID  int64 `json:"user_id"`
		}
		if err := json.Unmarshal(r.Value, &o); err != nil {
			t.Fatalf("record %d of partition %d: %v", r.Offset, r.Partition, err)
		}
		seen[o.OrderID]++
		byUser[o.UserID] = append(byUser[o.UserID], o.OrderID)
	}
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	for id, n := range seen {
		if n > 1 {
			t.Errorf("order %d is in the topic %d times", id, n)
		}
		if !p.ledger.sent[id] {
			t.Errorf("order %d is in the topic but was never sent", id)
		}
	}
	lost := 0
	for user, ids := range p.ledger.acked {
		for _, id := range ids {
			if seen[id] == 0 {
				lost++
			}
		}
		if at := outOfOrder(byUser[user], ids); at >= 0 {
			t.Errorf("user %d: order %d does not stand in the topic in the order of acknowledgement", user, ids[at])
		}
	}
	if lost > 0 {
		t.Errorf("%d acknowledged orders are not in the topic", lost)
	}
	t.Logf("%d acknowledged, %d in the topic, each once and in order", p.ledger.count.Load(), len(seen))
}

// outOfOrder returns the index of the first of want that is not in got behind
// the ones before it, or -1.
func outOfOrder(got, want []int64) int {
	i := 0
	for at, id := range want {
		for i < len(got) && got[i] != id {
			i++
		}
		if i == len(got) {
			return at
		}
	}
	return -1
}

// readTopic reads a topic from start to end as a read_committed consumer does.
func readTopic(t *testing.T, broker, topic string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic), kgo.KeepControlRecords(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// Kafka answers a commit before its records can be read, so the end is the
	// high watermark, which a read_committed reader comes to a moment later.
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{} // partition: the offset to reach
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read topic %s: these partitions did not reach their ends in %v: %v", topic, patience, left)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition) // a transaction ends in a control record, so the end is always met
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records
}

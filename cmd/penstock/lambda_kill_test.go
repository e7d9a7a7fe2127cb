package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// TestFunctionKilledAnywhere has the real bootstrap work on objects in each
// form, into a table of each mode, while it is killed at any moment, its events
// come twice and in any order, its time is short, and DynamoDB leaves items over,
// throttles, fails and loses answers. In the end the table and the rejects are
// what the generator meant, and every row is accounted for. Half of the rounds are
// of mode put, which alone writes batches. PENSTOCK_LAMBDA_ROUNDS says how many
// there are; PENSTOCK_LAMBDA_SEED is the first one's seed. They mostly wait, for
// leases of the killed and for a throttled table, so -parallel 16 has them run
// side by side even on two cores.
func TestFunctionKilledAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("kills many processes")
	}
	rounds := int(envNumber(t, "PENSTOCK_LAMBDA_ROUNDS", 2))
	first := envNumber(t, "PENSTOCK_LAMBDA_SEED", 0)
	var sum struct {
		sync.Mutex
		kills, hops, reports, unprocessed, throttled int
	}
	t.Run("rounds", func(t *testing.T) {
		for round := range rounds {
			t.Run(fmt.Sprint("seed ", first+uint64(round)), func(t *testing.T) {
				t.Parallel()
				r := killFunction(t, first+uint64(round))
				sum.Lock()
				defer sum.Unlock()
				sum.kills += r.service.kills
				sum.hops += r.hops
				sum.reports += r.metrics.reports
				sum.unprocessed += r.cloud.proxy.Faults()["unprocessed"]
				sum.throttled += r.cloud.proxy.Faults()["throttle"]
			})
		}
	})
	t.Logf("%d rounds: %d kills, %d hand-overs, %d items left over, %d requests throttled, %d reports with no row unaccounted",
		rounds, sum.kills, sum.hops, sum.unprocessed, sum.throttled, sum.reports)
	if rounds >= 20 && (sum.kills < rounds || sum.hops < rounds/4 || sum.unprocessed == 0 || sum.throttled == 0) {
		t.Error("what was to be tried was hardly tried")
	}
}

func envNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	n := otherwise
	if text := os.Getenv(name); text != "" {
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatalf("%s=%q: %v", name, text, err)
		}
	}
	return n
}

// A killRound is one round of the test.
type killRound struct {
	cloud   *cloud
	service *lambdaService
	metrics *metricLines
	hops    int
}

const (
	killRows  = 160 // of each object
	killBatch = "margin_seconds: 1, timeout_seconds: 60, lease_seconds: 0.25, batch_kb: 4"
)

func killFunction(t *testing.T, seed uint64) killRound {
	c := newCloud(t, faults.DynamoDBShares{Unprocessed: .3, Throttle: .05, Broken: .02, Reset: .02, Lost: .02, Half: .01}, seed)
	c.configure(killBatch)
	if seed%2 == 1 {
		rewrite(t, c.files, "mode: put", "mode: "+[]string{"insert", "newer-wins"}[seed/2%2])
	}
	random := rand.New(rand.NewPCG(seed, 7))
	var mu sync.Mutex // guards random
	r := killRound{cloud: c, metrics: &metricLines{t: t}}
	r.service = &lambdaService{
		program: os.Args[0], env: c.env, timeout: 1800 * time.Millisecond, stderr: r.metrics, atOnce: 1 + int(seed%3),
		strike: func(int) time.Duration { // an event is given up after three attempts, so some are let through
			mu.Lock()
			defer mu.Unlock()
			if random.IntN(2) == 0 {
				return 0
			}
			return time.Duration(5+random.IntN(500)) * time.Millisecond
		},
	}
	if err := startLambdaService(r.service); err != nil {
		t.Fatal(err)
	}
	defer r.service.close()
	want := newReference(c)
	keys := []string{"orders/a.jsonl", "orders/b c+d.csv", "orders/é.json"}
	var events [][]byte
	for i, form := range []orders.Form{orders.NDJSON, orders.CSV, orders.Array} {
		g := orders.Generator{Seed: seed, Users: 100, Bad: .05}
		from := uint64(i) * killRows
		events = append(events, c.put(keys[i], g, form, from, killRows))
		want.add(keys[i], g, form, from, killRows)
	}
	deliver := slices.Concat(events, events)
	random.Shuffle(len(deliver), func(i, j int) { deliver[i], deliver[j] = deliver[j], deliver[i] })
	for _, e := range deliver {
		r.service.add(e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if _, err := r.service.drain(ctx); err != nil {
		t.Fatal(err)
	}
	// What failed for good went to the on-failure destination: all is replayed.
	r.service.strike, r.service.timeout = nil, time.Minute
	for _, e := range events {
		r.service.add(e)
	}
	if failed, err := r.service.drain(ctx); err != nil || len(failed) > 0 {
		t.Fatalf("replayed without kills: %v, failed %v", err, failed)
	}
	for _, key := range keys {
		p := c.progress(key)
		r.hops += p.Hop
		if p.State != s3.Done || p.Tally.Read != killRows || p.Tally.Delivered+p.Tally.Rejected != killRows || p.Unaccounted() != 0 {
			t.Errorf("%s: %s %v, %d unaccounted", key, p.State, p.Tally, p.Unaccounted())
		}
	}
	want.compare(c)
	for _, table := range []string{c.table, c.ledger} { // so that many rounds take no more memory than a few
		if _, err := c.settings.dynamodb().DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			t.Error(err)
		}
	}
	return r
}

// metricLines reads the function's own figures out of what it prints.
type metricLines struct {
	t       testing.TB
	mu      sync.Mutex // guards what follows
	rest    []byte
	reports int
}

// Write takes what comes; a line that a kill has cut is none.
func (m *metricLines) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest = append(m.rest, p...)
	for {
		line, rest, whole := bytes.Cut(m.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		m.rest = rest
		var figures struct {
			Unaccounted *int64 `json:"rows_unaccounted"`
			Object      string `json:"object"`
		}
		if json.Unmarshal(line, &figures) != nil || figures.Unaccounted == nil {
			continue
		}
		m.reports++
		if *figures.Unaccounted != 0 {
			m.t.Errorf("%s: %d rows unaccounted", figures.Object, *figures.Unaccounted)
		}
	}
}

//go:build soak

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/internal/realtest"
)

// TestSoak loads one penstock for PENSTOCK_SOAK, with its broker in another
// process, and wants its memory flat and under 100 MB. `make soak` runs it for
// ten minutes; it is no part of the tests, as it tests time, not code.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PENSTOCK_SOAK"))
	if err != nil {
		t.Fatal("set PENSTOCK_SOAK to a duration, or run make soak")
	}
	broker := startPenstock(t, "--dev-kafka", realtest.Addr(t), "--to", "none")
	p := startPenstock(t, "--kafka", broker.kafka)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var senders sync.WaitGroup
	for i := range uint64(8) {
		senders.Go(func() { p.soak(ctx, t, i<<32) })
	}
	var rss []float64
	for tick := time.Tick(length / 60); ctx.Err() == nil; {
		select {
		case <-tick:
			mb := p.metric(t, "process_resident_memory_bytes") / 1e6
			rss = append(rss, mb)
			t.Logf("%5.1f MB resident, %.0f events", mb, p.metric(t, `penstock_journal_appended_events_total{stream="orders"}`))
		case <-ctx.Done():
		}
	}
	senders.Wait()
	half := len(rss) / 2
	first, second := most(rss[:half]), most(rss[half:])
	t.Logf("most resident in the first half %.1f MB, in the second %.1f MB", first, second)
	if second > 100 || second > 1.25*first {
		t.Errorf("memory is not flat and under 100 MB")
	}
}

func most(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		m = max(m, x)
	}
	return m
}

// soak posts NDJSON of 1 to 100 orders, one in a hundred of them bad, one
// request after the other.
func (p *process) soak(ctx context.Context, t *testing.T, next uint64) {
	g := orders.Generator{Seed: next, Bad: 0.01}
	var body bytes.Buffer
	for n := uint64(1); ctx.Err() == nil; n = n%100 + 1 {
		body.Reset()
		if err := g.Write(&body, orders.NDJSON, next, n); err != nil {
			t.Error(err)
			return
		}
		next += n
		res, err := http.Post(p.door+"/v1/streams/orders/events", "application/x-ndjson", &body)
		if err != nil {
			t.Error(err)
			return
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode/100 != 2 && res.StatusCode != 422 && !strings.Contains(string(answer), "journal_full") {
			t.Error(fmt.Errorf("status %d: %s", res.StatusCode, answer))
			return
		}
	}
}

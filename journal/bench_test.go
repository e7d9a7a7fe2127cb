package journal_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/journal"
)

// discard settles everything.
var discard = penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
	for _, e := range b.Pending().Events {
		e.Deliver(penstock.Place{Ack: penstock.AckKafka, Seq: e.Origin.Position, Topic: "t"})
	}
	return nil
})

// BenchmarkSync is the floor: one goroutine, one 400-byte write into a
// preallocated file and one fdatasync, with nothing around them.
func BenchmarkSync(b *testing.B) {
	f, err := journal.OS().Open(b.TempDir()+"/f", os.O_CREATE|os.O_RDWR)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Allocate(64 << 20); err != nil {
		b.Fatal(err)
	}
	record, at := make([]byte, 400), int64(0)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := f.WriteAt(record, at%(63<<20)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		at += 400
	}
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}

// BenchmarkWrite writes 400-byte events of new identities from many writers,
// with the drain running. records/s and p50/p99 are those of whole Writes.
func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {64, 1}, {512, 1}, {16, 100}} {
		b.Run(fmt.Sprintf("writers=%d/batch=%d", c.writers, c.batch), func(b *testing.B) {
			j := open(b, b.TempDir(), journal.Options{QuotaBytes: 8 << 30})
			ctx, cancel := context.WithCancel(b.Context())
			var drained sync.WaitGroup
			drained.Go(func() { j.Run(ctx, discard) })
			took := make([][]time.Duration, c.writers)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var writers sync.WaitGroup
			for w := range c.writers {
				writers.Go(func() { took[w] = write(b, j, w, c.batch, &left) })
			}
			writers.Wait()
			b.StopTimer()
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N*c.batch)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
			cancel()
			drained.Wait()
		})
	}
}

// write writes batches until none are left and returns how long each took.
func write(b *testing.B, j *journal.Journal, w, size int, left *atomic.Int64) (took []time.Duration) {
	events := make([]penstock.Event, size)
	batch := &penstock.Batch{Events: make([]*penstock.Event, size)}
	body := []byte(strings.Repeat("x", 400))
	n := 0
	for left.Add(-1) >= 0 {
		for i := range events {
			n++
			events[i] = penstock.Event{ID: fmt.Appendf(events[i].ID[:0], "%d-%d", w, n), Body: body}
			batch.Events[i] = &events[i]
		}
		began := time.Now()
		if err := j.Write(b.Context(), batch); err != nil {
			b.Error(err)
			return took
		}
		took = append(took, time.Since(began))
	}
	return took
}

// BenchmarkOpen recovers a journal of a million events of 400 bytes.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j, err := journal.Open(dir, journal.Options{Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(1000)
	write(b, j, 0, 1000, &left)
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j, err := journal.Open(dir, journal.Options{Log: quiet})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(j.Recovery().Bytes)
		if n := j.Recovery().Events; n != 1_000_000 {
			b.Fatalf("%d events", n)
		}
		j.Close()
	}
}

// BenchmarkRun drains 200,000 events of 400 bytes, which are new each time.
func BenchmarkRun(b *testing.B) {
	j := open(b, b.TempDir(), journal.Options{})
	var left atomic.Int64
	round := 0
	for b.Loop() {
		b.StopTimer()
		round++
		left.Store(200)
		write(b, j, round, 1000, &left)
		b.SetBytes(j.Stats().BacklogBytes)
		b.StartTimer()
		drain(b, j, discard)
	}
}

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/journal"
)

// gauges reads what the lines' journals and sinks say of themselves when
// Prometheus asks.
type gauges struct{ house *house }

// A figure is one metric of a line.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*line, journal.Stats) float64
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("penstock_"+name, help, []string{"stream"}, nil)
}

var figures = []figure{
	{describe("journal_backlog_events", "Events on disk that Kafka does not have yet."), prometheus.GaugeValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.BacklogEvents) }},
	{describe("journal_backlog_bytes", "Bytes on disk that Kafka does not have yet."), prometheus.GaugeValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.BacklogBytes) }},
	{describe("journal_appended_events_total", "Events appended since the start."), prometheus.CounterValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.Appended) }},
	{describe("journal_syncs_total", "fdatasync calls since the start."), prometheus.CounterValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.Commits) }},
	{describe("journal_sync_failures_total", "fdatasync calls that failed: look at the disk."), prometheus.CounterValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.SyncFailures) }},
	{describe("journal_quarantined_ranges", "Damaged ranges that recovery set aside."), prometheus.GaugeValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.Damage) }},
	{describe("journal_lost_events", "Acknowledged events in damaged ranges that Kafka did not have: see the quarantine files."), prometheus.GaugeValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.LostEvents) }},
	{describe("journal_quota_bytes", "Most bytes the journal holds for Kafka."), prometheus.GaugeValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.QuotaBytes) }},
	{describe("journal_identities", "Identities remembered to tell duplicates."), prometheus.GaugeValue,
		func(_ *line, s journal.Stats) float64 { return float64(s.Identities) }},
	{describe("kafka_published_events_total", "Events and dead letters put into Kafka since the start."), prometheus.CounterValue,
		func(l *line, _ journal.Stats) float64 { return float64(l.sink.State().Events) }},
	{describe("kafka_rounds_total", "Kafka transactions committed since the start."), prometheus.CounterValue,
		func(l *line, _ journal.Stats) float64 { return float64(l.sink.State().Rounds) }},
	{describe("kafka_stalled", "1 while publishing stands still."), prometheus.GaugeValue,
		func(l *line, _ journal.Stats) float64 {
			if l.stalled.Load() != nil {
				return 1
			}
			return 0
		}},
}

// Describe implements prometheus.Collector.
func (gauges) Describe(to chan<- *prometheus.Desc) {
	for _, f := range figures {
		to <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	for _, l := range g.house.openLines() {
		stats := l.journal.Stats()
		for _, f := range figures {
			to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.of(l, stats), l.name)
		}
	}
}

func (h *house) openLines() []*line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.lines))
}

// checks say whether the house is ready to take events. Kafka is not among
// them: while it is away the journals take events all the same.
func (h *house) checks() []ingest.Check {
	return []ingest.Check{{Name: "journals", Ready: func(context.Context) error {
		for _, l := range h.openLines() {
			if why := l.journal.Stats().Broken; why != "" {
				return fmt.Errorf("the journal of stream %s takes no events: %s", l.name, why)
			}
		}
		return nil
	}}}
}

package main

import (
	"github.com/prometheus/client_golang/prometheus"
)

// tableGauges tells Prometheus how far the tables have come that follow topics.
type tableGauges struct {
	// followed is what is followed at the moment, by stream.
	followed func() map[string]*followed
}

var (
	tableEvents = prometheus.NewDesc("penstock_table_events_total",
		"Events taken from the stream's topic since the start, by what became of them: delivered (written, or older than what is there) or rejected.",
		[]string{"stream", "fate"}, nil)
	tableStalled = prometheus.NewDesc("penstock_table_stalled", "1 while nothing can be written to the stream's table; the log says why.", []string{"stream"}, nil)
)

// Describe implements prometheus.Collector.
func (tableGauges) Describe(to chan<- *prometheus.Desc) {
	to <- tableEvents
	to <- tableStalled
}

// Collect implements prometheus.Collector.
func (g tableGauges) Collect(to chan<- prometheus.Metric) {
	for stream, f := range g.followed() {
		tally := f.total.Tally()
		for fate, n := range map[string]int64{"delivered": tally.Delivered, "rejected": tally.Rejected} {
			to <- prometheus.MustNewConstMetric(tableEvents, prometheus.CounterValue, float64(n), stream, fate)
		}
		stalled := 0.0
		if f.stalled.Load() {
			stalled = 1
		}
		to <- prometheus.MustNewConstMetric(tableStalled, prometheus.GaugeValue, stalled, stream)
	}
}

// followedTables is what the tables of the house follow, by stream.
func (h *house) followedTables() map[string]*followed {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]*followed{}
	for name, k := range h.tables {
		all[name] = k.state
	}
	return all
}

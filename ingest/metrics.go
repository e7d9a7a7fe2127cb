package ingest

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-io/penstock"
)

// An ackLabel is how a request's time is filed: by the ack that it waited for.
type ackLabel uint8

const (
	ackDisk  = ackLabel(penstock.AckDisk)
	ackKafka = ackLabel(penstock.AckKafka)
	ackNone  = ackKafka + 1 // reads, and what was refused before it was written
)

var ackLabels = [...]string{ackDisk: "disk", ackKafka: "kafka", ackNone: "none"}

// metrics are what the handler counts. All handles are fetched once: finding
// one by its labels costs more than counting.
type metrics struct {
	events   *prometheus.CounterVec // by stream and status
	requests *prometheus.CounterVec // by status code
	codes    [600]prometheus.Counter
	seconds  [len(ackLabels)]prometheus.Observer
	body     prometheus.Counter
	inWork   atomic.Int64
}

// knownCodes are the answers that are counted without a look-up.
var knownCodes = []int{200, 202, 207, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503, 504}

func newMetrics(h *Handler) *metrics {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_http_events_total",
			Help: "Events received over HTTP, by the status their sender was told.",
		}, []string{"stream", "status"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_http_requests_total",
			Help: "HTTP requests answered, by status code.",
		}, []string{"code"}),
		body: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "penstock_http_body_bytes_total",
			Help: "Bytes of request bodies read, as sent.",
		}),
	}
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "penstock_http_request_seconds",
		Help:    "Time from the end of a request's header to its answer, by the ack it waited for.",
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"ack"})
	for i, label := range ackLabels {
		m.seconds[i] = seconds.WithLabelValues(label)
	}
	for _, code := range knownCodes {
		m.codes[code] = m.requests.WithLabelValues(strconv.Itoa(code))
	}
	gauge := func(name, help string, read func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	h.limits.Metrics.MustRegister(m.events, m.requests, m.body, seconds,
		gauge("penstock_http_requests_in_work", "Requests being worked on.", m.inWork.Load),
		gauge("penstock_http_memory_bytes", "Memory that requests in work are charged with.", h.budget.used.Load),
		gauge("penstock_http_memory_bytes_max", "Memory that requests in work may be charged with.", func() int64 { return h.budget.max }))
	return m
}

func (m *metrics) observe(c *call, took time.Duration) {
	m.seconds[c.ack].Observe(took.Seconds())
	if c.status > 0 && c.status < len(m.codes) && m.codes[c.status] != nil {
		m.codes[c.status].Inc()
		return
	}
	m.requests.WithLabelValues(strconv.Itoa(c.status)).Inc()
}

package reads

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a Handler counts.
type metrics struct {
	requests *prometheus.CounterVec // by path as declared, and status
	rows     prometheus.Counter
	seconds  prometheus.Histogram // of a page in the database
}

// newMetrics registers the metrics; to may be nil.
func newMetrics(to prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_reads_requests_total",
			Help: "Requests for a user's rows, by the path as the stream file declares it and the status of the answer.",
		}, []string{"path", "code"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "penstock_reads_rows_total",
			Help: "Rows shown.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "penstock_reads_page_seconds",
			Help:    "Time that the database took for a page, waiting for a connection included.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5},
		}),
	}
	if to != nil {
		to.MustRegister(m.requests, m.rows, m.seconds)
	}
	return m
}

// count counts an answer.
func (m *metrics) count(path string, status, rows int) {
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
	m.rows.Add(float64(rows))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// A house is all that serve keeps open: the development broker if there is
// one, a line for each stream, and the door they share.
type house struct {
	config  *serveConfig
	log     *slog.Logger
	audit   *slog.Logger
	broker  *kafka.DevBroker // nil with --kafka
	kafka   kafka.Config
	door    *ingest.Handler
	metrics *prometheus.Registry
	reloads *prometheus.CounterVec

	mu      sync.Mutex
	rules   []*stream.Stream            // in force
	lines   map[string]*line            // by stream; a stream that is gone keeps its line, to drain
	reading *readingRoom                // nil without a database
	tables  tableKeepers                // what puts the topics into a database
	lookups map[string]*enrich.Enricher // by stream, in force
	retired []retiree
}

// A retiree is look-ups out of force, which a request under way may still use.
type retiree struct {
	lookups *enrich.Enricher
	since   time.Time
}

// bodyPatience is more than a request takes until its look-ups begin.
const bodyPatience = time.Minute

// openHouse opens everything that the configuration names. The caller closes
// the house.
func openHouse(ctx context.Context, c *serveConfig, log, audit *slog.Logger) (h *house, err error) {
	h = &house{
		config: c, log: log, audit: audit, metrics: prometheus.NewRegistry(),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_reloads_total", Help: "SIGHUPs by what became of them.",
		}, []string{"result"}),
		lines: map[string]*line{}, lookups: map[string]*enrich.Enricher{},
	}
	r, err := h.read(ctx) // before anything is made
	if err != nil {
		return h, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll(r.lookups), h.close(0))
		}
	}()
	if err := h.makeData(); err != nil {
		return h, err
	}
	if err := h.openKafka(); err != nil {
		return h, err
	}
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), gauges{h}, tableGauges{h.followedTables}, h.reloads)
	h.door = ingest.New(ingest.Options{
		BodyBytesMax: c.limits.bodyBytes, EventsMax: c.limits.events, MemoryBytesMax: c.limits.memoryBytes,
		Timeout: c.limits.timeout, SendOnly: c.open, Failure: failure, Metrics: h.metrics, Log: log,
	})
	from := c.reads.from
	if from == "" {
		from = h.database()
	}
	if from != h.database() {
		warnUnverified(h.database(), log)
	}
	if from != "" {
		if h.reading, err = h.openReads(from); err != nil {
			return h, err
		}
	}
	return h, h.enforce(r)
}

func (h *house) openKafka() (err error) {
	h.kafka, err = h.config.kafka.client(h.log)
	if err != nil || len(h.kafka.Brokers) > 0 {
		return err
	}
	h.broker, err = kafka.StartDevBroker(h.config.devKafka, filepath.Join(h.config.data, "broker"), h.log)
	if errors.Is(err, kafka.ErrInUse) {
		return fmt.Errorf("%w; is another penstock running on --data %s? stop it, or give this one another folder", err, h.config.data)
	}
	if err != nil {
		return fmt.Errorf("%w (give --dev-kafka another port, or --kafka your cluster)", err)
	}
	h.kafka.Brokers = []string{h.broker.Addr()}
	return nil
}

// heapBudget is what the garbage collector may use, see paceCollection.
func (h *house) heapBudget() int64 {
	if h.broker != nil {
		return heapBudget + brokerBudget
	}
	return heapBudget
}

func (h *house) kafkaNote() string {
	if h.broker != nil {
		return h.broker.Addr() + " (development broker, in this process)"
	}
	return fmt.Sprint(h.kafka.Brokers)
}

func (h *house) streams() []*stream.Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rules
}

// reload puts the stream files, keys and certificates as they now are into
// force; what is wrong with them leaves the old ones in place.
func (h *house) reload(ctx context.Context, door *ingest.Server) {
	if err := door.Reload(func() error { return h.load(ctx) }); err != nil {
		h.reloads.WithLabelValues("refused").Inc()
		h.log.Error("reload refused, what was in force stays", "err", err)
		return
	}
	h.reloads.WithLabelValues("taken").Inc()
	h.log.Info("reloaded streams and keys", "streams", len(h.streams()))
}

// load reads streams and keys and puts them into force together.
func (h *house) load(ctx context.Context) error {
	r, err := h.read(ctx)
	if err != nil {
		return err
	}
	if err := h.enforce(r); err != nil {
		return errors.Join(err, closeAll(r.lookups))
	}
	return nil
}

// enforce puts rules into force. After an error those before are in force still.
func (h *house) enforce(r ruleset) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	doors, err := h.openDoors(r)
	if err == nil && h.reading != nil {
		err = h.reading.replace(r.streams)
	}
	if err == nil {
		err = h.door.Replace(doors, r.keys)
	}
	if err != nil {
		return err
	}
	h.closeRetired(time.Now().Add(-bodyPatience - h.config.limits.timeout))
	for _, e := range h.lookups {
		h.retired = append(h.retired, retiree{e, time.Now()})
	}
	h.rules, h.lookups = r.streams, r.lookups
	if to := h.database(); to != "" {
		h.tables.keep(r.streams, to, h.kafka, h.log)
	}
	return nil
}

// database is where the streams' tables are; "" for nowhere.
func (h *house) database() string {
	switch {
	case h.config.to == noDatabase, h.config.to == "" && h.config.kafka.brokers != "":
		return ""
	case h.config.to == "":
		return "sqlite:" + filepath.Join(h.config.data, "penstock.db")
	}
	return h.config.to
}

// closeRetired closes what has been out of force since before.
func (h *house) closeRetired(before time.Time) {
	h.retired = slices.DeleteFunc(h.retired, func(r retiree) bool {
		if r.since.After(before) {
			return false
		}
		if err := r.lookups.Close(); err != nil {
			h.log.Warn("close look-ups that are out of force", "err", err)
		}
		return true
	})
}

// makeData makes the data folder if it is not there.
func (h *house) makeData() error {
	if err := os.MkdirAll(h.config.data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}

// openDoors makes sure that each stream has its line. A line opened for a
// reload that fails later stays open and idle; the next reload takes it up.
func (h *house) openDoors(r ruleset) ([]ingest.Stream, error) {
	var doors []ingest.Stream
	for _, s := range r.streams {
		l := h.lines[s.Name]
		if l == nil {
			var err error
			if l, err = openLine(h.config.line, h.config.data, s, h.kafka, h.log); err != nil {
				return nil, err
			}
			h.lines[s.Name] = l
		}
		doors = append(doors, l.door(s, r.lookups[s.Name]))
	}
	return doors, nil
}

// close drains every line for at most patience, then closes all that is open.
// Metrics and checks are answered meanwhile.
func (h *house) close(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wait sync.WaitGroup
	lines := h.openLines()
	errs := make([]error, len(lines))
	for i, l := range lines {
		wait.Go(func() { errs[i] = l.close(ctx) })
	}
	wait.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tables.stop()
	h.closeRetired(time.Now())
	errs = append(errs, closeAll(h.lookups))
	errs = append(errs, h.reading.close())
	if h.broker != nil {
		h.broker.Close()
	}
	return errors.Join(errs...)
}

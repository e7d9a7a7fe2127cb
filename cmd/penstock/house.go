package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/examples/orders"
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
func openHouse(c *serveConfig, log, audit *slog.Logger) (h *house, err error) {
	h = &house{
		config: c, log: log, audit: audit, metrics: prometheus.NewRegistry(),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_reloads_total", Help: "SIGHUPs by what became of them.",
		}, []string{"result"}),
		lines: map[string]*line{}, lookups: map[string]*enrich.Enricher{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close(0))
		}
	}()
	if _, _, err := h.read(); err != nil { // before anything is opened
		return h, err
	}
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
	return h, h.load()
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
func (h *house) reload(door *ingest.Server) {
	if err := door.Reload(h.load); err != nil {
		h.reloads.WithLabelValues("refused").Inc()
		h.log.Error("reload refused, what was in force stays", "err", err)
		return
	}
	h.reloads.WithLabelValues("taken").Inc()
	h.log.Info("reloaded streams and keys", "streams", len(h.streams()))
}

// load reads streams and keys and puts them into force together.
func (h *house) load() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	rules, keys, err := h.read()
	if err != nil {
		return err
	}
	lookups, err := h.openLookups(rules)
	if err != nil {
		return err
	}
	doors, err := h.openDoors(rules, lookups)
	if err != nil {
		return errors.Join(err, closeAll(slices.Collect(maps.Values(lookups))))
	}
	if h.reading != nil {
		err = h.reading.replace(rules)
	}
	if err == nil {
		err = h.door.Replace(doors, keys)
	}
	if err != nil {
		return errors.Join(err, closeAll(slices.Collect(maps.Values(lookups))))
	}
	h.closeRetired(time.Now().Add(-bodyPatience - h.config.limits.timeout))
	for _, e := range h.lookups {
		h.retired = append(h.retired, retiree{e, time.Now()})
	}
	h.rules, h.lookups = rules, lookups
	if to := h.database(); to != "" {
		h.tables.keep(rules, to, h.kafka, h.log)
	}
	return nil
}

// database is where the streams' tables are; "" for nowhere.
func (h *house) database() string {
	switch {
	case h.config.to == noDatabase, h.config.to == "" && h.broker == nil:
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

func (h *house) read() ([]*stream.Stream, *ingest.Keys, error) {
	path := h.config.streams
	if path == "" {
		path = filepath.Join(h.config.data, "streams")
		if err := h.makeData(); err != nil {
			return nil, nil, err
		}
		if err := writeExample(path); err != nil {
			return nil, nil, err
		}
	}
	rules, err := stream.Load(path)
	if err != nil {
		return nil, nil, err
	}
	taken := map[string]string{kafka.ProgressTopic: "how far the journals have come"}
	for _, s := range rules {
		taken[s.Topic+".rejects"] = "the rejects of stream " + s.Name
	}
	for _, s := range rules {
		if other := taken[s.Topic]; other != "" {
			return nil, nil, fmt.Errorf("%s: topic %s of stream %s holds %s: give the stream another topic", s.File, s.Topic, s.Name, other)
		}
		if l := h.lines[s.Name]; l != nil && l.into != s.Topic {
			return nil, nil, fmt.Errorf("%s: the topic of stream %s was %s and is now %s: a topic only changes with a restart", s.File, s.Name, l.into, s.Topic)
		}
	}
	if h.config.keys == "" {
		return rules, nil, nil
	}
	keys, err := ingest.LoadKeys(h.config.keys)
	return rules, keys, err
}

// openLookups opens those of all streams at a time: each may wait for a database
// that is away.
func (h *house) openLookups(rules []*stream.Stream) (map[string]*enrich.Enricher, error) {
	found, errs := make([]*enrich.Enricher, len(rules)), make([]error, len(rules))
	var all sync.WaitGroup
	for i, s := range rules {
		all.Go(func() { found[i], errs[i] = enrich.New(s, enrich.Options{Log: h.log}) })
	}
	all.Wait()
	opened := map[string]*enrich.Enricher{}
	for i, s := range rules {
		if found[i] != nil {
			opened[s.Name] = found[i]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, closeAll(slices.Collect(maps.Values(opened))))
	}
	return opened, nil
}

// openDoors makes sure that each stream has its line. A line opened for a
// reload that fails later stays open and idle; the next reload takes it up.
func (h *house) openDoors(rules []*stream.Stream, lookups map[string]*enrich.Enricher) ([]ingest.Stream, error) {
	var doors []ingest.Stream
	for _, s := range rules {
		l := h.lines[s.Name]
		if l == nil {
			var err error
			if l, err = openLine(h.config.line, h.config.data, s, h.kafka, h.log); err != nil {
				return nil, err
			}
			h.lines[s.Name] = l
		}
		doors = append(doors, l.door(s, lookups[s.Name]))
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
	errs = append(errs, closeAll(slices.Collect(maps.Values(h.lookups))))
	errs = append(errs, h.reading.close())
	if h.broker != nil {
		h.broker.Close()
	}
	return errors.Join(errs...)
}

func closeAll(lookups []*enrich.Enricher) error {
	var errs []error
	for _, e := range lookups {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}

// writeExample writes the orders example to dir unless there is something.
func writeExample(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(orders.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := orders.Files.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), data, 0o644)
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/examples/orders"
	"github.com/penstock-io/penstock/ingest"
	"github.com/penstock-io/penstock/kafka"
	"github.com/penstock-io/penstock/stream"
)

// A ruleset is all that can be put into force together.
type ruleset struct {
	streams []*stream.Stream
	lookups map[string]*enrich.Enricher // by stream
	keys    *ingest.Keys                // nil without --keys
}

// read reads the stream files and the keys file and opens the look-ups, which the
// caller closes. It makes nothing but the example's stream file.
func (h *house) read(ctx context.Context) (r ruleset, err error) {
	path := h.config.streams
	if path == "" {
		path = filepath.Join(h.config.data, "streams")
		if err := h.makeData(); err != nil {
			return r, err
		}
		if err := writeExample(path); err != nil {
			return r, err
		}
	}
	if r.streams, err = stream.Load(path); err != nil {
		return r, err
	}
	if err := errors.Join(h.checkTopics(r.streams), h.checkTables(r.streams)); err != nil {
		return r, err
	}
	if h.config.keys != "" {
		if r.keys, err = ingest.LoadKeys(h.config.keys); err != nil {
			return r, err
		}
	}
	r.lookups, err = h.openLookups(ctx, r.streams)
	return r, err
}

// checkTopics refuses a topic that is something else already. Two streams cannot
// share one: its readers, and replay, would take the events and rejects of one for
// those of the other.
func (h *house) checkTopics(rules []*stream.Stream) error {
	taken := map[string]string{kafka.ProgressTopic: "how far the journals have come"}
	for _, s := range rules {
		taken[s.Topic+".rejects"] = "the rejects of stream " + s.Name
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range rules {
		if other := taken[s.Topic]; other != "" {
			return fmt.Errorf("%s: topic %s of stream %s holds %s: give the stream another topic", s.File, s.Topic, s.Name, other)
		}
		taken[s.Topic] = "the events of stream " + s.Name
		if l := h.lines[s.Name]; l != nil && l.into != s.Topic {
			return fmt.Errorf("%s: the topic of stream %s was %s and is now %s: a topic only changes with a restart", s.File, s.Name, l.into, s.Topic)
		}
	}
	return nil
}

// checkTables refuses a table of two streams, whose rows would give way to each
// other's.
func (h *house) checkTables(rules []*stream.Stream) error {
	if h.database() == "" {
		return nil
	}
	taken := map[string]string{}
	for _, s := range rules {
		if other := taken[s.Table.Name]; other != "" {
			return fmt.Errorf("%s: table %s of stream %s holds the rows of stream %s: give the stream another table", s.File, s.Table.Name, s.Name, other)
		}
		taken[s.Table.Name] = s.Name
	}
	return nil
}

// openLookups opens those of all streams at a time: each may wait for a database
// that is away.
func (h *house) openLookups(ctx context.Context, rules []*stream.Stream) (map[string]*enrich.Enricher, error) {
	found, errs := make([]*enrich.Enricher, len(rules)), make([]error, len(rules))
	var all sync.WaitGroup
	for i, s := range rules {
		all.Go(func() { found[i], errs[i] = enrich.New(ctx, s, enrich.Options{Log: h.log}) })
	}
	all.Wait()
	opened := map[string]*enrich.Enricher{}
	for i, s := range rules {
		if found[i] != nil {
			opened[s.Name] = found[i]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, closeAll(opened))
	}
	return opened, nil
}

func closeAll(lookups map[string]*enrich.Enricher) error {
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

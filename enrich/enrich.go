// Package enrich carries out a stream's look-ups: it asks other data about an
// event and adds what that says to the event's values.
//
//	lookups, err := enrich.New(ctx, s, enrich.Options{Log: log})
//	if err != nil { … }                 // a file that is missing or broken, a look-up that cannot work
//	defer lookups.Close()
//	steps := []penstock.Step{s.Check, s.Derive, s.Identify, lookups.Step, s.Encode}
//
// Files are held in memory as a whole and read again when they change.
// Databases and HTTP services are asked once per value, however many events
// want it at the same time, and their answers, also that there is none, are
// kept for the look-up's ttl. A source that fails several times in a row is
// left alone for a while. What becomes of an event without a good answer is the
// look-up's policy; an event is never enriched in part in silence, and a
// shutdown never passes for a failing source.
//
// An empty CSV cell, a SQL NULL and a JSON null add a null; a member that is not
// in the answer leaves its field absent.
package enrich

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// Options say how an Enricher reaches the world. The zero Options do.
type Options struct {
	// Log is told when a source begins to fail or answers again and when a file
	// is read again. nil means slog.Default.
	Log *slog.Logger

	// Secrets are the ${NAME}s of dsn and url that are no variables of the
	// environment. The database is then PostgreSQL.
	Secrets map[string]Secret

	// HTTPClient is used for http look-ups, but for its CheckRedirect: redirects
	// to another host are never followed. nil means a client of the Enricher's
	// own with at most 16 connections to a host.
	HTTPClient *http.Client
}

// An Enricher holds the look-ups of one stream. It is safe for any number of
// goroutines.
type Enricher struct {
	lookups []*lookup
	files   []*file
	remotes int // look-ups that ask outside the process
	closers []func() error

	stop     context.CancelFunc
	watching sync.WaitGroup
}

// New makes s's look-ups ready: it reads every file, and fails when one cannot
// be read, so that a start with broken data is noticed. It has each database
// that can be reached compile its query, and fails when that cannot be.
// Services are first asked when an event needs them. When ctx ends meanwhile, it
// returns why; afterwards ctx means nothing. The caller closes the Enricher.
func New(ctx context.Context, s *stream.Stream, o Options) (*Enricher, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	x := &Enricher{stop: func() {}}
	for _, declared := range s.Lookups {
		if err := x.add(s, declared, o); err != nil {
			return nil, errors.Join(mistake(s, declared, err), x.Close())
		}
	}
	if err := x.checkQueries(ctx, s, o.Log); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	x.watch()
	return x, nil
}

// mistake says where the look-up is declared that err is about.
func mistake(s *stream.Stream, declared stream.Lookup, err error) error {
	return fmt.Errorf("%s:%d: look-up %s: %w", s.File, declared.Line, declared.Name, err)
}

// add makes one look-up.
func (x *Enricher) add(s *stream.Stream, declared stream.Lookup, o Options) error {
	l := &lookup{
		declared: declared,
		pointer:  "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s.Fields[declared.Match].Name),
	}
	log := o.Log.With("stream", s.Name, "lookup", declared.Name)
	fields := make([]stream.Field, len(declared.Add))
	for i, a := range declared.Add {
		fields[i] = s.Fields[a.Slot]
	}
	switch {
	case declared.File != "":
		f, err := openFile(declared, fields, log, &l.counts)
		if err != nil {
			return err
		}
		l.source, x.files = f, append(x.files, f)
	case declared.SQL != nil:
		q, err := openQuery(s.File, declared, fields, o)
		if err != nil {
			return err
		}
		x.closers = append(x.closers, q.db.Close)
		x.addRemote(l, q, log)
	default:
		h, err := newEndpoint(declared, fields, o)
		if err != nil {
			return err
		}
		x.closers = append(x.closers, h.close)
		x.addRemote(l, h, log)
	}
	x.lookups = append(x.lookups, l)
	return nil
}

func (x *Enricher) addRemote(l *lookup, a asker, log *slog.Logger) {
	r := newRemote(l.declared, a, log, &l.counts)
	l.source = r
	x.remotes++
	x.closers = append(x.closers, r.answers.Close)
}

// watch looks at the files once a second, in a goroutine that Close ends.
func (x *Enricher) watch() {
	if len(x.files) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	x.stop = cancel
	x.watching.Go(func() {
		tick := time.NewTicker(checkEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for _, f := range x.files {
				f.check()
			}
		}
	})
}

// Step is the penstock.Step: it adds what the look-ups say, in the order of
// their declaration, so that one may match what an earlier one added. It gives
// a *penstock.Reject of code "lookup_missing" or "lookup" where the policy is
// reject, and another error when the event is to be tried again: the source
// fails and the policy is retry, or ctx has ended.
func (x *Enricher) Step(ctx context.Context, e *penstock.Event) error {
	for _, l := range x.lookups {
		if err := l.run(ctx, e, &l.counts); err != nil {
			return err
		}
	}
	return nil
}

// Close ends what is under way and closes the databases. No Step may be called
// afterwards.
func (x *Enricher) Close() error {
	x.stop()
	x.watching.Wait()
	var errs []error
	for i := len(x.closers) - 1; i >= 0; i-- { // a cache, whose loads use the database, before the database
		errs = append(errs, x.closers[i]())
	}
	return errors.Join(errs...)
}

// Stats is what one look-up has done so far, for metrics.
type Stats struct {
	Lookup  string
	Hits    int64 // events answered from memory, also by what was asked ahead
	Misses  int64 // times the source was asked, or its answer to another event awaited
	Missing int64 // events without an answer, or without the value to ask with
	Errors  int64 // events that the source failed to answer
	Entries int   // rows or answers in memory
	Reloads int64 // times a changed file was read
	Broken  int64 // times a changed file could not be read and the old data was kept
	Stale   bool  // the data in use is not what the file says now
}

// Stats returns the figures of each look-up, in order of declaration.
func (x *Enricher) Stats() []Stats {
	all := make([]Stats, len(x.lookups))
	for i, l := range x.lookups {
		c := &l.counts
		all[i] = Stats{
			Lookup: l.declared.Name, Hits: c.hits.Load(), Misses: c.misses.Load(), Missing: c.missing.Load(), Errors: c.errors.Load(),
			Entries: l.source.entries(), Reloads: c.reloads.Load(), Broken: c.broken.Load(), Stale: c.stale.Load(),
		}
	}
	return all
}

// counts are a look-up's figures.
type counts struct {
	hits, misses, missing, errors, reloads, broken atomic.Int64
	stale                                          atomic.Bool
}

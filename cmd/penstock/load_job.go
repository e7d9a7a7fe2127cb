package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/internal/progress"
	"github.com/penstock-io/penstock/stream"
)

// A loading is one run of penstock load: it carries the chunks of a job's
// files from the CSV door through the stream's rules to the target. Other runs,
// before it or beside it, may work on the same job; the ledger tells what they
// have done.
type loading struct {
	config  *loadConfig
	mode    penstock.TableMode
	stream  *stream.Stream
	lookups *enrich.Enricher
	log     *slog.Logger
	files   []string // as they were named: the sources of the job

	job     string
	prints  map[string]string // the files' fingerprints
	target  loadTarget        // nil: judge only
	toTopic bool              // the target takes records and not rows
	source  *csvfile.Source
	rejects csvfile.Rejects
	bytes   int64 // of all files, 0 when that is not known
	began   time.Time

	known map[place]penstock.Chunk // in the ledger when it was last read
	taken atomic.Int64             // chunks that another loader had in work

	total          penstock.Total
	read, rejected atomic.Int64 // records judged so far, and those refused
	serving        atomic.Int64 // nanoseconds that workers were in the target

	mu       sync.Mutex // guards all below
	done     map[place]penstock.Tally
	codes    map[place]map[string]int64
	examples []csvfile.RejectLine
}

// errTooMany ends a load that finds more rejects than it may.
var errTooMany = errors.New("too many rejects")

// errStopped ends a load that a signal has stopped.
var errStopped = errors.New("stopped; the same command goes on from here")

func (l *loading) run(ctx context.Context, sh shell) (err error) {
	l.began = time.Now()
	l.done, l.codes = map[place]penstock.Tally{}, map[place]map[string]int64{}
	if l.config.retryRejects {
		if l.useRejects(); len(l.files) == 0 {
			fmt.Fprintln(sh.stdout, "there are no rejects")
			return nil
		}
	}
	if err := l.prepare(sh.stdin); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.source.Close()) }()
	if err := l.source.Check(); err != nil {
		return err
	}
	inOrder := false
	if !l.config.dryRun {
		if l.target, inOrder, err = l.config.openTarget(ctx, l.stream, l.mode, l.job, l.log); err != nil {
			if ctx.Err() != nil { // in a database's words
				return errStopped
			}
			return err
		}
		_, l.toTopic = l.target.(*kafkaTarget)
		l.rejects.Loader = l.target.Loader()
		defer func() { err = errors.Join(err, l.target.Close()) }()
		for _, name := range l.files {
			if err := l.target.Source(ctx, l.job, name, l.prints[name]); err != nil {
				return fmt.Errorf("%w (with penstock load: --job NAME; a file that was only touched gets its time back with touch -d)", err)
			}
		}
	}
	o := progress.Options{Out: sh.stderr}
	if l.config.json {
		o.Form = progress.JSON
	} else if terminal(sh.stderr) {
		o.Form = progress.Bar
	}
	pacing := startPacing(sh.getenv, heapBudget)
	stop := progress.Start(ctx, o, l.sample)
	failed := l.load(ctx, inOrder)
	stop()
	pacing()
	return l.report(ctx, sh, failed)
}

// prepare takes the files' fingerprints and names the job.
func (l *loading) prepare(stdin io.Reader) error {
	o, encoding, err := l.config.csv.options()
	if err != nil {
		return err
	}
	if l.config.csv.chunk == 0 && strings.HasPrefix(l.config.to, "sqlite:") {
		o.ChunkBytes = sqliteChunkBytes
	}
	if l.config.retryRejects {
		o.Columns, encoding = nil, csvfile.UTF8 // rejects have a header, and are written as they were read: in UTF-8
	}
	l.source = &csvfile.Source{
		Stream: l.stream, Files: l.files, Encoding: encoding, Options: o, Ignore: strings.Split(l.config.csv.ignore, ","), Workers: l.config.workersFor(),
		Stdin: stdin,
	}
	if err := l.checkFolder(); err != nil {
		return err
	}
	l.prints = map[string]string{}
	outs := map[string]string{}
	for _, name := range l.files {
		if l.prints[name], err = l.fingerprint(name); err != nil {
			return fmt.Errorf("%w (is the name right?)", err)
		}
		if other := outs[l.out(name)]; other != "" {
			return usagef("the rejects of %s and %s would go to the same file: load them into different folders with --rejects", other, name)
		}
		outs[l.out(name)] = name
		if err := l.checkRejects(name); err != nil {
			return err
		}
		l.bytes += l.source.Size(name)
	}
	l.job = l.nameJob(o, encoding)
	to := l.config.to
	if file, is := strings.CutPrefix(to, "sqlite:"); is {
		if absolute, err := filepath.Abs(file); err == nil {
			to = "sqlite:" + absolute
		}
	}
	sum := sha256.Sum256([]byte(to))
	target := hex.EncodeToString(sum[:4])
	l.rejects = csvfile.Rejects{Dir: filepath.Join(l.config.rejects, csvfile.DirPrefix+l.job[len(l.job)-16:]+"-"+target), Target: target}
	return nil
}

// fingerprint is that of a file. A pipe is waited for where the job has a name, by
// which it may go on; else it is a job of its own, and read when its turn comes.
func (l *loading) fingerprint(name string) (string, error) {
	if l.config.job == "" && name != "-" && csvfile.Once(name) {
		return "", nil
	}
	return l.source.Fingerprint(name)
}

// nameJob names the job by all that decides which rows come of which bytes:
// runs that would do the same are one job, and what one has loaded the others
// do not load again. What comes by standard input or a pipe is a job of its own
// each time, unless it is given a name.
func (l *loading) nameJob(o csvfile.Options, encoding csvfile.Encoding) string {
	h := sha256.New()
	part := func(format string, args ...any) { fmt.Fprintf(h, format+"\x00", args...) }
	part("%s %s %s %s", l.stream.Name, l.stream.Version, l.stream.Table.Name, l.mode)
	part("%q %d %d %d %v %s %q", o.Columns, o.Comma, o.ChunkBytes, o.RecordBytesMax, o.Lenient, encoding, l.source.Ignore)
	part("%s", l.config.job)
	if l.mode == penstock.Replace || l.config.retryRejects {
		for _, name := range l.files {
			part("%s %s", name, l.prints[name])
		}
	}
	if l.config.job == "" && slices.ContainsFunc(l.files, csvfile.Once) {
		part("%s", rand.Text())
	}
	return "load-" + l.stream.Name + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// out is what the names of a file's rejects begin with.
func (l *loading) out(name string) string {
	if name == "-" {
		name = "stdin"
	}
	return filepath.Join(l.config.rejects, filepath.Base(name)+".rejects")
}

// checkFolder makes the folder of the rejects and sees whether files can be made
// in it, before anything is loaded.
func (l *loading) checkFolder() error {
	if l.config.dryRun {
		return nil
	}
	err := os.MkdirAll(l.config.rejects, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(l.config.rejects, ".penstock-*.part"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("rejects could not be kept: give a folder that can be written to with --rejects: %w", err)
	}
	return nil
}

// checkRejects refuses to put a file's rejects in the place of another file's
// that has the same name in another folder.
func (l *loading) checkRejects(name string) error {
	if l.config.dryRun {
		return nil
	}
	out := l.out(name)
	owner, err := csvfile.OwnerOf(out)
	if err != nil || owner == "" {
		return err
	}
	if owner = filepath.Clean(owner); owner != filepath.Clean(name) && owner != filepath.Clean(out+".csv") {
		return usagef("%s.csv holds the rejects of %s: load them with --retry-rejects, move them away, or give another folder with --rejects", out, owner)
	}
	return nil
}

// sample is how far the load has come.
func (l *loading) sample() progress.Sample {
	_, read := l.source.Progress()
	s := progress.Sample{Bytes: read, BytesAll: l.bytes, Records: l.read.Load(), Rejected: l.rejected.Load()}
	took := time.Since(l.began)
	switch waited := l.source.Waited(); {
	case took < time.Second:
	case waited < took/4:
		s.Bound = "reading the files"
	case time.Duration(l.serving.Load()) > took*time.Duration(l.config.workersFor())/2:
		s.Bound = "the database"
	default:
		s.Bound = "this machine's processors"
	}
	return s
}

// load loads all chunks that nobody has loaded, until none is left, and ends
// the job.
func (l *loading) load(ctx context.Context, inOrder bool) error {
	loader := csvfile.Loader{Known: l.knownChunk, Judge: l.judge, Write: l.write, InOrder: inOrder}
	if l.target == nil {
		loader.Write = l.look
		return l.readFiles(ctx, loader)
	}
	loader.Take = l.take
	if err := l.loadChunks(ctx, loader); err != nil {
		return l.secureWhatIs(ctx, err)
	}
	finished, err := l.target.Finish(ctx)
	if err != nil {
		return err
	}
	if finished.Doubled > 0 {
		if err := l.loadAgain(ctx, finished); err != nil {
			return err
		}
	}
	return finished.Forget(ctx)
}

// readFiles reads all files, and makes sure that what it has read is what the
// job's fingerprints are of: before anything is ended that rests on it.
func (l *loading) readFiles(ctx context.Context, loader csvfile.Loader) error {
	if err := l.source.Load(ctx, loader); err != nil {
		return err
	}
	for _, name := range l.files {
		switch print, err := l.fingerprint(name); {
		case err != nil:
			return fmt.Errorf("%s: was moved or removed while it was read: put it back, and the same command ends the load: %w", name, err)
		case print != l.prints[name]:
			return fmt.Errorf("%s: was changed while it was read, so what was read is in part what it was and in part what it is (it was %s and is %s); "+
				"when nobody writes to it any more, load it anew: with --mode replace, or without the rows that are in the table and with --job NAME", name, l.prints[name], print)
		}
	}
	return nil
}

// loadChunks has the loader load what is to be loaded until the target has all
// chunks on its disk.
func (l *loading) loadChunks(ctx context.Context, loader csvfile.Loader) error {
	for {
		if err := l.readKnown(ctx); err != nil {
			return err
		}
		l.taken.Store(0)
		if err := l.readFiles(ctx, loader); err != nil {
			return err
		}
		if l.taken.Load() == 0 {
			if lost, err := l.secure(ctx); err != nil || lost == 0 {
				return err
			}
			continue
		}
		// Another loader had chunks in work: see whether it is done with them,
		// or has died and left them.
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// loadAgain loads the rows of doubled keys, which finishing has taken out of
// the table: one after the other in the files' order, so that the first of
// each key is taken and the others are refused.
func (l *loading) loadAgain(ctx context.Context, finished penstock.Finished) error {
	l.log.Info("keys stand in the files more than once: the first record of each is kept", "keys", finished.Doubled, "records", finished.Removed)
	job := l.job + csvfile.AgainSuffix
	known, err := l.readLedger(ctx, job)
	if err != nil {
		return err
	}
	// Chunks without such rows leave no trace in the ledger, so all are looked at.
	return l.readFiles(ctx, csvfile.Loader{
		InOrder: true,
		Judge:   func(ctx context.Context, _ *csvfile.Work, some *penstock.Batch) error { return l.rules(ctx, some) },
		Write: func(ctx context.Context, w *csvfile.Work) error {
			if _, done := known[placeOf(w.Chunk)]; done {
				return nil
			}
			var again []*penstock.Event
			for _, e := range w.Batch.Events {
				if e.Verdict() == penstock.Pending && finished.Again(e) {
					again = append(again, e)
				}
			}
			if len(again) == 0 {
				return nil
			}
			w.Batch.Events, w.Judged = again, penstock.Tally{Read: int64(len(again)), Pending: int64(len(again))}
			w.Chunk.Job, w.Chunk.Count = job, int64(len(again))
			_, err := l.put(ctx, w)
			return err
		},
	})
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

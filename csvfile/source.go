package csvfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A Source is the CSV door: it reads files one after the other, and decodes
// their records into the stream's values. One goroutine cuts the text into
// chunks, Workers decode them and carry them on.
type Source struct {
	Stream   *stream.Stream
	Files    []string // "-" is standard input
	Encoding Encoding
	Options  Options

	// Ignore are columns that are read and not taken; a column named - never is.
	Ignore []string

	// Stdin is what is read in the place of "-". It and pipes are copied when they
	// are read first; Close frees the copies.
	Stdin io.Reader

	// Workers is how many chunks are in work at once; 0 means 2. Each takes some
	// fifteen times ChunkBytes of memory.
	Workers int

	kept     map[string]*os.File // copies, by name
	progress progress
}

// progress is what Progress tells of.
type progress struct {
	mu      sync.Mutex
	file    *File
	name    string
	past    int64               // bytes of the files before
	headers map[string][]string // of the files begun

	waited atomic.Int64 // nanoseconds that the reading goroutine waited for a worker
}

// A Work is one chunk on its way: where it stands, its records, and their
// events, which lie in the memory of whoever has decoded them. It is valid while
// a Loader has it.
type Work struct {
	Chunk  penstock.Chunk
	Rows   *Chunk
	Batch  penstock.Batch
	Judged penstock.Tally // the batch's, once all of it is decoded and judged
	Header []string       // the file's columns
}

// A Loader is what becomes of the chunks. Write is required.
type Loader struct {
	// Known returns the chunk of a file that begins at a byte, if it is known to
	// need no more work. It is passed over without a look.
	Known func(file string, start int64) (penstock.Chunk, bool)

	// Take is asked for each other chunk, in order; false passes it over.
	Take func(ctx context.Context, c penstock.Chunk) (bool, error)

	// Judge is called by many workers at once, before Write of a chunk, with some
	// of its events at a time. An error ends the reading.
	Judge func(ctx context.Context, w *Work, some *penstock.Batch) error

	// Write settles the events of the chunk. An error ends the reading.
	Write func(ctx context.Context, w *Work) error

	// InOrder has Write called by one worker at a time, in the files' order.
	InOrder bool
}

// Run reads all files into one sink. The events of a chunk are one batch; the
// records that are malformed or cannot be decoded are in it, already rejected.
func (s *Source) Run(ctx context.Context, into penstock.Sink) error {
	return s.Load(ctx, Loader{Write: func(ctx context.Context, w *Work) error { return into.Write(ctx, &w.Batch) }})
}

// Check reads the files' headers and says what is wrong with them, before
// anything is done with their records. It leaves alone what can be read only
// once, as standard input.
func (s *Source) Check() error {
	for _, name := range s.Files {
		if s.kept[name] == nil && Once(name) {
			continue
		}
		if err := s.checkHeader(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (s *Source) checkHeader(name string) (err error) {
	f, err := s.open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sc, err := NewScanner(f, s.Options)
	if err != nil {
		return err
	}
	_, err = s.columns(sc, name)
	return err
}

func (s *Source) columns(sc *Scanner, name string) (*columns, error) {
	c, err := newColumns(s.Stream, sc.Columns(), s.Ignore, name)
	if err != nil {
		err = fmt.Errorf("%w; or leave it out with --ignore-columns, or name the columns with --columns if the file has no header", err)
	}
	return c, err
}

func (s *Source) open(name string) (*File, error) {
	if !Once(name) || name == "-" && s.Stdin == nil {
		return Open(name, s.Encoding)
	}
	kept, err := s.keep(name)
	if err != nil {
		return nil, err
	}
	info, err := kept.Stat()
	if err != nil {
		return nil, err
	}
	again := io.NewSectionReader(kept, 0, info.Size())
	return openText(name, io.NopCloser(again), info.Size(), s.Encoding)
}

// Progress says which file is being read, and how many bytes of all files have
// been since Load was called last. It may be called at any time.
func (s *Source) Progress() (file string, read int64) {
	p := &s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return "", p.past
	}
	n, _ := p.file.Progress()
	return p.name, p.past + n
}

// Header returns the columns of a file, once Load has begun to read it.
func (s *Source) Header(file string) []string {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	return s.progress.headers[file]
}

func (s *Source) setHeader(file string, header []string) {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	if s.progress.headers == nil {
		s.progress.headers = map[string][]string{}
	}
	s.progress.headers[file] = header
}

// Waited is for how long the reading has waited for workers: as long as it
// takes, what is behind the reading sets the pace.
func (s *Source) Waited() time.Duration { return time.Duration(s.progress.waited.Load()) }

// A task is a chunk that a worker is to carry on.
type task struct {
	work    *Work
	columns *columns
	turn    <-chan struct{} // closed when the chunk before is written
	written chan<- struct{}
}

// Load reads all files and gives their chunks to l, until the end, the first
// error or ctx's. It has no goroutine left when it returns.
func (s *Source) Load(ctx context.Context, l Loader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.rewind()
	workers := s.Workers
	if workers <= 0 {
		workers = 2
	}
	tasks := make(chan task)
	free := make(chan *Work, workers+1)
	for range cap(free) {
		free <- &Work{Rows: &Chunk{}}
	}
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			d := &decoding{decoder: s.Stream.NewDecoder()}
			for t := range tasks {
				if err := s.carry(ctx, l, t, d); err != nil {
					cancel(err)
				}
				close(t.written)
				free <- t.work
			}
		})
	}
	err := s.read(ctx, l, free, tasks)
	close(tasks)
	wait.Wait()
	if cause := context.Cause(ctx); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return cause
	}
	return err
}

// carry decodes a chunk, has it judged, and written when its turn comes.
func (s *Source) carry(ctx context.Context, l Loader, t task, d *decoding) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := s.decode(ctx, l, t, d); err != nil {
		return err
	}
	if l.InOrder {
		select {
		case <-t.turn:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if ctx.Err() != nil { // the one before failed
			return context.Cause(ctx)
		}
	}
	return l.Write(ctx, t.work)
}

// judgedTogether is how many records are decoded and then judged: few enough
// that their values are still in the processor's cache.
const judgedTogether = 256

// decode makes a chunk's events and has them judged, some at a time.
func (s *Source) decode(ctx context.Context, l Loader, t task, d *decoding) error {
	d.begin(t.work, len(s.Stream.Fields))
	events := t.work.Batch.Events
	t.work.Judged = penstock.Tally{}
	for from := 0; from < len(events); from += judgedTogether {
		to := min(from+judgedTogether, len(events))
		t.columns.decode(d.decoder, t.work, from, to)
		some := &penstock.Batch{Events: events[from:to:to]}
		if l.Judge != nil {
			if err := l.Judge(ctx, t.work, some); err != nil {
				return err
			}
		}
		t.work.Judged = t.work.Judged.Add(some.Tally())
	}
	return nil
}

// read cuts all files into tasks.
func (s *Source) read(ctx context.Context, l Loader, free chan *Work, tasks chan<- task) error {
	turn := make(chan struct{})
	close(turn)
	var last <-chan struct{} = turn
	for _, name := range s.Files {
		f, err := s.open(name)
		if err != nil {
			return err
		}
		s.begin(name, f)
		last, err = s.cut(ctx, l, name, f, free, tasks, last)
		s.end()
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (s *Source) rewind() {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	s.progress.past = 0
}

func (s *Source) begin(name string, f *File) {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	s.progress.name, s.progress.file = name, f
}

func (s *Source) end() {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	n, _ := s.progress.file.Progress()
	s.progress.past += n
	s.progress.file = nil
}

// cut hands the chunks of one file to the workers.
func (s *Source) cut(ctx context.Context, l Loader, name string, in io.Reader, free chan *Work, tasks chan<- task, last <-chan struct{}) (<-chan struct{}, error) {
	sc, err := NewScanner(in, s.Options)
	if err != nil {
		return last, err
	}
	columns, err := s.columns(sc, name)
	if err != nil {
		return last, err
	}
	s.setHeader(name, sc.Columns())
	for {
		if l.Known != nil {
			if c, ok := l.Known(name, sc.Offset()); ok {
				if err := sc.Skip(c.Length, uint64(c.Count)); err != nil {
					return last, err
				}
				continue
			}
		}
		began := time.Now()
		var w *Work
		select {
		case w = <-free:
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
		s.progress.waited.Add(int64(time.Since(began)))
		if err := sc.Next(w.Rows); errors.Is(err, io.EOF) {
			free <- w
			return last, nil
		} else if err != nil {
			return last, err
		}
		w.Chunk = penstock.Chunk{Source: name, Start: w.Rows.Start, Length: sc.Offset() - w.Rows.Start, First: w.Rows.First, Count: int64(w.Rows.Len())}
		w.Header = sc.Columns()
		if l.Take != nil {
			take, err := l.Take(ctx, w.Chunk)
			if err != nil {
				return last, err
			}
			if !take {
				free <- w
				continue
			}
		}
		written := make(chan struct{})
		began = time.Now()
		select {
		case tasks <- task{w, columns, last, written}:
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
		s.progress.waited.Add(int64(time.Since(began)))
		last = written
	}
}

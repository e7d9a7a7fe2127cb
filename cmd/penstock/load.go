package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/stream"
)

// loadConfig is what `penstock load` is told.
type loadConfig struct {
	streams, stream string
	to              string
	mode            string
	job             string
	rejects         string // the folder they go to
	connections     int
	workers         int
	dryRun          bool
	retryRejects    bool
	sniff           bool
	json            bool
	errorsMax       int64
	errorRateMax    float64
	patience        time.Duration
	csv             csvConfig
	kafka           kafkaConfig
	log             logConfig
}

// csvConfig is what the subcommands that read CSV files are told of them.
type csvConfig struct {
	delimiter string
	columns   string
	ignore    string
	encoding  string
	lenient   bool
	chunk     int
	record    int
}

func (c *csvConfig) define(flags *flag.FlagSet) {
	flags.StringVar(&c.delimiter, "delimiter", ",", "the `character` between cells; tab for a tab")
	flags.StringVar(&c.columns, "columns", "", "`NAMES` of the columns, with commas, of files without a header; - is a column to ignore")
	flags.StringVar(&c.ignore, "ignore-columns", "", "`NAMES` of columns that are not taken")
	flags.StringVar(&c.encoding, "encoding", "utf8", "utf8, latin1 or utf16")
	flags.BoolVar(&c.lenient, "lenient", false, "let quotes stand anywhere in a cell")
	flags.IntVar(&c.chunk, "chunk-bytes", 0, "how much text is one transaction; 0 is 2 MiB, 1 MiB into SQLite")
	flags.IntVar(&c.record, "record-bytes-max", csvfile.DefaultRecordBytesMax, "longest record that is taken")
}

func (c *csvConfig) options() (csvfile.Options, csvfile.Encoding, error) {
	o := csvfile.Options{Lenient: c.lenient, ChunkBytes: cmp.Or(c.chunk, csvfile.DefaultChunkBytes), RecordBytesMax: c.record}
	encoding, err := csvfile.ParseEncoding(c.encoding)
	if err != nil {
		return o, encoding, usagef("--encoding: %v", err)
	}
	if c.delimiter == "tab" || c.delimiter == `\t` {
		c.delimiter = "\t"
	}
	if len(c.delimiter) != 1 {
		return o, encoding, usagef("--delimiter %q: one character of ASCII, or tab", c.delimiter)
	}
	if c.chunk != 0 && c.chunk < 1<<10 || c.chunk > 64<<20 {
		return o, encoding, usagef("--chunk-bytes %d: say 1024 to %d, or 0", c.chunk, 64<<20)
	}
	if c.record < 1 || c.record > 64<<20 {
		return o, encoding, usagef("--record-bytes-max %d: say 1 to %d", c.record, 64<<20)
	}
	o.Comma = c.delimiter[0]
	if c.columns != "" {
		o.Columns = strings.Split(c.columns, ",")
	}
	if err := o.Check(); err != nil {
		return o, encoding, usagef("--delimiter: %v", err)
	}
	return o, encoding, nil
}

// checkColumns says which of the names that matter --columns has more than once.
func (c *csvConfig) checkColumns(matters func(string) bool) error {
	seen := map[string]bool{}
	for name := range strings.SplitSeq(c.columns, ",") {
		if seen[name] && matters(name) {
			return usagef("--columns names %q twice: give each column a name of its own", name)
		}
		seen[name] = true
	}
	return nil
}

func defineLoad(flags *flag.FlagSet) runner {
	c := &loadConfig{}
	flags.StringVar(&c.streams, "streams", "", "stream `file or folder` of them; empty: the orders example")
	flags.StringVar(&c.stream, "stream", "", "`NAME` of the stream whose rules judge the records; needed where there are several")
	flags.StringVar(&c.to, "to", "", "`database`: postgres://USER@HOST/DATABASE or sqlite:FILE; or a stream's topic: kafka://HOST:PORT[,…]")
	flags.StringVar(&c.mode, "mode", "append", "append, upsert or replace")
	flags.StringVar(&c.job, "job", "", "`NAME` that makes this another job than an earlier one of the same files, rules and table")
	flags.StringVar(&c.rejects, "rejects", ".", "`folder` for the rejects: FILE.rejects.csv, to be loaded again, and FILE.rejects.jsonl with the reasons")
	flags.IntVar(&c.connections, "connections", 2, "transactions at once in the database")
	flags.IntVar(&c.workers, "workers", 0, "chunks in work at once; 0 is one more than connections, 2 for SQLite, without a database one for each processor")
	flags.BoolVar(&c.dryRun, "dry-run", false, "judge all records and load none")
	flags.BoolVar(&c.retryRejects, "retry-rejects", false, "load the rejects of FILE..., mended by hand or by new rules, instead of FILE...")
	flags.BoolVar(&c.sniff, "sniff", false, "print a stream file for FILE, made from a sample of it, and load nothing")
	flags.BoolVar(&c.json, "json", false, "progress as JSON lines on stderr, the summary as JSON on stdout")
	flags.Int64Var(&c.errorsMax, "max-errors", -1, "stop when there are more rejects than so many; -1 is no limit")
	flags.Float64Var(&c.errorRateMax, "max-error-rate", 0.5, "stop when more than this share of the records is rejected, judged from the 1000th on; 1 is no limit")
	flags.DurationVar(&c.patience, "patience", time.Minute, "how long a database that is away is waited for")
	c.csv.define(flags)
	c.kafka.defineAccess(flags)
	c.log.define(flags)
	return c.run
}

func (c *loadConfig) run(ctx context.Context, sh shell, args []string) error {
	log, err := c.log.logger(sh.stderr)
	if err != nil {
		return err
	}
	files, err := expand(args)
	if err != nil {
		return err
	}
	files, _ = each(files) // as if the command were run again: the ledger knows the file
	if c.sniff {
		return c.printStreamFile(sh.stdout, files)
	}
	mode, err := c.check()
	if err != nil {
		return err
	}
	s, lookups, err := c.openRules(ctx, log)
	switch {
	case err != nil && ctx.Err() != nil:
		return errStopped
	case err != nil:
		return err
	}
	l := &loading{config: c, mode: mode, stream: s, lookups: lookups, log: log, files: files}
	err = l.run(ctx, sh)
	return errors.Join(err, lookups.Close())
}

// openRules reads the stream's rules and opens its look-ups.
func (c *loadConfig) openRules(ctx context.Context, log *slog.Logger) (*stream.Stream, *enrich.Enricher, error) {
	if c.streams == "" {
		dir, err := os.MkdirTemp("", "penstock-streams-")
		if err != nil {
			return nil, nil, err
		}
		// It is needed no longer than this, so that a load that is killed leaves
		// nothing behind. That the look-ups miss their file later is no news.
		defer os.RemoveAll(dir)
		c.streams, log = filepath.Join(dir, "example"), slog.New(slog.DiscardHandler)
		if err := writeExample(c.streams); err != nil {
			return nil, nil, err
		}
	}
	s, err := c.chooseStream()
	if err != nil {
		return nil, nil, err
	}
	lookups, err := enrich.New(ctx, s, enrich.Options{Log: log})
	if err != nil {
		return nil, nil, err
	}
	return s, lookups, nil
}

// printStreamFile prints a first stream file for a file that has none yet.
func (c *loadConfig) printStreamFile(out io.Writer, files []string) error {
	if len(files) != 1 {
		return usagef("--sniff looks at one file, not at %d", len(files))
	}
	o, encoding, err := c.csv.options()
	if err != nil {
		return err
	}
	if o.Comma == ',' {
		o.Comma = 0 // nobody has said so
	}
	s, err := csvfile.Sniff(files[0], encoding, o)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, s.StreamFile(files[0]))
	if flags := sniffedFlags(s); err == nil && flags != "" {
		_, err = fmt.Fprintf(out, "\n# load it with: penstock load %s%s --streams THIS-FILE --to …\n", files[0], flags)
	}
	return err
}

// sniffedFlags are those that reading the file takes.
func sniffedFlags(s *csvfile.Sample) (flags string) {
	switch s.Comma {
	case ',':
	case '\t':
		flags += " --delimiter tab"
	default:
		flags += fmt.Sprintf(" --delimiter '%c'", s.Comma)
	}
	if s.Headless {
		flags += " --columns " + strings.Join(s.Columns, ",")
	}
	return flags
}

// check finds flags that cannot be.
func (c *loadConfig) check() (penstock.TableMode, error) {
	mode, ok := penstock.ParseTableMode(c.mode)
	switch {
	case !ok:
		return mode, usagef("--mode %q: say append, upsert or replace", c.mode)
	case c.to == "" && !c.dryRun:
		return mode, usagef("where to? give --to postgres://USER@HOST/DATABASE, sqlite:FILE or kafka://HOST:PORT, or --dry-run to judge the records alone")
	case c.connections < 1 || c.workers < 0 || c.workers > workersMax:
		return mode, usagef("--connections must be at least 1, --workers 0 to %d", workersMax)
	case c.errorsMax < -1:
		return mode, usagef("--max-errors %d: a number of rejects is at least 0, and -1 is no limit", c.errorsMax)
	case c.errorRateMax < 0 || c.errorRateMax > 1:
		return mode, usagef("--max-error-rate %v: a share is between 0 and 1", c.errorRateMax)
	}
	if _, _, err := c.csv.options(); err != nil {
		return mode, err
	}
	ignored := append(strings.Split(c.csv.ignore, ","), "-")
	return mode, c.csv.checkColumns(func(name string) bool { return !slices.Contains(ignored, name) })
}

func (c *loadConfig) chooseStream() (*stream.Stream, error) {
	rules, err := stream.Load(c.streams)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range rules {
		if s.Name == c.stream || c.stream == "" && len(rules) == 1 {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if c.stream == "" {
		return nil, usagef("which stream? give --stream, one of %s", strings.Join(names, ", "))
	}
	return nil, usagef("there is no stream %q; there are %s", c.stream, strings.Join(names, ", "))
}

// expand returns the files that args name: globs, - and plain names. The ledger
// knows a file by its name, so ./a.csv becomes a.csv.
func expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		names := []string{arg}
		if _, err := os.Stat(arg); arg != "-" && err != nil && strings.ContainsAny(arg, "*?[") {
			if names, err = filepath.Glob(arg); err != nil {
				return nil, usagef("%s: %v", arg, err)
			}
			if len(names) == 0 {
				return nil, usagef("no file is named like %s", arg)
			}
		}
		for _, name := range names {
			files = append(files, filepath.Clean(name))
		}
	}
	if len(files) == 0 {
		return nil, usagef("which files? name them, or - for standard input")
	}
	return files, nil
}

// each returns every file once, in their order, and one that was there twice.
func each(files []string) (once []string, twice string) {
	seen := map[string]bool{}
	for _, name := range files {
		if seen[name] {
			twice = name
			continue
		}
		seen[name] = true
		once = append(once, name)
	}
	return once, twice
}

// workersMax bounds the memory that chunks in work take.
const workersMax = 1000

// workersFor is how many chunks are in work at once.
func (c *loadConfig) workersFor() int {
	switch {
	case c.workers > 0:
		return c.workers
	case c.dryRun:
		return runtime.NumCPU()
	case strings.HasPrefix(c.to, "sqlite:"):
		return 2 // one chunk is judged while the other is written
	}
	return c.connections + 1
}

// sqliteChunkBytes is how much text is a chunk for SQLite, unless --chunk-bytes
// says otherwise: its cache and its pages take memory in this process, which is
// to stay below 200 MB.
const sqliteChunkBytes = 1 << 20

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

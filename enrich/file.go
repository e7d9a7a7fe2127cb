package enrich

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

const (
	checkEvery   = time.Second
	fileBytesMax = 1 << 30
)

// A file is a look-up's CSV or JSON file, held in memory. A changed file is read
// once it has been quiet for a second, so that one that is still being written
// is not taken for whole; put the new one in place by rename to be sure.
type file struct {
	declared stream.Lookup
	fields   []stream.Field
	log      *slog.Logger
	counts   *counts
	current  atomic.Pointer[table]

	// What follows belongs to New, then to the watching goroutine.
	inUse  os.FileInfo // the version that current was read from; nil to read it again
	bad    os.FileInfo // a version that could not be read
	moving os.FileInfo // a version seen at the last check, different from inUse
	failed string      // the last error logged, not to log it every second
}

func openFile(declared stream.Lookup, fields []stream.Field, log *slog.Logger, c *counts) (*file, error) {
	f := &file{declared: declared, fields: fields, log: log.With("file", declared.File), counts: c}
	t, info, err := f.read()
	if err != nil {
		return nil, err
	}
	f.current.Store(t)
	// A file that changed just now may change again within the granularity of
	// its time stamp: read it once more when it is quiet.
	if time.Since(info.ModTime()) > 2*checkEvery {
		f.inUse = info
	}
	return f, nil
}

// answer finds v's row in memory: no allocation, no lock.
func (f *file) answer(_ context.Context, v penstock.Value, values []penstock.Value, c *counts) (bool, error) {
	c.hits.Add(1)
	var buf [64]byte
	t := f.current.Load()
	row := t.find(v.AppendText(buf[:0]))
	if row < 0 {
		return false, nil
	}
	for column, a := range f.declared.Add {
		values[a.Slot] = t.value(row, column)
	}
	return true, nil
}

func (f *file) entries() int { return f.current.Load().rows() }

// check reads the file again if it has changed. The old data stay in use
// until the new are whole and good.
func (f *file) check() {
	info, err := os.Stat(f.declared.File)
	switch {
	case err != nil:
		f.stale(err)
		return
	case sameVersion(info, f.inUse):
		f.moving, f.failed = nil, ""
		f.counts.stale.Store(false)
		return
	case sameVersion(info, f.bad):
		return
	case !sameVersion(info, f.moving):
		f.moving = info
		return
	}
	t, info, err := f.read()
	if err != nil {
		f.bad = info
		f.counts.broken.Add(1)
		f.stale(err)
		return
	}
	f.current.Store(t)
	f.inUse, f.bad, f.moving, f.failed = info, nil, nil, ""
	f.counts.reloads.Add(1)
	f.counts.stale.Store(false)
	f.log.Info("look-up file read again", "rows", t.rows())
}

// stale notes that the file is not what is in use.
func (f *file) stale(err error) {
	f.counts.stale.Store(true)
	if text := err.Error(); text != f.failed {
		f.failed = text
		f.log.Error("look-up file cannot be read, the old data stay in use; mend the file", "err", err)
	}
}

// sameVersion reports whether the file is unchanged, as far as can be seen.
func sameVersion(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read reads the whole file, and says which version it has read.
func (f *file) read() (*table, os.FileInfo, error) {
	in, err := os.Open(f.declared.File)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	before, err := in.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, before, fmt.Errorf("%s: not a regular file", f.declared.File)
	}
	if before.Size() > fileBytesMax {
		return nil, before, fmt.Errorf("%s: has %d bytes, the limit is %d; use an sql look-up", f.declared.File, before.Size(), fileBytesMax)
	}
	t, err := f.parse(bufio.NewReaderSize(io.LimitReader(in, before.Size()), 1<<16))
	if err != nil {
		return nil, before, fmt.Errorf("%s: %w", f.declared.File, err)
	}
	after, err := in.Stat()
	if err == nil && !sameVersion(before, after) {
		err = fmt.Errorf("%s: was changed while it was read", f.declared.File)
	}
	return t, before, err
}

// parse reads CSV, or, from a file whose name ends in .json, .ndjson or .jsonl,
// JSON objects: one behind the other or in one array.
func (f *file) parse(in *bufio.Reader) (*table, error) {
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		in.Discard(3)
	}
	switch strings.ToLower(filepath.Ext(f.declared.File)) {
	case ".json", ".ndjson", ".jsonl":
		return f.parseJSON(in)
	}
	return f.parseCSV(in)
}

func (f *file) parseCSV(in io.Reader) (*table, error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("its first line must name the columns: %w", err)
	}
	columns, err := f.columns(header)
	if err != nil {
		return nil, err
	}
	b := newTableBuilder(f.fields, fromCSV)
	cells, key := make([][]byte, len(f.fields)), []byte(nil)
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return b.table, nil
		}
		if err != nil {
			return nil, err
		}
		key = append(key[:0], record[columns[0]]...)
		for i, c := range columns[1:] {
			cells[i] = append(cells[i][:0], record[c]...)
			if cells[i] == nil {
				cells[i] = []byte{}
			}
		}
		if err := b.add(key, cells); err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// names are the file's columns in use: the key's, then those of the added fields.
func (f *file) names() []string {
	names := []string{f.declared.Column}
	for _, a := range f.declared.Add {
		names = append(names, a.From)
	}
	return names
}

// columns are the places of names in the header.
func (f *file) columns(header []string) ([]int, error) {
	var columns []int
	for _, name := range f.names() {
		c := slices.Index(header, name)
		if c < 0 {
			return nil, fmt.Errorf("has no column %q; its columns are %s", name, strings.Join(header, ", "))
		}
		if slices.Contains(header[c+1:], name) {
			return nil, fmt.Errorf("has two columns %q; rename one", name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func (f *file) parseJSON(in *bufio.Reader) (*table, error) {
	dec := jsontext.NewDecoder(in)
	if dec.PeekKind() == '[' {
		dec.ReadToken()
	}
	b := newTableBuilder(f.fields, fromJSON)
	names := f.names()
	members := make([][]byte, len(names))
	for n := 1; ; n++ {
		switch dec.PeekKind() {
		case '{':
			if err := readObject(dec, names, members); err != nil {
				return nil, fmt.Errorf("object %d: %w", n, err)
			}
			key, err := keyText(members[0])
			if err == nil {
				err = b.add(key, members[1:])
			}
			if err != nil {
				return nil, fmt.Errorf("object %d: %w", n, err)
			}
		case ']':
			if _, err := dec.ReadToken(); err != nil { // one that closes nothing
				return nil, err
			}
		default:
			_, err := dec.ReadToken()
			if errors.Is(err, io.EOF) {
				return b.table, nil
			}
			if err == nil {
				err = fmt.Errorf("value %d is not an object; write an array of objects, or one object a line", n)
			}
			return nil, err
		}
	}
}

// keyText is a key member as a value's text: a string's content, what a number
// is worth.
func keyText(member []byte) ([]byte, error) {
	switch jsontext.Value(member).Kind() {
	case '"':
		return jsontext.AppendUnquote(nil, member)
	case '0':
		v, ok := stream.Field{Type: stream.Number}.Read(member)
		if !ok {
			return nil, fmt.Errorf("no event can have the number %.64s to match", member)
		}
		return stream.AppendPlain(nil, &v), nil
	case 't', 'f':
		return member, nil
	}
	return nil, errors.New("has no text or number to match")
}

// readObject reads one JSON object and puts the members of the given names
// into values, nil where there is none. The decoder refuses duplicate names and
// invalid UTF-8.
func readObject(dec *jsontext.Decoder, names []string, values [][]byte) error {
	clear(values)
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		text := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		for i := range names {
			if names[i] == text {
				values[i] = bytes.Clone(value)
			}
		}
	}
	_, err := dec.ReadToken()
	return err
}

package csvfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
)

// A RejectLine is what the file beside the rejects says of one of them, a JSON
// object a line.
type RejectLine struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Record uint64 `json:"record"`
	Offset int64  `json:"offset"` // of the record's first byte in the text
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"` // of the cell at fault, at most 200 bytes
	Code   string `json:"code"`
	Reason string `json:"reason"`

	Raw []byte `json:"raw,omitempty"` // in a part: the record as it stood
}

const valueBytesMax = 200

// Rejects keeps what is refused. Each chunk's rejects are a part file of their
// own, durable before the chunk is committed, and only the parts of chunks that
// the ledger has are put together in the end: so a load that is killed neither
// loses a reject nor has one twice.
type Rejects struct {
	Dir    string // of the parts, made when first needed
	Loader string // what the ledger calls this loader, which tells its parts from another's
	Target string // tells where to it loads from other places
}

// DirPrefix begins the names of the folders that Dir is, in the folder that the
// rejects go to.
const DirPrefix = ".penstock-load-"

// Part returns the sink of the dead letters of one chunk.
func (r Rejects) Part(w *Work) *RejectPart { return &RejectPart{rejects: r, work: w} }

// A RejectPart holds the rejects of one chunk. Close it.
type RejectPart struct {
	rejects Rejects
	work    *Work
	file    *os.File
	buf     bytes.Buffer
}

// part names the part of a chunk that a loader has kept.
func (r Rejects) part(c penstock.Chunk, loader string) string {
	again := ""
	if strings.HasSuffix(c.Job, AgainSuffix) {
		again = "again-"
	}
	return filepath.Join(r.Dir, fmt.Sprintf("%s-%s%d-%s.jsonl", filepath.Base(c.Source), again, c.Start, loader))
}

// AgainSuffix ends the name of the job that loads the rows of doubled keys.
const AgainSuffix = "#again"

// Write appends letters and makes them durable.
func (p *RejectPart) Write(_ context.Context, b *penstock.Batch) error {
	pending := b.Pending().Events
	if len(pending) == 0 {
		return nil
	}
	if err := p.open(); err != nil {
		return fmt.Errorf("keep rejects: %w", err)
	}
	p.buf.Reset()
	for _, e := range pending {
		line, err := json.Marshal(p.line(e))
		if err != nil {
			return fmt.Errorf("keep rejects: %w", err)
		}
		p.buf.Write(line)
		p.buf.WriteByte('\n')
	}
	if _, err := p.file.Write(p.buf.Bytes()); err != nil {
		return fmt.Errorf("keep rejects: %w", err)
	}
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("keep rejects: %w", err)
	}
	for _, e := range pending {
		e.Deliver(penstock.Place{})
	}
	return nil
}

func (p *RejectPart) open() error {
	if p.file != nil {
		return nil
	}
	if err := os.MkdirAll(p.rejects.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(p.rejects.part(p.work.Chunk, p.rejects.Loader), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.file = f
	return syncDir(p.rejects.Dir)
}

// line says of a letter where it stood and why it is one.
func (p *RejectPart) line(e *penstock.Event) RejectLine {
	var why penstock.Reject
	for _, h := range e.Headers {
		switch h.Name {
		case penstock.HeaderCode:
			why.Code = string(h.Value)
		case penstock.HeaderDetail:
			why.Detail = string(h.Value)
		case penstock.HeaderPointer:
			why.Pointer = string(h.Value)
		}
	}
	l := p.work.Reject(e, &why)
	l.Raw = e.Body
	return l
}

// Reject says where an event of the chunk stands and why it is refused. It is
// for one goroutine at a time.
func (w *Work) Reject(e *penstock.Event, why *penstock.Reject) RejectLine {
	row := w.Rows.Row(int(e.Origin.Position - w.Rows.First))
	at := row.Position()
	l := RejectLine{File: w.Chunk.Source, Line: at.Line, Record: at.Record, Offset: at.Offset, Code: why.Code, Reason: why.Detail}
	name, _, _ := strings.Cut(strings.TrimPrefix(why.Pointer, "/"), "/")
	l.Column = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	if j := slices.Index(w.Header, l.Column); j >= 0 && j < row.Cells() {
		cell := row.Cell(j)
		l.Value = strings.ToValidUTF8(string(cell[:min(len(cell), valueBytesMax)]), "�")
	}
	return l
}

// Close closes the part's file, if there is one.
func (p *RejectPart) Close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// A Merged says what Merge has put together.
type Merged struct {
	Rejects int64 // written
	Missing int64 // in the ledger, and with another loader's parts
	Retried int64 // left out by Publish, since they were loaded or refused again
	Kept    bool  // by Publish: the file was left as it was found
}

// Merge writes the rejects of a file, whose columns and comma are given, to
// out.csv, in the file's own order and bytes below a header, and what is wrong
// with each to out.jsonl. Where there is none, neither file is. chunks are
// those of the file that the ledger has.
func (r Rejects) Merge(out string, header []string, comma byte, chunks []penstock.Chunk) (m Merged, err error) {
	csv, jsonl := out+".csv", out+".jsonl"
	records, err := create(csv)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, records.close(err, m)) }()
	reasons, err := create(jsonl)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, reasons.close(err, m)) }()
	return r.mergeTo(records.Writer, reasons.Writer, header, comma, chunks)
}

// mergeTo writes the rejects of the chunks and their reasons.
func (r Rejects) mergeTo(records, reasons *bufio.Writer, header []string, comma byte, chunks []penstock.Chunk) (m Merged, err error) {
	records.Write(appendRecord(nil, header, comma))
	for _, c := range chunks {
		if c.Rejects == 0 {
			continue
		}
		lines, err := r.find(c)
		if err != nil {
			return m, err
		}
		if lines == nil {
			m.Missing += c.Rejects
			continue
		}
		slices.SortFunc(lines, func(a, b RejectLine) int { return int(int64(a.Record) - int64(b.Record)) })
		for _, l := range lines {
			records.Write(l.Raw)
			records.WriteByte('\n')
			l.Raw = nil
			text, err := json.Marshal(l)
			if err != nil {
				return m, err
			}
			reasons.Write(text)
			reasons.WriteByte('\n')
			m.Rejects++
		}
	}
	return m, nil
}

// OwnerOf is the file whose rejects stand in out.csv and out.jsonl; "" when there
// are none.
func OwnerOf(out string) (string, error) {
	f, err := os.Open(out + ".jsonl")
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	var first RejectLine
	if err := json.NewDecoder(f).Decode(&first); err != nil {
		return "", fmt.Errorf("%s.jsonl holds no rejects that penstock load has written: move it away: %w", out, err)
	}
	return first.File, nil
}

// find reads the part of the loader that the ledger has the chunk from; nil if
// it is not here. Another loader, whose transaction came too late, may have kept
// a part of the same chunk: that one is of no account.
func (r Rejects) find(c penstock.Chunk) ([]RejectLine, error) {
	lines, err := readPart(r.part(c, c.Loader))
	if errors.Is(err, os.ErrNotExist) || err == nil && int64(len(lines)) != c.Rejects {
		return nil, nil
	}
	return lines, err
}

// readPart reads a part's whole lines: the last one may have been cut short
// when the loader was killed, and then its chunk was not committed.
func readPart(name string) (lines []RejectLine, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var l RejectLine
		if !bytes.HasSuffix(line, lineFeed) || json.Unmarshal(line, &l) != nil {
			return lines, nil
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// appendRecord appends cells as one record.
func appendRecord(dst []byte, cells []string, comma byte) []byte {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, comma)
		}
		if cell == "" && len(cells) == 1 || strings.ContainsAny(cell, "\"\r\n") || strings.IndexByte(cell, comma) >= 0 {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		dst = append(dst, cell...)
	}
	return append(dst, '\n')
}

// A replacement is a file that takes the place of another when it is whole.
type replacement struct {
	*bufio.Writer
	file *os.File
	name string
}

func create(name string) (*replacement, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	// Each has its own: two loaders of one job may come to the end at once.
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return nil, fmt.Errorf("write rejects: %w", err)
	}
	return &replacement{bufio.NewWriterSize(f, 64<<10), f, name}, nil
}

// close puts the file in its place, or removes what is there when nothing is
// to be kept. After a failure all stays as it was, and also when what there is
// to keep is elsewhere.
func (r *replacement) close(failed error, m Merged) error {
	err := errors.Join(r.Flush(), r.file.Sync(), r.file.Close())
	switch {
	case err != nil || failed != nil || m.Rejects == 0 && m.Missing > 0:
		err = errors.Join(err, os.Remove(r.file.Name()))
	case m.Rejects > 0:
		err = os.Rename(r.file.Name(), r.name)
	default:
		err = os.Remove(r.file.Name())
		if gone := os.Remove(r.name); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("write rejects to %s: %w", r.name, err)
	}
	return syncDir(filepath.Dir(r.name))
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

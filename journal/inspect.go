package journal

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
)

// Verify reads a whole journal, changing nothing, and reports what it found.
// While a process has the journal open, what looks torn may only be unfinished.
func Verify(dir string) (Recovery, error) {
	r := &recovery{fs: OS(), dir: dir}
	if err := r.read(); err != nil {
		return r.report, err
	}
	if !r.known {
		return r.report, fmt.Errorf("verify journal %s: there is no journal in it; name the directory that holds the checkpoint and the segments", dir)
	}
	r.report.InUse = inUse(r.fs, dir)
	return r.report, nil
}

func inUse(fs FS, dir string) bool {
	f, err := fs.Open(filepath.Join(dir, lockName), 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(f.Lock(), ErrLocked)
}

// Repair brings a journal that no process has open into the state that Open
// leaves: damage set aside, the last commit written again, half-made files
// removed. Beyond Open it writes a damaged checkpoint and damaged segment
// headers anew, and where no identity can be read it takes the given one, 32
// hex digits; otherwise id may be empty. What it reports as lost stays lost.
func Repair(dir, id string) (Recovery, error) {
	r := &recovery{fs: OS(), dir: dir}
	if id != "" {
		if n, err := hex.Decode(r.given[:], []byte(id)); len(id) != 32 || n != 16 || err != nil {
			return r.report, fmt.Errorf("repair journal %s: the identity %q is not 32 hex digits", dir, id)
		}
	}
	if err := r.restore(); err != nil {
		return r.report, err
	}
	j, err := Open(dir, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return r.report, err
	}
	report := j.Recovery()
	report.Checkpoint = r.report.Checkpoint
	return report, j.Close()
}

// restore mends, under the lock, what Open leaves as it is.
func (r *recovery) restore() error {
	j := &Journal{dir: r.dir, fs: r.fs}
	if _, err := r.fs.List(r.dir); err != nil {
		return fmt.Errorf("repair journal: %w", err)
	}
	if err := j.takeLock(); err != nil {
		return err
	}
	defer j.lock.Close()
	if err := r.read(); err != nil {
		return err
	}
	if !r.known {
		return fmt.Errorf("repair journal %s: there is no journal in it", r.dir)
	}
	for _, s := range r.segments {
		if len(s.damage) == 0 || s.damage[0].Offset > 0 || s.damage[0].Bytes != segmentHeader {
			continue
		}
		if err := r.writeHeader(s); err != nil {
			return fmt.Errorf("repair journal %s: header of %s: %w", r.dir, s.name, err)
		}
	}
	if r.report.Checkpoint == "" {
		return nil
	}
	return checkpoint{id: r.id, drained: r.seen.drained}.save(r.fs, r.dir)
}

func (r *recovery) writeHeader(s *found) error {
	f, err := r.fs.Open(filepath.Join(r.dir, s.name), os.O_RDWR)
	if err != nil {
		return err
	}
	var b [segmentHeader]byte
	encodeSegmentHeader(b[:], r.id, s.first, s.number, time.Now())
	_, err = f.WriteAt(b[:], 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// exported is one event as Export writes it.
type exported struct {
	Seq     uint64            `json:"seq"`
	ID      string            `json:"id,omitempty"`
	Key     string            `json:"key,omitempty"`
	Time    time.Time         `json:"time"`
	Letter  bool              `json:"letter,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Bytes   []byte            `json:"body_base64,omitempty"` // where the body is no JSON
}

// Export writes the events of a journal that can be read, numbered within the
// range, as one JSON object a line. The zero Range is all of them; Last 0 is
// without end. It changes nothing and returns how many it wrote.
func Export(dir string, to io.Writer, within Range) (n int, err error) {
	if within.Last == 0 {
		within.Last = noLimit
	}
	w := bufio.NewWriter(to)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	r := &recovery{fs: OS(), dir: dir}
	names := map[string]string{}
	var e penstock.Event
	r.event = func(f frame) {
		if err != nil || f.seq < within.First || f.seq > within.Last {
			return
		}
		f.event(&e, "", nil, names)
		if err = enc.Encode(export(&e)); err == nil {
			n++
		}
	}
	if failed := r.read(); failed != nil {
		return n, failed
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		return n, fmt.Errorf("export journal %s: %w", dir, err)
	}
	return n, nil
}

func export(e *penstock.Event) exported {
	x := exported{Seq: e.Origin.Position, ID: text(e.ID), Key: text(e.Key), Time: e.Time, Letter: e.Letter}
	for _, h := range e.Headers {
		if x.Headers == nil {
			x.Headers = map[string]string{}
		}
		x.Headers[h.Name] = text(h.Value)
	}
	if json.Valid(e.Body) {
		x.Body = json.RawMessage(e.Body)
	} else {
		x.Bytes = e.Body
	}
	return x
}

// text keeps bytes that are no UTF-8 apart from those that are.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return "hex:" + hex.EncodeToString(b)
}
